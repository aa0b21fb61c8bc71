"""Every row of the conformance table, and the document that is printed from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import Endpoint
from tests.integration.data_api.conformance.rule import Rule
from tests.integration.data_api.conformance.table import DOCUMENT, SECTIONS, document
from tests.integration.data_api.wire import Answer, Wire

ROWS = [
    pytest.param(rule, id=f"{section}: {rule.says}".replace(" ", "_").encode("ascii", "replace").decode())
    for section, rules in SECTIONS.items()
    for rule in rules
]


@pytest.fixture(scope="module")
def wire(endpoint: Endpoint) -> Iterator[Wire]:
    connection = Wire(endpoint.url, resourceArn=endpoint.cluster_arn, secretArn=endpoint.secret_arn)
    yield connection
    connection.close()


@pytest.mark.parametrize("rule", ROWS)
def test_rule(wire: Wire, rule: Rule) -> None:
    request = {"sql": rule.sql, **rule.request}
    answer = wire.call(rule.path, request) if rule.outside else in_a_transaction(wire, rule, request)
    if rule.error is None:
        body = rule.body or {"records": rule.records, "numberOfRecordsUpdated": 0}
        assert answer == Answer(200, None, body)
    else:
        body = {} if rule.message is None else {"message": rule.message}
        assert answer == Answer(rule.status, rule.error, body)


def in_a_transaction(wire: Wire, rule: Rule, request: dict[str, object]) -> Answer:
    transaction = {"transactionId": wire.call("/BeginTransaction", {}).body["transactionId"]}
    try:
        for statement in rule.setup:
            wire.call("/Execute", {"sql": statement, **transaction})
        return wire.call(rule.path, request | transaction)
    finally:
        ended = wire.call("/RollbackTransaction", transaction)
        assert ended == Answer(200, None, {"transactionStatus": "Rollback Complete"})


def test_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "out of date: run python -m tests.integration.data_api.conformance.table"
