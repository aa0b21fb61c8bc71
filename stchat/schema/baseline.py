"""Whether a schema is what its files make; and a database that was made by hand, adopted once that is so.

What the files make is found by running them in a database beside it, which is dropped again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stchat.data_api import DataApi
from stchat.errors import DatabaseError, LedgerError, MigrationError
from stchat.schema.catalog import lines
from stchat.schema.failures import failure
from stchat.schema.ledger import Ledger
from stchat.schema.migration import Migration

log = logging.getLogger(__name__)


def baseline(ledger: Ledger, files: Sequence[Migration], directory: Path) -> None:
    """`files`: those of the ledger's database that are to be recorded, from the first on. Raises LedgerError."""
    api = ledger.api
    if api.database == "postgres":
        raise MigrationError("the migrations of postgres cannot be baselined: they can be run where they have been run")
    if ledger.read():
        raise LedgerError(f"{api.database} has a ledger already: see `stchat schema status`")
    if found := differences(api, files, directory):
        raise LedgerError(
            f"{api.database} is not as {files[0].name} to {files[-1].name} make it;"
            " make it so, or baseline fewer files:\n" + "\n".join(f"  {line}" for line in found)
        )
    ledger.create()
    with api.transaction() as transaction:
        for migration in files:
            ledger.baseline(migration, transaction)


def differences(api: DataApi, files: Sequence[Migration], directory: Path) -> list[str]:
    """A line for each thing that is in one alone: the database, or a new one with these files."""
    with scratch_database(api) as scratch:
        for migration in files:
            _run(scratch, migration, directory)
        expected, found = set(lines(scratch)), set(lines(api))
    missing, more = sorted(expected - found), sorted(found - expected)
    return [*(f"missing: {line}" for line in missing), *(f"not in the files: {line}" for line in more)]


@contextmanager
def scratch_database(api: DataApi) -> Iterator[DataApi]:
    """A new one beside the others, which is dropped again."""
    name = f"stchat_baseline_{uuid.uuid4().hex[:8]}"
    log.info("making database %s to compare with", name)
    api.execute(f"CREATE DATABASE {name}")
    try:
        yield api.with_database(name)
    finally:
        api.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", idempotent=True)


def _run(api: DataApi, migration: Migration, directory: Path) -> None:
    script = migration.read(directory)
    for index, statement in enumerate(script.statements):
        try:
            api.execute(statement.text)
        except DatabaseError as error:
            raise failure(script.location(index, error.position), error) from error
