"""Arguments, checked before anything is sent. An error names the field and what to do; of a user's text or id it shows
the type and the length, since errors end in logs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stchat.errors import InputError

NAME_BYTES = 1_000  # userid, theme and id: an entry of a btree index holds 2,704 bytes
TEXT_BYTES = 400_000  # two of these, a turn, fit the 1 MiB of a response
METADATA_BYTES = 16_384
LARGEST_INT, LARGEST_BIGINT = 2**31 - 1, 2**63 - 1
MOST_SECONDS = 1e12
MOST_IDS = 500  # of a call: with every character escaped twice they fit the 4 MiB of a request

_NUL_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def name(field: str, value: Any) -> str:
    """A userid, a theme or a memory's id: text of 1 to 1,000 bytes of UTF-8."""
    checked = _text(field, value, NAME_BYTES, "use a shorter one, such as a hash of it")
    if not checked:
        raise InputError(field, "not be empty", "''")
    return checked


def text(field: str, value: Any) -> str:
    """Text of at most 400,000 bytes of UTF-8, which may be empty."""
    return _text(field, value, TEXT_BYTES, "store a longer text elsewhere, and its address here")


def non_blank(field: str, value: Any) -> str:
    """Text with more in it than blanks."""
    checked = text(field, value)
    if not checked.strip():
        raise InputError(field, "not be blank", f"{len(checked)} blank characters" if checked else "''")
    return checked


def integer(field: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InputError(field, f"be an integer from {least} to {most}", describe(value))


def bigint_id(field: str, value: Any) -> int:
    """A chatid or primarykey: a bigint from 0."""
    return integer(field, value, 0, LARGEST_BIGINT)


def moment(field: str, value: Any) -> str:
    """A datetime with its zone, or the same as ISO 8601 text; returned as ISO 8601 in UTC."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if not isinstance(parsed, datetime):
        raise InputError(field, "be a time in ISO 8601", describe(value), "write it like 2026-11-25T10:00:00+09:00")
    if parsed.utcoffset() is None:
        raise InputError(field, "have a zone", "a time without one", "add +09:00, for instance, or Z for UTC")
    try:
        return parsed.astimezone(UTC).isoformat()
    except OverflowError:
        raise InputError(field, "be from year 1 to 9999 in UTC", "a time beyond", "leave a day of room") from None


def ids(field: str, values: Any) -> list[str]:
    """1 to 500 ids of memories; one that is named twice counts once."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InputError(field, "be a list of ids", describe(values))
    if not 1 <= len(values) <= MOST_IDS:
        raise InputError(field, f"have 1 to {MOST_IDS} members", f"{len(values)}", "send them in several calls")
    return list(dict.fromkeys(name(f"{field}[{index}]", value) for index, value in enumerate(values)))


def metadata(
    field: str, value: Any, most: int = METADATA_BYTES, hint: str = "put a longer text into the summary"
) -> str:
    """A JSON object, as JSON of at most 16 KB, or so many bytes."""
    if not isinstance(value, Mapping):
        raise InputError(field, "be a JSON object, such as a dict", describe(value))
    try:
        written = json.dumps(value if isinstance(value, dict) else dict(value), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(field, "be a JSON object", f"a value that JSON cannot hold ({type(error).__name__})") from None
    if json.loads(written) != value:
        raise InputError(field, "be the same after JSON", "keys that are not str, or tuples", "use str and list")
    return _text(field, without_nul(field, written), most, hint)


def parsed(field: str, text: str | bytes) -> Any:
    """JSON that a user wrote, without a key twice in an object: RFC 8259 leaves open which value then counts.

    Raises ValueError or RecursionError: it is no JSON.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            shown = twice[:64].encode(errors="replace").decode()
            raise InputError(field, "have each key of an object once", f"{shown!r} twice", "remove one of them")
        return found

    return json.loads(text, object_pairs_hook=unique)


def without_nul(field: str, written: str) -> str:
    """JSON without the escape of NUL."""
    if _NUL_ESCAPE.search(written):
        raise InputError(field, "not hold NUL, which PostgreSQL cannot store", "one", "remove it")
    return written


def share(field: str, value: Any) -> float:
    """A number from 0 to 1."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise InputError(field, "be a number from 0 to 1", describe(value))


def seconds(field: str, value: Any) -> float:
    """A timedelta, or a number of seconds, above 0 and at most 1e12."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, int | float) and not isinstance(number, bool) and 0 < number <= MOST_SECONDS:
        return float(number)
    got = f"{number:g} seconds" if isinstance(value, timedelta) else describe(value)
    raise InputError(field, "be a timedelta, or a number of seconds, above 0 and at most 1e12", got)


def _text(field: str, value: Any, most: int, hint: str) -> str:
    if not isinstance(value, str):
        raise InputError(field, "be text", describe(value))
    if (index := value.find("\0")) >= 0:
        raise InputError(
            field, "not hold NUL, which PostgreSQL cannot store", f"one at character {index + 1:,}", "remove it"
        )
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        got = f"half of a surrogate pair at character {error.start + 1:,}"
        raise InputError(field, "be text that UTF-8 can hold", got, "decode its source with errors='replace'") from None
    if size > most:
        raise InputError(field, f"have at most {most:,} bytes of UTF-8", f"{size:,}", hint)
    return value


def describe(value: Any) -> str:
    """Numbers as they are; of anything else the type, and the length of a text."""
    if isinstance(value, str):
        return f"text of {len(value):,} characters"
    if isinstance(value, int) and abs(value) > 2 * LARGEST_BIGINT:
        return "a number past 64 bits"
    return repr(value) if isinstance(value, int | float | None) else type(value).__name__
