"""What is wrong inside a cluster's databases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stchat.ops.cluster_state import ClusterState, RoleSetting


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


def role_settings(state: ClusterState, declared: Sequence[RoleSetting] | None) -> Iterator[Finding]:
    """A role may change its own settings: an application with an SQL injection can stop itself for good."""
    if state.role_settings is None or declared is None:
        return
    existing = {_names(one) for one in state.role_settings}
    for one in state.role_settings:
        if one not in declared:
            yield Finding(
                f"role {one.role}{_in(one)} has the setting {one.setting}",
                "no migration sets it: it was changed by hand, or by the role itself, and holds for every new session",
                f"as the master: ALTER ROLE {one.role}{_in(one)} RESET {_names(one)[2]}, or set it in a migration",
            )
    for one in declared:
        if _names(one) not in existing:
            yield Finding(
                f"role {one.role}{_in(one)} has lost the setting {one.setting}",
                "a migration sets it: it was reset by hand, or by the role itself",
                f"as the master: ALTER ROLE {one.role}{_in(one)} SET {one.setting.replace('=', ' = ', 1)}",
            )


def _names(one: RoleSetting) -> tuple[str, str, str]:
    return one.role, one.database, one.setting.partition("=")[0]


def _in(one: RoleSetting) -> str:
    return f" IN DATABASE {one.database}" if one.database else ""
