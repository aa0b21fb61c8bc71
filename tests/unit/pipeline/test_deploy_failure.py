"""A failed deploy ends with its reason.

CAPTURED is what the CDK CLI 2.1148.1 printed of a migration that failed on the local AWS, lines from its middle left
out; ON_AWS is written by hand, with what CloudFormation and a terminal add: another beginning, request ids, colours.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest

from local_aws import cdk_cli, credentials
from local_aws.errors import CdkError
from local_aws.state import LocalAws
from stchat.ops.deploy_failure import reason, run

CAPTURED = (Path(__file__).parent / "failed_deploy.txt").read_text()
# The end of what it printed of a cluster that could not be replaced, word for word.
REPLACED = """\
st-chat-dev-database | 8/8 | 2:51:36 PM | UPDATE_ROLLBACK_IN_PROG | AWS::CloudFormation::Stack                  | st-chat-dev-database The following resource(s) failed to update: [DatabaseCluster5B53A178].
st-chat-dev-database | 8/8 | 2:51:36 PM | UPDATE_FAILED           | AWS::RDS::DBCluster                         | Database/Database/Cluster (DatabaseCluster5B53A178) CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename dbclusterstchat and update the stack again.

Failed resources:
st-chat-dev-database | 2:51:36 PM | UPDATE_FAILED           | AWS::RDS::DBCluster                         | Database/Database/Cluster (DatabaseCluster5B53A178) CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename dbclusterstchat and update the stack again.
❌  st-chat-dev-database failed to deploy
‣ DeploymentError: Resource updates failed:
Database/Database/Cluster/Resource  (AWS::RDS::DBCluster DatabaseCluster5B53A178)
  CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename dbclusterstchat and update
  the stack again.
Source Location: ...aws-cdk-lib, jsii runtime, node internals...
                 (no user code in 10 frames, use --stack-trace-limit to capture more)
"""  # noqa: E501
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
        "  The stack was rolled back; the files before this one stay applied.\n"
        f"  Next: correct {file} if it was never applied (`stchat schema status`), then: make deploy STAGE=dev\n"
    )


def test_in_japanese_the_next_command_is_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STCHAT_LANG", "ja")
    text = reason(CAPTURED, "make deploy STAGE=dev")
    assert text.splitlines()[-3:] == [
        "  Next: correct sql/st_chat_db/0013_note.sql if it was never applied (`stchat schema status`), then:"
        " make deploy STAGE=dev",
        "  スタックはロールバックされました。このファイルより前のファイルは適用されたままです。",
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


@pytest.mark.parametrize("again", ["make deploy STAGE=dev", "local-aws deploy"])
def test_a_reason_that_the_cdk_cli_repeats_is_one_line(again: str) -> None:
    assert reason(REPLACED, again) == (
        "The deploy failed:\n"
        "  AWS::RDS::DBCluster Database/Database/Cluster: CloudFormation cannot update a stack when a custom-named"
        " resource requires replacing. Rename dbclusterstchat and update the stack again.\n"
        f"  Next: remove the cause, then: {again}\n"
    )


@pytest.mark.parametrize("reasons", [1, 3])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_long_reasons_fit_a_terminal_of_24_lines(language: str, reasons: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STCHAT_LANG", language)
    output = "".join(ON_AWS.replace("does not exist", f"{each} " + "x" * 5000) for each in range(reasons))
    text = reason(output, "make deploy")
    assert text.count("  sql/st_chat_db/0014_theme.sql:3: ") == min(reasons, 2)
    widths = [sum(2 if unicodedata.east_asian_width(c) in "FW" else 1 for c in line) for line in text.splitlines()]
    assert sum(-(-width // 80) for width in widths) <= 22  # a blank line above, make's own line below


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
    found, text = run([sys.executable, "-c", code, "stage=dev"], directory=tmp_path, write=parts.append)
    printed = b"".join(parts).decode()
    assert found == status
    assert bool(text) == bool(status)
    assert printed.endswith(text)
    assert printed.startswith(CAPTURED)
    terminal = [line[at : at + 80] for line in printed.splitlines() for at in range(0, len(line) or 1, 80)][-24:]
    assert ("  sql/st_chat_db/0013_note.sql:3: relation" in "\n".join(terminal)) == bool(status)
    assert printed.endswith("then: make deploy STAGE=dev\n") == bool(status)
    assert summary.exists() == bool(status)


def test_local_aws_deploy_ends_with_the_reason(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cdk = tmp_path / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    (tmp_path / "printed").write_text(REPLACED)
    cdk.write_text("#!/bin/sh\ncat printed\nexit 1\n")
    cdk.chmod(0o755)
    credentials.load_or_make(tmp_path)
    here = LocalAws(directory=tmp_path, aws_port=1, data_api_port=2, app=tmp_path)
    with pytest.raises(CdkError) as failed:
        cdk_cli.deploy(here)
    assert str(failed.value) == ""
    assert capfd.readouterr().out.endswith(reason(REPLACED, f"local-aws deploy --app {tmp_path}"))
