"""Which types are returned: AWS's list, not a list of what it refuses."""

from __future__ import annotations

import pytest

from local_aws.data_api.types import RETURNED, of_catalog

# AWS's guide, "Data API operations reference", in PostgreSQL's internal names; its note adds timestamptz. oid and the
# ranges: see the conformance table. An enumeration and pgvector's vector have no oid of their own.
SCALARS = {
    "bool", "bytea", "date", "cidr", "numeric", "float8", "inet", "int4", "int2", "int8", "jsonb", "json", "float4",
    "text", "bpchar", "varchar", "name", "time", "timestamp", "timestamptz", "uuid", "oid",
    "int4range", "numrange",
}  # fmt: skip
ARRAYS = {
    "_bool", "_bit", "_date", "_numeric", "_float8", "_int4", "_int2", "_int8", "_json", "_jsonb", "_float4", "_text",
    "_bpchar", "_varchar", "_name", "_time", "_timestamp", "_uuid",
}  # fmt: skip


def test_the_list_is_aws_s() -> None:
    assert {type_.name for type_ in RETURNED.values()} == SCALARS | ARRAYS


@pytest.mark.parametrize(
    ("name", "kind", "is_returned"),
    [
        ("mood", "e", True),
        ("vector", "b", True),
        ("halfvec", "b", False),
        ("hstore", "b", False),
        ("vector", "c", False),
    ],
)
def test_types_of_a_database(name: str, kind: str, is_returned: bool) -> None:
    assert (of_catalog(70_000, name, kind, None).member is not None) is is_returned


def test_an_array_of_an_enumeration_is_not_in_the_list() -> None:
    assert of_catalog(70_001, "_mood", "b", of_catalog(70_000, "mood", "e", None)).member is None
