"""What makes an SDK use the standalone endpoint: printed for a shell, or written for a CI's environment file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from local_aws.data_api.standalone import Arns


def values(port: int, arns: Arns, database: str) -> dict[str, str]:
    region = arns.cluster.split(":")[3]
    return {
        "AWS_ENDPOINT_URL_RDS_DATA": f"http://127.0.0.1:{port}",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{port}",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "STCHAT_CLUSTER_ARN": arns.cluster,
        "STCHAT_SECRET_ARN": arns.secret,
        "STCHAT_DATABASE": database,
    }


def exports(variables: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={value}" for name, value in variables.items())


def write(path: Path, variables: Mapping[str, str]) -> None:
    """Replace the file: for its owner alone, complete or as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    new.replace(path)
