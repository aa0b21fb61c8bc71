"""The price list: a TOML file with the unit, the day and the source of each price."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from stchat.errors import SettingsError
from stchat.ops import files

FILE = Path(__file__).parent / "prices.toml"

NAMES = (
    "data_api_request", "acu_hour", "storage_gb_month", "io_request", "backup_gb_month", "secret_month", "secret_call",
    "lambda_request", "lambda_gb_second", "log_gb", "flow_log_gb", "alarm_month", "dashboard_month", "notification",
    "trace", "kms_key_month", "embedding_token", "embedding_v4_token", "endpoint_hour", "nat_gateway_hour",
    "proxy_acu_hour", "proxy_vcpu_month", "fargate_vcpu_hour", "fargate_gb_hour",
)  # fmt: skip
Field = tuple[tuple[type, ...], str, float | None]
# Field of a price -> the types that it may have, what the message calls them, and the least that it may be.
_FIELDS: dict[str, Field] = {
    "usd": ((int, float), "a number from 0 to 1e12", 0),
    "per": ((int, float), "a number from 1 to 1e12", 1),
    "unit": ((str,), "a text", None),
    "as_of": ((date,), "a day like 2026-11-25, without quotes", None),
    "source": ((str,), "a text", None),
    "found": ((str,), "a text", None),
    "confirmed": ((bool,), "true or false", None),
}
_VCPUS: dict[str, Field] = {"vcpus": ((int,), "a whole number from 1 to 1e12", 1)}


@dataclass(frozen=True)
class Price:
    """`usd` for `per` of `unit`; what the fields mean is written in prices.toml."""

    usd: float
    per: float
    unit: str
    as_of: date
    source: str
    found: str
    confirmed: bool
    vcpus: int = 0

    def of(self, quantity: float) -> float:
        """USD."""
        return quantity * self.usd / self.per


@dataclass(frozen=True)
class Prices:
    """Those of one region; `instances` by class, without `db.`."""

    region: str
    prices: Mapping[str, Price]
    instances: Mapping[str, Price]
    file: Path

    def __getitem__(self, name: str) -> Price:
        return self.prices[name]

    def instance(self, kind: str) -> Price:
        if kind not in self.instances:
            raise SettingsError(
                f'{self.file} has no price of {kind} instances: add a table [instance."{kind}"]; it has '
                + ", ".join(self.instances)
            )
        return self.instances[kind]


def load(file: Path = FILE) -> Prices:
    """Raises SettingsError with every mistake in the file, one a line."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read prices: {files.describe(error)}") from error
    except ValueError as error:
        raise SettingsError(f"{file} must be TOML: {error}") from error
    if found := _problems(content):
        raise SettingsError("\n".join(f"{file}: {problem}" for problem in found))
    return Prices(
        content["region"],
        {name: Price(**content[name]) for name in NAMES},
        {kind: Price(**price) for kind, price in content.get("instance", {}).items()},
        file,
    )


def _problems(content: Mapping[str, Any]) -> list[str]:
    instances = content.get("instance", {})
    if not isinstance(instances, dict):
        return [f'instance must be tables like [instance."r6g.large"], got {instances!r}']
    return [
        *([] if isinstance(content.get("region"), str) else [f"region must be a text, got {content.get('region')!r}"]),
        *(
            f"[{name}] is not a price of the estimate: it must be one of {', '.join(NAMES)}"
            for name in content
            if name not in (*NAMES, "region", "instance")
        ),
        *(problem for name in NAMES for problem in _price(f"[{name}]", content.get(name), _FIELDS)),
        *(
            problem
            for kind, price in instances.items()
            for problem in _price(f'[instance."{kind}"]', price, _FIELDS | _VCPUS)
        ),
    ]


def _price(name: str, price: Any, fields: Mapping[str, Field]) -> list[str]:
    if not isinstance(price, dict):
        return [f"{name} is missing: copy the table from {FILE}"]
    return [
        *(f"{name} has a field {field}: the fields are {', '.join(fields)}" for field in price if field not in fields),
        *(
            f"{name} {field} must be {what}, got {price.get(field, 'nothing')!r}"
            for field, (types, what, least) in fields.items()
            if type(price.get(field)) not in types or (least is not None and not least <= price[field] <= 1e12)
        ),
    ]
