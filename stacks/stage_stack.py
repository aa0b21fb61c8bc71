"""A stack of one stage: named after it, with its protection, in its account and region."""

from __future__ import annotations

from aws_cdk import Environment, Stack
from constructs import Construct

from stacks.config import Settings


class StageStack(Stack):
    """`st-chat-<stage>-<id>`, so that stages live side by side in one account."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, description: str) -> None:
        self._zones = list(settings.availability_zones)
        super().__init__(
            scope,
            id,
            stack_name=f"st-chat-{settings.stage}-{id.lower()}",
            description=description,
            env=Environment(account=settings.account, region=settings.region),
            termination_protection=settings.protect_data,
        )

    @property
    def availability_zones(self) -> list[str]:
        """The settings' zones, so that synth asks no account for its own."""
        return self._zones
