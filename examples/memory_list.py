"""What is remembered of a user: page by page, to change and to delete."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from examples.conversation import MEMORIES_SHOWN, Conversation
from examples.texts import Texts
from stchat.chat.recall import Memory


def show_memory_list(conversation: Conversation, userid: str, texts: Texts) -> None:
    """Raises what the library raises; the page shows it."""
    _do_what_was_asked()
    key = f"after of {userid}"
    found = conversation.memories(userid, st.session_state.get(key))
    if not found:
        st.info(texts.no_memories)
    for memory in found[:MEMORIES_SHOWN]:
        _show(conversation, userid, memory, texts)
    first, more = st.columns(2)
    if key in st.session_state:
        first.button(texts.first_page, key="first_page", on_click=lambda: st.session_state.pop(key))
    if len(found) > MEMORIES_SHOWN:
        last = found[MEMORIES_SHOWN - 1].id
        more.button(texts.next_page, key="next_page", on_click=lambda: st.session_state.update({key: last}))


def _show(conversation: Conversation, userid: str, memory: Memory, texts: Texts) -> None:
    with st.container(border=True):
        text = st.text_area(
            texts.memory, memory.summary, key=f"text {userid} {memory.id}", label_visibility="collapsed"
        )
        when = f"{memory.updated_at:%Y-%m-%d %H:%M} UTC"
        st.text(f"{memory.theme} #{memory.chatid} · {when}")
        save, delete = st.columns(2)
        save.button(
            texts.change,
            key=f"change {memory.id}",
            disabled=text in ("", memory.summary),
            on_click=_ask,
            args=(lambda: conversation.change(userid, memory.id, text), texts.changed),
        )
        delete.button(
            texts.forget_one,
            key=f"forget {memory.id}",
            on_click=_ask,
            args=(lambda: conversation.forget_one(userid, memory.id), texts.forgotten),
        )


def _ask(do: Callable[[], object], done: str) -> None:
    """For the run that follows, in which an error is shown."""
    st.session_state["asked"] = (do, done)


def _do_what_was_asked() -> None:
    do, done = st.session_state.pop("asked", (None, ""))
    if do:
        do()
        st.toast(done)
