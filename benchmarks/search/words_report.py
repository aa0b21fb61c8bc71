"""What words find and cost, in the document: from the numbers alone."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

HEAD = """## By words

`python -m benchmarks.search.words --texts DIRECTORY`: 8,000 paragraphs of manual pages and sayings (half Japanese, half
English; Debian's manpages-ja, manpages, manpages-dev and fortunes) of one user, vectors by multilingual-e5-small
rotated into 1,024 numbers, codes learned. In the same run, each in a database of its own: recall by signs as of
migration 12, which was "today's" when the criterion was set, and by learned codes without words as of migration 17.
Ratios are given to both; the first is the criterion. Rows a second are compared with those of migration 17.

Exact terms: 200 of the memories hold a term that the question asks for: words of one and two characters, product codes,
names, half of them in another width or case. Real questions: 800 sentences, each taken out of one of the paragraphs,
which it has to find. The share of questions whose memory is among the first 10.

The call by the clock has the work of the endpoint, of boto3 and of all that shared the processors in it, so its ratios
are smaller, and not as sure, as those of the server's processor.
"""


def words(result: dict[str, Any]) -> list[str]:
    if not result:
        return []
    exact, real = result["exact terms"], result["real questions"]
    times, calls = result["milliseconds"], result["whole call, milliseconds"]
    written, sizes = result["rows a second"], result["bytes a memory of 200 characters"]
    return [
        HEAD,
        _table(("", "criterion", "measured", "reached"), _criteria(result)),
        _table(("mode", "exact terms, ja", "exact terms, en", "real questions, ja", "real questions, en"), (
            (mode, *(f"{of[mode][language]:.3f}" for of in (exact, real) for language in ("ja", "en"))) for mode in real
        )),
        _table(("ms on a processor, 8,000 memories", "p50", "p95"), (
            (name, f"{of['p50']:.1f}", f"{of['p95']:.1f}") for name, of in times.items()
        )),
        _table(("`recall_vector` over the Data API, ms by the clock", "p50", "p95"), (
            (name, f"{of['p50']:.1f}", f"{of['p95']:.1f}") for name, of in calls.items()
        )),
        _table(("words of a memory of 180 to 220 characters", "bytes, as written in any order", "memories"), (
            (name, f"{of['bytes']:,}", f"{of['memories']:,}") for name, of in sizes.items()
        )),
        _table(("rows a second, of 160 to 240 characters", "migration 17", "ours", "ratio"), (
            (way, f"{of['before']:,}", f"{of['ours']:,}", f"{of['ratio']:.2f}") for way, of in written.items()
        )),
    ]  # fmt: skip


def _criteria(result: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    exact, real, times = result["exact terms"]["hybrid"], result["real questions"], result["milliseconds"]
    calls, sizes = result["whole call, milliseconds"], result["bytes a memory of 200 characters"]
    both = fmean(exact.values())
    yield "exact terms", "hybrid at least 0.98", f"{both:.3f}", _said(both >= 0.98)
    best = {language: max(real["semantic"][language], real["lexical"][language]) for language in ("ja", "en")}
    for language, single in best.items():
        one = real["hybrid"][language]
        yield (
            f"real questions, {language}",
            "at least the better single signal",
            f"{one:.3f} ({single:.3f})",
            _said(one >= single),
        )
    gain = fmean(real["hybrid"].values()) - fmean(best.values())
    yield "real questions", "5 points better on average", f"{100 * gain:+.1f} points", _said(gain >= 0.05)
    for name, of in (("search", times), ("whole call", calls)):
        to_signs, to_codes = (of["hybrid"]["p95"] / of[schema]["p95"] for schema in of if "migration" in schema)
        yield f"{name}, 8,000 memories", "p95 at most 1.5x that of signs", f"{to_signs:.2f}x", _said(to_signs <= 1.5)
        yield f"{name}, 8,000 memories", "(the same of codes without words)", f"{to_codes:.2f}x", "-"
    for name, size in sizes.items():
        yield f"bytes, {name}", "at most 1,024", f"{size['bytes']:,}", _said(size["bytes"] <= 1024)
    for way, rate in result["rows a second"].items():
        yield f"writing, {way}", "at least 0.8 of migration 17's", f"{rate['ratio']:.2f}", _said(rate["ratio"] >= 0.8)


def _table(head: tuple[str, ...], rows: Any) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)) + "\n"


def _said(reached: bool) -> str:
    return "yes" if reached else "**no**"
