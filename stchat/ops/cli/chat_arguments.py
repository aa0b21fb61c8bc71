"""The arguments of `stchat chat`'s commands, each defined once."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, get_args

from stchat.chat import Mode


def json_object(text: str) -> Any:
    """argparse shows the text of this error."""
    try:
        return json.loads(text)
    except ValueError:
        raise argparse.ArgumentTypeError('must be a JSON object, such as \'{"lang": "ja"}\'') from None


def line(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError("must be the number of a line, from 1")


ARGUMENTS: Mapping[str, dict[str, Any]] = {
    "user": {"metavar": "USER"},
    "theme": {"metavar": "THEME"},
    "chatid": {"metavar": "CHATID", "type": int, "help": "an integer from 0"},
    "summary": {"metavar": "SUMMARY", "help": "the text to store"},
    "query": {"metavar": "QUERY", "help": "the text to search by"},
    "--theme": {"help": "only of this theme"},
    "--chatid": {"type": int, "help": "only of this chatid"},
    "id": {"metavar": "ID", "help": "the memory's id"},
    "ids": {"metavar": "ID", "nargs": "+", "help": "the memories' ids"},
    "--id": {"metavar": "ID", "help": "the memory's own id: the one that has it already is replaced"},
    "--ids": {"metavar": "ID", "nargs": "+", "help": "only the memories of these ids"},
    "--after": {"metavar": "ID", "help": "only later memories: the last one of a page"},
    "--summary": {"metavar": "TEXT", "help": "the new text"},
    "--expires-at": {
        "metavar": "TIME",
        "help": "when it expires: 2027-01-31T00:00:00+09:00; update: or never",
    },
    "--userinput": {"metavar": "TEXT", "help": "the user's input"},
    "--botresponse": {"metavar": "TEXT", "help": "the bot's response"},
    "--limit": {"type": int, "default": 50, "help": "how many (%(default)s)"},
    "--before": {"type": int, "metavar": "PRIMARYKEY", "help": "only older turns: the last one of a page"},
    "-k": {"type": int, "default": 10, "help": "how many, the best first (%(default)s)"},
    "--mode": {
        "choices": get_args(Mode),
        "default": "hybrid",
        "help": "by meaning and by words, or one of them (%(default)s)",
    },
    "--metadata": {"type": json_object, "metavar": "JSON", "help": "a JSON object"},
    "--filter": {"type": json_object, "metavar": "JSON", "help": 'of the metadata, such as \'{"price": {"$lt": 10}}\''},
    "--since": {"metavar": "TIME", "help": "only what was created then or later: ISO 8601 with a zone"},
    "--until": {"metavar": "TIME", "help": "only what was created before"},
    "--recency": {"type": float, "default": 0.0, "help": "which share of the score age takes, 0 to 1 (%(default)s)"},
    "--half-life": {"type": float, "metavar": "SECONDS", "help": "in which it takes half of that share"},
    "--yes": {"action": "store_true", "help": "do it"},
}
