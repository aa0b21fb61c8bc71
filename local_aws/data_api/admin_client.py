"""The admin API's client, for commands and tests: standard library only."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


def status(url: str) -> dict[str, Any]:
    """`clusters`: identifier, arn, state (available, paused, resuming), port and directory of each."""
    return _call(url, "GET", "status")


def pause(url: str, cluster_arn: str | None = None) -> None:
    """Pause a cluster, or all that have been used; returns when PostgreSQL has stopped."""
    _call(url, "POST", "pause", _selected(cluster_arn))


def resume(url: str, cluster_arn: str | None = None) -> None:
    """Resume a cluster, or all; returns when it is available."""
    _call(url, "POST", "resume", _selected(cluster_arn))


def snapshot(url: str, resource_id: str, name: str) -> None:
    """Copy the data of a control plane's cluster, for others to be restored from; returns when it is copied."""
    _call(url, "POST", "snapshot", {"resourceId": resource_id, "name": name})


def delete(url: str, resource_id: str, cluster_arn: str) -> None:
    """Report that the control plane has deleted a cluster: its data directory is moved aside."""
    _call(url, "POST", "delete", {"resourceId": resource_id, "arn": cluster_arn})


def faults(url: str) -> list[dict[str, Any]]:
    """The rules, and how often each was applied."""
    rules: list[dict[str, Any]] = _call(url, "GET", "faults")["faults"]
    return rules


def add_fault(url: str, kind: str, **rule: Any) -> None:
    """Add a rule: see `local_aws.data_api.faults.Fault` for its members."""
    _call(url, "POST", "faults", {"kind": kind, **rule})


def clear_faults(url: str) -> None:
    _call(url, "DELETE", "faults")


def add_secret(url: str, name: str, text: str) -> str:
    """Register a secret with a standalone endpoint; returns its ARN."""
    arn: str = _call(url, "POST", "secrets", {"name": name, "text": text})["arn"]
    return arn


def _selected(cluster_arn: str | None) -> dict[str, Any]:
    return {} if cluster_arn is None else {"resourceArn": cluster_arn}


def _call(url: str, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{url}/_local/{name}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        body_: dict[str, Any] = json.load(response)
        return body_
