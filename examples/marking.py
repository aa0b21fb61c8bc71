"""The words of a question, marked where they stand in a memory. What recall looks for is looked for in the database
(docs/decisions/0421); this is near enough for the eye."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from itertools import groupby, pairwise

_WORDS = re.compile(r"[^\W_\u3005\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{3,}|\d+")
_RUNS = re.compile(r"[\u30a1-\u30fa\u30fc]{2,}|[\u3005\u3400-\u9fff]+|[\uac00-\ud7a3]{2,}")


def marked(summary: str, question: str) -> str:
    """As HTML. Latin words of three letters and more, katakana and kanji; width and case do not matter."""
    folded, places = _fold(summary)
    hits: set[int] = set()
    for word in _words(_fold(question)[0]):
        at = folded.find(word)
        while at >= 0:
            hits |= set(places[at : at + len(word)])
            at = folded.find(word, at + 1)
    parts = groupby(enumerate(summary), key=lambda one: one[0] in hits)
    texts = ((hit, escape("".join(character for _, character in of))) for hit, of in parts)
    return "".join(f"<mark>{text}</mark>" if hit else text for hit, text in texts)


def _words(folded: str) -> set[str]:
    pairs = {a + b for run in _RUNS.findall(folded) for a, b in pairwise(run)}
    return pairs | {run for run in _RUNS.findall(folded) if len(run) == 1} | set(_WORDS.findall(folded))


def _fold(text: str) -> tuple[str, list[int]]:
    """In usual forms and small letters, and of each character where in the text it comes from."""
    folded, places = "", []
    for at, character in enumerate(text):
        one = unicodedata.normalize("NFKC", character).lower()
        if folded and unicodedata.combining(one[0]):  # half-width katakana have their voice mark behind them
            folded = folded[:-1] + unicodedata.normalize("NFC", folded[-1] + one)
            continue
        folded += one
        places += [at] * len(one)
    return folded, places
