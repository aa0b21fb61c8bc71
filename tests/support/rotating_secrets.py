"""A cluster with a master and one role, each with a secret that is rotated."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
from botocore.config import Config

from local_aws.state import ACCOUNT, REGION, LocalAws
from stchat.data_api import DataApi
from stchat.data_api.scram import verifier
from stchat.rotation.steps import Rotation

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient
    from types_boto3_rds_data import RDSDataServiceClient
    from types_boto3_secretsmanager import SecretsManagerClient


IDENTIFIER = "rotated"


DATABASE = "chat"


END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"""


STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


@dataclass(frozen=True)
class RotatingSecrets:
    """Three boto3 clients, and the ARNs of two secrets whose rotation is on."""

    cloud: LocalAws
    secrets: SecretsManagerClient
    data: RDSDataServiceClient
    functions: LambdaClient
    cluster: str
    master: str
    role: str

    def api(self, secret: str, database: str = "postgres", *, timeout: float = 5.0) -> DataApi:
        return DataApi(self.data, self.cluster, secret, database, timeout)

    def login(self, secret: str, label: str = "AWSCURRENT") -> dict[str, Any]:
        value = self.secrets.get_secret_value(SecretId=secret, VersionStage=label)
        login: dict[str, Any] = json.loads(value["SecretString"])
        return login

    def secret(self, name: str, **login: str) -> str:
        """The ARN of a new one, whose rotation is on."""
        return create_secret(self.secrets, name, **login)

    def labels(self, secret: str) -> dict[str, str]:
        """Version by label."""
        versions = self.secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        return {label: version for version, labels in versions.items() for label in labels}

    def begin(self, secret: str) -> str:
        """What Secrets Manager does first: a version that is pending and empty. ministack's RotateSecret has a stub's
        place: it makes a copy of the current version current, and calls no function."""
        assert "AWSPENDING" not in self.labels(secret), "a rotation is under way: Secrets Manager begins that one again"
        token = str(uuid.uuid4())
        self.secrets.put_secret_value(SecretId=secret, ClientRequestToken=token, VersionStages=["AWSPENDING"])
        return token

    def rotation(self, secret: str, token: str, *, timeout: float = 1.0) -> Rotation:
        return Rotation(self.secrets, self.api(self.master, timeout=timeout), secret, token)

    def rotate(self, secret: str, token: str | None = None, *, timeout: float = 1.0) -> None:
        """What Secrets Manager does with a rotation, new or (with `token`) begun again."""
        token = token or self.begin(secret)
        self.steps(secret, token, timeout=timeout)
        self.end(secret, token)

    def steps(self, secret: str, token: str, *, timeout: float = 1.0) -> None:
        for step in STEPS:
            self.rotation(secret, token, timeout=timeout).run(step)

    def end(self, secret: str, token: str) -> None:
        """What Secrets Manager does last."""
        self.secrets.update_secret_version_stage(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)

    def connect(self, login: dict[str, Any]) -> psycopg.Connection:
        [cluster] = self.cloud.admin.status()["clusters"]
        return psycopg.connect(
            host="127.0.0.1", port=cluster["port"], user=login["username"], password=login["password"],
            dbname=login.get("dbname", "postgres"), autocommit=True,
        )  # fmt: skip

    def opens(self, login: dict[str, Any]) -> bool:
        """Whether PostgreSQL itself lets this password in."""
        try:
            self.connect(login).close()
        except psycopg.OperationalError as error:
            assert "password authentication failed" in str(error)
            return False
        return True

    def end_sessions(self, secret: str) -> None:
        """Those of the secret's role, so that the Data API, which keeps some, must log in anew."""
        for label in ("AWSCURRENT", "AWSPENDING"):
            if self.opens(login := self.login(secret, label)):
                with self.connect(login) as connection:
                    connection.execute(END_SESSIONS)
                return


def create_rotating_secrets(here: LocalAws) -> RotatingSecrets:
    session = boto3.Session(here.key.id, here.key.secret, region_name=REGION)
    rds = session.client("rds", endpoint_url=here.aws_url)
    secrets = session.client("secretsmanager", endpoint_url=here.aws_url)
    rds.create_db_cluster(
        DBClusterIdentifier=IDENTIFIER, Engine="aurora-postgresql", EngineVersion="16.13", EnableHttpEndpoint=True,
        MasterUsername="stchat", MasterUserPassword="first-password-of-the-master",
    )  # fmt: skip
    rds.create_db_instance(
        DBInstanceIdentifier=f"{IDENTIFIER}-1", DBClusterIdentifier=IDENTIFIER, Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
    )  # fmt: skip

    rotating = RotatingSecrets(
        cloud=here,
        secrets=secrets,
        data=session.client(
            "rds-data", endpoint_url=here.data_api_url, config=Config(retries={"total_max_attempts": 1})
        ),
        functions=session.client("lambda", endpoint_url=here.aws_url),
        cluster=f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{IDENTIFIER}",
        master=create_secret(secrets, "st.chat", username="stchat", password="first-password-of-the-master"),
        role=create_secret(
            secrets, "st.chat.app", username="st_chat_app", password="first-password-of-the-role", dbname=DATABASE
        ),
    )
    master = replace(rotating.api(rotating.master), timeout=60)
    master.execute(f"CREATE DATABASE {DATABASE}")
    master.execute(f"CREATE ROLE st_chat_app LOGIN PASSWORD '{verifier('first-password-of-the-role')}'")
    return rotating


def create_secret(secrets: SecretsManagerClient, name: str, **login: str) -> str:
    login["dbClusterIdentifier"] = IDENTIFIER
    arn = secrets.create_secret(Name=name, SecretString=json.dumps(login))["ARN"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:rotate"
    secrets.rotate_secret(SecretId=arn, RotationLambdaARN=function, RotateImmediately=False)
    return arn
