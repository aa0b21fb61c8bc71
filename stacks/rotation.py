"""New passwords for the master and the roles, at an interval."""

from __future__ import annotations

from constructs import Construct

from constructs_lib.secret_rotation import SecretRotation
from stacks.checks import ROLES
from stacks.config import Settings
from stacks.database import DatabaseStack
from stacks.stage_stack import StageStack


class RotationStack(StageStack):
    """Apart from the database's stack: a rotation that cannot be set up must not roll back a cluster."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, database: DatabaseStack) -> None:
        super().__init__(scope, id, settings=settings, description="Rotation of the chat database's secrets")
        rotation = SecretRotation(
            self,
            "Rotation",
            cluster=database.database.cluster,
            master=database.database.secret,
            secrets={"Master": database.database.secret}
            | {ROLES[role].capitalize(): secret for role, secret in database.role_secrets.items()},
            every=settings.rotate_secrets_every,
        )
        self.rotator = rotation.rotator.function
