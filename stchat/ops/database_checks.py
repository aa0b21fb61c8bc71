"""What is wrong inside a cluster's databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stchat.ops.cluster_state import ClusterState


@dataclass(frozen=True)
class Finding:
    """A problem needs a change; a finding that is not a problem is a note."""

    what: str
    why: str
    hint: str
    problem: bool = True


def extensions(state: ClusterState) -> Iterator[Finding]:
    for one in state.extensions or ():
        yield Finding(
            f"extension {one.name} of database {one.database} is {one.installed}, the server has {one.available}",
            "an engine upgrade does not update extensions: fixes and new index features stay unused",
            f"run ALTER EXTENSION {one.name} UPDATE in {one.database}, as a new migration file",
        )


def changed_roles(state: ClusterState) -> Iterator[Finding]:
    for role in state.changed_roles or ():
        yield Finding(
            f"role {role.name} is not as migrations have made it: {'; '.join(role.changes)}",
            "a role may change its own settings, and an SQL injection can so stop the application for good",
            f"stchat schema apply --roles {role.name}=<ARN of its secret> sets them again, as a deploy of migrations"
            " does",
        )
