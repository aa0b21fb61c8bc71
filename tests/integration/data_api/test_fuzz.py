"""Requests made from AWS's model, right and wrong: always an answer in AWS's shape, never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import ListShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws.data_api.errors import STATUSES
from local_aws.data_api.model import OPERATIONS
from tests.support.data_api_endpoint import Endpoint
from tests.support.wire import Answer, Wire

many = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SQL = (
    st.sampled_from(["SELECT 1", "SELECT :a", "SELECT '", "", ";", "SELECT $1", "VALUES (:a, :b::jsonb)", "DO $$"])
    | st.text()
)
DEPTH = 4


@pytest.fixture(scope="module")
def wire(endpoint: Endpoint) -> Iterator[Wire]:
    connection = Wire(endpoint.url)
    before = endpoint.cluster["openTransactions"]
    yield connection
    connection.close()
    assert endpoint.cluster["openTransactions"] == before


def is_as_aws_answers(answer: Answer) -> bool:
    """A result; or an error of the client's making, by a name that AWS knows, with that name's status."""
    if answer.status == 200:
        return answer.error is None
    return answer.status < 500 and STATUSES.get(str(answer.error)) == answer.status and isinstance(answer.body, dict)


def values(shape: Shape, name: str, endpoint: Endpoint, depth: int = 0) -> st.SearchStrategy[Any]:
    """What fits a shape."""
    known = {"resourceArn": endpoint.cluster_arn, "secretArn": endpoint.secret_arn, "database": "postgres"}
    if name in known:
        return st.just(known[name]) | st.text(max_size=30)
    if name == "sql":
        return SQL
    if isinstance(shape, StructureShape):
        members = {
            name: nearly(member, name, endpoint, depth + 1)
            for name, member in shape.members.items()
            if depth < DEPTH or not isinstance(member, (StructureShape, ListShape))
        }
        return st.fixed_dictionaries({}, optional=members)
    if isinstance(shape, ListShape):
        return st.lists(nearly(shape.member, "", endpoint, depth + 1), max_size=3)
    if isinstance(shape, StringShape) and shape.enum:
        return st.sampled_from(shape.enum)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(),
        "boolean": st.booleans(),
        "long": st.integers(-(2**65), 2**65),
        "double": st.floats(),
        "blob": st.binary().map(lambda value: value.hex()),
    }
    return kinds[shape.type_name]


def nearly(shape: Shape, name: str, endpoint: Endpoint, depth: int = 0) -> st.SearchStrategy[Any]:
    """What fits a shape nine times in ten, and anything else once."""
    right = values(shape, name, endpoint, depth)
    return st.integers(0, 9).flatmap(lambda number: right if number else JSON)


@many
@given(data=st.data())
def test_requests_from_the_model(endpoint: Endpoint, wire: Wire, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(OPERATIONS)))
    shape = OPERATIONS[path].input_shape
    assert shape is not None
    request = data.draw(values(shape, "", endpoint))
    answer = wire.post(path, json.dumps(request).encode())
    assert is_as_aws_answers(answer), (path, request, answer)
    if "transactionId" in answer.body:
        ended = wire.call("/RollbackTransaction", {**request, **answer.body})
        assert ended == Answer(200, None, {"transactionStatus": "Rollback Complete"})


@many
@given(
    body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()),
    path=st.sampled_from(sorted(OPERATIONS)),
)
def test_bodies_that_are_no_requests(wire: Wire, body: bytes, path: str) -> None:
    answer = wire.post(path, body)
    assert 400 <= answer.status < 500, answer
    assert is_as_aws_answers(answer), answer


@pytest.mark.parametrize(("method", "path"), [("GET", "/ExecuteSql"), ("POST", "/Nothing"), ("PUT", "/Execute")])
def test_what_is_no_operation(wire: Wire, method: str, path: str) -> None:
    assert wire.post(path, b"{}", method) == Answer(404, "UnknownOperationException", {})


def test_a_request_of_over_four_mebibytes(endpoint: Endpoint) -> None:
    answer = Wire(endpoint.url).post("/Execute", b'{"sql": "' + b"x" * (6 * 2**20) + b'"}')
    assert answer == Answer(400, "ValidationException", {"message": "Request size exceeds the limit of 4194304 bytes."})


def test_a_deeply_nested_request(wire: Wire) -> None:
    answer = wire.post("/Execute", b"[" * 100_000)
    assert answer == Answer(400, "SerializationException", {"message": "The request body is not valid JSON."})
