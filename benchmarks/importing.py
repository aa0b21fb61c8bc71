"""`stchat chat import` into a new database: `python -m benchmarks.importing --turns 20000 --memories 2000`.

Rows a second of turns, of memories with vectors, and of memories without, each a file of its own. The database is the
local AWS's, so the time includes its Data API, and for memories without vectors the local embeddings.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3

from local_aws.state import REGION
from stchat.chat import ChatHistory, ChatMemory, CohereEmbedder
from stchat.chat.vectors import DIMENSIONS
from stchat.ops.chat_import import Import
from tests.support.data_api_endpoint import running
from tests.support.migrated_database import apply_migrations

USERS = 100


def turns(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "userid": f"user {number % USERS}",
            "theme": f"theme {number % 7}",
            "chatid": number,
            "userinput": f"質問 {number}: 来月の旅行について、雨の日の過ごし方を教えてください。" * 2,
            "botresponse": f"回答 {number}: 屋根のある市場と、鉄道博物館をおすすめします。" * 4,
            "timestamp": f"2024-01-01T00:00:00.{number % 1_000_000:06}+09:00",
        }


def memories(count: int, *, vectors: bool) -> Iterator[dict[str, Any]]:
    chance = random.Random(1)
    for number in range(count):
        item = {
            "userid": f"{'own' if vectors else 'model'} {number % USERS}",
            "theme": f"theme {number % 7}",
            "chatid": number,
            "summary": f"{number} 番目の記憶: 来月は家族で旅行し、雨の日は鉄道博物館に行く。",
        }
        yield item | ({"vector": [round(chance.gauss(0, 1), 6) for _ in range(DIMENSIONS)]} if vectors else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20_000)
    parser.add_argument("--memories", type=int, default=2_000)
    arguments = parser.parse_args()
    files = {
        "turns": turns(arguments.turns),
        "memories with vectors": memories(arguments.memories, vectors=True),
        "memories without vectors": memories(arguments.memories, vectors=False),
    }
    with tempfile.TemporaryDirectory(prefix="importing-") as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        with running(directory / "endpoint") as endpoint:
            migrated = apply_migrations(endpoint)
            session = boto3.Session("test", "test", region_name=REGION)
            bedrock = session.client("bedrock-runtime", endpoint_url=endpoint.url)
            history, memory = ChatHistory(migrated.app), ChatMemory(migrated.app, CohereEmbedder(bedrock))
            for what, rows in files.items():
                path = directory / "rows.jsonl"
                path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
                print(f"{what}: {Import(history, memory, path, lambda _: None).run()}", flush=True)


if __name__ == "__main__":
    main()
