"""One step of one file, in the two ways in which PostgreSQL can run it.

A step begins by acquiring the file's row of the ledger. It ends with the row recording that it is done, or raises;
after anything but a StatementError the next runner, or this one, goes by what the ledger and the catalog then show.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from stchat.data_api import STATEMENT_SECONDS, DataApi, Row, Transaction
from stchat.errors import DataApiError, DatabaseError, LedgerError, StatementError, StatementTimeoutError
from stchat.schema import index_memory
from stchat.schema.failures import failure, refused_result
from stchat.schema.ledger import Lease, Ledger
from stchat.schema.migration import Script, Statement, Target
from stchat.schema.non_transactional import definitions, inspect
from stchat.schema.waiting import Blockers, Postponed, is_transient

log = logging.getLogger(__name__)

ATTEMPTS = 3  # of a statement that fails after its call has returned, for one deploy
POLL_SECONDS = 5.0

_TRANSACTION_FAILED = "25P02"
_LOG = "PostgreSQL's message is in the cluster's log alone"

_AT_WORK = """
SELECT coalesce(p.phase || coalesce(' ' || p.blocks_done * 100 / nullif(p.blocks_total, 0) || ' %', ''), 'at work')
       AS progress
FROM pg_stat_activity AS a LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = a.pid
WHERE a.pid = :pid AND a.state = 'active'"""


class RetryLater(Exception):  # noqa: N818 (not an error)
    """Nothing is wrong; there is something to wait for, and the text names it."""


def run_in_transaction(ledger: Ledger, script: Script, done: int, deadline: float) -> int:
    """All that is left of a transactional file, or one statement of another, in a transaction with its record.

    `deadline`: when a statement that is still at work is given up, by time.monotonic().
    """
    end = len(script.statements)
    stop = end if script.migration.transactional else min(done + 1, end)
    if not script.migration.transactional:
        _acquire(ledger, script, done)  # committed, so that there is a row for the reason of a failure
    with ledger.api.transaction() as transaction:
        lease = _acquire(ledger, script, done, transaction)
        with Blockers(ledger.api, lease.pid, ask=lease.attempts > 0) as blockers:
            for index in range(done, stop):
                if time.monotonic() > deadline:
                    raise _too_long(script, index)
                index_memory.for_build(transaction, script.statements[index].target)
                try:
                    _run(ledger.api, transaction, script, index, lease.pid, deadline)
                except DataApiError as error:
                    if postponed := Postponed.by(error, script, index, blockers.text):
                        raise postponed from error
                    if isinstance(error, DatabaseError):
                        raise failure(script.location(index, error.position), error) from error
                    if refused := refused_result(script.location(index), error):
                        raise refused from error
                    raise
        _recorded(ledger.advance(script, stop, transaction), script)
    return stop


def _run(api: DataApi, transaction: Transaction, script: Script, index: int, pid: int, deadline: float) -> None:
    try:
        transaction.execute(script.statements[index].text, continue_after_timeout=True)
    except StatementTimeoutError:
        wait_for_completion(api, transaction, script, index, pid, deadline)


def run_outside_transaction(ledger: Ledger, script: Script, done: int, target: Target) -> int:
    """What became of the statement, the catalog shows the step after this one."""
    statement = script.statements[done]
    lease = _acquire(ledger, script, done)
    found = inspect(ledger.api, target, statement.text)
    match found["state"]:
        case "done" | "gone":
            if not lease.begun:
                _as_it_is(ledger.api, script, done, target, found)
            clean_up(ledger.api, found)
            _recorded(ledger.advance(script, done + 1), script)
            return done + 1
        case "running":
            raise RetryLater(f"{script.location(done)}: {found['progress']}")
        case "broken":
            log.info("%s: what an earlier attempt left behind is cleared away", script.location(done))
            clean_up(ledger.api, found)
            return done
        case "taken":
            raise StatementError(
                f"{script.location(done)}: {target.name} is the name of something else in the schema of"
                f" {target.table}, not of an index on it: give the index another name"
            )
    if lease.attempts == ATTEMPTS:
        clean_up(ledger.api, found)
        what = f"did not get done in {ATTEMPTS} attempts of over {STATEMENT_SECONDS} s"
        raise StatementError(f"{script.location(done)}: {what}; {_LOG}")
    _recorded(ledger.count_attempt(script.migration, lease.attempts + 1), script)
    start(ledger.api, target, statement, found, lambda position: script.location(done, position))
    return done


def _as_it_is(api: DataApi, script: Script, index: int, target: Target, found: Row) -> None:
    """Nothing has run the statement, and there is what it would leave: is that what it would leave?"""
    location = script.location(index)
    if found["state"] == "gone":
        if not target.conditional:
            raise StatementError(
                f"{location}: index {target.name} does not exist: correct its name, or write IF EXISTS"
            )
        return
    if not target.table:  # a database, which may have been made before
        return
    try:
        there, made = definitions(api, target, script.statements[index].text)
    except DatabaseError as error:
        if is_transient(error):
            raise
        raise failure(location, error) from error
    if there != made:
        raise StatementError(
            f"{location}: index {target.name} of {target.table} is there as {there}, and this statement makes {made}:"
            " drop that one in a statement before, or give this one another name"
        )


def _acquire(ledger: Ledger, script: Script, done: int, within: Transaction | None = None) -> Lease:
    lease = ledger.acquire(script.migration, within)
    if lease is None or lease.statements != done:
        raise RetryLater(f"{script.migration.path}: another runner is at work on it, it waits, or is just applied")
    if done:
        check_done(script, lease.statements, lease.done)
    return lease


def check_done(script: Script, statements: int, done: str) -> None:
    """A file that failed half-way may be fixed from the statement on at which it failed, not before."""
    if statements > len(script.statements) or (statements and script.done(statements) != done):
        raise LedgerError(
            f"{script.migration.path}: its first {statements} statement(s) have run, and are not in the file any more:"
            " put them back as they were, and change only what comes after them"
        )


def _recorded(recorded: bool, script: Script) -> None:
    if not recorded:
        raise RetryLater(f"{script.migration.path}: another runner has taken over")


def clean_up(api: DataApi, found: Row) -> None:
    """Takes back what was set for the statement, and what is left of one that broke off."""
    if found["after"]:
        api.execute(found["after"], idempotent=True)
    if found["state"] == "broken":
        _send(api, found["cure"])


def _send(api: DataApi, statement: str) -> None:
    try:
        api.execute(statement, continue_after_timeout=True)
    except StatementTimeoutError:
        log.info("still at work after %d s, and goes on", STATEMENT_SECONDS)


def start(
    api: DataApi, target: Target, statement: Statement, found: Row, location: Callable[[int | None], str]
) -> None:
    """Run it, with the memory that it needs. A failure of the call is one only if the catalog does not show otherwise.

    `found`: what `inspect` found before; `location`: of a position in it. Raises StatementError, and DatabaseError
    for what is transient.
    """
    try:
        if found["before"]:
            api.execute(found["before"], idempotent=True)
        _send(api, statement.text)
    except DatabaseError as error:
        if is_transient(error):
            raise
        found = inspect(api, target, statement.text)
        if found["state"] not in ("done", "gone", "running"):
            clean_up(api, found)
            raise failure(location(error.position), error) from error


def _too_long(script: Script, index: int) -> StatementError:
    return StatementError(
        f"{script.location(index)}: takes longer than a deploy can hold a transaction, and was rolled back:"
        " run `stchat schema apply`, or build indexes CONCURRENTLY"
    )


def wait_for_completion(
    api: DataApi, transaction: Transaction, script: Script, index: int, pid: int, deadline: float
) -> None:
    """Of a statement that has gone on after its call."""
    location = script.location(index)
    while rows := api.execute(_AT_WORK, {"pid": pid}, idempotent=True).rows:
        log.info("%s: %s", location, rows[0]["progress"])
        if time.monotonic() + POLL_SECONDS > deadline:
            api.execute("SELECT pg_cancel_backend(:pid::integer)", {"pid": pid}, idempotent=True)
            raise _too_long(script, index)
        time.sleep(POLL_SECONDS)
    try:
        transaction.execute("SELECT 1")
    except DatabaseError as error:
        if error.sqlstate != _TRANSACTION_FAILED:
            raise
        raise StatementError(f"{location}: failed after more than {STATEMENT_SECONDS} s; {_LOG}") from error
