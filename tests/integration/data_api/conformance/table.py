"""All rows, and the document made of them: `python -m tests.integration.data_api.conformance.table` writes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.integration.data_api.conformance import answers, limits, values_in, values_out
from tests.integration.data_api.conformance.rule import Rule

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "generated" / "data-api-conformance.md"
SECTIONS: dict[str, list[Rule]] = {
    "Values out": values_out.RULES,
    "Values in": values_in.RULES,
    "Answers": answers.RULES,
    "Limits and errors": limits.RULES,
}
INTRODUCTION = """\
# RDS Data API conformance: what the local endpoint answers, rule by rule

Printed from the rows of `tests/integration/data_api/conformance/`, each of which is sent to the local endpoint, over
a real PostgreSQL, and compared with the exact answer at every test run. The last column is the source of the answer:
botocore's model of the service, a page of AWS's guide (the Amazon Aurora user guide, read on 2026-11-26), a public
capture of what Aurora returned, the suite of a client that passes on Aurora, or an assumption where none of them has
it. {counts}.

`python -m tests.integration.data_api.conformance.table` prints it anew; a test fails while it is out of date.
"""
SHOWN = 110


def document() -> str:
    counts = Counter(rule.source.kind for rules in SECTIONS.values() for rule in rules)
    total = ", ".join(f"{count} {source}" for source, count in sorted(counts.items(), key=lambda item: -item[1]))
    pieces = [INTRODUCTION.format(counts=f"{sum(counts.values())} rows: {total}")]
    for title, rules in SECTIONS.items():
        pieces.append(f"\n## {title}\n\n| rule | SQL | answer | source |\n| --- | --- | --- | --- |\n")
        pieces += [f"| {rule.summary} | {_code(rule.sql)} | {_answer(rule)} | {rule.source} |\n" for rule in rules]
    return "".join(pieces)


def _answer(rule: Rule) -> str:
    if rule.error is not None:
        return f"{rule.status} {rule.error}" + (f": {_code(rule.message)}" if rule.message else "")
    return _code(str(rule.records if rule.records is not None else dict(rule.body or {})))


def _code(text: str) -> str:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    shown = shown.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return f"`{shown}`".replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(document())
