"""What the Data API needs of the account around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from local_aws.data_api.cluster import Cluster
from local_aws.data_api.requests import Request


class Account(Protocol):
    """Clusters and secrets: its own (`standalone`) or those of a control plane (`clusters`)."""

    @property
    def clusters(self) -> Sequence[Cluster]:
        """Those that have been used."""

    async def cluster(self, arn: str) -> Cluster:
        """The cluster, its server made and started if it is the first time.

        Raises:
            ApiError: there is none, its Data API is off, or it has no instance.
        """

    async def authorize(self, operation: str, request: Request, headers: Mapping[str, str]) -> None:
        """
        Raises:
            ApiError: AccessDeniedException, where the request's signer may not do this, or not read the secret.
        """

    async def authorize_model(self, model: str, headers: Mapping[str, str], profile: str | None = None) -> None:
        """The same for Bedrock's InvokeModel of the foundation model with that id, by an inference profile, if any.

        Raises:
            ApiError: AccessDeniedException.
        """

    async def credentials(self, secret: str, cluster: Cluster, *, fresh: bool = False) -> tuple[str, str]:
        """The user and the password in a secret, given by ARN, or by a name in the cluster's region.

        `fresh` reads it again, whatever is cached.

        Raises:
            ApiError: there is no such secret, or it holds something else.
        """

    def secret_key(self, access_key: str) -> str | None:
        """The secret of an access key that is not the endpoint's own; None where it does not exist. Blocks."""

    async def refresh(self) -> None:
        """Notice what has changed. Called every second or so."""

    async def stop(self) -> None:
        """Stop every server that was started."""
