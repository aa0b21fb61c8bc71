"""Strands' Storage, for SnapshotSessionManager and whatever else keeps bytes under a key."""

from __future__ import annotations

import builtins
import copy
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import timedelta
from typing import ParamSpec, TypeVar

from strands.storage import Storage
from strands.storage.storage import _NAMESPACED  # what the SDK asks for, to prefix a storage's keys but once
from strands.types.exceptions import StorageError

from stchat.aio import in_thread
from stchat.chat import validation
from stchat.data_api import Database
from stchat.errors import InputError, StchatError
from stchat.state import database_from_env, owner, receive, received, seconds_of, send

_WRITE = "SELECT st_chat_write_state(:userid, :key, :data::bytea, :seconds::float8) AS swept"
_READ = "SELECT part, data FROM st_chat_parts(st_chat_read_state(:userid, :key))"
_DELETE = "SELECT st_chat_delete_state(:userid, :key) AS deleted"
_LIST = "SELECT part, data FROM st_chat_parts(st_chat_list_states(:userid, :prefix, :end::text))"

P = ParamSpec("P")
R = TypeVar("R")


class StateStorage(Storage):
    """Bytes under a key of 1 to 1,000 bytes, which is taken as it is: a "/" in it has no meaning. Each operation is one
    call of `api`, a DataApi or a Postgres, idempotent; several, in one transaction, only where a value is over the
    limits of one. Every failure is Strands' StorageError, with that of `stchat.errors` as its cause.

    Args:
        userid: whose values: no other user's are seen. None: all have one owner, `stchat.state.SHARED`.
        expires_after: a value expires that long after it was written. None: never.
        threads: where the calls run; by default the 32 that `stchat.aio` has for the process.
    """

    def __init__(
        self,
        api: Database,
        userid: str | None = None,
        *,
        expires_after: timedelta | None = None,
        threads: Executor | None = None,
    ) -> None:
        self.api = api
        self.userid = owner(userid)
        self._prefix = ""
        self._seconds = seconds_of(expires_after)
        self._threads = threads

    @classmethod
    def from_env(
        cls,
        userid: str | None = None,
        *,
        expires_after: timedelta | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> StateStorage:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN and STCHAT_DATABASE."""
        return cls(database_from_env(environment), userid, expires_after=expires_after)

    async def write(self, key: str, data: bytes) -> None:
        await self._run(self._write, key, data)

    async def read(self, key: str) -> bytes | None:
        return await self._run(self._read, key)

    async def delete(self, key: str) -> None:
        await self._run(self._delete, key)

    async def list(self, query: str = "") -> builtins.list[str]:
        """The keys that begin with `query`, sorted."""
        return await self._run(self._list, query)

    def namespace(self, prefix: str) -> StateStorage:
        """The same, of the keys that begin with `prefix` and a "/", which are then called without both."""
        try:
            validation.text("prefix", prefix)
        except InputError as error:
            raise StorageError(str(error)) from error
        scoped = copy.copy(self)
        scoped._prefix = f"{self._prefix}{prefix.strip('/')}/" if prefix.strip("/") else self._prefix
        scoped._namespaced = _NAMESPACED  # type: ignore[attr-defined]
        return scoped

    def _write(self, key: str, data: bytes) -> None:
        parameters = {"userid": self.userid, "key": self._key(key), "seconds": self._seconds}
        if not isinstance(data, bytes | bytearray | memoryview):
            raise InputError("data", "be bytes", validation.describe(data), "encode a text with data.encode()")
        send(self.api, _WRITE, parameters, bytes(data))

    def _read(self, key: str) -> bytes | None:
        return receive(self.api, _READ, {"userid": self.userid, "key": self._key(key)})

    def _delete(self, key: str) -> None:
        self.api.execute(_DELETE, {"userid": self.userid, "key": self._key(key)}, idempotent=True)

    def _list(self, query: str) -> builtins.list[str]:
        prefix = self._prefix + (validation.name("query", query) if query != "" else "")
        whole = received(self.api, _LIST, {"userid": self.userid, "prefix": prefix, "end": _behind(prefix)})
        return [key[len(self._prefix) :] for key in json.loads(whole)]

    def _key(self, key: str) -> str:
        validation.name("key", key)
        return validation.name("key", self._prefix + key)

    async def _run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await in_thread(self._threads, function, *args, **kwargs)
        except StchatError as error:
            raise StorageError(str(error)) from error


def _behind(prefix: str) -> str | None:
    """The first text behind all that begin with `prefix`; None: there is none."""
    for index in reversed(range(len(prefix))):
        if (code := ord(prefix[index]) + 1) <= 0x10FFFF:
            return prefix[:index] + chr(0xE000 if code == 0xD800 else code)
    return None
