"""Starts ministack with the additions. A program of its own: it changes ministack's tables in this process alone."""

from __future__ import annotations

from ministack.app import main as ministack
from ministack.services import rds, secretsmanager
from ministack.services.cloudformation import provisioners

from local_aws.ministack import deleted_clusters, resource_types, rotation, snapshots


def main() -> None:
    provisioners._RESOURCE_HANDLERS.update(resource_types.HANDLERS)
    secretsmanager._rotate_secret = rotation.rotate_secret
    secretsmanager._describe_secret = rotation.describe_secret
    rds._ACTION_MAP["CreateDBClusterSnapshot"] = snapshots.create_db_cluster_snapshot
    deleted_clusters.install()
    ministack()
