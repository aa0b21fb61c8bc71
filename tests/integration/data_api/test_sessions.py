"""What a call finds and leaves behind: nothing."""

from __future__ import annotations

import time

import pytest

from tests.support.data_api_endpoint import Endpoint
from tests.support.single_value import one
from tests.support.wire import Wire


@pytest.mark.parametrize(
    ("leave", "find", "clean"),
    [
        ("SET work_mem = '7MB'", "SELECT current_setting('work_mem')", "4MB"),
        ("SET ROLE rds_superuser", "SELECT current_user::text", "stchat"),
        ("SELECT pg_advisory_lock(1)::text", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0),
        ("CREATE TEMP TABLE left_behind ()", "SELECT count(*) FROM pg_class WHERE relname = 'left_behind'", 0),
        ("PREPARE left_behind AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements", 0),
        ("BEGIN", "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'", 0),
        ("LISTEN left_behind", "SELECT count(*) FROM pg_listening_channels()", 0),
    ],
)
def test_nothing_is_left(endpoint: Endpoint, leave: str, find: str, clean: object) -> None:
    endpoint.execute(leave)
    assert one(endpoint, find) == clean


def test_a_database_can_be_dropped_although_calls_used_it(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("SELECT 1", database=database)
    endpoint.execute(f"DROP DATABASE {database}")
    with pytest.raises(endpoint.client.exceptions.DatabaseErrorException, match="SQLState: 3D000"):
        endpoint.execute("SELECT 1", database=database)


def test_only_rds_superusers_create_extensions(endpoint: Endpoint, database: str) -> None:
    endpoint.execute("CREATE ROLE owner LOGIN PASSWORD 'owner'")
    owner = endpoint.add_secret("owner", "owner")
    endpoint.execute(f"GRANT CREATE ON DATABASE {database} TO owner", database=database)
    with pytest.raises(endpoint.client.exceptions.DatabaseErrorException) as caught:
        endpoint.execute("CREATE EXTENSION IF NOT EXISTS vector", database=database, secretArn=owner)
    assert caught.value.response["Error"]["Message"] == (
        'ERROR: permission denied to create extension "vector"; Hint: Must be superuser to create this extension.; '
        "SQLState: 42501"
    )
    endpoint.execute("CREATE EXTENSION vector", database=database)
    assert one(endpoint, "SELECT ('[3,4]'::vector <-> '[0,0]')", database=database) == 5.0
    with endpoint.psql(database) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'stchat'").fetchone() == (False,)
    endpoint.execute(f"REVOKE CREATE ON DATABASE {database} FROM owner", database=database)
    endpoint.execute("DROP ROLE owner")


def test_a_client_that_vanishes_leaks_nothing(endpoint: Endpoint) -> None:
    gone = Wire(endpoint.url, resourceArn=endpoint.cluster_arn, secretArn=endpoint.secret_arn, database="postgres")
    gone.send("/Execute", {"sql": "SELECT pg_sleep(0.5)::text"})
    time.sleep(0.2)
    gone.close()
    time.sleep(0.6)
    with endpoint.psql() as connection:
        active = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rds-data-api' AND state <> 'idle'"
        assert connection.execute(active).fetchone() == (0,)
