"""What makes an SDK use the standalone endpoint: printed for a shell, or written for a CI's environment file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local_aws.credentials import AccessKey, write_private
from local_aws.data_api.standalone import Arns


def values(port: int, key: AccessKey, arns: Arns, database: str) -> dict[str, str]:
    region = arns.cluster.split(":")[3]
    return {
        "AWS_ENDPOINT_URL_RDS_DATA": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{port}",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": key.id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "STCHAT_CLUSTER_ARN": arns.cluster,
        "STCHAT_SECRET_ARN": arns.secret,
        "STCHAT_DATABASE": database,
    }


def exports(variables: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in variables.items())


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file: for its owner alone, complete or as it was."""
    write_private(path, "".join(f"{name}={value}\n" for name, value in variables.items()))
