"""One step of one file, in the two ways in which PostgreSQL can run it.

A step begins by claiming the file's row of the ledger. It ends with the row saying that it is done, or raises; after
anything but a StatementError the next runner, or this one, goes by what the ledger and the catalog then say.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from stchat.data_api.client import STATEMENT_SECONDS, DataApi, Transaction
from stchat.data_api.values import Row
from stchat.errors import DatabaseError, LedgerError, StatementError, StatementTimeoutError
from stchat.schema import index_memory
from stchat.schema.ledger import Claim, Ledger
from stchat.schema.migration import Script
from stchat.schema.non_transactional import Alone

log = logging.getLogger(__name__)

TRIES = 3  # of a statement that fails when nobody listens any more, for one deploy
POLL_SECONDS = 5.0

# Not the statement's fault, and gone in a while: locks, deadlocks, restarts, too many connections.
_PASSING = ("55P03", "55006", "40P01", "40001", "57P01", "57P02", "57P03", "57P05", "53300")
_PASSING_CLASS = "08"
_TRANSACTION_FAILED = "25P02"
_MADE_BY_HAND = "if somebody made it by hand, see `stchat schema baseline`"
_HINTS = {
    "42P07": _MADE_BY_HAND,
    "42710": _MADE_BY_HAND,
    "42P06": _MADE_BY_HAND,
    "3D000": "make the database in a migration of sql/postgres/",
}
_LOG = "PostgreSQL's message is in the cluster's log alone"

_AT_WORK = """
SELECT coalesce(p.phase || coalesce(' ' || p.blocks_done * 100 / nullif(p.blocks_total, 0) || ' %', ''), 'at work')
       AS progress
FROM pg_stat_activity AS a LEFT JOIN pg_stat_progress_create_index AS p ON p.pid = a.pid
WHERE a.pid = :pid AND a.state = 'active'"""


class RetryLater(Exception):  # noqa: N818 (not an error)
    """Nothing is wrong; there is something to wait for, and the text says what."""


def passing(error: DatabaseError) -> bool:
    return error.sqlstate in _PASSING or error.sqlstate.startswith(_PASSING_CLASS)


def failure(place: str, error: DatabaseError) -> StatementError:
    more = (error.detail, error.hint, _HINTS.get(error.sqlstate))
    text = "; ".join(text for text in (str(error), *more) if text)
    return StatementError(f"{place}: {text} (SQLSTATE {error.sqlstate})", sqlstate=error.sqlstate)


def together(ledger: Ledger, script: Script, done: int, deadline: float) -> int:
    """All that is left of a transactional file, or one statement of another, in a transaction with its record.

    `deadline`: when a statement that is still at work is given up, by time.monotonic().
    """
    end = len(script.statements)
    stop = end if script.migration.transactional else min(done + 1, end)
    if not script.migration.transactional:
        _claim(ledger, script, done)  # committed, so that there is a row to say why it stopped
    with ledger.api.transaction() as transaction:
        claimed = _claim(ledger, script, done, transaction)
        for index in range(done, stop):
            if time.monotonic() > deadline:
                raise _too_long(script, index)
            index_memory.for_build(transaction, script.statements[index].text)
            try:
                transaction.execute(script.statements[index].text, continue_after_timeout=True)
            except StatementTimeoutError:
                _outlast(ledger.api, transaction, script, index, claimed.pid, deadline)
            except DatabaseError as error:
                if passing(error):
                    raise
                raise failure(script.place(index, error.position), error) from error
        _recorded(ledger.advance(script, stop, transaction), script)
    return stop


def by_itself(ledger: Ledger, script: Script, done: int, kind: Alone, names: dict[str, str]) -> int:
    """A statement that runs in no transaction. What became of it, the catalog tells the step after this one."""
    statement = script.statements[done].text
    claimed = _claim(ledger, script, done)
    found = probe(ledger.api, kind, names, statement)
    match found["state"]:
        case "done":
            tidy(ledger.api, found)
            _recorded(ledger.advance(script, done + 1), script)
            return done + 1
        case "running":
            raise RetryLater(f"{script.place(done)}: {found['progress']}")
        case "broken":
            log.info("%s: what an earlier try left behind is cleared away", script.place(done))
            tidy(ledger.api, found)
            return done
    if claimed.tries == TRIES:
        tidy(ledger.api, found)
        what = f"did not get done in {TRIES} tries of over {STATEMENT_SECONDS} s"
        raise StatementError(f"{script.place(done)}: {what}; {_LOG}")
    _recorded(ledger.count_try(script.migration, claimed.tries + 1), script)
    attempt(ledger.api, kind, names, statement, found, lambda position: script.place(done, position))
    return done


def _claim(ledger: Ledger, script: Script, done: int, within: Transaction | None = None) -> Claim:
    claimed = ledger.claim(script.migration, within)
    if claimed is None or claimed.statements != done:
        raise RetryLater(f"{script.migration.path}: another runner is at work on it, or has just applied it")
    if done:
        check_done(script, claimed.statements, claimed.done)
    return claimed


def check_done(script: Script, statements: int, done: str) -> None:
    """A file that stopped half-way may be mended from the statement on at which it stopped, not before."""
    if statements > len(script.statements) or (statements and script.done(statements) != done):
        raise LedgerError(
            f"{script.migration.path}: its first {statements} statement(s) have run, and are not in the file any more:"
            " put them back as they were, and change only what comes after them"
        )


def _recorded(recorded: bool, script: Script) -> None:
    if not recorded:
        raise RetryLater(f"{script.migration.path}: another runner has taken over")


def probe(api: DataApi, kind: Alone, names: dict[str, str], statement: str) -> Row:
    return api.execute(kind.probe, {**names, "statement": statement}, idempotent=True).rows[0]


def tidy(api: DataApi, found: Row) -> None:
    """Takes back what was set for the statement, and what is left of one that broke off."""
    if found["after"]:
        api.execute(found["after"], idempotent=True)
    if found["state"] == "broken":
        _start(api, found["cure"])


def _start(api: DataApi, statement: str) -> None:
    try:
        api.execute(statement, continue_after_timeout=True)
    except StatementTimeoutError:
        log.info("still at work after %d s, and goes on", STATEMENT_SECONDS)


def attempt(
    api: DataApi, kind: Alone, names: dict[str, str], statement: str, found: Row, place: Callable[[int | None], str]
) -> None:
    """Run it, with the memory that it needs. A failure of the call is one only if the catalog does not say otherwise.

    `found`: what the catalog said before; `place`: where in it a position is. Raises StatementError, and DatabaseError
    for what is `passing`.
    """
    try:
        if found["before"]:
            api.execute(found["before"], idempotent=True)
        _start(api, statement)
    except DatabaseError as error:
        if passing(error):
            raise
        found = probe(api, kind, names, statement)
        if found["state"] not in ("done", "running"):
            tidy(api, found)
            raise failure(place(error.position), error) from error


def _too_long(script: Script, index: int) -> StatementError:
    return StatementError(
        f"{script.place(index)}: takes longer than a deploy can hold a transaction, and was rolled back:"
        " run `stchat schema apply`, or build indexes CONCURRENTLY"
    )


def _outlast(api: DataApi, transaction: Transaction, script: Script, index: int, pid: int, deadline: float) -> None:
    """Waits for a statement that has gone on after its call."""
    place = script.place(index)
    while rows := api.execute(_AT_WORK, {"pid": pid}, idempotent=True).rows:
        log.info("%s: %s", place, rows[0]["progress"])
        if time.monotonic() + POLL_SECONDS > deadline:
            api.execute("SELECT pg_cancel_backend(:pid::integer)", {"pid": pid}, idempotent=True)
            raise _too_long(script, index)
        time.sleep(POLL_SECONDS)
    try:
        transaction.execute("SELECT 1")
    except DatabaseError as error:
        if error.sqlstate != _TRANSACTION_FAILED:
            raise
        raise StatementError(f"{place}: failed after more than {STATEMENT_SECONDS} s; {_LOG}") from error
