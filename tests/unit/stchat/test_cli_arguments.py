"""Words of the command line that are no argument: refused before anything is read or sent."""

from __future__ import annotations

import shlex

import pytest

from local_aws.cli import main as local_aws
from stchat.ops.cli.main import main

BIGINT = "must be an integer from 0 to 9223372036854775807"
HALF_LIFE = "must be a number of seconds over 0, at most 1e12"

DEEP = '{"a":' * 5000
JSON = 'must be a JSON object, such as \'{"lang": "ja"}\''
ONCE = "must have each key of an object once"


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--metadata", '{"a": 1, "a": 2}', f"{ONCE}, got 'a' twice: remove one of them"),
        ("--filter", '{"$and": [{"b": {"$gt": 1, "$gt": 2}}]}', f"{ONCE}, got '$gt' twice: remove one of them"),
        ("--metadata", "ja", JSON),
        ("--filter", DEEP, JSON),
    ],
)
def test_json(option: str, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["chat", "recall", "u", "q", option, text])
    assert capsys.readouterr().err.endswith(f"error: argument {option}: {message}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("chat recall u q -k 0", "-k/--k: must be an integer from 1 to 100, got '0'"),
        ("chat recall u q --k -1", "-k/--k: must be an integer from 1 to 100, got '-1'"),
        ("chat recall u q -k 101", "-k/--k: must be an integer from 1 to 100, got '101'"),
        ("chat recall u q -k 1.5", "-k/--k: must be an integer from 1 to 100, got '1.5'"),
        (f"chat recall u q -k {'9' * 5000}", f"-k/--k: must be an integer from 1 to 100, got '{'9' * 40}...'"),
        ("chat recall u q --recency 1.1", "--recency: must be a number from 0 to 1, got '1.1'"),
        ("chat recall u q --recency nan", "--recency: must be a number from 0 to 1, got 'nan'"),
        ("chat recall u q --half-life 0", f"--half-life: {HALF_LIFE}, got '0'"),
        ("chat recall u q --half-life 1e13", f"--half-life: {HALF_LIFE}, got '1e13'"),
        ("chat recall u q --half-life day", f"--half-life: {HALF_LIFE}, got 'day'"),
        ("chat list u --limit -1", "--limit: must be an integer from 1 to 1000, got '-1'"),
        ("chat history u --limit 1001", "--limit: must be an integer from 1 to 1000, got '1001'"),
        ("chat history u --before -1", f"--before: {BIGINT}, got '-1'"),
        ("chat add u t -1 --userinput x", f"CHATID: {BIGINT}, got '-1'"),
        ("chat forget u --chatid 9223372036854775808", f"--chatid: {BIGINT}, got '9223372036854775808'"),
        ("chat import f --from-line 0", "--from-line: must be an integer of 1 or more, got '0'"),
        ("cost --people -1", "--people: must be an integer of 0 or more, got '-1'"),
        ("cost --acu inf", "--acu: must be a number of 0 or more, got 'inf'"),
        ("schema baseline postgres 0", "VERSION: must be an integer from 1 to 9999, got '0'"),
        ("smoke --timeout nan", "--timeout: must be a number of seconds from 0 to 86400, got 'nan'"),
    ],
    ids=lambda value: value[:60],
)
def test_numbers(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(words))
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].partition(": error: ")[2] == f"argument {message}"


def test_seconds_of_the_local_aws(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        local_aws(["up", "--resume-seconds", "-1"])
    message = "argument --resume-seconds: must be a number of seconds from 0 to 86400, got '-1'\n"
    assert capsys.readouterr().err.endswith(message)
