"""A short conversation in Japanese and English, kept and recalled: the last thing that `make up` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local_aws.state import LocalAws
from stchat.chat.embeddings import CohereEmbedder
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
from stchat.data_api import DataApi

USER = "demo"
# theme, chatid, what was said, what was answered, and the summary that is remembered of both
CONVERSATION = (
    (
        "旅行",
        1,
        "来月、家族で京都に旅行します。雨の日はどこがいいですか?",
        "屋根のある錦市場と、鉄道博物館がおすすめです。",
        "来月、家族で京都に旅行する。雨の日に行ける場所を探している。",
    ),
    (
        "旅行",
        2,
        "子どもは電車が好きです。",
        "それなら、鉄道博物館に先に行きましょう。",
        "子どもは電車が好きで、鉄道博物館に行きたい。",
    ),
    (
        "cooking",
        1,
        "My daughter is allergic to eggs. Can I still bake her a cake?",
        "Yes: a mashed banana takes the place of an egg in most cakes.",
        "The daughter is allergic to eggs; a mashed banana takes their place in cakes.",
    ),
    (
        "cooking",
        2,
        "Her birthday is on Saturday.",
        "Then bake on Friday: the cake tastes better the next day.",
        "The daughter's birthday is on Saturday, so the cake is baked on Friday.",
    ),
)
QUESTIONS = ("京都に旅行するのはいつ?", "What is my daughter allergic to?", "娘のアレルギーは?")


def lines(here: LocalAws, deployed: Mapping[str, str]) -> Iterator[str]:
    """Keep the conversation, unless it is there, and recall from it, as an application. `deployed`: its variables."""
    data_api, bedrock = here.client("rds-data"), here.client("bedrock-runtime")
    secret, database = deployed["STCHAT_APP_SECRET_ARN"], deployed["STCHAT_DATABASE"]
    api = DataApi(data_api, deployed["STCHAT_CLUSTER_ARN"], secret, database)
    history, memory = ChatHistory(api), ChatMemory(api, CohereEmbedder(bedrock))
    for theme, chatid, said, answered, _ in CONVERSATION:
        history.add(USER, theme, chatid, said, answered)
    memory.remember_many(
        {"userid": USER, "theme": theme, "chatid": chatid, "summary": summary}
        for theme, chatid, _, _, summary in CONVERSATION
    )
    yield f"{len(history.turns(USER))} turns and their summaries, kept as st_chat_app for the user {USER!r}"
    for question in QUESTIONS:
        yield question
        for found in memory.recall(USER, question, k=2):
            yield f"  {found.similarity:.2f}  {found.summary}"
    yield f"the numbers are cosines between local embeddings: {here.admin.embeddings()}; on AWS they are Cohere's"
