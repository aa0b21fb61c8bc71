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
from aws_cdk import aws_s3_assets as assets
found = []
for root in sys.argv[1:]:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("stchat", "constructs_lib")]:
        del sys.modules[name]
    sys.path.insert(0, root)
    from constructs_lib import CHAT_SQL
    from constructs_lib.lambda_code import MODULES, code_of
    assert str(CHAT_SQL).startswith(root), (CHAT_SQL, root)
    stack = Stack(App(), "Stack")
    files = {str(file.relative_to(CHAT_SQL)): file for file in sorted(CHAT_SQL.glob("*/*.sql"))}
    found.append({})
    for name in MODULES:
        with code_of(name, sql=files if name == "schema" else None) as code:
            found[-1][name] = assets.Asset(stack, name, path=code.path).asset_hash
print(json.dumps(found))
"""
IMPORTED = "import json, sys, importlib; importlib.import_module(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"


Hashes = dict[str, dict[str, str]]


def copy(target: Path, *, wheel: bool = False) -> Path:
    """The packages and sql/, as in a clone or as in site-packages."""
    for package in ("stchat", "constructs_lib"):
        shutil.copytree(ROOT / package, target / package)
    shutil.copytree(ROOT / "sql", target / ("stchat/sql" if wheel else "sql"))
    return target


@pytest.fixture(scope="module")
def hashes(tmp_path_factory: pytest.TempPathFactory) -> Hashes:
    """By copy, and by handler. One program reads all of them, since the CDK takes seconds to start."""
    folder = tmp_path_factory.mktemp("copies")
    copies = {name: copy(folder / name) for name in ("clone", "migration", "edit", "st.chat v1.0")}
    copies["wheel"] = copy(folder / "wheel", wheel=True)
    (copies["migration"] / "sql" / "st_chat_db" / "0999_more.sql").write_text("SELECT 1;\n")
    with (copies["edit"] / "stchat" / "chat" / "history.py").open("a") as file:
        file.write("# edited\n")
    compiled = copies["st.chat v1.0"] / "stchat" / "chat" / "__pycache__"
    compiled.mkdir(exist_ok=True)
    (compiled / "history.cpython-399.pyc").write_bytes(b"other")
    done = subprocess.run(
        [sys.executable, "-c", HASHES, *map(str, copies.values())], cwd="/", capture_output=True, text=True, check=True
    )
    return dict(zip(copies, json.loads(done.stdout), strict=True))


def changed(hashes: Hashes, name: str) -> set[str]:
    """The handlers whose asset is another one than the clone's."""
    return {handler for handler, hash in hashes[name].items() if hash != hashes["clone"][handler]}


def test_a_new_migration_changes_the_schema_functions_alone(hashes: Hashes) -> None:
    assert changed(hashes, "migration") == {"schema"}


def test_an_edit_of_the_history_changes_the_chat_function_alone(hashes: Hashes) -> None:
    assert changed(hashes, "edit") == {"chat"}


def test_a_dot_in_the_folders_name_and_compiled_files_change_nothing(hashes: Hashes) -> None:
    assert changed(hashes, "st.chat v1.0") == set()


def test_an_installed_wheel_has_the_same(hashes: Hashes) -> None:
    assert changed(hashes, "wheel") == set()


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
