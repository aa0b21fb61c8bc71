"""Runs the CDK CLI, and ends a failed deploy with its reason: file, line, PostgreSQL's message and the next command.

python -m stchat.ops.deploy_failure deploy --all -c stage=dev
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stchat.ops.language import language

# What is shown of all reasons; with the lines around them, they fit a terminal of 24 lines and 80 columns.
REASON_CHARACTERS = 880
REASONS = 2
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_FAILED = re.compile(
    r"(?:CREATE|UPDATE|DELETE)_FAILED\s*\|\s*(?P<type>[\w:]+)\s*\|\s*(?P<resource>\S+)(?: \(\w+\))?"
    # up to the next event, or what the CDK CLI writes below the last one
    r"(?P<text>(?:(?!\n\s*\d+/|\n\S*\s*\||\n\s*Failed resources:|\n\s*[❌‣]).)*)",
    re.DOTALL,
)
# AWS writes words before the message of a custom resource, the local AWS does not; both begin the message with Error.
_MESSAGE = re.compile(r"(?:.*(?:Message returned|reason): *)?(?:Error: *)?(?P<text>.*)", re.DOTALL)
_NOISE = re.compile(
    r"\n\s*at .*|\s*Logs: /\S+.*|\s*\(RequestId: [\w-]+\)|\(?RequestToken: [^)\n]*\)?"
    r"|,? ?HandlerErrorCode: \w+\)?|Resource creation cancelled",
    re.DOTALL,
)
_FILE = re.compile(r"sql/[\w.]+/\d{4}_\w+\.sql(?::\d+)?(?::\d+)?")
_STAGE = re.compile(r"\bstage=(\S+)")
_SYNTH = re.compile(r"Subprocess exited with error|Synthesis finished with errors")


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    again: str | None = None,
    write: Callable[[bytes], object] | None = None,
    stop: Callable[[subprocess.Popen[bytes]], object] = subprocess.Popen.terminate,
) -> tuple[int, str]:
    """Run `command`, its output going to the screen as it comes; returns its exit status and the reason, printed last.

    Args:
        again: the command to type next; by default `make deploy STAGE=...` of the command's stage.
        write: where the output goes, instead of the screen.
        stop: what ends the command when this is interrupted.
    """
    show = write or _screen
    colours = {"FORCE_COLOR": "1"} if write is None and sys.stdout.isatty() else {}
    process = subprocess.Popen(
        list(command),
        cwd=directory,
        env={**(os.environ if environment is None else environment), **colours},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = b""
    try:
        while part := os.read(process.stdout.fileno(), 65_536):
            output += part
            show(part)
        status = process.wait()
    except BaseException:
        stop(process)
        process.wait()
        raise
    text = reason(output.decode(errors="replace"), again or _again(command)) if status != 0 else ""
    if text:
        show(f"\n{text}".encode())
        summarize(text)
    return status, text


def reason(output: str, again: str, what: str = "The deploy") -> str:
    """What to read of a failed command's output, in at most 20 lines of 80 columns; empty if it names no reason."""
    plain = _ANSI.sub("", output)
    found = list(dict.fromkeys(filter(None, (_event(match) for match in _FAILED.finditer(plain)))))
    deployed = bool(found)
    if not deployed:
        lines = [line for line in plain.splitlines() if line.strip() and not _SYNTH.search(line)]
        found = [line.strip() for line in lines if _FILE.search(line) or re.match(r"\s*(❌|ERROR|dev:|prod:)", line)][
            -1:
        ]
    if not found:
        return ""
    shown = found[:REASONS]
    longest = REASON_CHARACTERS // len(shown)
    lines = [
        f"{what} failed:",
        *(f"  {text}" if len(text) <= longest else f"  {text[: longest - 3]}..." for text in shown),
    ]
    steps = _next(found[0], again, deployed)
    if language() == "ja":
        steps += _next_in_japanese(found[0], again, deployed)
    return "\n".join([*lines, *(f"  {step}" for step in steps)]) + "\n"


def summarize(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add the reason to the summary of the GitHub workflow that runs, where one does."""
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a") as file:
            file.write(f"### The deploy failed\n\n````text\n{text}````\n")


def _event(match: re.Match[str]) -> str:
    """One failed resource's reason on one line; empty for one that only was cancelled."""
    text = match["text"].strip()
    if message := _MESSAGE.match(text):
        text = message["text"]
    text = " ".join(_NOISE.sub("", text).split()).strip(' "')
    if not text:
        return ""
    return text if _FILE.search(text) else f"{match['type']} {match['resource'].rstrip('.')}: {text}"


def _next(text: str, again: str, deployed: bool) -> list[str]:
    found = _FILE.search(text)
    file = found[0].partition(":")[0] if found else ""
    if not deployed:
        return ["Nothing was deployed.", f"Next: {f'correct {file}' if file else 'remove the cause'}, then: {again}"]
    if file:
        return [
            "The stack was rolled back; the files before this one stay applied.",
            f"Next: correct {file} if it was never applied (`stchat schema status`), then: {again}",
        ]
    return [f"Next: remove the cause, then: {again}"]


def _next_in_japanese(text: str, again: str, deployed: bool) -> list[str]:
    """The same as `_next`, shown below it."""
    found = _FILE.search(text)
    file = found[0].partition(":")[0] if found else ""
    correct = f"{file} を修正" if file else "原因を取り除"
    if not deployed:
        return ["何もデプロイされていません。", f"次の手順: {correct}{'し' if file else 'き'}、{again} を実行します。"]
    if file:
        return [
            "スタックはロールバックされました。このファイルより前のファイルは適用されたままです。",
            f"次の手順: 一度も適用されていなければ(`stchat schema status`)、{correct}し、{again} を実行します。",
        ]
    return [f"次の手順: {correct}き、{again} を実行します。"]


def _again(command: Sequence[str]) -> str:
    stage = _STAGE.search(" ".join(command))
    return f"make deploy STAGE={stage[1]}" if stage else "make deploy"


def _screen(part: bytes) -> None:
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(run(["cdk", *sys.argv[1:]])[0])
