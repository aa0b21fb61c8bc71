"""Proves a deployment with rows of its own: what an application may do works, and what it must not is refused.

Its rows belong to two users of its own, `stchat-smoke-...`, and are deleted at the end, also after a failure.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from stchat.chat import ChatHistory, ChatMemory, Embedder
from stchat.data_api import DataApi
from stchat.errors import ConflictError, EmbeddingError, StchatError
from stchat.ops.privileges import SmokeError, excessive_privileges, missing_tables, must, refused
from stchat.ops.stand_in_embedder import StandInEmbedder

Invoke = Callable[[dict[str, Any]], dict[str, Any]]

PREFIX = "stchat-smoke-"
FUNCTION_THEME = "smoke-function"
THEME = "smoke"
SUMMARIES = ("The user has a dog named Momo.", "利用者は来月、京都へ旅行する。", "The user is allergic to peanuts.")
OTHER_SCHEMA = "smoke proves the chat's schema and cannot check another one; STCHAT_DATABASE names the database"
QUERY = "a dog named Momo"

_VERSIONS = """
SELECT current_setting('server_version') AS postgresql, current_user::text AS role,
       (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector"""
_ALL_TURNS = "SELECT count(*) AS found FROM st_chat_history_table WHERE userid = :userid"
_ALL_MEMORIES = "SELECT count(*) AS found FROM st_chat_history_vector_table WHERE userid = :userid"


@dataclass(frozen=True)
class Result:
    """One check: how many milliseconds it took, and its message: what it saw, or why it failed."""

    check: str
    ok: bool
    ms: int
    message: str


@dataclass
class Smoke:
    """`app` logs in as the application's role. `embedder` None: vectors without a model, which is then not checked."""

    app: DataApi
    embedder: Embedder | None
    read: DataApi | None = None
    invoke: Invoke | None = None
    """Calls the chat function with an event."""
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        mark = uuid.uuid4().hex[:12]
        self.one = f"{PREFIX}{mark}"
        # Another user, whose id would open every row if it ever became part of a statement.
        self.other = f"{PREFIX}{mark}' OR userid LIKE '%"
        self.history = ChatHistory(self.app)
        self.memory = ChatMemory(self.app, self.embedder or StandInEmbedder())

    def run(self) -> list[Result]:
        """Every check; after a failure only those that depend on it are left out."""
        with self._check("answers") as report:
            [versions] = self.app.execute(_VERSIONS, idempotent=True).rows
            report(f"PostgreSQL {versions['postgresql']}, pgvector {versions['pgvector']}, as {versions['role']}")
        if self.results[-1].ok:
            with self._check("has the chat's tables"):
                missing = missing_tables(self.app)
                must(not missing, f"database {self.app.database} must have {' and '.join(missing)}: {OTHER_SCHEMA}")
        if not self.results[-1].ok:
            return self.results
        try:
            self._privileges()
            self._write_and_read()
            self._embed()
            self._remember_and_recall()
            self._isolation()
            if self.read:
                self._read_role(self.read)
            if self.invoke:
                self._function(self.invoke)
        finally:
            self._clean_up()
        return self.results

    def _privileges(self) -> None:
        with self._check("the application's role has no other privilege"):
            found = excessive_privileges(self.app)
            must(not found, f"st_chat_app must not be allowed to: {', '.join(found)}")
        with self._check("it creates no table"):
            refused(self._try, "CREATE TABLE stchat_smoke (id int)")
        with self._check("it opens no other database"):
            refused(self.app.with_database("postgres").execute, "SELECT 1")

    def _try(self, sql: str, _: None) -> None:
        """What must not run, in a transaction that is rolled back if it does."""
        with self.app.transaction() as transaction:
            transaction.execute(sql)
            raise SmokeError(f"PostgreSQL must refuse it, but ran it: {sql}")

    def _write_and_read(self) -> None:
        with self._check("writes a turn once") as report:
            add = (self.one, THEME, 1, "Hello, 世界", "こんにちは 🌏")
            must(self.history.add(*add), "a new turn must be created, it already existed")
            must(not self.history.add(*add), "the same turn again must already exist, it was created")
            try:
                self.history.add(*add[:4], "another answer")
            except ConflictError:
                report("created, then already exists, then a conflict")
            else:
                raise SmokeError("another turn under the same chatid must be refused, it was not")
        with self._check("reads it back"):
            self.history.add(self.one, THEME, 2, None, "second")
            turns = [(turn.chatid, turn.userinput, turn.botresponse) for turn in self.history.turns(self.one)]
            expected = [(2, None, "second"), (1, "Hello, 世界", "こんにちは 🌏")]
            must(turns == expected, f"its {len(expected)} turns must come back newest first, got {len(turns)}")
            themes = [(theme.theme, theme.turns) for theme in self.history.themes(self.one)]
            must(themes == [(THEME, 2)], f"its one theme must have 2 turns, got {themes}")

    def _embed(self) -> None:
        if self.embedder is None:
            return
        with self._check("embeds") as report:
            try:
                report(f"{len(self.embedder.query(QUERY))} dimensions")
            except EmbeddingError as error:
                raise SmokeError(
                    f"{error}; the other checks use vectors without a model, as --no-embedding does"
                ) from error
        if not self.results[-1].ok:  # the other checks need no model
            self.memory = replace(self.memory, embedder=StandInEmbedder())

    def _remember_and_recall(self) -> None:
        with self._check("remembers"):
            items = [
                {"userid": self.one, "theme": THEME, "chatid": number, "summary": summary, "metadata": {"n": number}}
                for number, summary in enumerate(SUMMARIES)
            ]
            done = self.memory.remember_many(items)
            must(done.created == len(items), f"{len(items)} memories must be created, got {done.created}")
            again = self.memory.remember_many(items)
            must(again.existing == len(items), f"sent again all {len(items)} must already exist, got {again.existing}")
        with self._check("recalls the nearest first") as report:
            query = SUMMARIES[0] if isinstance(self.memory.embedder, StandInEmbedder) else QUERY
            found = self.memory.recall(self.one, query, k=len(SUMMARIES))
            must(len(found) == len(SUMMARIES), f"{len(SUMMARIES)} memories must be recalled, got {len(found)}")
            must(found[0].summary == SUMMARIES[0], f"the nearest must be chatid 0, got {found[0].chatid}")
            report("similarity " + ", ".join(f"{memory.similarity:.2f}" for memory in found))
            filtered = self.memory.recall(self.one, query, metadata={"n": 2})
            must([memory.chatid for memory in filtered] == [2], "a filter by metadata must leave one memory")

    def _isolation(self) -> None:
        with self._check("shows another user nothing"):
            must(not self.history.turns(self.other), "another user must see no turn")
            must(not self.history.themes(self.other), "another user must see no theme")
            must(not self.memory.recall(self.other, SUMMARIES[0]), "another user must recall nothing")
            must(self.history.delete(self.other) == 0, "another user must delete no turn")
            must(self.memory.delete(self.other) == 0, "another user must delete no memory")
            must(len(self.history.turns(self.one)) == 2, "the first user's turns must still exist")
        with self._check("shows nothing to SQL that names no user"):
            for sql in (_ALL_TURNS, _ALL_MEMORIES):
                must(_count(self.app, sql, self.one) == 0, "row security must hide every row")
            refused(
                self.app.execute,
                "INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES (:userid, 'smoke', 9)",
                {"userid": self.one},
            )

    def _read_role(self, read: DataApi) -> None:
        with self._check("the read role reads the rows of all users and writes none") as report:
            found = _count(read, _ALL_TURNS, self.one), _count(read, _ALL_MEMORIES, self.one)
            must(found == (2, len(SUMMARIES)), f"it must see 2 turns and {len(SUMMARIES)} memories, got {found}")
            refused(read.execute, "DELETE FROM st_chat_history_table WHERE userid = :userid", {"userid": self.one})
            report(f"{found[0]} turns, {found[1]} memories")

    def _function(self, invoke: Invoke) -> None:
        with self._check("the chat function does the same") as report:
            turn = {"userid": self.one, "themename": FUNCTION_THEME, "chatid": 1, "userinput": "through the function"}
            must(invoke({"operation": "add", **turn})["written"], "its turn must be created, it already existed")
            turns = [turn.userinput for turn in self.history.turns(self.one, FUNCTION_THEME)]
            must(turns == ["through the function"], f"its turn must be in the table, got {len(turns)}")
            vector = StandInEmbedder().query("function")
            memory = {"userid": self.one, "theme": FUNCTION_THEME, "chatid": 1, "summary": "of the function"}
            must(invoke({"operation": "remember", **memory, "vector": vector})["written"], "its memory must be created")
            recall = {"operation": "recall", "vector": vector, "k": 1}
            found = invoke({**recall, "userid": self.one})["memories"]
            must([one["summary"] for one in found] == ["of the function"], f"it must recall it, got {len(found)}")
            other = invoke({**recall, "userid": self.other})["memories"]
            must(not other, f"another user must recall nothing, got {len(other)}")
            report("added, remembered, recalled")

    def _clean_up(self) -> None:
        with self._check("deletes its rows"):
            for user in (self.one, self.other):
                self.history.delete(user)
                self.memory.delete(user)
            left = len(self.history.turns(self.one)) + len(self.memory.recall(self.one, QUERY))
            must(left == 0, f"no row may be left, got {left}")

    @contextmanager
    def _check(self, name: str) -> Iterator[Callable[[str], None]]:
        """Times the block, and keeps its message or why it failed."""
        messages: list[str] = []
        started = time.monotonic()
        error: StchatError | None = None
        try:
            yield messages.append
        except StchatError as failure:
            error = failure
        ms = round((time.monotonic() - started) * 1000)
        self.results.append(Result(name, error is None, ms, str(error) if error else "; ".join(messages)))


def _count(api: DataApi, sql: str, user: str) -> int:
    return int(api.execute(sql, {"userid": user}, idempotent=True).rows[0]["found"])
