"""The environment of PostgreSQL's programs: what the user's shell holds for other servers reaches none of them."""

from __future__ import annotations

import os

# libpq and the server read every variable of this prefix: PGHOSTADDR, PGSSLMODE, PGOPTIONS, PGSERVICE, PGDATA...
PREFIX = "PG"
# What a PostgreSQL program needs of the environment. TZ and LC_* are settings of the server.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def child_environment(**more: str) -> dict[str, str]:
    """For initdb, postgres and pg_basebackup."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"LC_ALL": "C"} | more


def remove_libpq_variables() -> None:
    """From this process: libpq reads them for every connection, whatever the connection's own parameters are."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
