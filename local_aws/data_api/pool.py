"""Connections kept open between calls. Each call still gets a session as clean as a new one."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from local_aws.data_api.session import Login, Session

IDLE_PER_KEY = 64
IDLE_SECONDS = 60.0


@dataclass
class Idle:
    session: Session
    since: float


class Pool:
    def __init__(self, connect: Callable[[Login], Awaitable[Session]]) -> None:
        self._connect = connect
        self._idle: defaultdict[Login, list[Idle]] = defaultdict(list)

    @property
    def idle(self) -> int:
        return sum(map(len, self._idle.values()))

    async def take(self, login: Login) -> Session:
        """A session in autocommit, clean as a new one."""
        while waiting := self._idle[login]:
            idle = waiting.pop()
            if await idle.session.is_reset():
                return idle.session
            idle.session.close()
        return await self._connect(login)

    def give(self, login: Login, session: Session) -> None:
        """Take a session back. It is reset while its caller gets the result."""
        waiting = self._idle[login]
        if len(waiting) < IDLE_PER_KEY and session.is_usable:
            session.begin_reset()
            waiting.append(Idle(session, time.monotonic()))
        else:
            session.close()

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the idle sessions, or only those that have been idle for `older_than` seconds."""
        limit = time.monotonic() - older_than
        for login, waiting in list(self._idle.items()):
            old = [idle for idle in waiting if idle.since <= limit]
            self._idle[login] = [idle for idle in waiting if idle.since > limit]
            for idle in old:
                idle.session.close()
            if not self._idle[login]:
                del self._idle[login]
