"""The environment of everything that the local AWS runs: an allow list, so that nothing in a shell reaches beyond it.

A shell may hold endpoints, profiles and proxies for the real AWS, or settings of PostgreSQL, Node and Python that
break what they were not meant for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ALLOWED = (
    "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI",
    "LANG", "LANGUAGE", "TZ", "PAGER", "EDITOR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME",
    "PYTHONDONTWRITEBYTECODE", "STCHAT_LANG", "CDK_VALIDATION",
)  # fmt: skip
DIRECTORIES = ("TMPDIR", "TEMP", "TMP")
# Of the shell that started us, for `env`, which says what to unset there.
SHELL: Mapping[str, str] = dict(os.environ)
# No profile, region or endpoint of the user's files either.
NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
LOOPBACK = "127.0.0.1,localhost"


def build(*programs: Path) -> dict[str, str]:
    """What a child gets before its own settings; folders of programs to look in first, before this Python's."""
    found = {
        name: value
        for name, value in os.environ.items()
        if name in ALLOWED or name.startswith("LC_") or (name in DIRECTORIES and Path(value).is_dir())
    }
    path = [str(folder) for folder in (*programs, Path(sys.executable).parent)]
    system = os.environ.get("PATH", os.defpath)
    return found | {"PATH": os.pathsep.join([*path, system]), "PYTHONUTF8": "1", **NO_FILES}


def enter(keep: Sequence[str] = ()) -> None:
    """Give this process the same environment: boto3 and libpq read it."""
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    environment = build()
    os.environ.clear()
    os.environ.update(environment | kept)


def hostile(exported: Sequence[str], shell: Mapping[str, str] = SHELL) -> list[str]:
    """Names in a shell that would win over what `env` exports, or keep clients from 127.0.0.1."""
    names = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
             "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
             "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
             "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CREDENTIAL_EXPIRATION")  # fmt: skip
    return sorted(
        name for name in shell if name not in exported and (name in names or name.startswith("AWS_ENDPOINT_URL_"))
    )


def ignores_endpoints() -> bool:
    """Whether the user's configuration file has endpoints ignored, which a variable can undo."""
    path = Path(SHELL.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    try:
        lines = path.read_text(errors="replace").lower().splitlines()
    except OSError:
        return False
    return any(line.replace(" ", "").startswith("ignore_configured_endpoint_urls=true") for line in lines)


def without_proxy(shell: Mapping[str, str] = SHELL) -> dict[str, str]:
    """What keeps a proxy of the shell away from 127.0.0.1; nothing where the shell has none."""
    if not any(name.lower() in ("http_proxy", "all_proxy", "https_proxy") for name in shell):
        return {}
    found: dict[str, str] = {}
    for name in ("NO_PROXY", "no_proxy"):
        value = shell.get(name, "")
        found[name] = value if LOOPBACK in value else ",".join(filter(None, (LOOPBACK, value)))
    return found
