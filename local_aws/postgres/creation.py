"""A server's directory is complete or absent: it is made beside its place under another name, and renamed at the end.

A creation that breaks off, killed or on a full disk, leaves a directory whose name ends with `.creating`. The next
creation stops the server that may still run in it, and removes it. A lock, which ends with the process that holds it,
keeps two creations of one directory apart.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.postgres.system import system_user

if TYPE_CHECKING:
    from local_aws.postgres.server import Postgres

CREATING, INCOMPLETE = ".creating", ".incomplete"


def make(final: Postgres, fill: Callable[[Postgres], None], finish: Callable[[Postgres], None]) -> None:
    """`fill` makes the directory of the server that it is given, `finish` completes it while that server runs."""
    directory = final.directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _locked(directory.with_name(f"{directory.name}.lock")):
        if final.exists:
            return
        new = type(final)(directory.with_name(f"{directory.name}{CREATING}"))
        _remove(new)
        try:
            fill(new)
            new.start()
            finish(new)
            new.stop()
            if directory.exists():  # from before directories were complete or absent: no role can log in to it
                directory.rename(directory.with_name(f"{directory.name}{INCOMPLETE}-{time.time():.0f}"))
            new.directory.rename(directory)
        except BaseException:
            _remove(new)
            raise


def own(data: Path) -> None:
    """Give a data directory to the user that PostgreSQL runs as."""
    if (user := system_user()) is not None:
        for path in (data, *data.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


def copy_whole(copy: Callable[[Path], None], directory: Path) -> None:
    """Let `copy` make a directory: complete or absent."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    new = directory.with_name(f"{directory.name}{CREATING}")
    shutil.rmtree(new, ignore_errors=True)
    try:
        copy(new)
        new.rename(directory)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _remove(new: Postgres) -> None:
    new.stop()
    if new.directory.exists():
        shutil.rmtree(new.directory)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
