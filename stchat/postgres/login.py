"""Who logs in: a role's secret, read again when a rotation has made it old; or IAM, a token for each connection."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError

from stchat.data_api import aws_client, translate
from stchat.environment import region_of
from stchat.errors import OutcomeUnknownError, SettingsError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_rds import RDSClient
    from types_boto3_secretsmanager import SecretsManagerClient

SECRET_SECONDS = 10.0  # for one call of Secrets Manager


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str = field(repr=False)


class Login(Protocol):
    def credentials(self, host: str, port: int) -> Credentials:
        """For a new connection."""

    def renew(self, refused: Credentials) -> bool:
        """Whether there are others now than those that the server has refused."""


@dataclass(frozen=True)
class PasswordLogin:
    """A password that the program has from elsewhere."""

    user: str
    password: str = field(repr=False)

    def credentials(self, host: str, port: int) -> Credentials:  # noqa: ARG002
        return Credentials(self.user, self.password)

    def renew(self, refused: Credentials) -> bool:  # noqa: ARG002
        return False


class SecretLogin:
    """`client`: boto3's `secretsmanager`, or None: created in the region of the ARN. The secret is read once, and again
    when the server refuses its password; connections that are open outlive a rotation."""

    def __init__(self, secret_arn: str, client: SecretsManagerClient | None = None) -> None:
        self.secret_arn = secret_arn
        self._client = client
        self._known: Credentials | None = None
        self._lock = threading.Lock()

    def credentials(self, host: str, port: int) -> Credentials:  # noqa: ARG002
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def renew(self, refused: Credentials) -> bool:
        with self._lock:
            if self._known in (None, refused):
                self._known = self._read()
            return self._known != refused

    def _read(self) -> Credentials:
        if self._client is None:
            client: Any = aws_client("secretsmanager", region_of(self.secret_arn), read_seconds=SECRET_SECONDS)
            self._client = cast("SecretsManagerClient", client)
        try:
            text = self._client.get_secret_value(SecretId=self.secret_arn)["SecretString"]
            login = json.loads(text)
            return Credentials(login["username"], login["password"])
        except (ClientError, BotoCoreError) as error:
            translated = translate(error)
            if isinstance(translated, OutcomeUnknownError):  # a read has no outcome
                raise UnavailableError(str(translated), code=translated.code) from error
            raise translated from error
        except (KeyError, TypeError, ValueError):
            raise SettingsError(
                f"secret {self.secret_arn} must be JSON with a username and a password: put that back with"
                " aws secretsmanager put-secret-value"
            ) from None


class IamLogin:
    """As a role that has been granted rds_iam. A token opens connections for 15 minutes, so each connection gets one of
    its own; it is signed here, without a call. `client`: boto3's `rds` of the cluster's region."""

    def __init__(self, user: str, region: str | None = None, client: RDSClient | None = None) -> None:
        self.user = user
        self._region = region
        self._client = client
        self._lock = threading.Lock()

    def credentials(self, host: str, port: int) -> Credentials:
        with self._lock:
            if self._client is None:
                client: Any = aws_client("rds", self._region)
                self._client = cast("RDSClient", client)
        try:
            token = self._client.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=self.user)
        except (ClientError, BotoCoreError) as error:
            raise translate(error) from error
        return Credentials(self.user, token)

    def renew(self, refused: Credentials) -> bool:  # noqa: ARG002
        return False
