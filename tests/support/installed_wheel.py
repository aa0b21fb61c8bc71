"""The project as others get it: its distributions, and an environment in which the wheel is all there is of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.repository import REPOSITORY

# What a program of an environment may see of the one that runs the tests.
INHERITED = ("HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
SECONDS = 300


def build(directory: Path) -> tuple[Path, Path]:
    """The source distribution, and the wheel built from it."""
    command = ["uv", "build", "--quiet", "--no-build-isolation", "--out-dir", str(directory), str(REPOSITORY)]
    subprocess.run(command, check=True, timeout=SECONDS)
    [source], [wheel] = directory.glob("*.tar.gz"), directory.glob("*.whl")
    return source, wheel


@dataclass(frozen=True)
class InstalledWheel:
    """A virtual environment of the interpreter that runs the tests."""

    directory: Path

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        [found] = (self.directory / "lib").glob("python*/site-packages")
        return found

    def run(
        self, *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A program of the environment, away from the repository; its exit status and both streams."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return subprocess.run(
            [str(self.directory / "bin" / command[0]), *command[1:]],
            cwd=cwd or self.directory,
            env=inherited | {"PATH": f"{self.directory / 'bin'}:/usr/bin:/bin"} | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def must(self, *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
        """What a program printed that ended well."""
        done = self.run(*command, cwd=cwd, environment=environment)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout


def install(wheel: Path, directory: Path, *extras: str) -> InstalledWheel:
    """The wheel in an environment of its own, with the versions of requirements-dev.txt."""
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, str(directory)], check=True)
    installed = InstalledWheel(directory)
    wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    pins = str(REPOSITORY / "requirements-dev.txt")
    command = ["uv", "pip", "install", "--quiet", "--python", str(installed.python), "--constraints", pins, wanted]
    subprocess.run(command, check=True, timeout=SECONDS)
    return installed
