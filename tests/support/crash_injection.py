"""A process that dies between two of its calls to AWS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class KilledError(BaseException):
    """No handler of an Exception may catch this: nothing of the process runs any more."""


@contextmanager
def dying(clients: tuple[Any, ...], after: int | None) -> Iterator[list[str]]:
    """While the block runs, the clients' call number `after`, counted from 0 over all of them, is the last one: it
    ran, and the caller does not learn of it. None: all run. Gives the names of the calls that were made."""
    calls: list[str] = []

    def meet(model: Any, **_: Any) -> None:
        calls.append(model.name)
        if len(calls) - 1 == after:
            raise KilledError

    for client in clients:
        client.meta.events.register("after-call", meet)
    try:
        yield calls
    finally:
        for client in clients:
            client.meta.events.unregister("after-call", meet)
