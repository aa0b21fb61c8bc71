"""Short ways to one value."""

from __future__ import annotations

from typing import Any

from tests.support.data_api_endpoint import Endpoint


def one(endpoint: Endpoint, sql: str, **members: Any) -> object:
    """The only value of a query."""
    [[field]] = endpoint.execute(sql, **members)["records"]
    [value] = field.values()
    return value
