"""What answers where no model is named: rules, so that one sees what a model would know."""

from __future__ import annotations

import re
from collections.abc import Sequence

_REMEMBER = re.compile(r"\s*(?:please\s+)?remember\s+(?:that\s+)?(?P<fact>.+?)\s*", re.IGNORECASE | re.DOTALL)


def to_remember(text: str) -> str | None:
    """The fact of "Remember that <fact>"."""
    found = _REMEMBER.fullmatch(text)
    return found["fact"] if found else None


def reply(texts: Sequence[str], memories: Sequence[str]) -> str:
    """To the last of the user's texts of this thread, by the others and by what was recalled."""
    *earlier, last = texts
    if to_remember(last):
        return "I will remember that."
    told = f"In this thread you said: {' / '.join(earlier)}" if earlier else "This thread is new."
    known = f"I remember: {' / '.join(memories)}" if memories else "I remember nothing of you."
    return f"{told}\n{known}"
