"""Every call of an apply, failing in every way: what comes out is always what comes out undisturbed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from stchat.data_api import DataApi
from stchat.schema.catalog import lines
from stchat.schema.runner import Runner
from stchat.sql_lint.parse import load
from tests.support.crash_injection import KilledError
from tests.support.faults import FAULTS, Busy, Fault, Faulty

# Every kind of step.
CREATE_DATABASE = {"0001_create.sql": "-- stchat: non-transactional\nCREATE DATABASE {made};"}
ALL_ELSE = {
    "0001_table.sql": """
        CREATE TABLE t (id bigserial PRIMARY KEY, name text);
        CREATE INDEX t_spare ON t (name);
        INSERT INTO t (name) VALUES ('one');""",
    "0002_alone.sql": """
        -- stchat: non-transactional
        -- stchat: allow drop: an index that comes again
        INSERT INTO t (name) VALUES ('two');
        CREATE UNIQUE INDEX CONCURRENTLY t_name ON t (name);
        DROP INDEX CONCURRENTLY t_spare;""",
    "0003_body.sql": """
        DO $$ BEGIN INSERT INTO t (name) VALUES ('three'); END $$;""",
}
_LEDGER = """
SELECT version, name, checksum, statements, done, tries, error, holder, lease_until, applied_at IS NOT NULL AS applied
FROM schema_migrations ORDER BY version"""
_MADE = "SELECT datname FROM pg_database WHERE datname = :name"
THREADS = 4


@dataclass
class Place:
    """A database to apply files in, again and again."""

    api: DataApi
    directory: Path
    made: str

    @classmethod
    def prepare(cls, api: DataApi, directory: Path, name: str, files: dict[str, str]) -> Place:
        (directory / name).mkdir(parents=True)
        for file, text in files.items():
            (directory / name / file).write_text(text.replace("{made}", f"{name}_made"))
        api.execute(f"CREATE DATABASE {name}")
        return cls(api.with_database(name), directory, f"{name}_made")

    def run(self, client: Any, *, lease_seconds: float = 90) -> bool:
        api = replace(self.api, client=client, timeout=10)
        runner = Runner(api, load(self.directory).migrations, self.directory, "test", lease_seconds)
        return runner.apply(timeout=10)

    def outcome(self) -> list[Any]:
        catalog = lines(self.api)
        rows = self.api.execute("SELECT name FROM t ORDER BY id").rows if "table public.t" in catalog else []
        made = self.api.execute(_MADE, {"name": self.made}).rows
        return [catalog, self.api.execute(_LEDGER).rows, rows, made]

    def clear(self) -> None:
        self.api.execute("DROP SCHEMA IF EXISTS public CASCADE", idempotent=True)
        self.api.execute("CREATE SCHEMA IF NOT EXISTS public", idempotent=True)
        self.api.execute(f"DROP DATABASE IF EXISTS {self.made}", idempotent=True)

    def undisturbed(self) -> tuple[list[Any], int]:
        client = Faulty(self.api.client)
        assert self.run(client)
        outcome = self.outcome()
        self.clear()
        return outcome, client.calls

    def disturbed(self, at: int, fault: Fault) -> list[Any]:
        """What is there after a run with one fault, and a second run where the first was killed."""
        client = Faulty(self.api.client, at, fault)
        try:
            assert self.run(client), f"the runner gets over a fault at call {at}"
        except KilledError:
            target = {"resourceArn": self.api.cluster_arn, "secretArn": self.api.secret_arn}
            for transaction in client.open:  # as AWS does, 3 minutes later
                self.api.client.rollback_transaction(**target, transactionId=transaction)
            assert self.run(self.api.client, lease_seconds=0), f"the next runner finishes after call {at}"
        outcome = self.outcome()
        self.clear()
        return outcome


@pytest.mark.parametrize(
    ("files", "calls"), [(CREATE_DATABASE, 9), (ALL_ELSE, 35)], ids=["create database", "all else"]
)
def test_every_call_with_every_fault(api: DataApi, tmp_path: Path, files: dict[str, str], calls: int) -> None:
    """To be killed before a call is to be killed after the one before it, so that is not done twice."""

    def work(worker: int) -> list[str]:
        place = Place.prepare(api, tmp_path / str(worker), f"crash_{len(files)}_{worker}", files)
        expected, made = place.undisturbed()
        assert made == calls
        cases = [(name, at) for name in FAULTS for at in range(calls)][worker::THREADS]
        wrong = [f"{name} at call {at}" for name, at in cases if place.disturbed(at, FAULTS[name]) != expected]
        api.execute(f"DROP DATABASE {place.api.database} WITH (FORCE)")
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert [case for cases in pool.map(work, range(THREADS)) for case in cases] == []


def test_every_call_paused_and_then_throttled(api: DataApi, tmp_path: Path) -> None:
    """These two change nothing in the database, so all calls of one run can meet them in turn."""
    place = Place.prepare(api, tmp_path, "crash_busy", ALL_ELSE)
    expected, calls = place.undisturbed()
    client = Busy(api.client)
    assert place.run(client)
    assert place.outcome() == expected
    assert client.calls == 3 * calls
    api.execute(f"DROP DATABASE {place.api.database} WITH (FORCE)")
