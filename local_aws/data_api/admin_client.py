"""The admin API's client, for commands and tests."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.credentials import AccessKey

# Past any proxy that the environment names.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class AdminClient:
    """What only a local AWS can do; `url` is the Data API's, `key` what requests are signed with."""

    url: str
    key: AccessKey

    def status(self) -> dict[str, Any]:
        """`clusters`: identifier, arn, state (available, paused, resuming), port and directory of each."""
        return self._call("GET", "status")

    def embeddings(self) -> str:
        """What makes the local Bedrock's vectors."""
        return str(self._call("GET", "embeddings")["embeddings"])

    def pause(self, cluster_arn: str | None = None) -> None:
        """Pause a cluster, or all that have been used; returns when PostgreSQL has stopped."""
        self._call("POST", "pause", _selected(cluster_arn))

    def resume(self, cluster_arn: str | None = None) -> None:
        """Resume a cluster, or all; returns when it is available."""
        self._call("POST", "resume", _selected(cluster_arn))

    def snapshot(self, resource_id: str, name: str) -> None:
        """Copy the data of a control plane's cluster, for others to be restored from; returns when it is copied."""
        self._call("POST", "snapshot", {"resourceId": resource_id, "name": name})

    def delete(self, resource_id: str, cluster_arn: str) -> None:
        """Report that the control plane has deleted a cluster: its data directory is moved aside."""
        self._call("POST", "delete", {"resourceId": resource_id, "arn": cluster_arn})

    def faults(self) -> list[dict[str, Any]]:
        """The rules, and how often each was applied."""
        rules: list[dict[str, Any]] = self._call("GET", "faults")["faults"]
        return rules

    def add_fault(self, kind: str, **rule: Any) -> None:
        """Add a rule: see `local_aws.data_api.faults.Fault` for its members."""
        self._call("POST", "faults", {"kind": kind, **rule})

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def add_secret(self, name: str, text: str) -> str:
        """Register a secret with a standalone endpoint; returns its ARN."""
        arn: str = self._call("POST", "secrets", {"name": name, "text": text})["arn"]
        return arn

    def _call(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        answer = signed_call(self.key, method, f"{self.url}/_local/{name}", data)
        members: dict[str, Any] = json.loads(answer)
        return members


def signed_call(key: AccessKey, method: str, url: str, body: bytes | None = None) -> bytes:
    """
    Raises:
        urllib.error.HTTPError: the answer is no success.
    """
    headers = {} if body is None else {"Content-Type": "application/json"}
    signed = AWSRequest(method, url, headers, body or b"")
    SigV4Auth(Credentials(key.id, key.secret), "local-aws", "local").add_auth(signed)
    request = urllib.request.Request(url, method=method, data=body, headers=dict(signed.headers))
    with _DIRECTLY.open(request, timeout=120) as response:
        answer: bytes = response.read()
        return answer


def _selected(cluster_arn: str | None) -> dict[str, Any]:
    return {} if cluster_arn is None else {"resourceArn": cluster_arn}
