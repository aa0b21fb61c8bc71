"""What a month of a stage costs: quantities from its templates and a load, times the price list. A month has 30 days.

Free tiers are left out, so that a sum is what the stage costs beside everything else in the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from stchat.errors import SettingsError
from stchat.ops.prices import Price, Prices
from stchat.ops.templates import SERVERLESS, Billed

DAYS = 30
HOURS = 24 * DAYS
LEAST_ACU = 0.5
"""Of an instance that runs without a load."""
PROXY_LEAST_ACU = 8
# Measured with the migrations of sql/ on PostgreSQL 16 and pgvector 0.8: 20,000 turns of 150 and 450 Japanese
# characters, 5,000 memories of 150 with a vector; tables, indexes and TOAST, divided by the rows.
TURN_BYTES = 2_250
MEMORY_BYTES = 17_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load of a month. Its defaults are assumptions: give your own."""

    people: int = 100
    requests: int = 3_000
    """Calls of the Data API for each person and month; each carries at most 32 KB."""
    active_hours: float = 8
    """Hours of a day with calls."""
    wakes: float = 1
    """How often per day the cluster pauses after that, each time after its auto-pause interval."""
    acu: float = 2
    """Average ACU of each instance in the active hours."""
    turns: int = 1_000_000
    """Rows of the history that are stored."""
    memories: int = 100_000
    """Rows of the memory that are stored."""
    gb: float | None = None
    """What is stored; None: estimated from the rows, of the chat's tables."""
    daily_change: float = 0.02
    """The part of what is stored that changes in a day: backups keep it."""
    io: float = 1
    """I/O requests of the storage for each call."""
    embeddings: int = 1_000
    """Texts that the model embeds for each person and month, memories and questions."""
    tokens: int = 200
    """Of each such text."""
    lambda_ms: float = 100
    """How long the chat function works on a call, where there is one."""
    log_kb: float = 1
    """What it logs of a call."""
    traced: float = 0.05
    """The part of its calls that X-Ray records."""
    secret_calls: int = 0
    """Calls of Secrets Manager by your own programs."""
    notifications: int = 100
    """Messages of alarms."""
    flow_log_gb: float = 0.1
    database_log_gb: float = 0.1
    """PostgreSQL's log, where it goes to CloudWatch."""

    def __post_init__(self) -> None:
        problems = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not 0 <= value <= 1e15:
                problems.append(f"{field.name} must be a number from 0 to 1e15, got {value:g}")
        if self.active_hours > 24:
            problems.append(f"active_hours must be at most 24 a day, got {self.active_hours:g}")
        problems += [
            f"{name} must be a part from 0 to 1, got {getattr(self, name):g}: 5 % is 0.05"
            for name in ("daily_change", "traced")
            if getattr(self, name) > 1
        ]
        if problems:
            raise SettingsError("\n".join(problems))

    @property
    def calls(self) -> int:
        return self.people * self.requests

    @property
    def stored_gb(self) -> float:
        if self.gb is not None:
            return self.gb
        return (self.turns * TURN_BYTES + self.memories * MEMORY_BYTES) / 1e9

    def idle(self) -> Load:
        """The same data without any call."""
        nothing = ("people", "active_hours", "wakes", "daily_change", "secret_calls", "notifications")
        return replace(self, **dict.fromkeys((*nothing, "flow_log_gb", "database_log_gb"), 0))


@dataclass(frozen=True)
class Line:
    """One item of the bill; `idle` and `busy` in units of the price."""

    item: str
    price: Price
    idle: float
    busy: float


@dataclass(frozen=True)
class Alternative:
    """What another design would cost every month, busy or idle."""

    what: str
    price: Price
    quantity: float


def bill(billed: Billed, load: Load, prices: Prices) -> list[Line]:
    """Every item of the stage that costs anything, idle or under `load`."""
    if billed.serverless and not LEAST_ACU <= load.acu <= billed.max_acu:
        raise SettingsError(
            f"acu must be {LEAST_ACU:g} to {billed.max_acu:g}, the max_acu of {billed.stage}, got {load.acu:g}:"
            " it is the average of an instance in the active hours"
        )
    idle, busy = (dict(_quantities(billed, one)) for one in (load.idle(), load))
    lines = [Line(item, prices[name], idle[item, name], busy[item, name]) for item, name in busy]
    for kind in sorted(set(billed.instances) - {SERVERLESS}):
        count, price = billed.instances.count(kind), prices.instance(kind.removeprefix("db."))
        lines.append(Line(f"instances {kind}", price, count * HOURS, count * HOURS))
        vcpus = billed.proxies * count * price.vcpus
        lines.append(Line(f"RDS Proxy on {kind}", prices["proxy_vcpu_month"], vcpus, vcpus))
    return [line for line in lines if line.idle or line.busy]


def _quantities(b: Billed, load: Load) -> Iterator[tuple[tuple[str, str], float]]:
    """By item and name of its price, in the order of the bill."""
    chat_calls = load.calls if b.chat_mb else 0
    alarmed = load.notifications if b.alarms else 0
    yield ("Aurora capacity", "acu_hour"), b.serverless * _acu_hours(b, load)
    yield ("Aurora storage", "storage_gb_month"), load.stored_gb
    yield ("Aurora I/O", "io_request"), load.calls * load.io
    # Backups up to the size of the cluster are free; beyond are the changes of the days that are kept.
    yield ("Aurora backups", "backup_gb_month"), load.stored_gb * load.daily_change * (b.backup_days - 1)
    yield ("Data API", "data_api_request"), load.calls
    yield ("secrets", "secret_month"), b.secrets
    yield ("calls of Secrets Manager", "secret_call"), load.secret_calls
    yield ("embeddings", b.embedding_price), load.people * load.embeddings * load.tokens
    yield ("chat function, calls", "lambda_request"), chat_calls
    yield ("chat function, time", "lambda_gb_second"), chat_calls * load.lambda_ms / 1000 * (b.chat_mb or 0) / 1024
    yield ("chat function, logs", "log_gb"), chat_calls * load.log_kb / 1e6
    yield ("chat function, traces", "trace"), chat_calls * load.traced if b.traced else 0
    yield ("flow logs", "flow_log_gb"), load.flow_log_gb if b.flow_logs else 0
    yield ("PostgreSQL's log", "log_gb"), load.database_log_gb if b.database_logs else 0
    yield ("alarms", "alarm_month"), b.alarms
    yield ("messages of alarms", "notification"), alarmed
    yield ("dashboards", "dashboard_month"), b.dashboards
    yield ("customer keys", "kms_key_month"), b.keys
    yield ("VPC endpoints", "endpoint_hour"), b.endpoint_zones * HOURS
    yield ("Fargate, processors", "fargate_vcpu_hour"), b.tasks.vcpus * HOURS
    yield ("Fargate, memory", "fargate_gb_hour"), b.tasks.gb * HOURS
    yield ("NAT gateways", "nat_gateway_hour"), b.nat_gateways * HOURS
    yield ("RDS Proxy", "proxy_acu_hour"), b.proxies * _proxy_acu(b) * HOURS if b.serverless else 0


def _acu_hours(b: Billed, load: Load) -> float:
    """Of one Serverless v2 instance in a month; they all pause and resume with the writer."""
    least = max(b.min_acu, LEAST_ACU)
    if not b.may_pause:
        return DAYS * (load.active_hours * load.acu + (24 - load.active_hours) * least)
    assert b.pause_seconds is not None
    tail = b.pause_seconds / 3600
    waiting = min(24 - load.active_hours, load.wakes * tail)
    # A rotation resumes it too: each secret once in its interval.
    rotations = b.secrets * DAYS / b.rotated_every_days if b.rotated_every_days else 0
    return DAYS * (load.active_hours * load.acu + waiting * least) + rotations * tail * least


def _proxy_acu(b: Billed) -> float:
    return max(PROXY_LEAST_ACU, b.serverless * max(b.min_acu, LEAST_ACU))


def without_readers(b: Billed, load: Load, prices: Prices) -> tuple[float, float] | None:
    """USD that readers=0 saves in a month, idle and busy; None: there is no reader.

    A Data API call reaches the writer alone, so a reader serves failover and direct connections.
    """
    if not b.readers:
        return None
    one = replace(b, instances=b.instances[:1])
    totals = [[sum(line.price.of(getattr(line, state)) for line in bill(each, load, prices)) for each in (b, one)]
              for state in ("idle", "busy")]  # fmt: skip
    return totals[0][0] - totals[0][1], totals[1][0] - totals[1][1]


def alternatives(b: Billed, prices: Prices) -> list[Alternative]:
    """For as many instances and zones as the stage has."""
    count = len(b.instances)
    options = [
        Alternative(f"NAT gateways, one in each of {b.zones} zones", prices["nat_gateway_hour"], b.zones * HOURS),
        Alternative("RDS Proxy on Serverless v2, all day", prices["proxy_acu_hour"], PROXY_LEAST_ACU * HOURS),
        Alternative(
            f"and {count} instances that it keeps running at {LEAST_ACU:g} ACU, as min_acu={LEAST_ACU:g} would",
            prices["acu_hour"],
            count * LEAST_ACU * HOURS,
        ),
    ]
    for kind, price in prices.instances.items():
        options.append(Alternative(f"{count} provisioned instances db.{kind}", price, count * HOURS))
        options.append(
            Alternative(f"RDS Proxy on {count} instances db.{kind}", prices["proxy_vcpu_month"], count * price.vcpus)
        )
    return options
