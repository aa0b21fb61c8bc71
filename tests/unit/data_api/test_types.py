"""PostgreSQL's text forms, read without a server."""

from __future__ import annotations

import pytest

from local_aws.data_api.errors import ApiError
from local_aws.data_api.types import BUILT_IN, compact_json, items, timestamp


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"{}", []),
        (b"{1,2}", [b"1", b"2"]),
        (b"[0:1]={1,2}", [b"1", b"2"]),
        (b'{NULL,"NULL",""}', [None, b"NULL", b""]),
        (rb'{"a\"b","c\\d","{e}",f}', [b'a"b', b"c\\d", b"{e}", b"f"]),
    ],
)
def test_items(text: bytes, found: list[bytes | None]) -> None:
    assert items(text) == found


@pytest.mark.parametrize("text", [b"{{1},{2}}", b"[1:1][1:1]={{1}}"])
def test_arrays_of_more_dimensions(text: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        items(text)
    assert str(caught.value) == "UnsupportedResultException: The result contains a multidimensional array"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"2024-01-15 12:34:56", "2024-01-15 12:34:56"),
        (b"2024-01-15 12:34:56.7", "2024-01-15 12:34:56.700"),
        (b"2024-01-15 12:34:56.789", "2024-01-15 12:34:56.789"),
        (b"2024-01-15 12:34:56.7891", "2024-01-15 12:34:56.789100"),
        (b"2024-01-15 12:34:56.5+00", "2024-01-15 12:34:56.500"),
        (b"0044-03-15 12:34:56+00 BC", "0044-03-15 12:34:56 BC"),
        (b"294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999"),
    ],
)
def test_timestamp(text: bytes, shown: str) -> None:
    assert timestamp(text) == shown


@pytest.mark.parametrize(
    ("text", "compact"),
    [
        (b'{"a": 1, "b": [1, 2]}', '{"a":1,"b":[1,2]}'),
        (rb'{"a b": "c: d, \" e", "f\\": "\\"}', r'{"a b":"c: d, \" e","f\\":"\\"}'),
        (b'" "', '" "'),
        (b"null", "null"),
    ],
)
def test_compact_json(text: bytes, compact: str) -> None:
    assert compact_json(text) == compact


def test_every_array_has_its_element() -> None:
    arrays = [type_ for type_ in BUILT_IN.values() if type_.element is not None]
    assert len(arrays) == 25
    assert all(type_.name == f"_{type_.element.name}" for type_ in arrays if type_.element)
