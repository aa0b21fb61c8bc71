"""boto3's clients as this project makes them: without retries of their own, and without a proxy to this machine."""

from __future__ import annotations

import ipaddress
import threading
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from stchat.data_api.aws_errors import describe_error
from stchat.errors import SettingsError

CONNECTIONS = 50  # threads that may share a client before its connections are closed after each call
CONNECT_SECONDS = 5

_CREATING = threading.Lock()  # boto3's default session is not made for threads that create their clients at once


def aws_client(service: str, region: str | None = None, *, read_seconds: float = 60, attempts: int = 1) -> Any:
    """`region`: None is boto3's own choice. `read_seconds`: how long one call may take.

    Raises:
        SettingsError: no region, no such profile, a configuration or an endpoint that cannot be read.
    """
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=CONNECTIONS,
    )
    create: Any = boto3.client
    try:
        with _CREATING:
            client = create(service, region_name=region, config=config)
            if getproxies() and is_loopback(client.meta.endpoint_url):
                # A proxy cannot reach this machine's loopback address, whatever NO_PROXY holds.
                client = create(service, region_name=region, config=config.merge(Config(proxies={})))
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint in the environment that is no URL
        raise SettingsError(describe_error(error)) from error
    return client


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
