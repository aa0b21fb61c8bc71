"""What is wrong inside a cluster's databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stchat.ops.cluster_state import ClusterState
from stchat.schema.memory_codes import FITS


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
            "stchat schema apply --roles st_chat_app=<ARN of its secret> sets them again, of each role that migrations"
            " have made, as a deploy of migrations does",
        )


def codes(state: ClusterState) -> Iterator[Finding]:
    """Recall compares codes of the memories first, and exactly only those whose code is near."""
    for database, found in (state.codes or {}).items():
        models = [fit.model for fit in found if fit.memories]
        if len(models) > 1:
            yield Finding(
                f"memories of {database} are of {len(models)} embedding models: {', '.join(models)}",
                "a question is compared with memories of its own model alone, and with those that are moved to it",
                "stchat embeddings status; a move that has begun is continued by stchat embeddings move",
                problem=False,
            )
    for database, fit in ((database, one) for database, found in (state.codes or {}).items() for one in found):
        hint = f"the next deploy learns them again; now: stchat schema codes {database}"
        if fit.is_half_done:
            yield Finding(
                f"the memories of {database} are being coded again, or that has stopped half-way",
                "until it is done, recall compares codes of both kinds: the results are right, and up to twice as slow",
                f"stchat schema codes {database} continues, as does the next deploy",
                problem=False,
            )
        if fit.recall is not None and fit.recall < FITS:
            yield Finding(
                f"recall in {database} finds {fit.recall:.0%} of the 10 nearest memories,"
                f" for one question {fit.worst or 0:.0%} ({fit.questions} questions)",
                "the codes do not fit the memories: they were learned from others, or of another embedding model",
                hint,
            )
        elif fit.learned_of is None and fit.questions:
            yield Finding(
                f"recall's codes in {database} have not been learned from the memories yet",
                "until then up to 5,000 memories of a user are compared exactly, at about 5 us each",
                hint,
                problem=False,
            )


def words(state: ClusterState) -> Iterator[Finding]:
    for database, missing in (state.without_words or {}).items():
        if missing:
            yield Finding(
                f"{missing:,} memories of {database} are not found by their words yet",
                "they were written before recall looked at words; until then they are found by their meaning alone",
                f"the next deploy brings them along; now: stchat schema codes {database}",
                problem=False,
            )


def expired(state: ClusterState) -> Iterator[Finding]:
    for database, due in (state.expired or {}).items():
        if due.turns or due.memories:
            yield Finding(
                f"{due.turns:,} turns and {due.memories:,} memories of {database} have expired, and are not deleted",
                "they are never answered, and take storage; each write deletes 20 of its user's at most",
                f"stchat user --database {database} sweep deletes them all",
                problem=False,
            )
