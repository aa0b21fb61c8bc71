"""What the instances of a cluster are: Serverless v2, provisioned, or some of each."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Serverless v2 from `min_acu` to `max_acu`, provisioned instances of a type of the writer or readers, or both."""

    min_acu: float
    max_acu: float
    auto_pause_after: Duration | None
    readers: int
    reader_promotion_tier: int
    writer_instance_type: ec2.InstanceType | None = None
    reader_instance_type: ec2.InstanceType | None = None

    @property
    def has_serverless(self) -> bool:
        return self.writer_instance_type is None or (self.readers > 0 and self.reader_instance_type is None)

    @property
    def has_provisioned(self) -> bool:
        return self.writer_instance_type is not None or (self.readers > 0 and self.reader_instance_type is not None)


def instance(
    id: str, instance_type: ec2.InstanceType | None, *, tier: int, zone: str, ca_certificate: rds.CaCertificate
) -> rds.IClusterInstance:
    """One instance, Serverless v2 where no type is given."""
    # The template's engine version is the truth: a minor upgrade behind its back would make the next deploy try a
    # downgrade.
    if instance_type:
        return rds.ClusterInstance.provisioned(
            id,
            instance_type=instance_type,
            availability_zone=zone,
            ca_certificate=ca_certificate,
            promotion_tier=tier,
            publicly_accessible=False,
            auto_minor_version_upgrade=False,
        )
    return rds.ClusterInstance.serverless_v2(
        id,
        availability_zone=zone,
        ca_certificate=ca_certificate,
        scale_with_writer=True if id != "Writer" and tier <= 1 else None,
        publicly_accessible=False,
        auto_minor_version_upgrade=False,
    )
