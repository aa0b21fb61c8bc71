"""What can go wrong, as one tree.

StchatError
|-- SettingsError: a setting is missing or wrong
|-- InputError: an argument is not valid; `field` names it; nothing was sent
|-- ConflictError: another turn already exists under the same user, theme and chatid; nothing changed
|-- PartialError: some of many memories are stored, the rest are not; `stored`, `created`, `existing`, `cause`
|-- EmbeddingError: Bedrock refused, or its response holds no embedding; `code` is AWS's name of the error
|   `-- EmbeddingUnavailableError: throttled, failing or unreachable for longer than the timeout: retry later
|-- DataApiError: a call of the Data API failed; `code` is AWS's name of the error
|   |-- DatabaseError: PostgreSQL refused the statement; `sqlstate`, `detail`, `hint`, `position`
|   |   `-- TransactionAbortedError: a failed statement was caught, so the transaction was rolled back; `cause`
|   |-- ResultTooLargeError: the response is over 1 MiB
|   `-- TransientError: a retry may succeed
|       |-- UnavailableError: paused, throttled or unreachable for longer than the timeout: nothing ran
|       |-- OutcomeUnknownError: 5xx, a dropped connection, no response: it may have run, or may still run
|       |-- StatementTimeoutError: the call ended after 45 s; the statement goes on if the caller asked for that
|       `-- TransactionLostError: the transaction ended before its commit: nothing of it remains
|-- RotationError: Secrets Manager asks for a rotation that cannot be done
`-- MigrationError: a migration cannot be applied
    |-- FileError: a migration file is wrong
    |-- LedgerError: the files and the migrations that a database has applied do not fit together
    `-- StatementError: a statement of a migration failed
"""

from __future__ import annotations

from collections.abc import Sequence


class StchatError(Exception):
    """The base of every error here; its text is meant for a person."""


class SettingsError(StchatError):
    pass


class InputError(StchatError):
    """`got` never shows a user's text or id: it describes its type and length instead."""

    def __init__(self, field: str, must: str, got: str, hint: str = "") -> None:
        super().__init__(f"{field} must {must}, got {got}" + (f": {hint}" if hint else ""))
        self.field, self.must, self.got, self.hint = field, must, got, hint

    def renamed(self, field: str) -> InputError:
        """The same of a field that the caller knows under another name."""
        return InputError(field, self.must, self.got, self.hint)


class ConflictError(StchatError):
    pass


class PartialError(StchatError):
    """The first `stored` of `items` are in the database: `created` are new, `existing` were there before.

    `truncated`: indexes of summaries that the model may have read in part. `cause` stopped the next batch. Send all
    items again: those that are stored are then counted as existing, not stored twice.
    """

    def __init__(
        self, cause: StchatError, *, stored: int, items: int, created: int, existing: int, truncated: Sequence[int] = ()
    ) -> None:
        super().__init__(
            f"{stored} of {items} items are stored ({created} created, {existing} already existed), then the next batch"
            f" failed: {cause}: send all {items} again, nothing is stored twice"
        )
        self.cause = cause
        self.stored = stored
        self.items = items
        self.created = created
        self.existing = existing
        self.truncated = list(truncated)


class EmbeddingError(StchatError):
    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class EmbeddingUnavailableError(EmbeddingError):
    pass


class RotationError(StchatError):
    pass


class DataApiError(StchatError):
    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class DatabaseError(DataApiError):
    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        sqlstate: str = "",
        detail: str = "",
        hint: str = "",
        position: int | None = None,
    ) -> None:
        """`position`: characters from the statement's first, counted from 1. AWS seldom sends a `detail`."""
        super().__init__(message, code=code)
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint
        self.position = position


class TransactionAbortedError(DatabaseError):
    """Raised instead of a commit, which AWS answers with "Transaction Committed" although it rolls back."""

    def __init__(self, cause: DataApiError) -> None:
        super().__init__(
            f"the transaction was rolled back, because a statement in it failed and the error was caught: {cause}:"
            " let the error leave the `with` block, or use a savepoint",
            sqlstate="25P02",
        )
        self.cause = cause


class ResultTooLargeError(DataApiError):
    pass


class TransientError(DataApiError):
    pass


class UnavailableError(TransientError):
    pass


class OutcomeUnknownError(TransientError):
    pass


class StatementTimeoutError(TransientError):
    pass


class TransactionLostError(TransientError):
    pass


class MigrationError(StchatError):
    pass


class FileError(MigrationError):
    pass


class LedgerError(MigrationError):
    pass


class StatementError(MigrationError):
    def __init__(self, message: str, *, sqlstate: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
