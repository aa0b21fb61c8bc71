"""The user and the password in a secret are what PostgreSQL checks, at each call."""

from __future__ import annotations

import pytest

from tests.support.data_api_endpoint import Endpoint
from tests.support.single_value import one


def test_a_refused_password_is_refused_each_time(endpoint: Endpoint) -> None:
    wrong = endpoint.add_secret("stchat", "wrong")
    for _ in range(2):
        endpoint.execute("SELECT 1")
        with pytest.raises(endpoint.client.exceptions.DatabaseErrorException) as caught:
            endpoint.execute("SELECT 1", secretArn=wrong)
        assert caught.value.response["Error"]["Message"] == (
            'ERROR: password authentication failed for user "stchat"; SQLState: 28P01'
        )


def test_a_changed_password_closes_what_it_opened(endpoint: Endpoint) -> None:
    endpoint.execute("CREATE ROLE visitor LOGIN PASSWORD 'before'")
    before = endpoint.add_secret("visitor", "before")
    assert one(endpoint, "SELECT current_user::text", secretArn=before) == "visitor"
    endpoint.execute("ALTER ROLE visitor PASSWORD 'after'")
    with pytest.raises(endpoint.client.exceptions.DatabaseErrorException, match="28P01"):
        endpoint.execute("SELECT 1", secretArn=before)
    assert one(endpoint, "SELECT current_user::text", secretArn=endpoint.add_secret("visitor", "after")) == "visitor"
    endpoint.execute("DROP ROLE visitor")


def test_a_malformed_secret(endpoint: Endpoint) -> None:
    for text in ("not json", "[]", '{"username": "stchat"}', '{"username": 1, "password": "x"}'):
        malformed = endpoint.admin.add_secret("malformed-secret", text)
        with pytest.raises(endpoint.client.exceptions.InvalidSecretException) as caught:
            endpoint.execute("SELECT 1", secretArn=malformed)
        assert caught.value.response["Error"]["Message"] == (
            "The secret must be a JSON object with a username and a password."
        )


def test_a_secret_by_name_and_by_partial_arn(endpoint: Endpoint) -> None:
    arn = endpoint.add_secret("stchat", "not the password")
    for name in (arn.rpartition("-")[0], arn.rpartition("-")[0].rpartition(":")[2]):
        with pytest.raises(endpoint.client.exceptions.DatabaseErrorException, match="28P01"):
            endpoint.execute("SELECT 1", secretArn=name)
