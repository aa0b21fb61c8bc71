"""What the library or the chat function costs a new process to import, with its client, against `import boto3` and one
client: `python -m benchmarks.cold_start`. Each in a process of its own, by turns; medians of processor time, which is
not stretched by a busy machine as the clock's is."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass

from local_aws.state import REGION, REPOSITORY

LIBRARY = """
from stchat.chat.history import ChatHistory
from stchat.chat.memory import ChatMemory
memory = ChatMemory.from_env()
history = ChatHistory(memory.api)
"""
# Clients are made before the event is looked at, so one that is refused makes them and calls no service.
HANDLER = """
from stchat.handlers.chat import handler
class Context:
    def get_remaining_time_in_millis(self):
        return 30_000
assert handler({"operation": "themes"}, Context())["status"] == 400
"""
PROGRAMS = {
    "import boto3, one client": "import boto3\nboto3.client('rds-data')",
    "ChatHistory and ChatMemory, one client": LIBRARY,
    "the same, and the model's client": f"{LIBRARY}\nfrom stchat.chat.embeddings import shared_client\nshared_client()",
    "the chat function, and its first event": HANDLER,
}
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
    "STCHAT_CLUSTER_ARN": "none", "STCHAT_APP_SECRET_ARN": "none", "STCHAT_DATABASE": "none",
}  # fmt: skip
TIMED = "import time\nstarted = time.process_time()\n{program}\nprint(time.process_time() - started)"


@dataclass(frozen=True)
class Timing:
    """Medians: seconds of processor time within the process, and how many times the base's."""

    name: str
    seconds: float
    ratio: float


def measure(runs: int) -> list[Timing]:
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for number in range(runs + 1):
        for name, program in PROGRAMS.items():
            seconds = _run(program)
            if number:  # the first of each compiles and fills the disk's cache
                times[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    base = next(iter(medians.values()))
    return [Timing(name, seconds, seconds / base) for name, seconds in medians.items()]


def _run(program: str) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", TIMED.format(program=program)],
        cwd=REPOSITORY,
        env=os.environ | ENVIRONMENT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(answer.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    for timing in measure(parser.parse_args().runs):
        print(f"{timing.name:45} {timing.seconds * 1000:6.0f} ms {timing.ratio:6.2f} times")


if __name__ == "__main__":
    main()
