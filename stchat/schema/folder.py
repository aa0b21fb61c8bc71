"""The folder sql/: which files it has, in the order in which they run. Nothing here parses SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from stchat.errors import FileError
from stchat.schema.migration import Migration, decode, digest, normalise

_FILE = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_WHAT = re.compile(r"[a-z0-9_]+")
_DATABASE = re.compile(r"[a-z_][a-z0-9_]*")


def listing(directory: Path) -> list[Migration]:
    """Names and checksums, without statements: enough for what the ledger is compared with. Raises FileError."""
    found = []
    for database, file in files(directory):
        text = decode(file.read_bytes(), f"sql/{database}/{file.name}")
        found.append(Migration(database, file.name, digest(normalise(text)), True, ()))
    return found


def files(directory: Path) -> Iterator[tuple[str, Path]]:
    """Each with its database. Raises FileError for a name or number that cannot be."""
    for database in _databases(directory):
        for file in _numbered(directory / database):
            yield database, file


def check_name(database: str, what: str) -> None:
    """Of a new file, whose name has `what` after the number. Raises FileError."""
    for word, pattern in ((database, _DATABASE), (what, _WHAT)):
        if not pattern.fullmatch(word):
            raise FileError(
                f"a folder and a migration must be named in a-z, 0-9 and _, got {word!r}: such as add_theme"
            )


def _databases(directory: Path) -> list[str]:
    """`postgres` first, since it is there from the start and makes the others."""
    if not directory.is_dir():
        raise FileError(f"{directory}: no such folder: name the folder of the migrations with --sql")
    names = sorted(_visible(directory), key=lambda path: (path.name != "postgres", path.name))
    for path in names:
        if not path.is_dir() or not _DATABASE.fullmatch(path.name):
            raise FileError(f"sql/{path.name}: must be a folder named after a database in a-z, 0-9 and _")
    return [path.name for path in names]


def _numbered(folder: Path) -> Iterator[Path]:
    for expected, file in enumerate(sorted(_visible(folder)), start=1):
        path = f"sql/{folder.name}/{file.name}"
        if not _FILE.fullmatch(file.name):
            raise FileError(f"{path}: name it NNNN_<what>.sql in a-z, 0-9 and _, such as {expected:04}_add_theme.sql")
        if int(file.name[:4]) != expected:
            raise FileError(f"{path}: number {file.name[:4]} comes where {expected:04} must: numbers go on by one")
        yield file


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]
