"""The Data API against a direct connection from Fargate: what each costs in a month, and from which load on which."""

from __future__ import annotations

from dataclasses import dataclass

from stchat.ops.cost import HOURS, Load, bill
from stchat.ops.prices import Prices
from stchat.ops.templates import Billed

TASKS, VCPU, GB = 2, 0.25, 0.5
"""The smallest tasks that Fargate has, one in each of two zones."""
ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "bedrock-runtime")
"""Without NAT, a task reaches each of these through an interface endpoint in its zone; S3's is a gateway, without
charge."""
PER_CALL = ("Data API", "chat function")
"""What the items of the bill begin with that the direct connection does not have."""


@dataclass(frozen=True)
class Transports:
    """USD of a month. `per_million`: of a million calls by the Data API and the chat function; `direct`: of Fargate and
    the endpoints, whatever the load."""

    calls: int
    per_million: float
    direct: float

    @property
    def data_api(self) -> float:
        return self.calls / 1e6 * self.per_million

    @property
    def break_even(self) -> float:
        """Calls of a month from which on the direct connection is cheaper."""
        return self.direct / self.per_million * 1e6


def compare(billed: Billed, load: Load, prices: Prices) -> Transports:
    """The capacity of the database is the same for both, and in neither sum."""
    million = Load(people=1, requests=1_000_000, lambda_ms=load.lambda_ms, log_kb=load.log_kb, traced=load.traced)
    per_million = sum(
        line.price.of(line.busy - line.idle) for line in bill(billed, million, prices) if line.item.startswith(PER_CALL)
    )
    tasks = TASKS * HOURS * (prices["fargate_vcpu_hour"].of(VCPU) + prices["fargate_gb_hour"].of(GB))
    endpoints = prices["endpoint_hour"].of(TASKS * len(ENDPOINTS) * HOURS)
    return Transports(load.calls, per_million, tasks + endpoints)


def sentence(billed: Billed, load: Load, prices: Prices) -> str:
    found = compare(billed, load, prices)
    return (
        f"Transport: {found.calls:,} calls cost {found.data_api:,.2f} USD by the Data API and, where there is one, the"
        f" chat function ({found.per_million:,.2f} USD per million). A direct connection costs {found.direct:,.2f} USD"
        f" whatever the load: {TASKS} Fargate tasks of {VCPU:g} vCPU and {GB:g} GB, all day, and {len(ENDPOINTS)}"
        f" interface endpoints in {TASKS} zones ({', '.join(ENDPOINTS)}). It is cheaper from {found.break_even:,.0f}"
        f" calls a month on, {found.break_even / (HOURS * 3600):,.0f} a second, if such tasks serve them."
    )
