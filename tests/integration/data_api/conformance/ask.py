"""Asks an endpoint about a rule; as a program, AWS itself about all of them.

    python -m tests.integration.data_api.conformance.ask

with STCHAT_CLUSTER_ARN, STCHAT_SECRET_ARN and AWS credentials, prints each rule that the cluster's Data API does not
answer as in the table, and exits with 1 if there is one. Every row is rolled back, or only reads.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from stchat.environment import Settings
from tests.integration.data_api.conformance.rule import Rule
from tests.integration.data_api.conformance.table import SECTIONS
from tests.support.wire import Answer


class Caller(Protocol):
    def call(self, path: str, members: dict[str, Any]) -> Answer: ...


class SignedWire:
    """The protocol without an SDK's interpretation, signed as AWS wants it."""

    def __init__(self, settings: Settings) -> None:
        client = boto3.client("rds-data")
        self._url = urlsplit(client.meta.endpoint_url)
        credentials = boto3.Session().get_credentials()
        assert credentials is not None, "no AWS credentials: set a profile, or AWS_ACCESS_KEY_ID and its secret"
        self._sign = SigV4Auth(credentials, "rds-data", client.meta.region_name).add_auth
        self._members = {
            "resourceArn": settings.cluster_arn,
            "secretArn": settings.secret_arn,
            "database": settings.database,
        }

    def call(self, path: str, members: dict[str, Any]) -> Answer:
        body = json.dumps(self._members | members)
        request = AWSRequest("POST", self._url.geturl() + path, {"Content-Type": "application/json"}, body)
        self._sign(request)
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.netloc, timeout=60)
        try:
            connection.request("POST", path, body, dict(request.headers))
            response = connection.getresponse()
            error = response.headers.get("x-amzn-ErrorType")
            return Answer(response.status, error and error.split(":")[0], json.loads(response.read()))
        finally:
            connection.close()


def ask(wire: Caller, rule: Rule) -> Answer:
    request = {"sql": rule.sql, **rule.request}
    if rule.outside:
        return wire.call(rule.path, request)
    transaction = {"transactionId": wire.call("/BeginTransaction", {}).body["transactionId"]}
    try:
        for statement in rule.setup:
            wire.call("/Execute", {"sql": statement, **transaction})
        return wire.call(rule.path, request | transaction)
    finally:
        ended = wire.call("/RollbackTransaction", transaction)
        assert ended == Answer(200, None, {"transactionStatus": "Rollback Complete"}), ended


def expected(rule: Rule) -> Answer:
    if rule.error is None:
        return Answer(200, None, rule.body or {"records": rule.records, "numberOfRecordsUpdated": 0})
    return Answer(rule.status, rule.error, {} if rule.message is None else {"message": rule.message})


def differences(wire: Caller) -> Iterator[str]:
    """What is answered otherwise than in the table."""
    for section, rules in SECTIONS.items():
        for rule in rules:
            answer = ask(wire, rule)
            if answer != expected(rule):
                yield f"{section}: {rule.summary} ({rule.source})\n  table   {expected(rule)}\n  answer  {answer}"


def main() -> int:
    found = list(differences(SignedWire(Settings.from_environment(os.environ))))
    print(*found, f"{sum(map(len, SECTIONS.values()))} rules asked, {len(found)} answered otherwise", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
