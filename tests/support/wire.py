"""The protocol without an SDK: what is sent and what comes back, exactly."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.state import REGION
from tests.support.data_api_endpoint import KEY


@dataclass(frozen=True)
class Answer:
    """`error` is the name in the header of an error; `body` the decoded JSON."""

    status: int
    error: str | None
    body: Any


class Wire:
    """One connection, kept open, to an endpoint at `host:port`."""

    def __init__(self, url: str, *, signed: bool = True, **members: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._url = url
        self._signed = signed
        self._members = members

    def call(self, path: str, members: dict[str, Any]) -> Answer:
        """POST a request; `members` come on top of those that every request of this connection has."""
        return self.post(path, json.dumps(self._members | members).encode())

    def post(self, path: str, body: bytes, method: str = "POST") -> Answer:
        self._connection.request(method, path, body, self._headers(method, path, body))
        response = self._connection.getresponse()
        return Answer(response.status, response.headers.get("x-amzn-ErrorType"), json.loads(response.read()))

    def send(self, path: str, members: dict[str, Any]) -> None:
        """POST a request, and do not wait for the answer."""
        body = json.dumps(self._members | members).encode()
        self._connection.request("POST", path, body, self._headers("POST", path, body))

    def _headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        request = AWSRequest(method, self._url + path, {"Content-Type": "application/json"}, body)
        if self._signed:
            SigV4Auth(Credentials(KEY.id, KEY.secret), "rds-data", REGION).add_auth(request)
        return dict(request.headers)

    def close(self) -> None:
        self._connection.close()
