"""The function that Secrets Manager calls, once for each step, to rotate a secret. After an error Secrets Manager
begins again with createSecret, for the same version."""

from __future__ import annotations

import logging
from typing import Any

from stchat.data_api import DataApi, aws_client
from stchat.environment import Settings, region_of
from stchat.errors import RotationError
from stchat.rotation import Rotation

logging.basicConfig()  # where no runtime has set up logging yet
logging.getLogger("stchat").setLevel(logging.INFO)

TIMEOUT_SECONDS = 180.0  # waited for a cluster that is paused; two calls, of 60 s more, end within the Lambda's 10 min
SECRETS_MANAGER_ATTEMPTS = 8  # between the new password and the moved label nothing may fail for want of a retry


def on_rotation(event: dict[str, Any], _: object) -> None:
    try:
        arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    except KeyError as missing:
        raise RotationError(f"the event must be Secrets Manager's, got one without {missing}") from None
    settings = Settings.from_environment()
    master = DataApi.from_settings(settings, timeout=TIMEOUT_SECONDS)
    secrets = aws_client("secretsmanager", region_of(arn), attempts=SECRETS_MANAGER_ATTEMPTS)
    Rotation(secrets, master, arn, token).run(step)
