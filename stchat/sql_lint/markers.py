"""What a migration file declares, in comments that begin with `-- stchat:`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = ("drop", "truncate", "delete", "update", "rewrite", "scan", "not-null", "index", "lock")
_ALLOW = re.compile(r"allow (?P<kinds>[a-z-]+(?:, [a-z-]+)*): \S.*")


@dataclass(frozen=True)
class Markers:
    """`transactional`: the file runs in one transaction; `allowed`: the kinds of warning that it means."""

    transactional: bool
    allowed: frozenset[str]

    class UnknownError(ValueError):
        def __init__(self, offset: int, message: str) -> None:
            super().__init__(message)
            self.offset = offset

    @classmethod
    def read(cls, comments: Iterable[tuple[int, str]]) -> Markers:
        transactional, allowed = True, set[str]()
        for offset, comment in comments:
            if not comment.startswith("-- stchat:"):
                continue
            marker = comment.removeprefix("-- stchat:").strip()
            allow = _ALLOW.fullmatch(marker)
            kinds = set(allow["kinds"].split(", ")) if allow else set()
            if marker == "non-transactional":
                transactional = False
            elif kinds and kinds <= set(KINDS):
                allowed |= kinds
            else:
                raise cls.UnknownError(
                    offset,
                    f"not a marker, got {marker!r}: must be `non-transactional` or `allow <kinds>: <why>`,"
                    f" kinds of {', '.join(KINDS)}",
                )
        return cls(transactional, frozenset(allowed))
