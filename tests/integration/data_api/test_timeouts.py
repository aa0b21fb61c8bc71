"""45 seconds a statement, here fewer."""

from __future__ import annotations

import time

import pytest

from tests.support.data_api_endpoint import IMPATIENT_STATEMENT, Endpoint
from tests.support.single_value import one


def test_a_statement_that_takes_too_long_is_cancelled(impatient: Endpoint) -> None:
    started = time.monotonic()
    with pytest.raises(impatient.client.exceptions.StatementTimeoutException) as caught:
        impatient.execute("SELECT pg_sleep(30)::text")
    assert time.monotonic() - started < IMPATIENT_STATEMENT + 3
    assert caught.value.response["Error"]["Message"] == "Request timed out"
    assert caught.value.response["dbConnectionId"] > 0  # type: ignore[typeddict-item]
    with impatient.psql() as connection:
        assert not connection.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
                                      "AND pid <> pg_backend_pid() AND state = 'active'").fetchall()  # fmt: skip


def test_or_goes_on_if_asked_to(impatient: Endpoint) -> None:
    impatient.execute("CREATE TABLE late (i int)")
    with pytest.raises(impatient.client.exceptions.StatementTimeoutException):
        impatient.execute(
            "INSERT INTO late SELECT 1 FROM pg_sleep(:s)",
            parameters=[{"name": "s", "value": {"doubleValue": IMPATIENT_STATEMENT + 0.7}}],
            continueAfterTimeout=True,
        )
    assert one(impatient, "SELECT count(*) FROM late") == 0
    time.sleep(1.2)
    assert one(impatient, "SELECT count(*) FROM late") == 1
    impatient.execute("DROP TABLE late")
