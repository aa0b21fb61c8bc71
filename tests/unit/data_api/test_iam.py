"""What a request's signature tells of who sent it, and for where."""

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


def test_a_key_alone_is_taken_for_the_laptops_region() -> None:
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/"}
    assert (caller(headers).access_key, region(headers)) == ("local", "ap-northeast-1")


def test_nobody() -> None:
    with pytest.raises(ApiError) as raised:
        caller({})
    assert (raised.value.name, raised.value.status) == ("MissingAuthenticationTokenException", 403)
