"""local-aws: what it says, and that it leaves nothing running. Before test_deploy.py, which ends with destroy."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws_cli import LocalAwsCli, new_local_aws
from tests.support.repository import REPOSITORY


def processes_of(directory: Path) -> list[str]:
    """Command lines of what runs for the local AWS in `directory`, wherever it was started from."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = " ".join(process.cmdline())
            if str(directory) in command + process.cwd():
                found.append(command)
    return found


def test_status_names_what_is_there(local_aws: LocalAwsCli) -> None:
    assert set(local_aws.must("status").splitlines()[2:]) == {
        "cluster        dbclusterstchat: available",
        "stack          st-chat-dev-chat: CREATE_COMPLETE",
        "stack          st-chat-dev-schema: CREATE_COMPLETE",
        "stack          st-chat-dev-database: CREATE_COMPLETE",
        "stack          st-chat-dev-network: CREATE_COMPLETE",
        "stack          CDKToolkit: CREATE_COMPLETE",
    }


def test_env_is_what_every_client_needs(local_aws: LocalAwsCli) -> None:
    assert set(local_aws.environment()) == {
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_RDS_DATA",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "CDK_DISABLE_CLI_TELEMETRY",
        "STCHAT_CHAT_MODEL",
        "STCHAT_CLUSTER_ARN",
        "STCHAT_SECRET_ARN",
        "STCHAT_APP_SECRET_ARN",
        "STCHAT_READ_SECRET_ARN",
        "STCHAT_CHAT_FUNCTION",
        "STCHAT_DATABASE",
    }
    assert local_aws.environment()["STCHAT_DATABASE"] == "st_chat_db"


def test_deploy_has_no_stage(local_aws: LocalAwsCli) -> None:
    outcome = local_aws.run("deploy", "--stage", "prod")
    assert outcome.status == 1
    assert "deploy has no --stage: name another stage with `local-aws deploy -- --all -c stage=prod`" in outcome.output


def test_psql_is_the_master_in_the_applications_database(local_aws: LocalAwsCli) -> None:
    query = "SELECT current_user || '@' || current_database()"
    assert local_aws.must("psql", "--", "-Atc", query).strip() == "stchat@st_chat_db"


def test_the_operators_commands_work_in_that_shell(local_aws: LocalAwsCli) -> None:
    assert "st_chat_history_vector_table" in local_aws.stchat("db", "tables").output
    status = local_aws.stchat("schema", "status", "--compare")
    assert status.status == 0, status.output


def test_smoke_proves_the_deployment(local_aws: LocalAwsCli) -> None:
    outcome = local_aws.stchat("smoke")
    assert outcome.status == 0, outcome.output
    assert "ok  the chat function does the same " in outcome.output
    assert outcome.output.endswith("15 checks passed\n")


def test_doctor_finds_no_problem(local_aws: LocalAwsCli) -> None:
    outcome = local_aws.stchat("doctor", "--wake", "--json", "--synthesized", str(local_aws.directory / "cdk.out"))
    said = json.loads(outcome.output[outcome.output.index("{") :])
    assert (said["findings"], said["read_failures"], outcome.status) == ([], [], 0)
    assert [one["role"] for one in said["instances"]] == ["writer", "reader"]
    assert [(one["tier"], one["zone"]) for one in said["instances"]] == [
        (0, "ap-northeast-1a"),
        (1, "ap-northeast-1c"),
    ]
    assert (said["state"], said["sessions"]) == ("running", [])
    assert {one["name"] for one in said["secrets"]} == {"st.chat", "st.chat.app", "st.chat.read"}
    assert "AwsSolutions-RDS10" in {one["rule"] for one in said["acknowledgements"]}


def test_a_paused_cluster_answers_that_it_resumes_and_then_works(local_aws: LocalAwsCli) -> None:
    local_aws.must("pause")
    with pytest.raises(ClientError, match="is resuming after being auto-paused") as error:
        local_aws.sql("SELECT 1")
    assert error.value.response["Error"]["Code"] == "DatabaseResumingException"
    deadline = time.monotonic() + 30
    while True:
        try:
            assert local_aws.sql("SELECT 1") == [[1]]
            break
        except ClientError as paused:
            assert paused.response["Error"]["Code"] == "DatabaseResumingException"
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_everything_listens_on_loopback_alone(local_aws: LocalAwsCli) -> None:
    own = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):  # another program's process, which has just ended
            if str(local_aws.directory) in " ".join(process.cmdline()):
                own.add(process.pid)
    assert own
    listening = [
        connection.laddr.ip
        for pid in own
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        outcome = LocalAwsCli(tmp_path, ()).run("up", "--aws-port", str(port))
    assert outcome.status == 1
    assert f"error: port {port} on 127.0.0.1 is taken: choose another with --aws-port" in outcome.output
    assert "Traceback" not in outcome.output
    assert processes_of(tmp_path) == []


def test_a_port_that_it_is_not_up_on_is_refused(local_aws: LocalAwsCli) -> None:
    outcome = local_aws.run("up", "--data-api-port", "1024")
    assert outcome.status == 1
    assert f"error: --data-api-port must be {local_aws.ports[3]}, where it is up, got 1024" in outcome.output
    assert "Data API" in local_aws.must("status")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_the_middle_it_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    local_aws = new_local_aws(tmp_path)
    command = [sys.executable, "-m", "local_aws", "--directory", str(tmp_path), "up", *local_aws.ports]
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=ignore_interrupts,
    ) as up:
        assert up.stdout is not None
        try:
            for line in up.stdout:
                if "deploying the app" in line:
                    break
            while not any("/cdk" in line for line in processes_of(tmp_path)):
                time.sleep(0.1)
            time.sleep(1)  # into the CDK CLI's work
            up.send_signal(number)
            said = up.stdout.read()
            assert (up.wait(), processes_of(tmp_path)) == (128 + number, []), said
        finally:
            local_aws.run("down")


def ignore_interrupts() -> None:
    """As a shell does for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def test_commands_say_what_to_do_when_nothing_is_up(tmp_path: Path) -> None:
    nothing = LocalAwsCli(tmp_path, ())
    assert nothing.run("status").output == "nothing is up; start it with `local-aws up`\n"
    for command in ("env", "pause", "psql", "deploy"):
        outcome = nothing.run(command)
        assert (outcome.status, outcome.output) == (1, "error: nothing is up: start it with `local-aws up`\n")


def test_up_without_an_app_starts_nothing(tmp_path: Path) -> None:
    outcome = LocalAwsCli(tmp_path, ()).run("up", "--app", str(tmp_path))
    hint = f"error: there is no CDK app in {tmp_path}: name its folder with --app DIR, or use --no-deploy\n"
    assert (outcome.status, outcome.output) == (1, hint)


def test_help_teaches() -> None:
    text = subprocess.run(
        [sys.executable, "-m", "local_aws", "--help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    for command in ("up", "deploy", "status", "env", "psql", "pause", "down", "reset", "data-api"):
        assert f"\n    {command} " in text
