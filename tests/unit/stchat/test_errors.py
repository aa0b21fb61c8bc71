"""The error tree as it is drawn, and AWS's errors as one line with a hint."""

from __future__ import annotations

import inspect
import re
from typing import Any, cast

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from stchat import errors
from stchat.data_api import aws_client, describe_error
from stchat.data_api.client import rds_data_client
from stchat.environment import region_of

CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:chat"


def test_the_tree_that_is_drawn_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        found = re.fullmatch(r"((?:[|` ][- ]{2} )*)(\w+)(?::.*)?", line)
        assert found, line
        depth = len(found[1]) // 4
        path[depth:] = [found[2]]
        drawn[found[2]] = path[depth - 1] if depth else "Exception"
    classes = inspect.getmembers(errors, lambda value: inspect.isclass(value) and issubclass(value, Exception))
    assert drawn == {name: kind.__base__.__name__ for name, kind in classes}


def response(code: str, message: str) -> ClientError:
    return ClientError(cast(Any, {"Error": {"Code": code, "Message": message}}), "op")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (aws.NoRegionError(), "You must specify a region: set AWS_REGION and AWS_DEFAULT_REGION, or give the profile a"
         " region"),
        (aws.NoCredentialsError(), "Unable to locate credentials: log in (aws sso login), set AWS_PROFILE, or run"
         ' eval "$(local-aws env)"'),
        (aws.ProfileNotFound(profile="x"), "The config profile (x) could not be found: aws configure list-profiles"
         " lists those that exist; unset AWS_PROFILE takes the default one"),
        (aws.UnauthorizedSSOTokenError(), "The SSO session associated with this profile has expired or is otherwise"
         " invalid. To refresh this SSO session run aws sso login with the corresponding profile: run aws sso login,"
         " with --profile where the profile is not the default one"),
        (aws.TokenRetrievalError(provider="sso", error_msg="a\nb"), "Error when retrieving token from sso: a b: run aws"
         " sso login, with --profile where the profile is not the default one"),
        (response("ExpiredTokenException", "The security token is expired."), "ExpiredTokenException: The security"
         " token is expired: the session has expired: log in again, or take new values of AWS_ACCESS_KEY_ID and the"
         " others"),
        (aws.EndpointConnectionError(endpoint_url="https://x"), 'Could not connect to the endpoint URL: "https://x":'
         " check the region (of STCHAT_CLUSTER_ARN, unless another is set), the network and AWS_ENDPOINT_URL"),
        (response("AccessDenied", "no"), "AccessDenied: no"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_aws_errors_are_one_line_with_a_hint(error: Exception, text: str) -> None:
    assert describe_error(error) == text


@pytest.fixture
def plain_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@pytest.mark.usefixtures("plain_shell")
def test_the_region_is_that_of_the_clusters_arn() -> None:
    assert rds_data_client(CLUSTER).meta.region_name == "eu-west-1"
    with pytest.raises(errors.SettingsError, match="You must specify a region: set AWS_REGION"):
        rds_data_client("cluster")


@pytest.mark.parametrize(
    ("arn", "region"), [(CLUSTER, "eu-west-1"), ("cluster", None), ("arn:aws:iam::1:role/x", None)]
)
def test_region_of(arn: str, region: str | None) -> None:
    assert region_of(arn) == region


@pytest.mark.usefixtures("plain_shell")
def test_a_set_up_that_cannot_be_read_is_a_settings_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", "not a url")
    with pytest.raises(errors.SettingsError, match="Invalid endpoint: not a url"):
        rds_data_client(CLUSTER)
    monkeypatch.setenv("AWS_PROFILE", "missing")
    with pytest.raises(errors.SettingsError, match=r"The config profile \(missing\) could not be found: aws configure"):
        rds_data_client(CLUSTER)


@pytest.mark.usefixtures("plain_shell")
def test_a_proxy_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    def proxies() -> dict[str, str]:
        client = aws_client("rds-data", "eu-west-1")
        return dict(client._endpoint.http_session._proxy_config._proxies)

    assert set(proxies()) >= {"https"}
    for url in ("http://127.0.0.1:4577", "http://localhost:4577", "http://[::1]:4577"):
        monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", url)
        assert proxies() == {}
