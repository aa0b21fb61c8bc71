"""What the laptop's AWS keeps on disk: where it listens, which processes it is, and their data."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_DIRECTORY = REPOSITORY / ".local"
ACCOUNT = "000000000000"
REGION = "ap-northeast-1"


@dataclass(frozen=True)
class Server:
    """A process of ours. The start time tells it from a later process with the same id."""

    pid: int
    started: float


@dataclass(frozen=True, kw_only=True)
class LocalAws:
    """The servers of one laptop's AWS; `None` where one does not run."""

    directory: Path
    aws_port: int
    data_api_port: int
    control_plane: Server | None = None
    data_api: Server | None = None

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def data_api_url(self) -> str:
        return f"http://127.0.0.1:{self.data_api_port}"

    def environment(self) -> dict[str, str]:
        """What makes boto3, the aws CLI and `cdk` speak to this cloud instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ENDPOINT_URL_RDS_DATA": self.data_api_url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.data_api_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",  # what a laptop's AWS does is told to nobody
        }

    def session(self) -> boto3.Session:
        """Clients of it speak to this cloud when they are given `aws_url` or `data_api_url`."""
        return boto3.Session("local", "local", region_name=REGION)

    def save(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        values = asdict(self)
        del values["directory"]
        _file(self.directory).write_text(json.dumps(values, indent=2) + "\n")


def load(directory: Path) -> LocalAws | None:
    """The cloud last started in `directory`; None: never, or it was reset."""
    if not _file(directory).exists():
        return None
    values = json.loads(_file(directory).read_text())
    for name in ("control_plane", "data_api"):
        values[name] = values[name] and Server(**values[name])
    return LocalAws(directory=directory, **values)


def remove(directory: Path) -> None:
    """Forget everything: the control plane's state, every database, every log."""
    shutil.rmtree(directory, ignore_errors=True)


def _file(directory: Path) -> Path:
    return directory / "cloud.json"
