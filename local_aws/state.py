"""What a local AWS keeps on disk: where it listens, which processes it is, its access key, and their data."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local_aws import clean_environment, credentials
from local_aws.bedrock import LOCAL_MODEL
from local_aws.credentials import AccessKey, write_private
from local_aws.data_api.admin_client import AdminClient
from local_aws.errors import DamagedError

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CHECKOUT = (REPOSITORY / "cdk.json").exists()
# Of the Data API alone. An installed package keeps its data where it is started, not in site-packages.
DEFAULT_DIRECTORY = (REPOSITORY if IN_CHECKOUT else Path.cwd()) / ".local"
ACCOUNT = "000000000000"
REGION = "ap-northeast-1"
# The reason that a stack gives whose deletion was not finished.
INTERRUPTED = "the local AWS was stopped in the middle"
# Why the control plane does not save a stack now: it saves it when the operation has ended.
STACK_OPERATION = "a stack operation is under way"
# What `env` exports, besides what the app deploys.
EXPORTED = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS_DATA", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED",
    "CDK_DISABLE_CLI_TELEMETRY", "STCHAT_CHAT_MODEL",
)  # fmt: skip
DATA_API_SERVICES = ("rds-data", "bedrock-runtime")


@dataclass(frozen=True)
class Server:
    """A process of ours. The start time tells it from a later process with the same id."""

    pid: int
    started: float


@dataclass(frozen=True, kw_only=True)
class LocalAws:
    """The servers of one local AWS; `None` where one does not run. `app`: the CDK app that is deployed onto it."""

    directory: Path
    aws_port: int
    data_api_port: int
    control_plane: Server | None = None
    data_api: Server | None = None
    app: Path = REPOSITORY

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def data_api_url(self) -> str:
        return f"http://127.0.0.1:{self.data_api_port}"

    @property
    def key(self) -> AccessKey:
        return credentials.load(self.directory)

    @property
    def admin(self) -> AdminClient:
        return AdminClient(self.data_api_url, self.key)

    def environment(self) -> dict[str, str]:
        """What makes boto3, the aws CLI and `cdk` speak to this local AWS instead of AWS."""
        key = self.key
        values = (
            self.aws_url, self.data_api_url, self.data_api_url, key.id, key.secret, REGION, REGION, "true",
            "true",  # no telemetry: what happens on this machine stays here
            LOCAL_MODEL,
        )  # fmt: skip
        return dict(zip(EXPORTED, values, strict=True))

    def child_environment(self, *programs: Path) -> dict[str, str]:
        """The whole environment of a program that works with this local AWS."""
        return clean_environment.build(*programs) | self.environment()

    def client(self, service: str) -> Any:
        """A boto3 client, whatever endpoints and proxies this process's environment names."""
        url = self.data_api_url if service in DATA_API_SERVICES else self.aws_url
        session = boto3.Session(self.key.id, self.key.secret, region_name=REGION)
        return session.client(service, endpoint_url=url, config=Config(proxies={}))  # type: ignore[call-overload]

    def save(self) -> None:
        values = asdict(self) | {"app": str(self.app)}
        del values["directory"]
        write_private(_file(self.directory), json.dumps(values, indent=2) + "\n")


def load(directory: Path) -> LocalAws | None:
    """The local AWS last started in `directory`; None: never, or it was reset.

    Raises:
        LocalError: the file that says so is damaged.
    """
    try:
        values = json.loads(_file(directory).read_text())
        for name in ("control_plane", "data_api"):
            values[name] = values[name] and Server(**values[name])
        values["app"] = Path(values.get("app", REPOSITORY))
        found = LocalAws(directory=directory, **values)
        if not isinstance(found.aws_port, int) or not isinstance(found.data_api_port, int):
            raise TypeError("ports are numbers")
        return found
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise DamagedError(
            f"{_file(directory)} is damaged: `local-aws up` writes a new one, after servers that it no longer names "
            "were stopped"
        ) from None


def remove(directory: Path) -> None:
    """Remove everything: the control plane's state, every database, every log."""
    shutil.rmtree(directory, ignore_errors=True)


def _file(directory: Path) -> Path:
    return directory / "cloud.json"
