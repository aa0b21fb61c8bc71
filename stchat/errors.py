"""What can go wrong, as one tree.

StchatError
|-- SettingsError             a setting is missing or wrong
|-- InputError                what the caller gave cannot be; `field` names it; nothing was sent
|-- ConflictError             another turn is there under the same user, theme and chatid; nothing changed
|-- PartialError              some of many memories are stored, the rest not; `stored`, `remembered`, `cause`
|-- EmbeddingError            Bedrock refused, or answered what is no embedding; `code` is AWS's name for why
|   `-- EmbeddingUnavailableError  throttled, failing or unreachable for longer than the caller waits: try again
|-- DataApiError              a call of the Data API failed; `code` is AWS's name for why
|   |-- DatabaseError         PostgreSQL refused the statement; `sqlstate`, `detail`, `hint`, `position`
|   |-- UnavailableError      asleep, throttled or unreachable for longer than the caller waits: nothing ran
|   |-- OutcomeUnknownError   5xx, a cut connection, no answer: it may have run, it may run yet
|   |-- ResultTooLargeError   the answer is over 1 MiB
|   |-- StatementTimeoutError the call ended after 45 s; the statement goes on if the caller asked for that
|   `-- TransactionLostError  the transaction ended without the caller: nothing of it remains
|-- RotationError             Secrets Manager asks for a rotation that cannot be done
`-- MigrationError
    |-- FileError             a migration file is wrong
    |-- LedgerError           the files and what a database has applied do not fit together
    `-- StatementError        a statement of a migration failed
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stchat.chat.memory import Remembered


class StchatError(Exception):
    """Everything below; its text is meant for a person."""


class SettingsError(StchatError):
    pass


class InputError(StchatError):
    """`got` never shows a person's text or id: its kind and length are told instead."""

    def __init__(self, field: str, must: str, got: str, hint: str = "") -> None:
        super().__init__(f"{field} must {must}, got {got}" + (f": {hint}" if hint else ""))
        self.field = field


class ConflictError(StchatError):
    pass


class PartialError(StchatError):
    """The first `stored` items are in the database and count in `remembered`; `cause` stopped the next batch.

    Send all of them again: those that are there are then known, not doubled.
    """

    def __init__(self, stored: int, items: int, remembered: Remembered, cause: StchatError) -> None:
        super().__init__(
            f"{stored} of {items} items are stored ({remembered.written} written, {remembered.known} known), then:"
            f" {cause}: send all {items} again, what is stored is not doubled"
        )
        self.stored = stored
        self.items = items
        self.remembered = remembered
        self.cause = cause


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
        """`position`: characters from the statement's first, counted from 1."""
        super().__init__(message, code=code)
        self.sqlstate = sqlstate
        self.detail = detail
        self.hint = hint
        self.position = position


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
