"""Constructs for Aurora PostgreSQL over the Data API: docs/constructs.md has each with its smallest example."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from constructs_lib.agent_function import AgentFunction
    from constructs_lib.alarms import Alarms
    from constructs_lib.aurora import AuroraPostgres
    from constructs_lib.capacity import Capacity
    from constructs_lib.chat_function import ChatFunction
    from constructs_lib.dashboard import Dashboard
    from constructs_lib.data_api_schema import DataApiSchema
    from constructs_lib.database_access import DatabaseAccess
    from constructs_lib.fargate_service import FargateService
    from constructs_lib.kms_key import KmsKey
    from constructs_lib.lambda_code import CHAT_SQL
    from constructs_lib.policy_checks import add_policy_checks
    from constructs_lib.secret_rotation import SecretRotation
    from constructs_lib.two_tier_vpc import TwoTierVpc

__all__ = [
    "CHAT_SQL",
    "AgentFunction",
    "Alarms",
    "AuroraPostgres",
    "Capacity",
    "ChatFunction",
    "Dashboard",
    "DataApiSchema",
    "DatabaseAccess",
    "FargateService",
    "KmsKey",
    "SecretRotation",
    "TwoTierVpc",
    "add_policy_checks",
]

_MODULES = {
    "CHAT_SQL": "lambda_code",
    "AgentFunction": "agent_function",
    "Alarms": "alarms",
    "AuroraPostgres": "aurora",
    "Capacity": "capacity",
    "ChatFunction": "chat_function",
    "Dashboard": "dashboard",
    "DataApiSchema": "data_api_schema",
    "DatabaseAccess": "database_access",
    "FargateService": "fargate_service",
    "KmsKey": "kms_key",
    "SecretRotation": "secret_rotation",
    "TwoTierVpc": "two_tier_vpc",
    "add_policy_checks": "policy_checks",
}


def __getattr__(name: str) -> Any:
    """A construct is imported as it is first used: the CDK's modules and cdk-nag are large."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
