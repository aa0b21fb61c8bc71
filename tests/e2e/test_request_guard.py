"""No web page reaches the servers, whatever a browser sends: each request by hand, against each port."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.support.local_aws_cli import LocalAwsCli

SERVERS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS_DATA")
# What a browser sends of itself: a page's fetch, a form's post, an iframe, an image, a name bound to 127.0.0.1.
BROWSER = (
    ({"Origin": "http://evil.example"}, "the header Origin must be absent: no web page is served"),
    ({"Origin": "null"}, "the header Origin must be absent: no web page is served"),
    ({"Sec-Fetch-Site": "cross-site"}, "the header Sec-Fetch-Site must be none or absent"),
    ({"Sec-Fetch-Site": "same-site"}, "the header Sec-Fetch-Site must be none or absent"),
    ({"Host": "evil.example"}, "the header Host must be 127.0.0.1:"),
    ({"Content-Type": "text/plain"}, "the header Content-Type must be one that AWS clients send, got 'text/plain'"),
    (
        {"Content-Type": "multipart/form-data; boundary=x"},
        "the header Content-Type must be one that AWS clients send, got 'multipart/form-data'",
    ),
)


def ask(
    local_aws: LocalAwsCli, server: str, headers: dict[str, str], *, signed: bool, method: str = "POST"
) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers; signed: even with the right key."""
    here = local_aws.environment()
    address = urlsplit(here[server]).netloc
    body = json.dumps({"FunctionName": "f"})
    request = AWSRequest(method, f"{here[server]}/", {"Content-Type": "application/json", **headers}, body)
    if signed:
        key = Credentials(here["AWS_ACCESS_KEY_ID"], here["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(key, "rds-data", here["AWS_REGION"]).add_auth(request)
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, "/", body, dict(request.headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, {name.lower(): value for name, value in answer.getheaders()}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("headers", "message"), BROWSER)
def test_what_a_browser_sends_is_refused_even_when_it_is_signed(
    local_aws: LocalAwsCli, server: str, headers: dict[str, str], message: str
) -> None:
    status, text, answered = ask(local_aws, server, headers, signed=True)
    assert (status, message in text) == (403, True), text
    assert not [name for name in answered if name.startswith("access-control")]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_an_unsigned_request_is_refused(local_aws: LocalAwsCli, server: str, method: str) -> None:
    status, text, answered = ask(local_aws, server, {}, signed=False, method=method)
    assert (status, "Missing Authentication Token" in text) == (403, True), text
    assert not [name for name in answered if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        ("local", "local", "UnrecognizedClientException"),
        ("000000000000", "local", "InvalidSignatureException"),
        (None, "local", "InvalidSignatureException"),
    ],
)
def test_a_key_that_is_not_this_local_aws_own_is_refused(
    local_aws: LocalAwsCli, key: str | None, secret: str, code: str
) -> None:
    here = local_aws.environment()
    for service, server in (("secretsmanager", SERVERS[0]), ("rds-data", SERVERS[1])):
        session = boto3.Session(key or here["AWS_ACCESS_KEY_ID"], secret, region_name=here["AWS_REGION"])
        client = session.client(  # type: ignore[call-overload]
            service, endpoint_url=here[server], config=Config(retries={"total_max_attempts": 1})
        )
        with pytest.raises(ClientError) as refused:
            if service == "rds-data":
                client.begin_transaction(resourceArn=here["STCHAT_CLUSTER_ARN"], secretArn=here["STCHAT_SECRET_ARN"])
            else:
                client.list_secrets()
        assert refused.value.response["Error"]["Code"] == code


def test_the_key_is_its_owners_alone(local_aws: LocalAwsCli) -> None:
    for name in ("credentials.json", "cloud.json", "aws/state/state.json"):
        assert (local_aws.directory / name).stat().st_mode & 0o777 == 0o600, name
