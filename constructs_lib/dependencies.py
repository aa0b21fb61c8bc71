"""A function's Python packages, installed at synth by uv: without Docker, and once for the same requirements."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aws_cdk import aws_lambda as lambda_

from stchat.errors import SettingsError

# Of Amazon Linux 2023, which Lambda's runtimes from Python 3.12 on are.
LIBC = "manylinux_2_34"
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
TOLD_LINES = 12


@dataclass(frozen=True)
class Platform:
    """What the packages must run on: Lambda's, or this interpreter (`python` is its path)."""

    name: str
    python: str

    @classmethod
    def of(
        cls,
        runtime: lambda_.Runtime,
        architecture: lambda_.Architecture,
        environment: Mapping[str, str] = os.environ,
    ) -> Platform:
        """Lambda's, unless the deploy goes to a local AWS, whose functions this machine's Python runs.

        A deploy goes there where AWS_ENDPOINT_URL names this machine, as `local-aws env` has it.
        """
        if urlsplit(environment.get("AWS_ENDPOINT_URL", "")).hostname in ("127.0.0.1", "::1", "localhost"):
            return cls(f"this machine ({sys.platform}, Python {sys.version.split()[0]})", sys.executable)
        return cls(f"{MACHINES[architecture.name]}-{LIBC}", runtime.name.removeprefix("python"))

    @property
    def options(self) -> list[str]:
        if self.python == sys.executable:
            return []
        return ["--python-platform", self.name, "--python-version", self.python]


def digest(requirements: Path, platform: Platform) -> str:
    """Of what is installed: the same for the same pins."""
    text = "\0".join((requirements.read_text(), platform.name, platform.python))
    return hashlib.sha256(text.encode()).hexdigest()


def install(requirements: Path, platform: Platform) -> Path:
    """The folder of the packages that `requirements` names, wheels alone.

    It is in $XDG_CACHE_HOME/stchat/dependencies, which may be deleted at any time but that of a synth.

    Raises:
        SettingsError: there is no uv, or it failed; its last lines say why.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stchat" / "dependencies"
    folder = cache / digest(requirements, platform)
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="incomplete-") as incomplete:
        target = Path(incomplete) / "packages"
        command = [
            _uv(), "pip", "install", "--quiet", "--only-binary", ":all:", "--target", str(target),
            "--python", sys.executable, *platform.options, "--requirements", str(requirements),
        ]  # fmt: skip
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            said = "\n".join(done.stdout.strip().splitlines()[-TOLD_LINES:])
            raise SettingsError(
                f"{requirements.name} must name packages that have wheels for {platform.name} and Python"
                f" {platform.python}, uv ended with {done.returncode}:\n{said}"
            )
        target.mkdir(exist_ok=True)  # requirements of comments alone
        (target / ".lock").unlink(missing_ok=True)  # uv's own
        try:
            target.rename(folder)
        except OSError:  # another synth was faster
            if not folder.is_dir():
                raise
    return folder


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SettingsError("requirements.txt needs uv to be installed, which is not on the PATH: pip install uv")
    return found
