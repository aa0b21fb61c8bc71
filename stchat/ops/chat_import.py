"""Turns and memories from a file of JSON lines into the database: in batches, resumable, nothing stored twice.

A line is a turn (`userid`, `theme`, `chatid`, `userinput`, `botresponse`, `timestamp`) or, where it has a `summary`, a
memory (`userid`, `theme`, `chatid`, `summary`, `metadata`, `vector`), or, where it has a `namespace`, an item of
LangGraph's store (`stchat.ops.store_items`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from stchat.chat import BATCH_ITEMS, BATCH_TURNS, ChatHistory, ChatMemory, prepare, prepare_turn, validation
from stchat.errors import InputError, StchatError
from stchat.ops import store_items

CONFLICTS_SHOWN = 10
Item = Mapping[str, Any]


class ImportStoppedError(StchatError):
    """`line`: the first one that may not be stored."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(f"{message}: every line before {line:,} is stored: continue with --from-line {line}")
        self.line = line


@dataclass
class Progress:
    """How far the import is. `position` of `size` bytes; `line` is the last that was read; `rows` were sent."""

    size: int
    position: int = 0
    line: int = 0
    rows: int = 0
    created: int = 0
    existing: int = 0
    truncated: int = 0
    conflicts: list[int] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        rate = self.rows / max(time.monotonic() - self.started, 0.001)
        share = self.position / self.size if self.size else 1.0
        return f"{share:4.0%}  line {self.line:,}  {self.rows:,} rows  {rate:,.0f} rows/s"


@dataclass
class _Batch:
    """Items of one kind that wait to be sent, with the line of each."""

    most: int
    send: Callable[[list[Item]], None]
    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass
class Import:
    """`report` is called after each batch."""

    history: ChatHistory
    memory: ChatMemory
    path: Path
    report: Callable[[Progress], None]

    def run(self, from_line: int = 1, *, check: bool = False) -> Progress:
        """Store the file's lines from `from_line` on; `check`: read and check them, and send nothing.

        Raises:
            ImportStoppedError: a line is wrong, or a batch failed; what is before its `line` is stored.
            InputError: `check` found a wrong line.
        """
        progress = Progress(self.path.stat().st_size)
        turns = _Batch(BATCH_TURNS, lambda items: self._store_turns(progress, turns, items))
        memories = _Batch(BATCH_ITEMS, lambda items: self._store_memories(progress, items))
        entries = _Batch(store_items.BATCH, lambda items: self._store_entries(progress, items))
        batches = (turns, memories, entries)
        with self.path.open("rb") as file:
            try:
                for line, item in _items(file, progress, from_line):
                    batch = memories if "summary" in item else entries if "namespace" in item else turns
                    _prepare(item, f"line {line:,}.")
                    if check:
                        progress.rows += 1
                        continue
                    batch.items.append(item)
                    batch.lines.append(line)
                    if len(batch.items) == batch.most:
                        self._flush(batch, progress)
                for batch in batches:
                    self._flush(batch, progress)
            except (StchatError, KeyboardInterrupt) as error:
                if check:
                    raise
                raise self._stopped(error, batches, progress) from error
        return progress

    def _flush(self, batch: _Batch, progress: Progress) -> None:
        if batch.items:
            batch.send(batch.items)
            progress.rows += len(batch.items)
            batch.items, batch.lines = [], []
            self.report(progress)

    def _stopped(
        self, error: StchatError | KeyboardInterrupt, batches: Sequence[_Batch], progress: Progress
    ) -> StchatError:
        """After a wrong line, the lines before it are stored first."""
        if isinstance(error, InputError):
            try:
                for batch in batches:
                    self._flush(batch, progress)
            except (StchatError, KeyboardInterrupt) as another:
                error = another
        line = min([*(line for batch in batches for line in batch.lines), max(progress.line, 1)])
        return ImportStoppedError(str(error) or "stopped", line)

    def _store_turns(self, progress: Progress, batch: _Batch, items: list[Item]) -> None:
        done = self.history.add_many(items)
        progress.created += done.created
        progress.existing += done.existing
        progress.conflicts += [batch.lines[index] for index in done.conflicts]

    def _store_memories(self, progress: Progress, items: list[Item]) -> None:
        done = self.memory.remember_many(items)
        progress.created += done.created
        progress.existing += done.existing
        progress.truncated += len(done.truncated)

    def _store_entries(self, progress: Progress, items: list[Item]) -> None:
        created, existing = store_items.store(self.memory.api, items)
        progress.created += created
        progress.existing += existing


def _items(file: BinaryIO, progress: Progress, from_line: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line that is not blank, with its number."""
    for line, text in enumerate(file, start=1):
        progress.position += len(text)
        if line < from_line or not text.strip():
            continue
        progress.line = line
        try:
            item = validation.parsed(f"line {line:,}", text)
        except (ValueError, RecursionError):
            item = None
        if not isinstance(item, dict):
            raise InputError(f"line {line:,}", "be a JSON object", "something else", "write one object a line")
        yield line, item


def _prepare(item: Item, prefix: str) -> None:
    check: Callable[[Item, str], object] = prepare if "summary" in item else prepare_turn
    (store_items.prepare if "namespace" in item else check)(item, prefix)
