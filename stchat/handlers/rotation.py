"""The function that Secrets Manager calls, a step at a time, to rotate a secret. An error raised here is its answer;
Secrets Manager then begins again with createSecret, for the same version."""

from __future__ import annotations

import logging
from typing import Any

import boto3
from botocore.config import Config

from stchat.data_api import DataApi, rds_data_client
from stchat.environment import Settings
from stchat.errors import RotationError
from stchat.rotation.steps import Rotation

logging.basicConfig()  # where no runtime has set up logging yet
logging.getLogger("stchat").setLevel(logging.INFO)

TIMEOUT_SECONDS = 180.0  # waited for a cluster that is asleep; two calls, of 60 s more, end within the Lambda's 10 min
# Between the new password and the moved label nothing may fail for want of another try.
SECRETS_MANAGER = Config(retries={"mode": "standard", "total_max_attempts": 8})


def on_rotation(event: dict[str, Any], _: object) -> None:
    try:
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    except KeyError as missing:
        raise RotationError(f"the event must be Secrets Manager's, got one without {missing}") from None
    settings = Settings.from_environment()
    master = DataApi(rds_data_client(), settings.cluster_arn, settings.secret_arn, settings.database, TIMEOUT_SECONDS)
    Rotation(boto3.client("secretsmanager", config=SECRETS_MANAGER), master, arn, token).run(step)
