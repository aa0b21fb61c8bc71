"""Kills `local-aws up` at random moments of a cold start and of a deploy; each next `up` must end well:
`python -m benchmarks.crash_up --points 40`.

A point is one kill: of the command alone, or of everything that runs for it, as when the machine is switched off. The
app is this checkout's, synthesized once, so that every moment is one of the servers' and of the deploy's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_aws import state
from local_aws.postgres.system import free_port
from local_aws.state import REPOSITORY

SECONDS = 600
ROW = "INSERT INTO st_chat_history_table (userid, themename, chatid) VALUES ('crash', 'up', {n}) RETURNING 1"


@dataclass(frozen=True)
class Run:
    directory: Path
    app: Path

    def local_aws(self, *arguments: str) -> subprocess.Popen[str]:
        command, *rest = arguments
        return subprocess.Popen(
            [sys.executable, "-m", "local_aws", "--directory", str(self.directory), command, "--app", str(self.app),
             *rest],
            cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def must(self, *arguments: str) -> str:
        process = self.local_aws(*arguments)
        output, _ = process.communicate(timeout=SECONDS)
        if process.returncode:
            raise AssertionError(f"local-aws {' '.join(arguments)} ended with {process.returncode}:\n{output}")
        return output

    def up(self, ports: tuple[str, ...]) -> float:
        """Seconds until it was up."""
        started = time.monotonic()
        self.must("up", *ports)
        return time.monotonic() - started

    def killed(self, ports: tuple[str, ...], after: float, *, everything: bool) -> bool:
        """Start `up` and kill it; False where it had ended before."""
        process = self.local_aws("up", *ports)
        try:
            process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            doomed = processes_of(self.directory) if everything else []
            process.kill()
            for one in doomed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait()
            return True
        return False

    def sql(self, statement: str) -> list[str]:
        return self.must("psql", "--", "-At", "-c", statement).splitlines()


def processes_of(directory: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(directory) in " ".join(process.cmdline()) + process.cwd():
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def prepared(assembly: Path | None) -> Iterator[tuple[Path, float]]:
    """A folder with the app as the CDK CLI takes it, synthesized, and the seconds that it takes to come up."""
    with tempfile.TemporaryDirectory(prefix="crash-up-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if assembly is None:
            first = Run(folder / "first", REPOSITORY)
            first.up(ports())
            first.must("down")
            assembly = first.directory / "cdk.out"
        shutil.copytree(assembly, folder / "original")
        app = folder / "app"
        shutil.copytree(assembly, app / "assembly")
        (app / "cdk.json").write_text(json.dumps({"app": "assembly"}))
        measured = Run(folder / "measured", app)
        seconds = measured.up(ports())
        measured.must("reset")
        yield folder, seconds


def ports() -> tuple[str, ...]:
    return ("--aws-port", str(free_port()), "--data-api-port", str(free_port()), "--resume-seconds", "1")


def change(app: Path, n: int) -> None:
    """Something new in two stacks: a log group, and a variable of each function."""
    for stack in ("Database", "Chat"):
        path = app / "assembly" / f"{stack}.template.json"
        template = json.loads(path.read_text())
        template["Resources"][f"Crash{n}"] = {
            "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"crash-{stack}-{n}"},
        }  # fmt: skip
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                variables = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
                variables["CRASH"] = str(n)
        path.write_text(json.dumps(template))
        manifest = app / "assembly" / "manifest.json"
        artifact = json.loads(manifest.read_text())["artifacts"][stack]
        old = re.findall(r"([0-9a-f]{64})\.json", artifact["properties"]["stackTemplateAssetObjectUrl"])[0]
        new = secrets.token_hex(32)
        for file in (manifest, app / "assembly" / f"{stack}.assets.json"):
            file.write_text(file.read_text().replace(old, new))


def crash(folder: Path, n: int, seconds: float, moments: random.Random) -> int:
    """Points: one in a cold start, one in a deploy over it, which is shorter. What was there before each stays."""
    points = 0
    directory = folder / f"run-{n}"
    here = Run(directory, folder / "app")
    here_ports = ports()
    try:
        for kind, share in (("cold start", 0.9), ("deploy", 0.4)):
            after, everything = moments.uniform(0.2, share * seconds), moments.random() < 0.5
            if kind == "deploy":
                here.sql(ROW.format(n=n))
                change(folder / "app", n)
            killed = here.killed(here_ports, after, everything=everything)
            points += killed
            took = here.up(here_ports)
            statuses = here.must("status")
            assert "IN_PROGRESS" not in statuses, statuses
            assert "FAILED" not in statuses, statuses
            if kind == "deploy":
                rows = here.sql("SELECT count(*) FROM st_chat_history_table WHERE userid = 'crash'")
                assert rows == ["1"], rows
            whom = "everything" if everything else "the command"
            how = "killed" if killed else "ended before it could be killed"
            print(f"{n:>3} {kind:<10} {whom:<11} {how} after {after:5.1f} s: up in {took:.1f} s", flush=True)
        here.must("down")
        assert (left := processes_of(directory)) == [], [one.cmdline() for one in left]
        cloud = state.load(directory)
        assert cloud is not None
        assert cloud.control_plane is None
        return points
    finally:
        here.local_aws("reset").communicate()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=40, help="how many kills (default: %(default)s)")
    parser.add_argument(
        "--assembly", type=Path, help="the app synthesized, such as .local/cdk.out (default: made anew)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="begin no other run after these")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    moments = random.Random(arguments.seed)
    deadline = time.monotonic() + arguments.minutes * 60
    good = failed = n = 0
    with prepared(arguments.assembly) as (folder, seconds):
        print(f"a cold start without a kill: {seconds:.1f} s", flush=True)
        while good + failed < arguments.points and time.monotonic() < deadline:
            n += 1
            shutil.rmtree(folder / "app" / "assembly")
            shutil.copytree(folder / "original", folder / "app" / "assembly")
            try:
                good += crash(folder, n, seconds, moments)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"{n:>3} failed: {error}", flush=True)
    print(f"{good} of {good + failed} points: the next `up` ended well, nothing was lost, nothing was left running")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
