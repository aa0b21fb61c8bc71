"""`stchat cost`: what a month of each stage costs, idle and under a load."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from stchat.ops import prices, templates, transport_cost
from stchat.ops.cli.arguments import integer, quantity
from stchat.ops.cli.output import Answer, markdown, table, wrapped
from stchat.ops.cost import Alternative, Line, Load, alternatives, bill, without_readers
from stchat.ops.prices import Price, Prices
from stchat.ops.templates import Billed

log = logging.getLogger(__name__)

STAGES = ("dev", "prod")

_HELP = {
    "people": "number of users",
    "requests": "calls of the Data API for each person and month; one carries 32 KB at most",
    "active_hours": "hours of a day with calls",
    "wakes": "how often per day the cluster pauses after that, each time after its auto-pause interval",
    "acu": "average ACU of each instance in the active hours",
    "turns": "rows of the history that are stored",
    "memories": "rows of the memory that are stored",
    "gb": "GB that are stored, instead of those of the rows",
    "daily_change": "the part of what is stored that changes in a day",
    "io": "I/O requests of the storage for each call",
    "embeddings": "texts embedded for each person and month",
    "tokens": "tokens of each such text",
    "lambda_ms": "ms that the chat function takes per call",
    "log_kb": "KB that it logs per call",
    "traced": "the part of its calls that X-Ray records",
    "secret_calls": "calls of Secrets Manager by your own programs",
    "notifications": "messages of alarms",
    "flow_log_gb": "GB of flow logs",
    "database_log_gb": "GB of PostgreSQL's log",
}
_NOTES = """
A month has 30 days. Free tiers are left out. Not in the sums: data transfer (none between AWS services in one region;
out to the internet it is billed), what a deploy runs, snapshots taken by hand, tax. Whether AWS bills the Data API's
own look-ups of a secret is not known; they are left out. A price that is not confirmed has not been read on AWS's own
page for this list: check it before you rely on it, and correct the file (`--prices`).
"""


def run(arguments: argparse.Namespace) -> Answer:
    load, list_of = Load(**{f.name: getattr(arguments, f.name) for f in fields(Load)}), prices.load(arguments.prices)
    stages = arguments.stage or STAGES
    if arguments.templates is None:
        log.info("synthesizing %s", ", ".join(stages))
        billed = templates.synthesize(stages)
    elif arguments.stage is None and any(arguments.templates.glob("*.template.json")):
        billed = [templates.read(arguments.templates.resolve().name, arguments.templates)]
    else:
        billed = [templates.read(stage, arguments.templates / stage) for stage in stages]
    return report(billed, load, list_of, wide=arguments.wide, transport=arguments.transport)


def report(
    billed: Sequence[Billed], load: Load, list_of: Prices, *, wide: bool = True, transport: bool = False
) -> Answer:
    """For people text in 80 columns, or every column in Markdown."""
    shaped = str if wide else wrapped
    rows: list[dict[str, Any]] = []
    text = [shaped(_load(load, list_of))]
    for stage in billed:
        lines = bill(stage, load, list_of)
        rows += [_row(stage, line) for line in lines]
        total = f"{stage.stage}: {_total(lines, 'idle'):,.2f} USD idle, {_total(lines, 'busy'):,.2f} USD busy"
        text += [f"## {total}" if wide else total]
        text += [shaped(sentence) for sentence in (_settings(stage), *_remarks(stage, load, list_of))]
        text += [shaped(transport_cost.sentence(stage, load, list_of))] if transport else []
        text += [
            markdown([_cells(line) for line in lines]) if wide else table([_short(one) for one in lines], _NUMBERS)
        ]
    options = alternatives(billed[0], list_of)
    rows += [{"stage": None, "item": option.what, "usd": _usd(option), **_price(option.price)} for option in options]
    if wide:
        text += ["## Alternatives, every month", markdown([_alternative(option) for option in options])]
    else:
        short = [{"USD": f"{_usd(option):,.2f}", "alternative, every month": option.what} for option in options]
        text += [table(short, _NUMBERS)]
    return Answer(rows, "\n\n".join([*text, _NOTES.strip() if wide else wrapped(" ".join(_NOTES.split()))]))


def _remarks(stage: Billed, load: Load, list_of: Prices) -> list[str]:
    """What the sums do not show."""
    found = []
    if saved := without_readers(stage, load, list_of):
        found.append(
            f"readers=0 saves {saved[0]:,.2f} USD idle, {saved[1]:,.2f} USD busy: no Data API call reaches a reader; it"
            " is there for failover and direct connections."
        )
    if stage.chat_mb is None:
        found.append(
            "These templates have no chat function: storage and embeddings are those of the chat's schema. For another"
            " schema give --gb, and --embeddings 0."
        )
    if stage.not_estimated:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in stage.not_estimated.items())
        found.append(f"Not in the sums: {kinds}.")
    return found


def _load(load: Load, list_of: Prices) -> str:
    return (
        f"Prices of {list_of.region}. Idle: no calls, the data stays. Busy: {load.people:,} people, each with"
        f" {load.requests:,} calls of the Data API and {load.embeddings:,} embedded texts of {load.tokens:,} tokens a"
        f" month; {load.active_hours:g} active hours per day with {load.acu:g} ACU per instance, then"
        f" {load.wakes:g} auto-pause interval(s) per day. Stored: {load.stored_gb:,.1f} GB."
    )


def _settings(b: Billed) -> str:
    kinds = ", ".join(f"{b.instances.count(kind)} x {kind}" for kind in sorted(set(b.instances)))
    pause = f"pauses after {b.pause_seconds:,} s" if b.may_pause else "never pauses"
    return f"{kinds}; {b.min_acu:g} to {b.max_acu:g} ACU; {pause}; backups of {b.backup_days} days."


def _total(lines: Sequence[Line], state: str) -> float:
    return sum(line.price.of(getattr(line, state)) for line in lines)


def _usd(option: Alternative) -> float:
    return round(option.price.of(option.quantity), 4)


def _price(price: Price) -> dict[str, Any]:
    return {
        "usd_per": price.usd,
        "per": price.per,
        "unit": price.unit,
        "as_of": price.as_of,
        "source": price.source,
        "found": price.found,
        "confirmed": price.confirmed,
    }


def _row(stage: Billed, line: Line) -> dict[str, Any]:
    return {
        "stage": stage.stage,
        "item": line.item,
        "idle": line.idle,
        "idle_usd": round(line.price.of(line.idle), 4),
        "busy": line.busy,
        "busy_usd": round(line.price.of(line.busy), 4),
        **_price(line.price),
    }


def _cells(line: Line) -> dict[str, str]:
    return {
        "item": line.item,
        "idle": f"{line.idle:,.10g}",
        "idle USD": f"{line.price.of(line.idle):,.2f}",
        "busy": f"{line.busy:,.10g}",
        "busy USD": f"{line.price.of(line.busy):,.2f}",
        **_price_cells(line.price),
    }


_NUMBERS = ("idle USD", "busy USD", "USD")


def _short(line: Line) -> dict[str, str]:
    return {
        "idle USD": f"{line.price.of(line.idle):,.2f}",
        "busy USD": f"{line.price.of(line.busy):,.2f}",
        "item": line.item,
        "price": _price_cells(line.price)["price"],
    }


def _alternative(option: Alternative) -> dict[str, str]:
    return {
        "instead": option.what,
        "quantity": f"{option.quantity:,.10g}",
        "USD": f"{option.price.of(option.quantity):,.2f}",
        **_price_cells(option.price),
    }


def _price_cells(price: Price) -> dict[str, str]:
    per = f"{price.per:,.10g} " if price.per != 1 else ""
    return {
        "price": f"{price.usd:.10f}".rstrip("0").rstrip(".") + f" USD / {per}{price.unit}",
        "as of": str(price.as_of),
        "AWS's page": price.source,
        "confirmed": "yes" if price.confirmed else "no",
    }


def add_to(groups: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    parser = groups.add_parser("cost", help="what a month of each stage costs", description=__doc__, parents=[common])
    parser.add_argument("--stage", action="append", help="one of stacks/config.py; may be repeated (dev and prod)")
    parser.add_argument("--wide", action="store_true", help="quantities, sources and days of the prices, in Markdown")
    parser.add_argument("--transport", action="store_true", help="compare the Data API with a direct connection")
    parser.add_argument("--prices", type=Path, default=prices.FILE, metavar="FILE", help="instead of %(default)s")
    parser.add_argument(
        "--templates",
        type=Path,
        metavar="DIR",
        help="DIR with the templates of any CDK app (cdk.out), or of each stage in DIR/<stage>, instead of a synth",
    )
    for field in fields(Load):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=integer(0) if field.type == "int" else quantity,
            default=field.default,
            metavar="N",
            help=_HELP[field.name] + ("" if field.default is None else " (%(default)s)"),
        )
    parser.set_defaults(run=run)
