"""What can go wrong, as one tree.

StchatError
|-- SettingsError             a setting is missing or wrong
|-- DataApiError              a call of the Data API failed; `code` is AWS's name for why
|   |-- DatabaseError         PostgreSQL refused the statement; `sqlstate`, `detail`, `hint`, `position`
|   |-- UnavailableError      asleep, throttled or unreachable for longer than the caller waits: nothing ran
|   |-- UnknownOutcomeError   5xx, a cut connection, no answer: it may have run, it may run yet
|   |-- StatementTimeoutError the call ended after 45 s; the statement goes on if the caller asked for that
|   `-- TransactionLostError  the transaction ended without the caller: nothing of it remains
|-- RotationError             Secrets Manager asks for a rotation that cannot be done
`-- MigrationError
    |-- FileError             a migration file is wrong
    |-- LedgerError           the files and what a database has applied do not fit together
    `-- StatementError        a statement of a migration failed
"""

from __future__ import annotations


class StchatError(Exception):
    """Everything below; its text is meant for a person."""


class SettingsError(StchatError):
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


class InDoubtError(DataApiError):
    pass


class UnavailableError(InDoubtError):
    pass


class UnknownOutcomeError(InDoubtError):
    pass


class StatementTimeoutError(InDoubtError):
    pass


class TransactionLostError(InDoubtError):
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
