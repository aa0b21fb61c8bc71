"""What the instances of a cluster are: Serverless v2, provisioned, or some of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds

from constructs_lib import validation
from stchat.errors import SettingsError


class Instances(Protocol):
    """The fields of a Capacity, which a stage's settings have too."""

    @property
    def min_acu(self) -> float: ...
    @property
    def max_acu(self) -> float: ...
    @property
    def auto_pause_after(self) -> Duration | None: ...
    @property
    def readers(self) -> int: ...
    @property
    def reader_promotion_tier(self) -> int: ...
    @property
    def writer_instance_type(self) -> ec2.InstanceType | None: ...
    @property
    def reader_instance_type(self) -> ec2.InstanceType | None: ...


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Serverless v2 from `min_acu` to `max_acu`, provisioned instances of a type of the writer or readers, or both.

    `readers`: standby instances in other zones, for failover and direct connections. No Data API call reaches them.
    """

    min_acu: float = 0
    max_acu: float = 64
    auto_pause_after: Duration | None = Duration.minutes(30)  # noqa: RUF009 (a Duration is immutable)
    readers: int = 0
    reader_promotion_tier: int = 1
    writer_instance_type: ec2.InstanceType | None = None
    reader_instance_type: ec2.InstanceType | None = None

    def __post_init__(self) -> None:
        if found := list(problems(self)):
            raise SettingsError("\n".join(f"capacity: {problem}" for problem in found))

    @property
    def has_serverless(self) -> bool:
        return self.writer_instance_type is None or (self.readers > 0 and self.reader_instance_type is None)

    @property
    def has_provisioned(self) -> bool:
        return self.writer_instance_type is not None or (self.readers > 0 and self.reader_instance_type is not None)


def problems(of: Instances) -> Iterator[str]:
    """Every reason why Aurora or its auto-pause refuses this combination."""
    for check in (_units, _readers, _classes, _pausing):
        yield from check(of)


def provisioned_fields(of: Instances) -> dict[str, str]:
    """The instance types that are set, by field."""
    fields = {"writer_instance_type": of.writer_instance_type, "reader_instance_type": of.reader_instance_type}
    return {field: kind.to_string() for field, kind in fields.items() if kind}


def _units(of: Instances) -> Iterator[str]:
    for field, acu, least in (("min_acu", of.min_acu, 0), ("max_acu", of.max_acu, 1)):
        if not least <= acu <= 256:
            yield f"{field} must be {least} to 256 ACU, got {acu:g}: Aurora allows no other"
        elif acu * 2 % 1:
            yield f"{field} must be in steps of 0.5 ACU, got {acu:g}: take {int(acu * 2) / 2:g}"
    if of.max_acu < of.min_acu:
        yield f"max_acu must be at least min_acu, got {of.max_acu:g} < {of.min_acu:g}: set {of.min_acu:g} or more"


def _readers(of: Instances) -> Iterator[str]:
    if not 0 <= of.readers <= 15:
        yield f"readers must be 0 to 15, got {of.readers}: a cluster has 15 at most; take 1 for failover, or 0"
    if not 0 <= of.reader_promotion_tier <= 15:
        yield (
            f"reader_promotion_tier must be 0 to 15, got {of.reader_promotion_tier}:"
            " take 1, which scales with the writer"
        )
    if of.reader_instance_type and not of.readers:
        yield (
            f"reader_instance_type must be None without readers, got {of.reader_instance_type.to_string()}:"
            " set readers=1, or writer_instance_type if the writer was meant"
        )


def _classes(of: Instances) -> Iterator[str]:
    provisioned = provisioned_fields(of)
    for field, kind in provisioned.items():
        yield from validation.instance_class(field, kind)
    if len(provisioned) == 1 and of.readers and of.min_acu == 0 and of.auto_pause_after is None:
        yield (
            f"min_acu must be at least 0.5 beside provisioned instances, got 0 with {next(iter(provisioned))}:"
            " they block auto-pause; set min_acu=0.5, or the same kind for writer and readers"
        )


def _pausing(of: Instances) -> Iterator[str]:
    provisioned = provisioned_fields(of)
    if of.auto_pause_after is None:
        if of.min_acu == 0 and not provisioned:
            yield "auto_pause_after must be set when min_acu is 0, got None: take 1800 s, or min_acu=0.5 for no pause"
        return
    seconds = of.auto_pause_after.to_seconds(integral=False)
    if not 300 <= seconds <= 86_400 or seconds % 1:
        yield f"auto_pause_after must be 300 to 86400 whole seconds, got {seconds:g}: Aurora allows no other interval"
    if of.min_acu > 0:
        yield (
            f"auto_pause_after must be None when min_acu is above 0, got {seconds:g} s with {of.min_acu:g} ACU:"
            " a cluster pauses at 0 ACU alone; set min_acu=0 or auto_pause_after=None"
        )
    for field in provisioned:
        yield (
            f"auto_pause_after must be None with {field}, got {seconds:g} s: a provisioned instance blocks the"
            " auto-pause of the whole cluster; set auto_pause_after=None"
        )


def instances(
    capacity: Capacity,
    zones: Sequence[str],
    ca_certificate: rds.CaCertificate,
    insights: rds.PerformanceInsightRetention,
    insights_key: kms.IKey | None,
) -> list[rds.IClusterInstance]:
    """The writer, then the readers, each in the next zone; Serverless v2 where no type is given."""
    common: dict[str, Any] = {
        "ca_certificate": ca_certificate,
        "publicly_accessible": False,
        # The template's engine version is the truth: a minor upgrade that it does not have would make the next deploy
        # try a downgrade.
        "auto_minor_version_upgrade": False,
        "enable_performance_insights": True,
        "performance_insight_retention": insights,
        "performance_insight_encryption_key": insights_key,
    }

    def instance(number: int) -> rds.IClusterInstance:
        id, tier = (f"Reader{number}", capacity.reader_promotion_tier) if number else ("Writer", 0)
        zone = zones[number % len(zones)]
        if kind := capacity.reader_instance_type if number else capacity.writer_instance_type:
            return rds.ClusterInstance.provisioned(
                id, instance_type=kind, availability_zone=zone, promotion_tier=tier, **common
            )
        follows = True if number and tier <= 1 else None
        return rds.ClusterInstance.serverless_v2(id, availability_zone=zone, scale_with_writer=follows, **common)

    return [instance(number) for number in range(capacity.readers + 1)]
