"""The code of an agent's function: a folder of its owner's, the packages that it requires, and `stchat`."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from constructs_lib import dependencies
from constructs_lib.dependencies import Platform
from constructs_lib.lambda_code import BASE, CHAT, COMPILED, assemble
from stchat.errors import SettingsError

MODULES = (*BASE, *CHAT, "state", "aio.py", "langchain", "langgraph", "strands")
"""What an agent may import of `stchat`."""
REQUIREMENTS = "requirements.txt"
MOST_BYTES = 262_144_000
"""What Lambda takes, unzipped."""
MIB = 1 << 20


@contextmanager
def agent_code(directory: Path, platform: Platform) -> Iterator[lambda_.AssetCode]:
    """The asset, while a function is made of it. What `directory` has wins over a package of the same name.

    Its hash is that of the files of `directory` and of `stchat`, of the requirements and of the platform: it depends on
    no path, and not on how a package was installed.

    Raises:
        SettingsError: the packages cannot be installed, or are too large.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        assemble(folder, MODULES, {})
        shutil.copytree(directory, folder, ignore=COMPILED, dirs_exist_ok=True)
        own = _hash(folder)
        requirements = directory / REQUIREMENTS
        if requirements.is_file():
            own.update(dependencies.digest(requirements, platform).encode())
            _link(dependencies.install(requirements, platform), folder)
        _check_size(folder)
        yield lambda_.Code.from_asset(str(folder), asset_hash=own.hexdigest(), asset_hash_type=AssetHashType.CUSTOM)


def _hash(folder: Path) -> hashlib._Hash:
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        found.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return found


def _link(source: Path, folder: Path) -> None:
    """As `copytree`, but no file that is there is replaced, and none is copied that can be linked."""

    def link(file: str, target: str) -> None:
        if Path(target).exists():
            return
        try:
            os.link(file, target)
        except OSError:  # another file system
            shutil.copyfile(file, target)

    shutil.copytree(source, folder, copy_function=link, dirs_exist_ok=True, ignore=COMPILED)


def _check_size(folder: Path) -> None:
    sizes = Counter[str]()
    for file in folder.rglob("*"):
        if file.is_file():
            sizes[file.relative_to(folder).parts[0]] += file.stat().st_size
    if (total := sizes.total()) > MOST_BYTES:
        largest = ", ".join(f"{name} ({size / MIB:.0f} MiB)" for name, size in sizes.most_common(4))
        raise SettingsError(
            f"directory must have {MOST_BYTES / MIB:.0f} MiB at most with what {REQUIREMENTS} installs, got"
            f" {total / MIB:.0f} MiB: Lambda takes no more; the largest are {largest}"
        )
