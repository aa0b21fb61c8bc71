"""Vectors of texts by what they are written with, in place of a model: hashed words and character n-grams.

Texts that share words, or parts of words, lie near each other, in any script. What shares none does not, however close
it is in meaning: no synonyms, no other language, no word order. The same text has the same vector in every process.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

DIMENSIONS = 1024
_SIGNS = 2  # each feature has this many places, so that a collision in one of them is not the whole of it

# A run of one script is cut by itself: Japanese has no spaces, but changes its script where a word begins.
_RUNS = re.compile(
    r"(?P<kanji>[\u3400-\u9fff\uf900-\ufaff\u3005]+)"
    r"|(?P<katakana>[\u30a0-\u30ff]+)"
    r"|(?P<hiragana>[\u3041-\u309f]+)"
    r"|(?P<word>[^\W_]+)"
)
# Hiragana is mostly grammar, the other scripts are mostly what is spoken of.
_WEIGHTS = {"kanji": 1.6, "katakana": 1.4, "hiragana": 0.3, "word": 1.0}
_EVERYWHERE = frozenset(
    """a an and any are as at be been but by can could did do does for from had has have he her his how i in into is it
    its me my of on or our she should so some than that the their them there they this to us was we were what when
    where which who why will with would you your user ユーザー 何 誰 私""".split()  # noqa: SIM905 (65 words are read, and changed, more easily as a text)
)
_EVERYWHERE_WEIGHT = 0.15
_SPACED_GRAMS, _UNSPACED_GRAMS = (3, 4, 5), (1, 2, 3)


def embed(text: str) -> list[float]:
    """1024 numbers, of length 1 together."""
    vector = [0.0] * DIMENSIONS
    for feature, weight in _features(unicodedata.normalize("NFKC", text).casefold()).items():
        for place, sign in _places(feature):
            vector[place] += sign * weight
    length = math.hypot(*vector)
    if length == 0:
        return embed("\N{REPLACEMENT CHARACTER} nothing to go by")
    return [value / length for value in vector]


def _features(text: str) -> dict[str, float]:
    """Each word and n-gram with its weight; the tenth time that it occurs counts little."""
    counts: Counter[str] = Counter()
    weights: dict[str, float] = {}
    for feature, weight in _parts(text):
        counts[feature] += 1
        weights[feature] = max(weight, weights.get(feature, 0.0))
    return {feature: weights[feature] * (1 + math.log(count)) for feature, count in counts.items()}


def _parts(text: str) -> Iterator[tuple[str, float]]:
    for run in _RUNS.finditer(text):
        script, word = str(run.lastgroup), run.group()
        weight = _WEIGHTS[script] * (_EVERYWHERE_WEIGHT if word in _EVERYWHERE else 1.0)
        spaced = script == "word"
        yield f"={word}", weight
        shape = f"<{word}>" if spaced else word
        grams = [
            shape[i : i + n] for n in (_SPACED_GRAMS if spaced else _UNSPACED_GRAMS) for i in range(len(shape) - n + 1)
        ]
        for gram in grams:
            yield gram, weight / math.sqrt(len(grams))


@lru_cache(maxsize=200_000)
def _places(feature: str) -> tuple[tuple[int, float], ...]:
    digest = blake2b(feature.encode(errors="surrogatepass"), digest_size=4 * _SIGNS).digest()
    numbers = (int.from_bytes(digest[4 * i : 4 * i + 4]) for i in range(_SIGNS))
    return tuple((number % DIMENSIONS, 1.0 if number >> 31 else -1.0) for number in numbers)
