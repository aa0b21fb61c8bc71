"""RotateSecret as Secrets Manager does it: a pending version, the function called step by step, then it is current."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config
from ministack.core.responses import error_response_json, json_response
from ministack.services import secretsmanager

log = logging.getLogger("local_aws.ministack")

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
# Secrets Manager tries for a day; a user of the local AWS looks into the function's log sooner.
ATTEMPTS, PAUSE_SECONDS = 3, 2.0
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."
Secret = dict[str, Any]
_describe_secret = secretsmanager._describe_secret
# Called when a rotation, which goes on by itself, changed the secret; the code that saves the state sets it.
on_change: Callable[[], None] = lambda: None  # noqa: E731


def rotate_secret(data: Mapping[str, Any]) -> Any:
    """The API call; it answers at once, and the rotation goes on. `RotateImmediately` false: the schedule alone."""
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if secret is None:
        message = "Secrets Manager can't find the specified secret."
        return error_response_json("ResourceNotFoundException", message, 400)
    configure(
        secret,
        data.get("RotationLambdaARN") or secret.get("RotationLambdaARN"),
        data.get("RotationRules") or secret.get("RotationRules"),
    )
    if not secret["RotationLambdaARN"]:
        message = "No Lambda rotation function ARN is associated with this secret."
        return error_response_json("InvalidRequestException", message, 400)
    answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
    if data.get("RotateImmediately", True):
        unfinished = _pending(secret)
        answer["VersionId"] = begin(secret, data.get("ClientRequestToken"))
        if unfinished:
            return error_response_json("InvalidRequestException", UNFINISHED, 400)
    return json_response(answer)


def describe_secret(data: Mapping[str, Any]) -> Any:
    """The API call, with the day of the last rotation."""
    status, headers, body = _describe_secret(data)
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if secret is None or "LastRotatedDate" not in secret:
        return status, headers, body
    return json_response(json.loads(body) | {"LastRotatedDate": secret["LastRotatedDate"]})


def configure(secret: Secret, function: str | None, rules: Mapping[str, Any] | None) -> None:
    secret.update(RotationEnabled=True, RotationLambdaARN=function, RotationRules=dict(rules or {}))


def begin(secret: Secret, token: str | None = None) -> str:
    """Start a rotation, or go on with one that did not end; returns its version."""
    version = _pending(secret) or token or str(uuid.uuid4())
    if version not in secret["Versions"]:
        secret["Versions"][version] = {
            "SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time()), "Stages": ["AWSPENDING"],
        }  # fmt: skip
    threading.Thread(target=_rotate, args=(secret, version), daemon=True).start()
    return version


def _pending(secret: Secret) -> str | None:
    """The version of a rotation that has not ended."""
    for version, found in secret["Versions"].items():
        if "AWSPENDING" in found["Stages"] and "AWSCURRENT" not in found["Stages"]:
            return str(version)
    return None


def _rotate(secret: Secret, version: str) -> None:
    functions = boto3.client("lambda", config=Config(read_timeout=900, retries={"total_max_attempts": 1}, proxies={}))
    for _ in range(ATTEMPTS):
        if all(_succeeds(functions, secret, version, step) for step in STEPS):
            stages = secret["Versions"][version]["Stages"]
            secret["Versions"][version]["Stages"] = [stage for stage in stages if stage != "AWSPENDING"]
            secret["LastRotatedDate"] = int(time.time())
            on_change()
            return
        time.sleep(PAUSE_SECONDS)


def _succeeds(functions: Any, secret: Secret, version: str, step: str) -> bool:
    event = {"SecretId": secret["ARN"], "ClientRequestToken": version, "Step": step}
    answer = functions.invoke(FunctionName=secret["RotationLambdaARN"], Payload=json.dumps(event))
    if "FunctionError" in answer:
        log.error("rotation of %s: %s: %s", secret["Name"], step, answer["Payload"].read().decode())
    return "FunctionError" not in answer
