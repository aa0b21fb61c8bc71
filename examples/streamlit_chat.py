"""A chat that shows what it remembers: `make demo`, or `python -m streamlit run examples/streamlit_chat.py`.

It finds the database and Bedrock by the variables that `local-aws env` prints, or those of your account.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from html import escape

import streamlit as st

from examples.conversation import Conversation, Said
from examples.texts import FIRST_THEME, LANGUAGES, Texts
from stchat.chat.memory import Memory
from stchat.errors import StchatError

STYLE = """<style>
  .stMainBlockContainer { padding-top: 3rem; max-width: 820px }
  .memory { padding: .35rem 0 .6rem }
  .memory .near { display: flex; align-items: center; gap: .8rem; font-size: .82rem; margin-top: .2rem }
  .memory .bar { flex: 1; background: rgba(128, 128, 128, .18); border-radius: 4px; height: 7px }
  .memory .bar div { background: #3d6fd9; border-radius: 4px; height: 7px }
  .memory .from { opacity: .65 }
</style>"""


def show_memories(memories: Sequence[Memory], texts: Texts) -> None:
    """What was recalled, and how near: a bar as long as the cosine."""
    if not memories:
        st.caption(texts.nothing_recalled)
        return
    with st.expander(texts.recalled.format(count=len(memories)), expanded=True, icon=":material/history:"):
        for memory in memories:
            near = max(0.0, memory.similarity)
            st.html(
                f'<div class="memory">{escape(memory.summary)}<div class="near">'
                f'<span>{memory.similarity:.2f}</span><div class="bar"><div style="width:{near:.0%}"></div></div>'
                f'<span class="from">{escape(memory.theme)} #{memory.chatid}</span></div></div>'
            )


def show_answer(said: Said | None, answer: str | None, texts: Texts) -> None:
    with st.chat_message("assistant"):
        if answer:
            st.write(answer)
        elif said and said.problem:
            st.warning(texts.model_failed.format(problem=said.problem))
        else:
            st.caption(texts.no_model)
        if said:
            show_memories(said.memories, texts)


def page() -> None:
    st.set_page_config(page_title="st-chat-memory", page_icon=":material/history:")
    st.html(STYLE)
    with st.sidebar:
        language = st.radio("Language / 言語", list(LANGUAGES), horizontal=True, key="language")
        texts = LANGUAGES[language]
        userid = st.text_input(texts.user, "demo", key="userid")
        theme = st.text_input(texts.theme, FIRST_THEME, key="theme")
        count = st.slider(texts.count, 1, 10, 3, key="count")
        add_samples = st.button(texts.samples_button, key="samples", width="stretch")
        forget = st.button(texts.forget_button, key="forget", width="stretch")
    st.title(texts.title)
    st.caption(texts.subtitle)
    said: dict[tuple[str, str, int], Said] = st.session_state.setdefault("said", {})
    spoken = st.chat_input(texts.ask, key="spoken")
    try:
        conversation = Conversation.from_env()
        with st.spinner(texts.waiting):
            if add_samples:
                conversation.remember_samples(userid, texts.samples)
                st.toast(texts.samples_added.format(count=len(texts.samples)))
            if forget:
                conversation.forget(userid)
                said.clear()
            if spoken:
                new = conversation.say(userid, theme, spoken, count)
                said[userid, theme, new.chatid] = new
            turns = conversation.turns(userid, theme)
    except StchatError as error:
        st.error(str(error))
        return
    if not turns:
        st.info(texts.empty)
    for turn in turns:
        with st.chat_message("user"):
            st.text(turn.userinput or "")
        show_answer(said.get((userid, theme, turn.chatid)), turn.botresponse, texts)


logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
page()
