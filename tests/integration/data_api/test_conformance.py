"""Every row of the conformance table, and the document that is printed from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stchat.environment import Settings
from tests.integration.data_api.conformance.ask import SignedWire, ask, differences, expected
from tests.integration.data_api.conformance.rule import ASSUMED, Kind, Rule
from tests.integration.data_api.conformance.table import DOCUMENT, SECTIONS, document
from tests.support.data_api_endpoint import Endpoint
from tests.support.wire import Wire

ROWS = [
    pytest.param(rule, id=f"{section}: {rule.summary}".replace(" ", "_").encode("ascii", "replace").decode())
    for section, rules in SECTIONS.items()
    for rule in rules
]


@pytest.fixture(scope="module")
def wire(endpoint: Endpoint) -> Iterator[Wire]:
    connection = Wire(
        endpoint.url, resourceArn=endpoint.cluster_arn, secretArn=endpoint.secret_arn, database="postgres"
    )
    yield connection
    connection.close()


@pytest.mark.parametrize("rule", ROWS)
def test_rule(wire: Wire, rule: Rule) -> None:
    assert ask(wire, rule) == expected(rule)


def test_the_program_that_asks_aws(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """It signs, asks all, and prints what is answered otherwise: here nothing, then one rule that is made wrong."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", endpoint.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    wire = SignedWire(Settings(endpoint.cluster_arn, endpoint.secret_arn, "postgres"))
    assert list(differences(wire)) == []
    wrong = Rule(summary="one is two", source=ASSUMED, records=[[{"longValue": 2}]])
    monkeypatch.setitem(SECTIONS, "Values out", [wrong])
    [difference] = differences(wire)
    assert difference.startswith("Values out: one is two (assumed)\n  table ")


@pytest.mark.parametrize("rule", ROWS)
def test_every_rule_has_a_source(rule: Rule) -> None:
    """An assumption is marked; every other source is a place that a reader can look up."""
    assert rule.source.kind is Kind.ASSUMED or rule.source.reference


def test_document_is_current() -> None:
    assert DOCUMENT.read_text() == document(), "out of date: run python -m tests.integration.data_api.conformance.table"
