"""A chat that shows what it remembers: `make demo`, or `python -m streamlit run examples/streamlit_chat.py`.

It finds the database and Bedrock by the variables that `local-aws env` prints, or those of your account.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from html import escape

import streamlit as st
from botocore.exceptions import BotoCoreError, ClientError

from examples.conversation import Conversation, Said
from examples.marking import marked
from examples.memory_list import show_memory_list
from examples.texts import LANGUAGES, Texts
from stchat.chat.history import Turn
from stchat.chat.recall import Memory
from stchat.data_api import describe_error
from stchat.errors import StchatError
from stchat.ops.messages import explain

ERRORS = (StchatError, BotoCoreError, ClientError)

STYLE = """<style>
  .stMainBlockContainer { padding-top: 3rem; max-width: 820px }
  .memory { padding: .35rem 0 .6rem }
  .memory .near { display: flex; align-items: center; gap: .8rem; font-size: .82rem; margin-top: .2rem }
  .memory .bar { flex: 1; background: rgba(128, 128, 128, .18); border-radius: 4px; height: 7px }
  .memory .bar div { background: #5b8def; border-radius: 4px; height: 7px }
  .memory .from { opacity: .65 }
  .memory mark { background: rgba(255, 200, 0, .35); color: inherit }
</style>"""


def show_memories(memories: Sequence[Memory], question: str, texts: Texts) -> None:
    """What was recalled, and why: the question's words marked, and a bar as long as the cosine."""
    if not memories:
        st.caption(texts.nothing_recalled)
        return
    with st.expander(texts.recalled.format(count=len(memories)), expanded=True, icon=":material/history:"):
        for memory in memories:
            near, words = max(0.0, memory.similarity or 0.0), memory.lexical or 0.0
            st.html(
                f'<div class="memory">{marked(memory.summary, question)}<div class="near">'
                f'<span>{texts.by_meaning} {near:.2f}</span><div class="bar"><div style="width:{near:.0%}"></div></div>'
                f"<span>{texts.by_words} {words:.2f}</span>"
                f'<span class="from">{escape(memory.theme)} #{memory.chatid}</span></div></div>'
            )


def show_answer(said: Said | None, answer: str | None, texts: Texts) -> None:
    with st.chat_message("assistant"):
        if answer:
            st.write(answer)
        elif said and said.problem:
            st.warning(texts.model_failed)
            show_error(said.problem, texts)
        elif said:
            st.caption(texts.no_model)
        if said:
            show_memories(said.memories, said.text, texts)


def show_error(error: Exception, texts: Texts) -> None:
    """In the page's language what to do, where that is known; the error's own words below."""
    st.error(explain(error, texts.language) or texts.failed)
    st.code(str(error) if isinstance(error, StchatError) else describe_error(error), language=None, wrap_lines=True)


@st.cache_resource
def recalled() -> dict[tuple[str, str, int], Said]:
    """What each turn recalled, by user, theme and chatid: as long as this server runs, so that a reload shows it."""
    return {}


def choose_theme(themes: Sequence[str], userid: str, texts: Texts) -> str:
    """Of the user's themes, or a new one. Kept for each user, and in the page's address."""
    asked = st.query_params.get("theme", "")
    options = list(dict.fromkeys([*themes, *filter(None, [asked]), *([] if themes else [texts.theme_first])]))
    first = next((theme for theme in (asked, texts.theme_first) if theme in options), options[0])
    key = f"theme of {userid} in {texts.language}"
    chosen = st.selectbox(
        texts.theme,
        options,
        index=options.index(first),
        key=key,
        help=texts.theme_help,
        accept_new_options=True,
        on_change=lambda: st.query_params.update(theme=st.session_state[key] or texts.theme_first),
    )
    return chosen or texts.theme_first


def choose_language() -> Texts:
    """The browser's first, then the one that was chosen, which the page's address keeps."""
    first = "日本語" if (st.context.locale or "ja").lower().startswith("ja") else "English"
    names = list(LANGUAGES)
    name = st.radio(
        "Language / 言語", names, index=names.index(first), horizontal=True, key="language", bind="query-params"
    )
    return LANGUAGES[name or first]


def ask_to_forget(userid: str, texts: Texts) -> bool:
    """Behind a button that opens it; another key closes it after its use."""
    with st.popover(texts.forget_button, width="stretch", key=f"forget {st.session_state.setdefault('forgotten', 0)}"):
        st.write(texts.forget_question.format(userid=userid))
        return bool(st.button(texts.forget_yes, key="forget", type="primary"))


def page() -> None:
    st.set_page_config(page_title="st-chat-memory", page_icon=":material/history:")
    st.html(STYLE)
    with st.sidebar:
        texts = choose_language()
        userid = st.text_input(texts.user, "demo", key="userid", bind="query-params") or "demo"
    st.title(texts.title)
    st.caption(texts.subtitle)
    problem: Exception | None = None
    conversation: Conversation | None = None
    themes: list[str] = []
    try:
        conversation = Conversation.from_env()
        with st.spinner(texts.waiting):
            themes = conversation.themes(userid)
    except ERRORS as error:
        problem = error
    with st.sidebar:
        theme = choose_theme(themes, userid, texts)
        count = st.slider(texts.count, 1, 10, 3, key="count")
        least = st.slider(texts.least, 0.0, 1.0, 0.3, 0.05, key="least", help=texts.least_help)
        add_samples = st.button(texts.samples_button, key="samples", width="stretch")
        forget = ask_to_forget(userid, texts)
        listing = st.toggle(texts.show_memories, key="listing")
    spoken = None if listing else st.chat_input(texts.ask, key="spoken")
    unsent: str | None = spoken or st.session_state.get("unsent")
    said = recalled()
    turns: list[Turn] = []
    if conversation and not problem:
        try:
            with st.spinner(texts.waiting):
                if add_samples:
                    conversation.remember_samples(userid, texts.samples)
                    st.toast(texts.samples_added.format(count=len(texts.samples)), duration="long")
                if forget:
                    forget_all(conversation, userid)
                if listing:
                    show_memory_list(conversation, userid, texts)
                    return
                turns = conversation.turns(userid, theme)
                if unsent and (spoken or st.session_state.pop("again", False)):
                    new = conversation.say(userid, theme, unsent, count, least)
                    said[userid, theme, new.chatid] = new
                    unsent = None
                    turns = conversation.turns(userid, theme)
        except ERRORS as error:
            problem = error
    st.session_state["unsent"] = unsent
    for turn in turns:
        with st.chat_message("user"):
            st.text(turn.userinput or "")
        show_answer(said.get((userid, theme, turn.chatid)), turn.botresponse, texts)
    if unsent:
        show_unsent(unsent, texts)
    if problem:
        show_error(problem, texts)
    elif not turns and not unsent:
        st.info(texts.empty)


def forget_all(conversation: Conversation, userid: str) -> None:
    conversation.forget(userid)
    said = recalled()
    for key in [key for key in said if key[0] == userid]:
        del said[key]
    st.session_state["forgotten"] += 1
    st.query_params.pop("theme", None)
    st.rerun()  # with the themes that are left


def show_unsent(text: str, texts: Texts) -> None:
    with st.chat_message("user"):
        st.text(text)
        st.caption(texts.not_sent)
        st.button(texts.send_again, key="send_again", on_click=lambda: st.session_state.update(again=True))


logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"))
page()
