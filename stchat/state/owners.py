"""Whose a state is, and for how long."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

from stchat.chat import validation
from stchat.data_api import DataApi
from stchat.environment import ApplicationSettings
from stchat.errors import InputError

SHARED = "(shared)"
"""The owner of states without a user. No userid here may be this, so that no user can have them."""


def owner(userid: str | None) -> str:
    """The userid that the rows have."""
    if userid is None:
        return SHARED
    if validation.name("userid", userid) == SHARED:
        raise InputError("userid", f"not be {SHARED!r}", repr(SHARED), "leave userid out for states without a user")
    return userid


def seconds_of(expires_after: timedelta | None) -> float | None:
    if expires_after is None:
        return None
    if not isinstance(expires_after, timedelta) or not timedelta() < expires_after <= timedelta(days=36_500):
        got = str(expires_after) if isinstance(expires_after, timedelta) else validation.describe(expires_after)
        raise InputError("expires_after", "be a timedelta of more than 0 and at most 36500 days", got)
    return expires_after.total_seconds()


def database_from_env(environment: Mapping[str, str] = os.environ) -> DataApi:
    """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN and STCHAT_DATABASE."""
    return DataApi.from_settings(ApplicationSettings.from_environment(environment))
