"""The caller's permissions: the identity that signed a request, and whether its policies allow what it requests."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from botocore.exceptions import ClientError

from local_aws.data_api.control_plane import ALLOWED, EXPLICIT_DENY, Caller, ControlPlane
from local_aws.data_api.errors import ApiError
from local_aws.state import ACCOUNT, REGION

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=(?P<key>[^/,\s]+)/(?:\d{8}/(?P<region>[^/,\s]+)/)?")
GET_SECRET = "secretsmanager:GetSecretValue"
DECISION_SECONDS = 2.0
IDENTITY_SECONDS = 300.0


def caller(headers: Mapping[str, str]) -> Caller:
    """The signer of a request.

    Raises:
        ApiError: MissingAuthenticationTokenException where it is not signed.
    """
    credential = CREDENTIAL.match(headers.get("Authorization", ""))
    if credential is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")
    return Caller(credential["key"], headers.get("X-Amz-Security-Token"))


def region(headers: Mapping[str, str]) -> str:
    """The region that a request was signed for."""
    credential = CREDENTIAL.match(headers.get("Authorization", ""))
    return (credential and credential["region"]) or REGION


def model_arns(model: str, region: str, profile: str | None) -> list[str]:
    """What a call of a model must be allowed: the model, or an inference profile and the models behind it."""
    here = f"arn:aws:bedrock:{region}::foundation-model/{model}"
    if profile is None:
        return [here]
    arns = [f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{profile}", here]
    return [*arns, f"arn:aws:bedrock:::foundation-model/{model}"] if profile.startswith("global.") else arns


class Permissions:
    """Decisions are cached for a few seconds. Every method blocks."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._identities: dict[Caller, tuple[float, str]] = {}
        self._decisions: dict[tuple[str, str, str], tuple[float, str]] = {}

    def require(self, caller: Caller, action: str, resource: str, other_name: str | None = None) -> None:
        """`other_name`: another name of the resource, which a policy may have.

        Raises:
            ApiError: AccessDeniedException, where the caller is a role or a user whose policies do not allow it.
        """
        identity = self._identity(caller)
        principal = principal_of(identity)
        if principal is None:
            return
        decisions = {self._decide(principal, action, name) for name in (resource, other_name) if name}
        if EXPLICIT_DENY in decisions:
            reason = "with an explicit deny in an identity-based policy"
        elif ALLOWED not in decisions:
            reason = f"because no identity-based policy allows the {action} action"
        else:
            return
        raise ApiError(
            "AccessDeniedException",
            f"User: {identity} is not authorized to perform: {action} on resource: {resource} {reason}",
        )

    def has_policies(self, caller: Caller) -> bool:
        """Whether the caller is a role or a user, and not the account itself."""
        return principal_of(self._identity(caller)) is not None

    def _identity(self, caller: Caller) -> str:
        since, identity = self._identities.get(caller, (0.0, ""))
        if not identity or time.monotonic() - since > IDENTITY_SECONDS:
            try:
                identity = self._plane.identity(caller)
            except ClientError:
                # With AUTH=true ministack checks signatures: then only the caller can get its own identity.
                identity = "unknown"
            self._identities[caller] = (time.monotonic(), identity)
        return identity

    def _decide(self, principal: str, action: str, resource: str) -> str:
        key = (principal, action, resource)
        since, decision = self._decisions.get(key, (0.0, ""))
        if not decision or time.monotonic() - since > DECISION_SECONDS:
            decision = self._plane.decision(principal, action, resource)
            self._decisions[key] = (time.monotonic(), decision)
        return decision


def principal_of(identity: str) -> str | None:
    """The role or user whose policies count; None for the account itself, which may do everything."""
    match identity.split(":"):
        case ["arn", partition, "sts", "", account, resource] if resource.startswith("assumed-role/"):
            return f"arn:{partition}:iam::{account}:role/{resource.split('/')[1]}"
        case ["arn", _, "iam", "", _, resource] if resource.startswith("user/"):
            return identity
    return None
