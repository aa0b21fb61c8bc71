"""The dataclasses of requests against botocore's model, which they are made from."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from botocore import xform_name
from botocore.model import StructureShape

from local_aws.data_api import model
from local_aws.data_api.errors import SERVICE
from local_aws.data_api.requests import STRUCTURES, ExecuteStatementRequest, ResultSetOptions, SqlParameter

ARNS = {"resourceArn": "arn:aws:rds:x", "secretArn": "arn:aws:secretsmanager:x"}


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_dataclass_has_the_members_of_its_structure(name: str) -> None:
    shape = SERVICE.shape_for(name)
    assert isinstance(shape, StructureShape)
    assert {field.name for field in fields(STRUCTURES[name])} == set(map(xform_name, shape.members))


def test_every_operation_has_a_dataclass() -> None:
    assert {
        operation.input_shape.name for operation in model.OPERATIONS.values() if operation.input_shape
    } <= STRUCTURES.keys()


def test_a_request_is_typed() -> None:
    body = ARNS | {
        "sql": "SELECT :a",
        "parameters": [{"name": "a", "value": {"blobValue": "AAE="}, "typeHint": "UUID"}],
        "resultSetOptions": {"longReturnType": "STRING"},
    }
    request = model.parse(model.OPERATIONS["/Execute"], json.dumps(body).encode())
    assert request == ExecuteStatementRequest(
        resource_arn="arn:aws:rds:x",
        secret_arn="arn:aws:secretsmanager:x",
        sql="SELECT :a",
        parameters=(SqlParameter(name="a", value={"blobValue": b"\0\1"}, type_hint="UUID"),),
        result_set_options=ResultSetOptions(long_return_type="STRING"),
    )
