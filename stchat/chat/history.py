"""The turns of conversations: written once, read newest first. The SQL lies in functions of the database
(sql/st_chat_db), which see only the rows of the user whom they are called for.

A theme is `theme` in Python, whatever a column is called.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from stchat.chat import validation
from stchat.chat.batches import BATCH_TURNS, batches, expiry, prepare_turn
from stchat.data_api import Backoff, DataApi, Database, Row, joined, query, to_json
from stchat.environment import ApplicationSettings
from stchat.errors import ConflictError, PartialError, ResultTooLargeError, StchatError

log = logging.getLogger(__name__)

MOST_TURNS = 1_000  # of one call

_ADD = """
SELECT st_chat_add_turn(
    :userid, :theme, :chatid, :userinput::text, :botresponse::text, :expires_at::timestamptz) AS outcome"""
_ADD_MANY = "SELECT item, outcome FROM st_chat_add_turns(:items::jsonb)"
_TURNS = """
SELECT primarykey, themename AS theme, chatid, "timestamp", part, userinput, botresponse
FROM st_chat_turns(:userid, :theme::text, :limit::int, :before::bigint)"""
_THEMES = "SELECT themename AS theme, turns, latest FROM st_chat_themes(:userid)"
_DELETE = "SELECT st_chat_delete_turns(:userid, :theme::text) AS deleted"


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's input and the bot's response. `primarykey` grows with each new turn; `timestamp` is when it was created,
    in UTC."""

    primarykey: int
    theme: str
    chatid: int
    userinput: str | None
    botresponse: str | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme of a user: how many turns it has, and when the latest of them was created, in UTC."""

    theme: str
    turns: int
    latest: datetime


@dataclass(frozen=True)
class Added:
    """How many turns were `created`, and how many were `existing` before; `conflicts`: the indexes of those under whose
    chatid another text exists, which is unchanged."""

    created: int = 0
    existing: int = 0
    conflicts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class ChatHistory:
    """Each operation is one call of `api`, a DataApi or a Postgres, idempotent: the database finds what exists already.

    So a call whose response was lost is retried for as long as `api` has timeout. Every operation raises InputError
    before anything is sent, and DataApiError when the database stays paused or unreachable, or refuses.

    `expires_after`: how long after it is stored a turn expires that has no `expires_at` of its own; None: never. What
    has expired is not there for any operation, also before it is deleted (docs/memory.md).
    """

    api: Database
    expires_after: timedelta | None = None

    def __post_init__(self) -> None:
        expiry(self.expires_after)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> ChatHistory:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN, STCHAT_DATABASE and STCHAT_HISTORY_DAYS."""
        settings = ApplicationSettings.from_environment(environment)
        return cls(DataApi.from_settings(settings), settings.history_expires_after)

    def with_timeout(self, seconds: float) -> ChatHistory:
        """The same, whose operations wait that long at most for a database that is paused or busy."""
        return replace(self, api=self.api.with_timeout(seconds))

    def add(
        self,
        userid: str,
        theme: str,
        chatid: int,
        userinput: str | None,
        botresponse: str | None,
        expires_at: datetime | str | None = None,
    ) -> bool:
        """Store one turn, identified by userid, theme and chatid.

        Args:
            userid, theme: 1 to 1,000 bytes of UTF-8.
            chatid: an integer from 0 to 2^63 - 1, the application's own: the next one in this theme, for instance.
            userinput, botresponse: up to 400,000 bytes of UTF-8, or None. No text may hold NUL.
            expires_at: a datetime with its zone, or ISO 8601 text; by `expires_after` unless given.

        Returns:
            True if it was created, False if it already exists: then nothing changes, `expires_at` neither. After a lost
            response it may be this very call that created what its retry finds.

        Raises:
            ConflictError: another text exists under this chatid; nothing has changed.
        """
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": validation.name("theme", theme),
            "chatid": validation.bigint_id("chatid", chatid),
            "userinput": None if userinput is None else validation.text("userinput", userinput),
            "botresponse": None if botresponse is None else validation.text("botresponse", botresponse),
            "expires_at": expiry(self.expires_after)
            if expires_at is None
            else validation.moment("expires_at", expires_at),
        }
        [row] = self.api.execute(_ADD, parameters, idempotent=True).rows
        if row["outcome"] == "conflict":
            raise ConflictError(
                f"chatid {chatid} of this user and theme holds another turn, which is unchanged: give the new turn"
                " a chatid of its own"
            )
        return bool(row["outcome"] == "written")

    def add_many(self, turns: Iterable[Mapping[str, Any]]) -> Added:
        """Store many, in batches of 1,000 and of 4 MB, each one call of the Data API, stored whole or not at all.

        Args:
            turns: mappings with the names of `add`'s arguments, and `timestamp` for when the turn was: a datetime with
                its zone, or ISO 8601 text; now unless given. In the order in which they are to be listed, oldest
                first: `turns` lists by that, not by the timestamp. Of a turn that exists the timestamp stays, and the
                time at which it expires. `expires_after` counts from now, not from the timestamp.

        Raises:
            PartialError: a batch failed after others had been stored. Send all again: nothing is stored twice.
            InputError: names the turn, as in `turns[3].userid`; nothing was sent.
        """
        expires_at = expiry(self.expires_after)
        prepared = [prepare_turn(turn, f"turns[{index}].", expires_at) for index, turn in enumerate(turns)]
        backoff = Backoff(self.api.timeout)
        done, stored = Added(), 0
        for batch in batches(prepared, BATCH_TURNS):
            items = to_json([item.columns for item in batch])
            try:
                rows = self.api.with_timeout(backoff.left).execute(_ADD_MANY, {"items": items}, idempotent=True).rows
            except StchatError as error:
                if not stored:
                    raise
                raise PartialError(
                    error, stored=stored, items=len(prepared), created=done.created, existing=done.existing
                ) from error
            conflicts = [stored + row["item"] for row in rows if row["outcome"] == "conflict"]
            created = sum(row["outcome"] == "written" for row in rows)
            existing = len(rows) - created - len(conflicts)
            done = Added(done.created + created, done.existing + existing, done.conflicts + conflicts)
            stored += len(batch)
        return done

    def turns(self, userid: str, theme: str | None = None, limit: int = 50, before: int | None = None) -> list[Turn]:
        """Newest first, of one theme or of all.

        Args:
            limit: 1 to 1,000.
            before: the primarykey of a Turn: only turns created before it. The last one of a page gives the next page.
        """
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": None if theme is None else validation.name("theme", theme),
        }
        validation.integer("limit", limit, 1, MOST_TURNS)
        if before is not None:
            validation.bigint_id("before", before)
        return self._turns(Backoff(self.api.timeout), parameters, limit, before)

    def themes(self, userid: str) -> list[Theme]:
        """The themes of the user, the latest first."""
        rows = query(self.api, _THEMES, {"userid": validation.name("userid", userid)})
        return [Theme(**row) for row in rows]

    def delete(self, userid: str, theme: str | None = None) -> int:
        """Delete the turns of one theme, or all of them. Returns how many; a retry after a lost response finds none."""
        parameters = {
            "userid": validation.name("userid", userid),
            "theme": None if theme is None else validation.name("theme", theme),
        }
        [row] = self.api.execute(_DELETE, parameters, idempotent=True).rows
        return int(row["deleted"])

    def _turns(self, backoff: Backoff, parameters: dict[str, str | None], limit: int, before: int | None) -> list[Turn]:
        """In one call; in halves where that is over the Data API's 1 MiB; a single turn of that size by a cursor."""
        api = self.api.with_timeout(backoff.left)
        page = parameters | {"limit": limit, "before": before}
        if limit == 1:
            return _to_turns(query(api, _TURNS, page))
        try:
            return _to_turns(api.execute(_TURNS, page, idempotent=True).rows)
        except ResultTooLargeError:
            log.info("the response is over 1 MiB: reading it in smaller pages")
        half = limit // 2
        newer = self._turns(backoff, parameters, half, before)
        if len(newer) < half:
            return newer
        return newer + self._turns(backoff, parameters, limit - half, newer[-1].primarykey)


def _to_turns(rows: list[Row]) -> list[Turn]:
    return [Turn(**{name: row[name] for name in Turn.__slots__}) for row in joined(rows, "userinput", "botresponse")]
