"""The clusters of a control plane, a PostgreSQL server for each, made when the Data API is first called for it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from local_aws.data_api import iam
from local_aws.data_api.cluster import Cluster, Facts
from local_aws.data_api.control_plane import UNREACHABLE, ClusterRecord, ControlPlane
from local_aws.data_api.errors import ApiError, bad_request
from local_aws.data_api.server_process import Embedded
from local_aws.data_api.settings import Settings
from local_aws.postgres.roles import set_password
from local_aws.postgres.server import Postgres

LOG = logging.getLogger("local_aws.data_api")
REMEMBER_SECONDS = 2.0
SWEEP_SECONDS = 10.0
T = TypeVar("T")
Place = tuple[str, str]


class Clusters:
    """An Account over `plane`; the servers' data is under `directory`, by the clusters' resource ids."""

    def __init__(self, plane: ControlPlane, directory: Path, settings: Settings) -> None:
        self._plane = plane
        self._permissions = iam.Permissions(plane)
        self._directory = directory
        self._snapshots = directory / "snapshots"
        self._settings = settings
        self._records: dict[Place, tuple[float, list[ClusterRecord]]] = {}
        self._secrets: dict[tuple[str, Place], tuple[float, tuple[str, str]]] = {}
        self._running: dict[str, tuple[ClusterRecord, Cluster]] = {}
        self._one_at_a_time = asyncio.Lock()

    @property
    def clusters(self) -> Sequence[Cluster]:
        return [cluster for _, cluster in self._running.values()]

    async def cluster(self, arn: str) -> Cluster:
        record = await self._record(arn)
        if record is None or not record.http_endpoint:
            raise ApiError("HttpEndpointNotEnabledException", f"HttpEndpoint is not enabled for resource {arn}")
        if record.writer is None:
            raise ApiError(
                "DatabaseNotFoundException", f"The DB cluster {record.identifier} doesn't have a DB instance."
            )
        if record.resource_id not in self._running:
            async with self._one_at_a_time:
                if record.resource_id not in self._running:
                    self._running[record.resource_id] = (record, await self._start(record))
        _, cluster = self._running[record.resource_id]
        cluster.facts = _facts(record)
        return cluster

    async def authorize(self, operation: str, request: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        caller = iam.caller(headers)
        arn, secret = request["resourceArn"], request["secretArn"]
        place = _place(arn)

        def require() -> None:
            self._permissions.require(caller, f"rds-data:{operation}", arn)
            if self._permissions.has_policies(caller):
                # ministack's Ref of a secret is its name, where AWS's is its ARN: so a policy may have either.
                whole, name = self._plane.secret_names(secret, *place)
                self._permissions.require(caller, iam.GET_SECRET, whole, name)

        await self._ask(require)

    async def authorize_model(self, model: str, headers: Mapping[str, str]) -> None:
        caller, region = iam.caller(headers), iam.region(headers)
        arn = f"arn:aws:bedrock:{region}::foundation-model/{model}"
        await self._ask(lambda: self._permissions.require(caller, "bedrock:InvokeModel", arn))

    async def credentials(self, secret: str, cluster: Cluster, *, fresh: bool = False) -> tuple[str, str]:
        place = _place(cluster.facts.arn)
        since, known = self._secrets.get((secret, place), (0.0, None))
        if known is None or fresh or time.monotonic() - since > REMEMBER_SECONDS:
            known = await self._ask(lambda: self._plane.secret(secret, *place))
            self._secrets[secret, place] = (time.monotonic(), known)
        return known

    def secret_key(self, access_key: str) -> str | None:
        return self._plane.secret_key(access_key)

    async def tend(self) -> None:
        """Let go of the clusters that the control plane no longer has."""
        for place, (since, _) in list(self._records.items()):
            if self._running and time.monotonic() - since > SWEEP_SECONDS:
                try:
                    await self._lookup(place)
                except ApiError as error:
                    LOG.warning("%s", error)
                    self._records[place] = (time.monotonic(), self._records[place][1])

    async def stop(self) -> None:
        await asyncio.gather(*(cluster.stop() for cluster in self.clusters))

    async def snapshot(self, resource_id: str, name: str) -> None:
        """Copy a cluster's data as it is now, awake or asleep; one that was never used has none."""
        if resource_id in self._running:
            _, cluster = self._running[resource_id]
            await cluster.server.copy_to(self._snapshots / name)

    async def _record(self, arn: str) -> ClusterRecord | None:
        """Nothing is refused by what is remembered: the cluster, or what it lacked, may have come since."""
        for seconds in (REMEMBER_SECONDS, 0.0):
            records = await self._lookup(_place(arn), seconds)
            record = next((record for record in records if record.arn == arn), None)
            if record and record.http_endpoint and record.writer:
                break
        return record

    async def _lookup(self, place: Place, remember_seconds: float = REMEMBER_SECONDS) -> list[ClusterRecord]:
        since, records = self._records.get(place, (0.0, []))
        if time.monotonic() - since > remember_seconds:
            records = await self._ask(lambda: self._plane.clusters(*place))
            self._records[place] = (time.monotonic(), records)
            await self._remove_all_but({record.resource_id for record in records}, place)
        return records

    async def _start(self, record: ClusterRecord) -> Cluster:
        postgres = Postgres(self._directory / record.resource_id)

        def start() -> None:
            if postgres.exists:
                postgres.start()
                return
            # Asked for a new cluster alone: later the password is PostgreSQL's, whatever the secret says.
            master, password = self._plane.master(record)
            copy = self._snapshots / str(record.snapshot)
            if record.snapshot is not None and copy.exists():
                postgres.copy(copy)
                postgres.start()
                set_password(postgres.connect, master, password)
            else:
                postgres.create(master=master, password=password, database=record.database)

        await self._ask(start)
        LOG.info("cluster %s: PostgreSQL on port %d", record.identifier, postgres.port)
        return Cluster(
            _facts(record),
            Embedded(postgres),
            resume_seconds=self._settings.resume_seconds,
            limits=self._settings.transactions,
        )

    async def _remove_all_but(self, resource_ids: set[str], place: Place) -> None:
        for id_, (record, cluster) in list(self._running.items()):
            if id_ not in resource_ids and _place(record.arn) == place:
                del self._running[id_]
                await cluster.stop()
                snapshot = await self._ask(lambda gone=record: self._plane.final_snapshot(gone))  # type: ignore[misc]
                directory = self._directory / id_
                if snapshot is None or (self._snapshots / snapshot).exists():  # it was copied when it was made
                    await asyncio.to_thread(shutil.rmtree, directory)
                else:
                    self._snapshots.mkdir(exist_ok=True)
                    directory.rename(self._snapshots / snapshot)
                LOG.info("cluster %s: gone, %s", record.identifier, f"kept as {snapshot}" if snapshot else "removed")

    async def _ask(self, question: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(question)
        except UNREACHABLE as error:
            raise ApiError(
                "ServiceUnavailableError", f"the control plane at {self._plane.url} does not answer: {error}"
            ) from None


def _place(arn: str) -> Place:
    """The region and the account in a cluster's ARN."""
    match arn.split(":"):
        case ["arn", _, "rds", region, account, "cluster", _] if region and account:
            return region, account
    raise bad_request(f"The ARN of a DB cluster is required, got {arn}")


def _facts(record: ClusterRecord) -> Facts:
    return Facts(
        identifier=record.identifier,
        arn=record.arn,
        instance=str(record.writer),
        default_database=record.database or "postgres",
        idle_seconds=record.pause_seconds,
    )
