"""An explicit delete of a cluster is reported to the Data API, which has its data: it removes nothing otherwise."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local_aws.credentials import AccessKey
from local_aws.data_api.admin_client import AdminClient

log = logging.getLogger("local_aws.ministack")
CLUSTER = "AWS::RDS::DBCluster"


def install() -> None:
    """For DeleteDBCluster and for CloudFormation, which does not go through it."""
    rds._ACTION_MAP["DeleteDBCluster"] = _reported(
        rds._ACTION_MAP["DeleteDBCluster"], lambda parameters: str(rds._p(parameters, "DBClusterIdentifier"))
    )
    handlers = provisioners._RESOURCE_HANDLERS
    handlers[CLUSTER] = handlers[CLUSTER] | {"delete": _reported(handlers[CLUSTER]["delete"], str)}


def _reported(delete: Callable[..., Any], identifier_of: Callable[[Any], str]) -> Callable[..., Any]:
    def handler(*arguments: Any, **named: Any) -> Any:
        identifier = identifier_of(arguments[0]).rpartition(":")[2]
        cluster: Mapping[str, Any] | None = rds._clusters.get(identifier)
        answer = delete(*arguments, **named)
        if cluster is not None and rds._clusters.get(identifier) is not cluster:
            # In a thread: the Data API looks here whether the cluster is still listed.
            threading.Thread(target=_report, args=(cluster,), daemon=True).start()
        return answer

    return handler


def _report(cluster: Mapping[str, Any]) -> None:
    key = AccessKey(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    client = AdminClient(os.environ["AWS_ENDPOINT_URL_RDS_DATA"], key)
    try:
        client.delete(cluster["DbClusterResourceId"], cluster["DBClusterArn"])
    except (OSError, KeyError):
        log.warning("cluster %s was deleted, but the Data API was not reached: its data stay", cluster["DBClusterArn"])
