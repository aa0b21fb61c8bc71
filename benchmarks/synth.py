"""How long synthesizing all stacks takes, as a ratio to an app with one empty stack: python -m benchmarks.synth"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
REPOSITORY = Path(__file__).resolve().parent.parent
# With the one resource that is nothing, since CloudFormation takes no empty stack.
EMPTY = """
from aws_cdk import App, CfnWaitConditionHandle, Stack
app = App()
CfnWaitConditionHandle(Stack(app, "Empty"), "Nothing")
app.synth()
"""


def seconds(*command: str) -> float:
    """Wall time of one run, which must succeed."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        subprocess.run(command, cwd=REPOSITORY, env={"CDK_OUTDIR": out, **environment()}, check=True)
        return time.perf_counter() - started


def environment() -> dict[str, str]:
    """Node is beside this Python."""
    return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(Path.home())}


def main() -> None:
    runs = {"app.py": ["app.py"], "empty": ["-c", EMPTY]}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):  # turn about, so that a busy machine slows both
        for name, arguments in runs.items():
            times[name].append(seconds(sys.executable, *arguments))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in times.items():
        print(f"{name:8} median {medians[name]:5.2f} s  (of {ROUNDS}: {min(taken):.2f} to {max(taken):.2f})")
    print(f"ratio    {medians['app.py'] / medians['empty']:.2f}")


if __name__ == "__main__":
    main()
