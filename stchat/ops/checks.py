"""What is wrong with a cluster, or keeps it awake: each with why it matters and the hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from stchat.ops.cluster_state import SERVERLESS, Facts, Instance, Secret
from stchat.ops.support import Support

NEAR = timedelta(days=180)
CERTIFICATE_NEAR = timedelta(days=30)
LATE = timedelta(days=1)
LONGEST_ROTATION = timedelta(hours=1)
FIRST_MINOR_THAT_PAUSES = (16, 3)


@dataclass(frozen=True)
class Finding:
    """A problem wants something done; what is none is only worth knowing."""

    what: str
    why: str
    hint: str
    problem: bool = True


def examine(facts: Facts, support: Support, now: datetime) -> list[Finding]:
    return [
        *_awake(facts),
        *_drift(facts),
        *_ends(facts, support, now.date()),
        *(finding for secret in facts.secrets for finding in _secret(secret, now)),
        *_status(facts),
    ]


def _awake(facts: Facts) -> Iterator[Finding]:
    """What keeps a cluster awake that is set to pause. One that is not set to has no finding here."""
    if facts.min_acu != 0:
        return
    why = "while it is awake, every instance costs at least 0.5 ACU"
    for instance in facts.instances:
        if instance.kind != SERVERLESS:
            yield Finding(
                f"instance {instance.identifier} is a {instance.kind}, which is always on",
                f"{why}, and one instance that cannot pause keeps the whole cluster from it",
                "give it Serverless v2 in stacks/config.py, or set min_acu above 0 and say so",
            )
        elif instance.role == "reader" and instance.tier > 1:
            yield Finding(
                f"reader {instance.identifier} has promotion tier {instance.tier}",
                "it pauses by itself, not with the writer, and wakes the writer when it is called",
                "tier 0 or 1 pauses and resumes with the writer",
                problem=False,
            )
    for proxy in facts.proxies:
        yield Finding(
            f"RDS Proxy {proxy} has this cluster as its target",
            f"its open connections keep the cluster awake; {why}",
            "delete the proxy (rds_proxy=False), or set min_acu above 0",
        )
    for name in facts.global_clusters:
        yield Finding(
            f"it is in the global database {name}",
            f"that keeps the cluster awake; {why}",
            f"aws rds remove-from-global-cluster --global-cluster-identifier {name}"
            f" --db-cluster-identifier {facts.arn}",
        )
    for name in facts.integrations:
        yield Finding(
            f"the zero-ETL integration {name} reads it",
            f"that keeps the cluster awake; {why}",
            f"aws rds delete-integration --integration-identifier {name}",
        )
    if facts.logical_replication:
        yield Finding(
            "rds.logical_replication is 1 in its parameter group",
            f"that keeps the cluster awake; {why}",
            "set it to 0 and restart the writer",
        )
    if _version(facts.engine_version) < FIRST_MINOR_THAT_PAUSES:
        yield Finding(
            f"its engine {facts.engine_version} cannot pause",
            "0 ACU needs 16.3 or later",
            "set engine_version in stacks/config.py, and deploy",
        )
    for session in facts.sessions or ():
        yield Finding(
            f"{session.user} is connected to {session.database} from {session.client}"
            f" since {session.since:%Y-%m-%d %H:%M} UTC as {session.application or 'a program without a name'}",
            f"an open connection of a user keeps the cluster awake, idle or not; {why}",
            "close it where it is not needed; the Data API keeps none that counts",
            problem=False,
        )


def _drift(facts: Facts) -> Iterator[Finding]:
    """What is there now and is not what the template says."""
    for name, now, said in _differences(facts.properties, facts.template):
        if name == "EngineVersion":
            yield Finding(
                f"the engine is {now}, its template says {said}",
                "the next deploy would try to go back, which Aurora refuses",
                f'set engine_version="{now}" in stacks/config.py, and deploy',
            )
        else:
            yield _drifted(f"{name} of the cluster", now, said)
    for instance in facts.instances:
        for name, now, said in _differences(instance.properties, instance.template):
            yield _drifted(f"{name} of {instance.identifier}", now, said)


def _differences(now: Mapping[str, Any], template: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Of what is told and the template says outright."""
    return [
        (name, value, template[name])
        for name, value in now.items()
        if isinstance(template.get(name), (str, int, float)) and value != template[name]
    ]


def _drifted(name: str, now: Any, said: Any) -> Finding:
    return Finding(
        f"{name} is {now}, its template says {said}",
        "it was changed past CloudFormation, which neither notices nor undoes that",
        "change it back, or change the setting in stacks/config.py and deploy",
    )


def _ends(facts: Facts, support: Support, today: date) -> Iterator[Finding]:
    version = facts.engine_version
    if version in support.retired or facts.engine_status == "deprecated":
        yield Finding(
            f"AWS has retired engine {version}",
            "no new cluster or restored snapshot may have it, and AWS upgrades it at a time of its own",
            "set engine_version in stacks/config.py to a supported minor, and deploy",
        )
    if (ends := support.of_engine(version)) and ends - today < NEAR:
        yield Finding(
            f"standard support of engine {version} {_ended(ends, today)}",
            "after that AWS bills Extended Support by the vCPU-hour",
            "plan the next major version",
        )
    for instance in facts.instances:
        yield from _certificate(instance, support, today)


def _certificate(instance: Instance, support: Support, today: date) -> Iterator[Finding]:
    if (ends := support.cas.get(instance.ca)) and ends - today < NEAR:
        yield Finding(
            f"the certificate authority {instance.ca} of {instance.identifier} {_ended(ends, today)}",
            "clients that check certificates are refused after that",
            "set ca_certificate in stacks/config.py; first give the clients the new bundle",
        )
    if (ends := instance.certificate_ends) and ends - today < CERTIFICATE_NEAR:
        yield Finding(
            f"the server certificate of {instance.identifier} {_ended(ends, today)}",
            "AWS renews it before that by itself; if it has not, the renewal waits for a restart",
            f"aws rds reboot-db-instance --db-instance-identifier {instance.identifier}",
        )


def _secret(secret: Secret, now: datetime) -> Iterator[Finding]:
    if secret.pending and secret.changed and now - secret.changed > LONGEST_ROTATION:
        yield Finding(
            f"a rotation of secret {secret.name} has stopped half-way",
            "its pending version has not become the current one in an hour",
            "the function's log says why; docs/rotation.md",
        )
    if secret.rotates and secret.due and now - secret.due > LATE:
        yield Finding(
            f"secret {secret.name} was to be rotated by {secret.due:%Y-%m-%d}",
            "its password is older than it may be",
            f"aws secretsmanager rotate-secret --secret-id {secret.name}; docs/rotation.md",
        )


def _status(facts: Facts) -> Iterator[Finding]:
    if facts.status not in ("available", "backing-up"):
        yield Finding(
            f"the cluster is {facts.status}",
            "it may answer nothing meanwhile",
            f"aws rds describe-events --source-type db-cluster --source-identifier {facts.identifier}",
        )
    yield from (
        Finding(
            f"instance {instance.identifier} is {instance.status}",
            "it may answer nothing meanwhile",
            f"aws rds describe-events --source-type db-instance --source-identifier {instance.identifier}",
        )
        for instance in facts.instances
        if instance.status not in ("available", "backing-up")
    )


def _ended(ends: date, today: date) -> str:
    return f"ends on {ends}" if ends >= today else f"ended on {ends}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
