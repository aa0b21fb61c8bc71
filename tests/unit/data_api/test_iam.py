"""The signer and the region that a request's signature names."""

from __future__ import annotations

import pytest

from local_aws.data_api.control_plane import Caller
from local_aws.data_api.errors import ApiError
from local_aws.data_api.iam import caller, region

SCOPE = "AWS4-HMAC-SHA256 Credential=ASIA1/20261125/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"


def test_a_signed_request() -> None:
    headers = {"Authorization": SCOPE, "X-Amz-Security-Token": "token"}
    assert caller(headers) == Caller("ASIA1", "token")
    assert region(headers) == "us-east-1"


def test_a_key_without_a_scope_is_of_the_local_region() -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/"}
    assert (caller(headers).access_key, region(headers)) == ("local", "ap-northeast-1")


def test_an_unsigned_request() -> None:
    with pytest.raises(ApiError) as raised:
        caller({})
    assert (raised.value.name, raised.value.status) == ("MissingAuthenticationTokenException", 403)
