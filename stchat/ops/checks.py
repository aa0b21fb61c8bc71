"""What is wrong with a cluster, or blocks its auto-pause: each with why it matters and a hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from stchat.environment import POOL
from stchat.ops.cluster_state import SERVERLESS, ClusterState, Instance, Secret
from stchat.ops.database_checks import Finding, changed_roles, codes, expired, extensions, words
from stchat.ops.support import Support

NEAR = timedelta(days=180)
CERTIFICATE_NEAR = timedelta(days=30)
LATE = timedelta(days=1)
LONGEST_ROTATION = timedelta(hours=1)
FIRST_MINOR_THAT_PAUSES = (16, 3)
_SESSION_HINT = "close it where it is not needed; sessions of the Data API do not block auto-pause"
_POOL_HINT = (
    "the auto-pause interval begins when the pool has closed it, that long after the last call: set"
    " STCHAT_DB_IDLE_SECONDS lower, or call less often"
)


def run_checks(state: ClusterState, support: Support, now: datetime) -> list[Finding]:
    return [
        *_blocks_auto_pause(state),
        *_drift(state),
        *_ends(state, support, now.date()),
        *(finding for secret in state.secrets for finding in _secret(secret, now)),
        *_status(state),
        *extensions(state),
        *changed_roles(state),
        *codes(state),
        *words(state),
        *expired(state),
    ]


def _blocks_auto_pause(state: ClusterState) -> Iterator[Finding]:
    """For a cluster with a minimum of 0 ACU; another one does not pause anyway."""
    if state.min_acu != 0:
        return
    why = "while the cluster runs, every instance costs at least 0.5 ACU"
    for instance in state.instances:
        if instance.kind != SERVERLESS:
            yield Finding(
                f"instance {instance.identifier} is a {instance.kind}, which is provisioned",
                f"one provisioned instance blocks the auto-pause of the whole cluster; {why}",
                "make it Serverless v2 in stacks/config.py, or set min_acu above 0",
            )
        elif instance.role == "reader" and instance.tier > 1:
            yield Finding(
                f"reader {instance.identifier} has promotion tier {instance.tier}",
                "it pauses on its own, not with the writer, and resumes the writer when it is called",
                "set the promotion tier to 0 or 1: such a reader pauses and resumes with the writer",
                problem=False,
            )
    for proxy in state.proxies:
        yield Finding(
            f"RDS Proxy {proxy} has this cluster as its target",
            f"its open connections block auto-pause; {why}",
            "delete the proxy (rds_proxy=False), or set min_acu above 0",
        )
    for name in state.global_clusters:
        yield Finding(
            f"the cluster is a member of the global database {name}",
            f"that blocks auto-pause; {why}",
            f"aws rds remove-from-global-cluster --global-cluster-identifier {name}"
            f" --db-cluster-identifier {state.arn}",
        )
    for name in state.integrations:
        yield Finding(
            f"the zero-ETL integration {name} reads the cluster",
            f"that blocks auto-pause; {why}",
            f"aws rds delete-integration --integration-identifier {name}",
        )
    if state.logical_replication:
        yield Finding(
            "rds.logical_replication is 1 in the cluster's parameter group",
            f"that blocks auto-pause; {why}",
            "set it to 0 and restart the writer",
        )
    if _version(state.engine_version) < FIRST_MINOR_THAT_PAUSES:
        yield Finding(
            f"engine {state.engine_version} cannot pause",
            "0 ACU needs 16.3 or later",
            "set engine_version in stacks/config.py, and deploy",
        )
    for session in state.sessions or ():
        yield Finding(
            f"{session.user} is connected to {session.database} from {session.client}"
            f" since {session.since:%Y-%m-%d %H:%M} UTC as {session.application or 'a program without a name'}",
            f"an open connection of a user blocks auto-pause, idle or not; {why}",
            _POOL_HINT if session.application.startswith(POOL) else _SESSION_HINT,
            problem=False,
        )


def _drift(state: ClusterState) -> Iterator[Finding]:
    """Current values that differ from the template's."""
    for name, now, declared in _differences(state.properties, state.template):
        if name == "EngineVersion":
            yield Finding(
                f"the engine is {now}, its template has {declared}",
                "the next deploy would try to downgrade it, which Aurora refuses",
                f'set engine_version="{now}" in stacks/config.py, and deploy',
            )
        else:
            yield _drifted(f"{name} of the cluster", now, declared)
    for instance in state.instances:
        for name, now, declared in _differences(instance.properties, instance.template):
            yield _drifted(f"{name} of {instance.identifier}", now, declared)


def _differences(now: Mapping[str, Any], template: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Of those whose value the template has literally."""
    return [
        (name, value, template[name])
        for name, value in now.items()
        if isinstance(template.get(name), (str, int, float)) and value != template[name]
    ]


def _drifted(name: str, now: Any, declared: Any) -> Finding:
    return Finding(
        f"{name} is {now}, its template has {declared}",
        "it was changed outside CloudFormation, which neither detects nor reverts that",
        "change it back, or change the setting in stacks/config.py and deploy",
    )


def _ends(state: ClusterState, support: Support, today: date) -> Iterator[Finding]:
    version = state.engine_version
    if version in support.retired or state.engine_status == "deprecated":
        yield Finding(
            f"AWS has retired engine {version}",
            "no new cluster or restored snapshot may have it, and AWS upgrades it on its own schedule",
            "set engine_version in stacks/config.py to a supported minor, and deploy",
        )
    if (ends := support.of_engine(version)) and ends - today < NEAR:
        yield Finding(
            f"standard support of engine {version} {_ended(ends, today)}",
            "after that AWS bills Extended Support by the vCPU-hour",
            "plan the next major version",
        )
    for instance in state.instances:
        yield from _certificate(instance, support, today)


def _certificate(instance: Instance, support: Support, today: date) -> Iterator[Finding]:
    if (ends := support.cas.get(instance.ca)) and ends - today < NEAR:
        yield Finding(
            f"the certificate authority {instance.ca} of {instance.identifier} {_ended(ends, today)}",
            "clients that check certificates are refused after that",
            "give the clients the new bundle first, then set ca_certificate in stacks/config.py",
        )
    if (ends := instance.certificate_ends) and ends - today < CERTIFICATE_NEAR:
        yield Finding(
            f"the server certificate of {instance.identifier} {_ended(ends, today)}",
            "AWS renews it before that; if it has not, the renewal waits for a restart",
            f"aws rds reboot-db-instance --db-instance-identifier {instance.identifier}",
        )


def _secret(secret: Secret, now: datetime) -> Iterator[Finding]:
    if secret.pending and secret.changed and now - secret.changed > LONGEST_ROTATION:
        yield Finding(
            f"a rotation of secret {secret.name} has failed half-way",
            "its pending version has not become the current one within an hour",
            "see the log of the rotation function, and docs/rotation.md",
        )
    if secret.rotates and secret.due and now - secret.due > LATE:
        yield Finding(
            f"secret {secret.name} was to be rotated by {secret.due:%Y-%m-%d}",
            "its password is older than the schedule allows",
            f"aws secretsmanager rotate-secret --secret-id {secret.name}",
        )


def _status(state: ClusterState) -> Iterator[Finding]:
    if state.status not in ("available", "backing-up"):
        yield Finding(
            f"the cluster is {state.status}",
            "it may refuse calls until it is available",
            f"aws rds describe-events --source-type db-cluster --source-identifier {state.identifier}",
        )
    yield from (
        Finding(
            f"instance {instance.identifier} is {instance.status}",
            "it may refuse calls until it is available",
            f"aws rds describe-events --source-type db-instance --source-identifier {instance.identifier}",
        )
        for instance in state.instances
        if instance.status not in ("available", "backing-up")
    )


def _ended(ends: date, today: date) -> str:
    return f"ends on {ends}" if ends >= today else f"ended on {ends}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
