"""The turns of conversations: written once, read newest first. The SQL is functions of the database
(sql/st_chat_db), which see the rows of the user they are asked for alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from stchat.chat import validation
from stchat.data_api import DataApi
from stchat.data_api.paging import joined, query
from stchat.data_api.retry import Backoff
from stchat.data_api.values import Row
from stchat.environment import ApplicationSettings
from stchat.errors import ConflictError, ResultTooLargeError

log = logging.getLogger(__name__)

MOST_TURNS = 1_000  # in one answer

_ADD = """
SELECT st_chat_add_turn(:userid, :themename, :chatid, :userinput::text, :botresponse::text) AS outcome"""
_TURNS = """
SELECT primarykey, themename, chatid, "timestamp", part, userinput, botresponse
FROM st_chat_turns(:userid, :themename::text, :limit::int, :before::bigint)"""
_THEMES = "SELECT themename, turns, latest FROM st_chat_themes(:userid)"
_DELETE = "SELECT st_chat_delete_turns(:userid, :themename::text) AS deleted"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a user said and was answered. `primarykey` grows with each turn written; `timestamp` is when, in UTC."""

    primarykey: int
    themename: str
    chatid: int
    userinput: str | None
    botresponse: str | None
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme of a user: how many turns it has, and when the latest of them was written, in UTC."""

    themename: str
    turns: int
    latest: datetime


@dataclass(frozen=True)
class ChatHistory:
    """Each operation is one call of the Data API, and may be sent again, because the database finds what is there.

    So a call whose answer was lost is repeated for as long as `api` has timeout. Every operation raises InputError
    before anything is sent, and DataApiError when the database stays asleep, unreachable or unwilling.
    """

    api: DataApi

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> ChatHistory:
        """By STCHAT_CLUSTER_ARN, STCHAT_APP_SECRET_ARN and STCHAT_DATABASE."""
        return cls(DataApi.from_settings(ApplicationSettings.from_environment(environment)))

    def with_timeout(self, seconds: float) -> ChatHistory:
        """The same, whose operations wait that long at most for a database that is asleep or busy."""
        return replace(self, api=self.api.with_timeout(seconds))

    def add(self, userid: str, themename: str, chatid: int, userinput: str | None, botresponse: str | None) -> bool:
        """Keep one turn, named by userid, themename and chatid.

        Args:
            userid, themename: 1 to 1,000 bytes of UTF-8.
            chatid: a whole number from 0 to 2^63 - 1, the application's own: the next one in this theme, say.
            userinput, botresponse: up to 400,000 bytes of UTF-8, or None. No text may hold NUL.

        Returns:
            True if it was written, False if it was there already. After a lost answer it may be this very call
            that wrote what it then finds.

        Raises:
            ConflictError: another text is there under this name; nothing has changed.
        """
        parameters = {
            "userid": validation.name("userid", userid),
            "themename": validation.name("themename", themename),
            "chatid": validation.bigint_id("chatid", chatid),
            "userinput": None if userinput is None else validation.text("userinput", userinput),
            "botresponse": None if botresponse is None else validation.text("botresponse", botresponse),
        }
        [row] = self.api.execute(_ADD, parameters, idempotent=True).rows
        if row["outcome"] == "conflict":
            raise ConflictError(
                f"chatid {chatid} of this user and theme holds another turn, which stays: a new turn needs a new chatid"
            )
        return bool(row["outcome"] == "written")

    def turns(
        self, userid: str, themename: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Turn]:
        """Newest first, of one theme or of all.

        Args:
            limit: 1 to 1,000.
            before: the primarykey of a Turn: only those written before it. The last of one page gives the next page.
        """
        parameters = {
            "userid": validation.name("userid", userid),
            "themename": None if themename is None else validation.name("themename", themename),
        }
        validation.integer("limit", limit, 1, MOST_TURNS)
        if before is not None:
            validation.bigint_id("before", before)
        return self._turns(Backoff(self.api.timeout), parameters, limit, before)

    def themes(self, userid: str) -> list[Theme]:
        """What the user has talked about, the latest first."""
        rows = query(self.api, _THEMES, {"userid": validation.name("userid", userid)})
        return [Theme(**row) for row in rows]

    def delete(self, userid: str, themename: str | None = None) -> int:
        """Forget the turns of one theme, or all of them; returns how many went (what is sent again finds none)."""
        parameters = {
            "userid": validation.name("userid", userid),
            "themename": None if themename is None else validation.name("themename", themename),
        }
        [row] = self.api.execute(_DELETE, parameters, idempotent=True).rows
        return int(row["deleted"])

    def _turns(self, tries: Backoff, parameters: dict[str, str | None], limit: int, before: int | None) -> list[Turn]:
        """In one call; in halves where that is over the Data API's 1 MiB; one turn alone that is, by a cursor."""
        api = self.api.with_timeout(tries.left)
        page = parameters | {"limit": limit, "before": before}
        if limit == 1:
            return _whole(query(api, _TURNS, page))
        try:
            return _whole(api.execute(_TURNS, page, idempotent=True).rows)
        except ResultTooLargeError:
            log.info("the answer is over 1 MiB: reading it in smaller pages")
        half = limit // 2
        newer = self._turns(tries, parameters, half, before)
        if len(newer) < half:
            return newer
        return newer + self._turns(tries, parameters, limit - half, newer[-1].primarykey)


def _whole(rows: list[Row]) -> list[Turn]:
    return [Turn(**{name: row[name] for name in Turn.__slots__}) for row in joined(rows, "userinput", "botresponse")]
