"""The clusters of a control plane, a PostgreSQL server for each, made when the Data API is first called for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from botocore.exceptions import ClientError

from local_aws.data_api import iam
from local_aws.data_api.cluster import Cluster, ClusterInfo
from local_aws.data_api.control_plane import UNREACHABLE, ClusterRecord, ControlPlane, is_failure
from local_aws.data_api.errors import ApiError, bad_request
from local_aws.data_api.requests import Request
from local_aws.data_api.server_process import Embedded
from local_aws.data_api.settings import Settings
from local_aws.data_api.storage import Storage
from local_aws.postgres.server import Postgres

LOG = logging.getLogger("local_aws.data_api")
REMEMBER_SECONDS = 2.0
SWEEP_SECONDS = 10.0
STOPPED = ("stopping", "stopped", "starting")
T = TypeVar("T")
# The region and the account of a cluster.
Scope = tuple[str, str]


class Clusters:
    """An Account over `plane`; the servers' data is under `directory`, by the clusters' resource ids."""

    def __init__(self, plane: ControlPlane, directory: Path, settings: Settings) -> None:
        self._plane = plane
        self._permissions = iam.Permissions(plane)
        self._storage = Storage(directory)
        self._settings = settings
        self._records: dict[Scope, tuple[float, list[ClusterRecord]]] = {}
        self._secrets: dict[tuple[str, Scope], tuple[float, tuple[str, str]]] = {}
        self._running: dict[str, tuple[ClusterRecord, Cluster]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def clusters(self) -> Sequence[Cluster]:
        return [cluster for _, cluster in self._running.values()]

    async def cluster(self, arn: str) -> Cluster:
        record = await self._record(arn)
        if record is None or not record.http_endpoint:
            raise _not_enabled(arn)
        if record.status in STOPPED:
            raise ApiError(
                "InvalidResourceStateException",
                f"The DB cluster {record.identifier} is in the state {record.status}: it must be available.",
            )
        if record.writer is None:
            raise ApiError(
                "DatabaseNotFoundException", f"The DB cluster {record.identifier} doesn't have a DB instance."
            )
        if record.resource_id not in self._running:
            async with self._one_at_a_time:
                if record.resource_id not in self._running:
                    self._running[record.resource_id] = (record, await self._start(record))
        _, cluster = self._running[record.resource_id]
        cluster.info = _info(record)
        return cluster

    async def authorize(self, operation: str, request: Request, headers: Mapping[str, str]) -> None:
        caller = iam.caller(headers)
        arn, secret = request.resource_arn, request.secret_arn
        scope = _scope(arn)

        def require() -> None:
            self._permissions.require(caller, f"rds-data:{operation}", arn)
            if self._permissions.has_policies(caller):
                # ministack's Ref of a secret is its name, where AWS's is its ARN: so a policy may have either.
                secret_arn, name = self._plane.secret_names(secret, *scope)
                self._permissions.require(caller, iam.GET_SECRET, secret_arn, name)

        await self._ask(require)

    async def authorize_model(self, model: str, headers: Mapping[str, str], profile: str | None = None) -> None:
        caller, region = iam.caller(headers), iam.region(headers)

        def require() -> None:
            for arn in iam.model_arns(model, region, profile):
                self._permissions.require(caller, "bedrock:InvokeModel", arn)

        await self._ask(require)

    async def credentials(self, secret: str, cluster: Cluster, *, fresh: bool = False) -> tuple[str, str]:
        scope = _scope(cluster.info.arn)
        since, cached = self._secrets.get((secret, scope), (0.0, None))
        if cached is None or fresh or time.monotonic() - since > REMEMBER_SECONDS:
            cached = await self._ask(lambda: self._plane.secret(secret, *scope))
            self._secrets[secret, scope] = (time.monotonic(), cached)
        return cached

    def secret_key(self, access_key: str) -> str | None:
        return self._plane.secret_key(access_key)

    async def refresh(self) -> None:
        """Stop the servers of clusters that the control plane no longer lists. Their data stay."""
        for scope, (since, _) in list(self._records.items()):
            if self._running and time.monotonic() - since > SWEEP_SECONDS:
                try:
                    await self._lookup(scope)
                except ApiError as error:
                    LOG.warning("%s", error)
                    self._records[scope] = (time.monotonic(), self._records[scope][1])

    async def stop(self) -> None:
        await asyncio.gather(*(cluster.stop() for cluster in self.clusters))

    async def snapshot(self, resource_id: str, name: str) -> None:
        """Copy a cluster's data as it is now, available or paused; a cluster that was never used has none.

        Raises:
            ApiError: the name is not one that RDS takes for a snapshot.
        """
        directory = self._storage.snapshot(name)
        if resource_id in self._running:
            _, cluster = self._running[resource_id]
            await cluster.server.copy_to(directory)

    async def delete(self, resource_id: str, arn: str) -> None:
        """The control plane has deleted this cluster: its data become its final snapshot, or are moved aside.

        Only a delete removes data: a control plane that does not list a cluster may have lost its own state.

        Raises:
            ApiError: the control plane still has the cluster.
        """
        directory = self._storage.cluster(resource_id)
        if any(record.resource_id == resource_id for record in await self._lookup(_scope(arn), 0.0)):
            raise bad_request(f"the control plane still lists the cluster {arn}: delete it there first")
        await self._stop(resource_id)
        if directory.exists():
            snapshot = await self._ask(lambda: self._plane.final_snapshot(arn, resource_id))
            identifier = arn.rpartition(":")[2]
            kept = await asyncio.to_thread(self._storage.retire, resource_id, identifier, snapshot)
            LOG.info("cluster %s: deleted, its data are in %s", arn, kept)

    async def _record(self, arn: str) -> ClusterRecord | None:
        """Nothing is refused because of a cached list: the cluster, or what it lacked, may have come since."""
        for seconds in (REMEMBER_SECONDS, 0.0):
            records = await self._lookup(_scope(arn), seconds)
            record = next((record for record in records if record.arn == arn), None)
            if record and record.http_endpoint and record.writer:
                break
        return record

    async def _lookup(self, scope: Scope, remember_seconds: float = REMEMBER_SECONDS) -> list[ClusterRecord]:
        since, records = self._records.get(scope, (0.0, []))
        if time.monotonic() - since > remember_seconds:
            records = await self._ask(lambda: self._plane.clusters(*scope))
            self._records[scope] = (time.monotonic(), records)
            listed = {record.resource_id for record in records}
            for id_, (record, _) in list(self._running.items()):
                if id_ not in listed and _scope(record.arn) == scope:
                    LOG.warning("cluster %s: no longer listed by the control plane; its data stay", record.arn)
                    await self._stop(id_)
        return records

    async def _start(self, record: ClusterRecord) -> Cluster:
        postgres = Postgres(self._storage.cluster(record.resource_id))

        def start() -> None:
            if postgres.exists:
                postgres.start()
                return
            # Only for a new cluster: later the password is PostgreSQL's, whatever the secret holds.
            master, password = self._plane.master(record)
            if record.snapshot is not None and self._storage.snapshot(record.snapshot).exists():
                postgres.copy(self._storage.snapshot(record.snapshot), master=master, password=password)
            else:
                postgres.create(master=master, password=password, database=record.database)
            postgres.start()

        await self._ask(start)
        LOG.info("cluster %s: PostgreSQL on port %d", record.identifier, postgres.port)
        return Cluster(
            _info(record),
            Embedded(postgres),
            resume_seconds=self._settings.resume_seconds,
            limits=self._settings.transactions,
        )

    async def _stop(self, resource_id: str) -> None:
        if resource_id in self._running:
            _, cluster = self._running.pop(resource_id)
            await cluster.stop()

    async def _ask(self, question: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(question)
        except UNREACHABLE as error:
            raise ApiError(
                "ServiceUnavailableError", f"the control plane at {self._plane.url} does not answer: {error}"
            ) from None
        except ClientError as error:
            if not is_failure(error):
                raise
            raise ApiError("ServiceUnavailableError", f"the control plane failed: {error}") from None


def _scope(arn: str) -> Scope:
    """The region and the account in a cluster's ARN.

    Raises:
        ApiError: as for a cluster that does not exist, since AWS compares the ARN letter by letter.
    """
    match arn.split(":"):
        case ["arn", _, "rds", region, account, "cluster", _] if region and account:
            return region, account
    raise _not_enabled(arn)


def _not_enabled(arn: str) -> ApiError:
    return ApiError("HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}")


def _info(record: ClusterRecord) -> ClusterInfo:
    return ClusterInfo(
        identifier=record.identifier,
        arn=record.arn,
        instance=str(record.writer),
        idle_seconds=record.pause_seconds,
    )
