"""The chat function as an application calls it: through the deployed stack, by invocation and over its URL."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.bedrock import embedders
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import DataApi
from stchat.errors import DataApiError, EmbeddingError
from tests.support.local_aws_cli import LocalAwsCli
from tests.support.repository import REPOSITORY

GUIDE = REPOSITORY / "docs" / "chat-function.md"
QUESTION = "京都に旅行するのはいつ?"
Invoke = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def outputs(local_aws: LocalAwsCli) -> dict[str, str]:
    [stack] = local_aws.client("cloudformation").describe_stacks(StackName="st-chat-dev-chat")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.fixture(scope="module")
def invoke(local_aws: LocalAwsCli, outputs: dict[str, str]) -> Invoke:
    client = local_aws.client("lambda")

    def invoke(operation: str, **fields: Any) -> dict[str, Any]:
        payload = json.dumps({"operation": operation} | fields)
        reply = client.invoke(FunctionName=outputs["ChatFunctionName"], Payload=payload)
        answer: dict[str, Any] = json.loads(reply["Payload"].read())
        assert "FunctionError" not in reply, answer
        return answer

    return invoke


def test_up_ends_with_a_conversation_and_says_what_the_embeddings_are(local_aws: LocalAwsCli) -> None:
    shown = local_aws.shown_by_up.read_text()
    assert f"  {QUESTION}\n    0." in shown
    if embedders.is_installed():
        assert "local embeddings: multilingual-e5-small, a small language model for Japanese and English" in shown
        across = shown.splitlines()[[line.strip() for line in shown.splitlines()].index("娘のアレルギーは?") + 1]
        assert across.endswith("  The daughter is allergic to eggs; a mashed banana takes their place in cakes.")
    else:
        assert "local embeddings: hashed words and character n-grams, no language model" in shown
    recalled = json.loads(local_aws.stchat("chat", "recall", "demo", QUESTION, "-k", "1", "--json").output)
    assert [memory["theme"] for memory in recalled] == ["旅行"]


def test_the_function_finds_what_up_has_kept(invoke: Invoke) -> None:
    [memory] = invoke("recall", userid="demo", query=QUESTION, k=1)["memories"]
    assert memory["summary"] == "来月、家族で京都に旅行する。雨の日に行ける場所を探している。"
    assert len(invoke("turns", userid="demo")["turns"]) == 4
    assert invoke("recall", userid="another user", query=QUESTION) == {"status": 200, "memories": []}


def test_operations_and_refusals(invoke: Invoke) -> None:
    turn = {"userid": "chat", "themename": "t", "chatid": 1, "userinput": "hello"}
    assert invoke("add", **turn) == {"status": 200, "written": True}
    assert invoke("add", **turn | {"userinput": "good day"})["status"] == 409
    assert invoke("add", **turn | {"chatid": "1"})["field"] == "chatid"
    assert invoke("sing")["status"] == 404
    assert invoke("delete", userid="chat") == {"status": 200, "deleted": 1}


def test_it_waits_for_a_sleeping_cluster(local_aws: LocalAwsCli, invoke: Invoke) -> None:
    local_aws.must("pause")
    assert invoke("themes", userid="demo")["status"] == 200


def test_each_example_of_the_guide_works(local_aws: LocalAwsCli, outputs: dict[str, str], tmp_path: Path) -> None:
    """Each block of shell or Python in it, as it is printed, in a shell that has evaluated `local-aws env`."""
    examples = examples_of(GUIDE)
    assert len(examples) == 3
    here = local_aws.environment() | {
        "CHAT_URL": address_of(local_aws, outputs),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for number, (language, code) in enumerate(examples):
        file = tmp_path / f"example-{number}"
        file.write_text(code)
        program = ["bash", "-euo", "pipefail"] if language == "sh" else [sys.executable]
        done = subprocess.run(
            [*program, str(file)], env=os.environ | here, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
        assert "京都に旅行する" in done.stdout


def test_a_request_must_be_signed(local_aws: LocalAwsCli, outputs: dict[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address_of(local_aws, outputs)}themes", data=b"{}")
    assert refused.value.code == 403


def test_its_role_is_enough_for_every_operation_and_for_nothing_else(local_aws: LocalAwsCli) -> None:
    """The role assumed, since a Lambda on the local AWS has the account's own credentials."""
    [role] = [role["Arn"] for role in local_aws.client("iam").list_roles()["Roles"] if "ChatRole" in role["RoleName"]]
    here = local_aws.environment()
    master, client, model = here["STCHAT_SECRET_ARN"], local_aws.client("rds-data", role), "cohere.embed-english-v3"
    api = DataApi(client, here["STCHAT_CLUSTER_ARN"], here["STCHAT_APP_SECRET_ARN"], here["STCHAT_DATABASE"])
    embedder = CohereEmbedder(local_aws.client("bedrock-runtime", role))
    memory, history = ChatMemory(api, embedder), ChatHistory(api)
    assert history.add("role", "t", 1, "hello", None)
    assert len(history.turns("role")) == len(history.themes("role")) == history.delete("role") == 1
    for chatid in range(3):
        assert memory.remember("role", "t", chatid, "犬" * 130_000)
    assert len(memory.recall("role", "犬")) == 3, "over 1 MiB: through a cursor"
    assert memory.delete("role") == 3

    denied = "is not authorized to perform: {} on resource: {}"
    with pytest.raises(DataApiError, match=re.escape(denied.format("secretsmanager:GetSecretValue", master))):
        ChatHistory(replace(api, secret_arn=master)).themes("role")
    arn = f"arn:aws:bedrock:ap-northeast-1::foundation-model/{model}"
    with pytest.raises(EmbeddingError, match=re.escape(denied.format("bedrock:InvokeModel", arn))):
        replace(embedder, model_id=model).query("犬")
    with pytest.raises(ClientError, match="not authorized to perform: rds-data:BatchExecuteStatement"):
        client.batch_execute_statement(resourceArn=api.cluster_arn, secretArn=api.secret_arn, sql="SELECT 1")


def address_of(local_aws: LocalAwsCli, outputs: dict[str, str]) -> str:
    """Where this machine finds the function: AWS's own name of its URL does not resolve here."""
    label = outputs["ChatFunctionUrl"].removeprefix("https://").partition(".")[0]
    return f"{local_aws.environment()['AWS_ENDPOINT_URL']}/_aws/lambda-url/{label}/"


def examples_of(guide: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a document: language, and text."""
    blocks = guide.read_text().split("```")[1::2]
    found = [tuple(block.split("\n", 1)) for block in blocks]
    return [(language, code) for language, code in found if language in ("sh", "python")]
