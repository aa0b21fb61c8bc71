"""Each Lambda function carries what it runs: which edit changes which asset, and that an asset is enough to import."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from constructs_lib.lambda_code import MODULES, assemble

ROOT = Path(__file__).parents[2]
HASHES = """
import json, sys
from aws_cdk import App, Stack
from constructs_lib import CHAT_SQL
from constructs_lib.lambda_code import MODULES, code_of
from aws_cdk import aws_s3_assets as assets
stack = Stack(App(), "Stack")
files = {str(file.relative_to(CHAT_SQL)): file for file in sorted(CHAT_SQL.glob("*/*.sql"))}
found = {}
for name in MODULES:
    with code_of(name, sql=files if name == "schema" else None) as code:
        found[name] = assets.Asset(stack, name, path=code.path).asset_hash
print(json.dumps(found))
"""
IMPORTED = "import json, sys, importlib; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


def hashes(*roots: Path) -> dict[str, str]:
    """By handler, of the code in `roots`."""
    done = subprocess.run(
        [sys.executable, "-c", HASHES],
        cwd="/",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, roots))},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def copy(target: Path, *, wheel: bool = False) -> Path:
    """The packages and sql/, as in a clone or as in site-packages."""
    for package in ("stchat", "constructs_lib"):
        shutil.copytree(ROOT / package, target / package)
    shutil.copytree(ROOT / "sql", target / ("stchat/sql" if wheel else "sql"))
    return target


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return hashes(copy(tmp_path_factory.mktemp("clone")))


def changed(now: dict[str, str], clone: Path) -> set[str]:
    return {name for name, hash in hashes(clone).items() if hash != now[name]}


def test_a_new_migration_changes_the_schema_functions_alone(now: dict[str, str], tmp_path: Path) -> None:
    clone = copy(tmp_path)
    (clone / "sql" / "st_chat_db" / "0999_more.sql").write_text("SELECT 1;\n")
    assert changed(now, clone) == {"schema"}


def test_an_edit_of_the_history_changes_the_chat_function_alone(now: dict[str, str], tmp_path: Path) -> None:
    clone = copy(tmp_path)
    with (clone / "stchat" / "chat" / "history.py").open("a") as file:
        file.write("# edited\n")
    assert changed(now, clone) == {"chat"}


def test_a_dot_in_the_folders_name_and_compiled_files_change_nothing(now: dict[str, str], tmp_path: Path) -> None:
    clone = copy(tmp_path / "st.chat v1.0")
    (clone / "stchat" / "chat" / "__pycache__").mkdir(exist_ok=True)
    (clone / "stchat" / "chat" / "__pycache__" / "history.cpython-399.pyc").write_bytes(b"other")
    assert changed(now, clone) == set()


def test_an_installed_wheel_has_the_same(now: dict[str, str], tmp_path: Path) -> None:
    assert changed(now, copy(tmp_path, wheel=True)) == set()


@pytest.mark.parametrize("handler", ["chat", "schema", "rotation"])
def test_an_asset_and_boto3_are_enough(handler: str, tmp_path: Path) -> None:
    assemble(tmp_path, MODULES[handler], {})
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, f"stchat.handlers.{handler}"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)} - sys.stdlib_module_names
    boto3 = {"boto3", "botocore", "certifi", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
    given = {"__main__", "stchat", *boto3}  # certifi: botocore uses it where it is installed
    assert {name for name in tops if not name.startswith("_")} <= given
    where = subprocess.run(
        [sys.executable, "-c", "import stchat; print(stchat.__file__)"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.strip() == str(tmp_path / "stchat" / "__init__.py")
    names = {path.name for path in (tmp_path / "stchat").iterdir() if path.name != "__pycache__"}
    own = {handler, "embedding_models.py"} if handler == "chat" else {handler}
    assert names == {"__init__.py", "errors.py", "environment.py", "data_api", "handlers"} | own
