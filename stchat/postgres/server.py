"""A server that is connected to: address, login, TLS, and the settings of every session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from stchat.data_api import STATEMENT_SECONDS
from stchat.errors import DatabaseError, SettingsError
from stchat.postgres.error_mapping import REFUSED_LOGIN, WRONG_PASSWORD, of_connection
from stchat.postgres.login import Credentials, IamLogin, Login
from stchat.postgres.values import Adapters


class Connection(psycopg.Connection[dict[str, Any]]):
    """`is_changed`: the session has something that the next call must not find."""

    is_changed = False


CONNECT_SECONDS = 30.0  # of one attempt: a cluster that is paused keeps it waiting for about 15 s, then answers
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# As the Data API has them, whatever a role, a database or the environment (PGOPTIONS) sets.
_SESSION = {
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": "180s",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
}
_IAM_HINT = (
    "IAM refuses the token: grant rds_iam to the role, allow rds-db:connect on it, switch IAM authentication on, and"
    " compare this machine's clock"
)


@dataclass(frozen=True)
class Server:
    """`host`: the cluster's endpoint, or its reader endpoint. `ca_bundle`: the file with AWS's authorities
    (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem), which the server's certificate is verified by,
    its host name too. None sends everything in clear text, so only this machine's loopback address may have it.
    """

    host: str
    login: Login
    port: int = 5432
    ca_bundle: Path | None = None
    application: str = "stchat"
    adapters: Adapters = field(default_factory=Adapters, repr=False)

    def __post_init__(self) -> None:
        if not self.host:
            raise SettingsError("host must be the cluster's endpoint, got ''")
        if not 0 < self.port < 65536:
            raise SettingsError(f"port must be from 1 to 65535, got {self.port}")
        if self.ca_bundle is None:
            if self.host not in LOOPBACK:
                raise SettingsError(
                    f"ca_bundle must be given for host {self.host}, got none: download AWS's global-bundle.pem from"
                    " https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
                )
            if isinstance(self.login, IamLogin):
                raise SettingsError("ca_bundle must be given for a login by IAM, got none: its token is sent as it is")
        elif not self.ca_bundle.is_file():
            raise SettingsError(f"ca_bundle must be a file, got {self.ca_bundle}")

    def connect(self, database: str, seconds: float) -> Connection:
        """A new connection, in autocommit. `seconds`: how long the attempt may take, 2 at least.

        Raises:
            UnavailableError: no server, no answer, too many connections: nothing ran.
            DatabaseError: the login is refused, 28P01 or 28000; no such database, 3D000.
            DataApiError: the server's certificate cannot be verified; its code is CertificateError.
        """
        credentials = self.login.credentials(self.host, self.port)
        try:
            return self._open(database, credentials, seconds)
        except DatabaseError as error:
            if error.sqlstate not in (WRONG_PASSWORD, REFUSED_LOGIN) or not self.login.renew(credentials):
                raise
        return self._open(database, self.login.credentials(self.host, self.port), seconds)

    def _open(self, database: str, credentials: Credentials, seconds: float) -> Connection:
        """Every parameter that says where to go is given, so that no PG... of the environment sends it elsewhere."""
        try:
            return Connection.connect(
                host=self.host,
                hostaddr="",
                port=self.port,
                dbname=database,
                user=credentials.user,
                password=credentials.password,
                sslmode="disable" if self.ca_bundle is None else "verify-full",
                sslrootcert="" if self.ca_bundle is None else str(self.ca_bundle),
                sslcert="",
                sslkey="",
                gssencmode="disable",
                target_session_attrs="any",
                client_encoding="UTF8",
                options=" ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
                application_name=self.application,
                connect_timeout=max(2, round(min(seconds, CONNECT_SECONDS))),
                # A server that is gone without a word is noticed within half a minute.
                keepalives=1,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                tcp_user_timeout=30_000,
                autocommit=True,
                # A plan that is kept breaks when a migration changes what it returns, and binds an RDS Proxy.
                prepare_threshold=None,
                row_factory=dict_row,
                cursor_factory=psycopg.RawCursor,
                context=self.adapters,
            )
        except psycopg.Error as error:
            translated = of_connection(error)
            if isinstance(self.login, IamLogin) and getattr(translated, "sqlstate", "") == REFUSED_LOGIN:
                text = f"{translated}: {_IAM_HINT}"
                translated = DatabaseError(text, code=translated.code, sqlstate=REFUSED_LOGIN)
        raise translated
