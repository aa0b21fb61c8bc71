"""The code of each Lambda function: what its handler imports of `stchat`, assembled at synth without Docker."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

import stchat

STCHAT = Path(stchat.__file__).resolve().parent
"""The package as it is imported: a checkout's, or an installed wheel's."""
CHAT_SQL = STCHAT / "sql" if (STCHAT / "sql").is_dir() else STCHAT.parent / "sql"
"""The migrations of chat history and chat memory: `stchat/sql` in a wheel, `sql/` in a checkout."""

BASE = ("__init__.py", "errors.py", "environment.py", "data_api")
CHAT = ("embedding_models.py", "chat")
MODULES = {
    "chat": (*BASE, *CHAT, "handlers/__init__.py", "handlers/chat.py"),
    "schema": (*BASE, "schema", "handlers/__init__.py", "handlers/schema.py"),
    "rotation": (*BASE, "rotation", "handlers/__init__.py", "handlers/rotation.py"),
}
"""What a function carries, by its handler's module in `stchat.handlers`: files and folders of the package."""
COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")


@contextmanager
def code_of(handler: str, *, sql: Mapping[str, Path] | None = None) -> Iterator[lambda_.AssetCode]:
    """The asset of `stchat.handlers.<handler>`, while a function is made of it; `sql`: see `assemble`.

    Its hash is that of the files' names and contents: it depends on no path and on no compiled file.
    """
    with tempfile.TemporaryDirectory() as folder:
        assemble(Path(folder), MODULES[handler], sql or {})
        yield lambda_.Code.from_asset(folder)


def assemble(folder: Path, modules: Sequence[str], sql: Mapping[str, Path]) -> None:
    """Write `stchat/` with `modules`, and `sql/` with files by the name that they have there, into `folder`."""
    for name in modules:
        source, target = STCHAT / name, folder / "stchat" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=COMPILED)
        else:
            shutil.copyfile(source, target)
    for name, source in sql.items():
        target = folder / "sql" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
