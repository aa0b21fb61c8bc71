"""What migrations do, observed: they run in databases of their own, and the catalog is looked at after each statement.

It sees what a list of syntax cannot: the work of functions, of DO blocks and of what depends on a type. Tables are
empty there, so that rows that go are seen only where the files have put them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stchat.data_api import DataApi
from stchat.errors import DatabaseError
from stchat.schema.baseline import scratch_database
from stchat.schema.failures import failure
from stchat.schema.migration import Migration, Script
from stchat.schema.non_transactional import KINDS
from stchat.schema.plan import by_database

log = logging.getLogger(__name__)

Relations = dict[int, dict[str, Any]]
Effect = tuple[frozenset[str], str]  # markers that allow it, text

_RELATIONS = """
SELECT c.oid::bigint AS id, c.oid::regclass::text AS name, c.relkind::text AS kind,
       coalesce(pg_relation_filenode(c.oid), 0)::bigint AS file, coalesce(i.indrelid, 0)::bigint AS indexed,
       (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attisdropped) AS dropped,
       pg_stat_get_xact_numscans(c.oid) AS scans, pg_stat_get_xact_tuples_deleted(c.oid) AS deleted,
       EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = pg_backend_pid() AND l.relation = c.oid
               AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')) AS locked
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' AND c.relkind IN ('r', 'm', 'p', 'i')"""


def observe(
    api: DataApi, migrations: Sequence[Migration], allowed: Mapping[str, frozenset[str]], directory: Path
) -> list[str]:
    """A line for each effect that its file does not allow. The files of `postgres` do not run: they make roles and
    databases of the cluster, which have to be there. Raises StatementError."""
    return [
        line
        for database, files in by_database(migrations).items()
        if database != "postgres"
        for line in _database(api, files, allowed, directory)
    ]


def _database(
    api: DataApi, files: Sequence[Migration], allowed: Mapping[str, frozenset[str]], directory: Path
) -> Iterator[str]:
    with scratch_database(api) as scratch:
        for migration in files:
            script = migration.read(directory)
            for index, (markers, text) in _file(scratch, script):
                if not markers & allowed.get(migration.path, frozenset()):
                    marker = sorted(markers)[0]
                    yield (
                        f"{script.location(index)}: observed: {text};"
                        f" if it is meant, write `-- stchat: allow {marker}: <why>`"
                    )


def _file(api: DataApi, script: Script) -> Iterator[tuple[int, Effect]]:
    old = _relations(api)
    indexes = range(len(script.statements))
    for group in [indexes] if script.migration.transactional else [range(index, index + 1) for index in indexes]:
        target = script.statements[group[0]].target
        if not script.migration.transactional and target and target.action in KINDS:
            if target.action != "create database":
                _execute(api, script, group[0])
            continue
        with api.transaction() as transaction:
            before = _relations(transaction)
            for index in group:
                _execute(transaction, script, index)
                after = _relations(transaction)
                for effect in _effects(old, before, after):
                    yield index, effect
                before = after


def _execute(api: Any, script: Script, index: int) -> None:
    try:
        api.execute(script.statements[index].text)
    except DatabaseError as error:
        raise failure(script.location(index, error.position), error) from error


def _relations(api: Any) -> Relations:
    return {row["id"]: row for row in api.execute(_RELATIONS).rows}


def _effects(old: Relations, before: Relations, after: Relations) -> Iterator[Effect]:
    """Of tables that were there before the file: one that it has made itself is empty."""
    tables = {id for id, row in old.items() if row["kind"] != "i"}
    indexed = {row["indexed"] for id, row in after.items() if row["kind"] == "i" and _new_file(before.get(id), row)}
    for id in sorted(tables & before.keys()):
        was, now = before[id], after.get(id)
        name = was["name"]
        if now is None:
            yield frozenset({"drop"}), f"drops {name}"
            continue
        if now["dropped"] > was["dropped"]:
            yield frozenset({"drop"}), f"drops a column of {name}"
        scanned = now["scans"] > was["scans"]
        if now["file"] != was["file"]:
            yield frozenset({"rewrite", "truncate"}), f"rewrites or empties {name}, and locks it"
        elif id in indexed:
            yield frozenset({"index"}), f"builds an index of {name} and locks it meanwhile"
        elif scanned and now["locked"]:
            yield frozenset({"scan", "not-null"}), f"reads all of {name} while it is locked"
        if now["deleted"] > was["deleted"]:
            yield frozenset({"delete"}), f"deletes {now['deleted'] - was['deleted']} row(s) of {name}"


def _new_file(was: dict[str, Any] | None, now: dict[str, Any]) -> bool:
    return bool(now["file"]) and (was is None or was["file"] != now["file"])
