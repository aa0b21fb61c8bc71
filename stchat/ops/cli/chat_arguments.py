"""The arguments of `stchat chat`'s commands, each defined once."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, get_args

from stchat.chat import MOST_LISTED, MOST_MEMORIES, Mode, validation
from stchat.chat.validation import LARGEST_BIGINT, MOST_SECONDS
from stchat.errors import InputError
from stchat.ops.cli.arguments import integer, number


def json_object(text: str) -> Any:
    """argparse shows the text of this error."""
    try:
        return validation.parsed("a JSON object", text)
    except InputError as error:
        raise argparse.ArgumentTypeError(f"must {error.must}, got {error.got}: {error.hint}") from None
    except (ValueError, RecursionError):
        raise argparse.ArgumentTypeError('must be a JSON object, such as \'{"lang": "ja"}\'') from None


_bigint = integer(0, LARGEST_BIGINT)
_share = number("must be a number from 0 to 1", lambda value: 0 <= value <= 1)
_seconds = number("must be a number of seconds over 0, at most 1e12", lambda value: 0 < value <= MOST_SECONDS)

ARGUMENTS: Mapping[str, dict[str, Any]] = {
    "user": {"metavar": "USER"},
    "theme": {"metavar": "THEME"},
    "chatid": {"metavar": "CHATID", "type": _bigint, "help": "an integer from 0"},
    "summary": {"metavar": "SUMMARY", "help": "the text to store"},
    "query": {"metavar": "QUERY", "help": "the text to search by"},
    "--theme": {"help": "only of this theme"},
    "--chatid": {"type": _bigint, "help": "only of this chatid"},
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
    "--limit": {"type": integer(1, MOST_LISTED), "default": 50, "help": "how many (%(default)s)"},
    "--before": {"type": _bigint, "metavar": "PRIMARYKEY", "help": "only older turns: the last one of a page"},
    "-k --k": {"type": integer(1, MOST_MEMORIES), "default": 10, "help": "how many, the best first (%(default)s)"},
    "--mode": {
        "choices": get_args(Mode),
        "default": "hybrid",
        "help": "by meaning and by words, or one of them (%(default)s)",
    },
    "--metadata": {"type": json_object, "metavar": "JSON", "help": "a JSON object"},
    "--filter": {"type": json_object, "metavar": "JSON", "help": 'of the metadata, such as \'{"price": {"$lt": 10}}\''},
    "--since": {"metavar": "TIME", "help": "only what was created then or later: ISO 8601 with a zone"},
    "--until": {"metavar": "TIME", "help": "only what was created before"},
    "--recency": {"type": _share, "default": 0.0, "help": "which share of the score age takes, 0 to 1 (%(default)s)"},
    "--half-life": {"type": _seconds, "metavar": "SECONDS", "help": "in which it takes half of that share"},
    "--yes": {"action": "store_true", "help": "do it"},
}
