"""Files and folders that an operator names, and that cannot be used."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from local_aws.cli import main as local_aws
from stchat.ops import files
from stchat.ops.cli.main import main

WORDS = {
    "stchat": lambda *words: main(words),
    "local-aws": lambda *words: local_aws(words),
}
USED = "must be a file that can be used, got"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a file and a folder, as the one where the command runs."""
    for name in ("STCHAT_SECRET_ARN", "STCHAT_APP_SECRET_ARN"):
        monkeypatch.setenv(name, "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x-AbCdEf")
    monkeypatch.setenv("STCHAT_CLUSTER_ARN", "arn:aws:rds:ap-northeast-1:123456789012:cluster:c")
    monkeypatch.setenv("STCHAT_DATABASE", "chat")
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("{")
    Path("templates").mkdir()
    Path("templates/x.template.json").write_text("{")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "stchat chat import absent.jsonl",
            f"absent.jsonl {USED} no such file: check the path, a relative one begins at {{here}}",
        ),
        ("stchat chat import --check templates", f"templates {USED} a folder: name a file in it"),
        ("stchat chat import file/x", f"file/x {USED} a file in the place of a folder above it: check the path"),
        ("stchat user export u absent/x", "absent must be a folder, to write x into, got none: make it first"),
        ("stchat user export u templates", "templates exists already: choose another file, or remove it"),
        ("stchat cost --prices templates", f"cannot read prices: templates {USED} a folder: name a file in it"),
        (
            "stchat embeddings move --to cohere.embed-v4:0 --prices file/x",
            f"cannot read prices: file/x {USED} a file in the place of a folder above it: check the path",
        ),
        (
            "stchat cost --templates templates",
            "templates/x.template.json must be JSON in UTF-8, got JSONDecodeError (Expecting property name enclosed in"
            " double quotes: line 1 column 2 (char 1)): run `cdk synth` again",
        ),
        ("stchat schema --sql file check", "file: no such folder: name the folder of the migrations with --sql"),
        (
            "stchat schema --sql templates new a/b add_theme",
            "a folder and a migration must be named in a-z, 0-9 and _, got 'a/b': such as add_theme",
        ),
        (
            "local-aws --directory file status",
            f"{{here}}/file/cloud.json {USED} a file in the place of a folder above it: check the path",
        ),
    ],
)
def test_what_cannot_be_used(words: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program, *rest = words.split()
    assert WORDS[program](*rest) == 1
    assert capsys.readouterr().err == f"error: {message.format(here=folder)}\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            f"x {USED} one that this user may not use: check the permissions, also of the folders above it: ls -ld",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x"), f"x {USED} File name too long"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("timed out"), "timed out"),
    ],
)
def test_what_else_goes_wrong(error: OSError, message: str) -> None:
    assert files.describe(error) == message
