"""What a row is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How we know what AWS answers."""

    MODEL = "botocore's model"
    GUIDE = "AWS's guide"
    CAPTURE = "public capture"
    SUITE = "client suite"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Source:
    """`reference` is where it is written; for an assumption it is empty, or what it is inferred from."""

    kind: Kind
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.reference}" if self.reference else str(self.kind)


MODEL = Source(Kind.MODEL, "rds-data 2018-08-01")
# Pages of the Amazon Aurora user guide.
OPERATIONS = Source(Kind.GUIDE, "data-api-operations")
DIFFERENCES = Source(Kind.GUIDE, "data-api.differences")
JSON_PAGE = Source(Kind.GUIDE, "data-api-json")
TROUBLESHOOTING = Source(Kind.GUIDE, "data-api.troubleshooting")
CALLING = Source(Kind.GUIDE, "data-api.calling")
# What others recorded on Aurora.
PROXY = Source(Kind.CAPTURE, "tmokmss/aurora-data-api-proxy, COMPATIBILITY.md (Aurora PostgreSQL 17.9)")
EZ4 = Source(Kind.CAPTURE, "ez4 pgclient, tests of its Data API driver")
CLI_8577 = Source(Kind.CAPTURE, "github.com/aws/aws-cli/issues/8577")
KYSELY_38 = Source(Kind.CAPTURE, "github.com/anomalyco/kysely-data-api/pull/38")
DRIZZLE_2982 = Source(Kind.CAPTURE, "github.com/drizzle-team/drizzle-orm/issues/2982")
TYPEORM_164 = Source(Kind.CAPTURE, "github.com/ArsenyYankovsky/typeorm-aurora-data-api-driver/issues/164")
CLIENT_98 = Source(Kind.CAPTURE, "github.com/jeremydaly/data-api-client/issues/98 (Serverless v1)")
CORRECTIONS = Source(
    Kind.CAPTURE, "captured on Aurora on 2026-11-26 by clients of others (docs/data-api.md, Corrections)"
)
# Suites that pass on Aurora.
DATA_API_CLIENT = Source(Kind.SUITE, "data-api-client 2.4.0, integration-tests/postgres.int.test.ts")
AURORA_DATA_API = Source(Kind.SUITE, "cloud-utils/aurora-data-api, test/test_sync.py")
ASSUMED = Source(Kind.ASSUMED)
SQLX = Source(Kind.ASSUMED, "names of the Rust driver sqlx, which the captured ones are")
GUIDE_LIST = Source(Kind.GUIDE, "data-api-operations: not in its list of types; the text is assumed")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`sql` is executed after `setup`, in a transaction of its own unless `outside`.

    `request` are further members. The answer is `records` of a query, or the whole `body`, or an `error` with its
    `status` and `message`.
    """

    summary: str
    source: Source
    sql: str = "SELECT 1"
    setup: tuple[str, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    records: list[list[dict[str, Any]]] | None = None
    body: Mapping[str, Any] | None = None
    error: str | None = None
    status: int = 400
    message: str | None = None
    outside: bool = False
    path: str = "/Execute"


def parameter(name: str, value: Mapping[str, Any], hint: str | None = None) -> dict[str, Any]:
    return {"name": name, "value": value} | ({} if hint is None else {"typeHint": hint})


def value(summary: str, sql: str, field: dict[str, Any], source: Source = OPERATIONS, **more: Any) -> Rule:
    """A query of one value."""
    return Rule(summary=summary, sql=f"SELECT {sql}", records=[[field]], source=source, **more)


def refused(summary: str, sql: str, message: str, source: Source = PROXY) -> Rule:
    """A value that the Data API does not return."""
    return Rule(
        summary=summary,
        sql=f"SELECT {sql}",
        error="UnsupportedResultException",
        message=message,
        source=source,
        outside=True,
    )


def sent(summary: str, sql: str, *parameters: dict[str, Any], source: Source = OPERATIONS, **answer: Any) -> Rule:
    """A statement with parameters."""
    return Rule(summary=summary, sql=sql, request={"parameters": list(parameters)}, source=source, **answer)


def database_error(summary: str, sql: str, message: str, source: Source = PROXY, **more: Any) -> Rule:
    return Rule(summary=summary, sql=sql, error="DatabaseErrorException", message=message, source=source, **more)
