"""A failed deploy ends with its reason.

CAPTURED is what the CDK CLI 2.1148.1 printed of a migration that failed on the local AWS, lines from its middle left
out; ON_AWS is written by hand, with what CloudFormation and a terminal add: another beginning, request ids, colours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stchat.ops.deploy_failure import reason, run

CAPTURED = (Path(__file__).parent / "failed_deploy.txt").read_text()
ON_AWS = """\
st-chat-dev-schema: deploying... [3/4]
st-chat-dev-schema | 2/9 | 11:02:01 AM | \x1b[31mUPDATE_FAILED       \x1b[0m | Custom::DataApiSchema | Schema/Schema/Schema/Default (SchemaA4448CF9) Received response status [FAILED] from custom resource. Message returned: Error: sql/st_chat_db/0014_theme.sql:3: relation "topics" does not exist (SQLSTATE 42P01)

Logs: /aws/lambda/st-chat-dev-schema-SchemaRunnerFunction

    at invokeUserFunction (/var/task/framework.js:2:6)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5) (RequestId: 0f0a4a4e-1111-2222-3333-444444444444)
st-chat-dev-schema | 3/9 | 11:02:03 AM | UPDATE_FAILED        | AWS::Lambda::Function | Schema/Other (Other12) Resource creation cancelled
st-chat-dev-schema | 4/9 | 11:02:09 AM | UPDATE_ROLLBACK_COMP | AWS::CloudFormation::Stack | st-chat-dev-schema
❌  st-chat-dev-schema failed: ToolkitError: The stack named st-chat-dev-schema failed to deploy: UPDATE_ROLLBACK_COMPLETE
"""  # noqa: E501


@pytest.mark.parametrize(
    ("output", "file", "message"),
    [
        (CAPTURED, "sql/st_chat_db/0013_note.sql", ':3: relation "nowhere" does not exist (SQLSTATE 42P01)'),
        (
            ON_AWS + '{"a": 1}\n' * 200,
            "sql/st_chat_db/0014_theme.sql",
            ':3: relation "topics" does not exist (SQLSTATE 42P01)',
        ),
    ],
)
def test_a_failed_migration_ends_with_file_line_message_and_next_command(output: str, file: str, message: str) -> None:
    text = reason(output, "make deploy STAGE=dev")
    assert text == (
        "The deploy failed:\n"
        f"  {file}{message}\n"
        "  The stack was rolled back; statements that had succeeded stay applied.\n"
        f"  Next: correct {file} if it was never applied (`stchat schema status`), then: make deploy STAGE=dev\n"
    )


def test_in_japanese_the_next_command_is_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STCHAT_LANG", "ja")
    text = reason(CAPTURED, "make deploy STAGE=dev")
    assert text.splitlines()[-3:] == [
        "  Next: correct sql/st_chat_db/0013_note.sql if it was never applied (`stchat schema status`), then:"
        " make deploy STAGE=dev",
        "  スタックはロールバックされました。成功した文は適用されたままです。",
        "  次の手順: 一度も適用されていなければ(`stchat schema status`)、sql/st_chat_db/0013_note.sql を修正し、"
        "make deploy STAGE=dev を実行します。",
    ]
    assert reason("ERROR no such stage\n", "make diff").splitlines()[-2:] == [
        "  何もデプロイされていません。",
        "  次の手順: 原因を取り除き、make diff を実行します。",
    ]


def test_a_mistake_that_stops_synth_deploys_nothing() -> None:
    place = 'sql/st_chat_db/0014_theme.sql:2:8: syntax error at or near "TABEL"'
    text = reason(f"{place}\nSubprocess exited with error 1\n", "make diff STAGE=dev", "cdk diff of dev")
    assert text == (
        f"cdk diff of dev failed:\n  {place}\n  Nothing was deployed.\n"
        "  Next: correct sql/st_chat_db/0014_theme.sql, then: make diff STAGE=dev\n"
    )


def test_another_resources_reason_names_the_resource() -> None:
    line = (
        "st-chat-dev-database | 1/9 | 11:02:01 AM | CREATE_FAILED        | AWS::RDS::DBCluster |"
        ' Database/Database/Cluster (DatabaseCluster5B53A178) Resource handler returned message: "quota exceeded"'
        " (RequestToken: 1-2, HandlerErrorCode: ServiceLimitExceeded)\n"
    )
    text = reason(line, "make deploy")
    assert text.startswith("The deploy failed:\n  AWS::RDS::DBCluster Database/Database/Cluster: ")
    assert "quota exceeded" in text
    assert "RequestToken" not in text
    assert text.endswith("  Next: remove the cause, then: make deploy\n")


def test_a_long_reason_fits_a_terminal() -> None:
    text = reason(ON_AWS.replace("does not exist", "x" * 5000), "make deploy")
    assert sum(1 + len(line) // 80 for line in text.splitlines()) <= 20


@pytest.mark.parametrize("status", [0, 3])
def test_the_output_passes_through_and_the_status_is_the_commands(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setattr("stchat.ops.deploy_failure.summarize.__defaults__", ({"GITHUB_STEP_SUMMARY": str(summary)},))
    (tmp_path / "printed").write_text(CAPTURED)
    code = f"import sys; sys.stdout.write(open('printed').read()); sys.exit({status})"
    parts: list[bytes] = []
    found = run([sys.executable, "-c", code, "stage=dev"], directory=tmp_path, write=parts.append)
    printed = b"".join(parts).decode()
    assert found == status
    assert printed.startswith(CAPTURED)
    terminal = [line[at : at + 80] for line in printed.splitlines() for at in range(0, len(line) or 1, 80)][-24:]
    assert ("  sql/st_chat_db/0013_note.sql:3: relation" in "\n".join(terminal)) == bool(status)
    assert printed.endswith("then: make deploy STAGE=dev\n") == bool(status)
    assert summary.exists() == bool(status)
