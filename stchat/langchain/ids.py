"""The ids of documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from langchain_core.documents import Document

from stchat.chat import validation
from stchat.errors import InputError

MOST_IDS = 500  # of one call


def made(document: Document) -> str:
    content = json.dumps([document.page_content, document.metadata], sort_keys=True, default=str)
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()[:32]


def named(name: Any) -> str:
    checked = validation.name("ids", name)
    if checked.startswith(".."):
        raise InputError("ids", 'not begin with ".."', validation.describe(name), "such ids are of memories of others")
    return checked


def checked(names: Any) -> list[str]:
    """Of documents that are there, or were."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise InputError("ids", "be a list of ids", validation.describe(names))
    return [validation.name(f"ids[{index}]", one) for index, one in enumerate(names)]


def parts(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + MOST_IDS] for start in range(0, len(names), MOST_IDS))
