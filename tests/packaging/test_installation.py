"""The wheel in an empty environment, and a checkout that pip installs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.installed_wheel import InstalledWheel
from tests.support.repository import REPOSITORY

MEGABYTE = 1_000_000
GROUPS = ("schema", "db", "chat", "cost", "doctor", "smoke")
COMMANDS = (
    *((group,) for group in GROUPS),
    ("schema", "check"),
    ("schema", "status"),
    ("db", "tables"),
    ("chat", "recall"),
)


def size(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def test_what_is_installed_is_small(base_installation: InstalledWheel) -> None:
    assert size(base_installation.site_packages) < 60 * MEGABYTE


def test_no_top_level_name_could_be_another_projects(base_installation: InstalledWheel) -> None:
    ours = {
        file.parts[0]
        for line in next(base_installation.site_packages.glob("stchat-*.dist-info/RECORD")).read_text().splitlines()
        if (file := Path(line.partition(",")[0])).parts[0] != ".."
    }
    assert {name for name in ours if not name.endswith(".dist-info")} == {"stchat", "constructs_lib", "local_aws"}


def test_the_public_names_come_with_boto3_alone(base_installation: InstalledWheel) -> None:
    code = "from stchat import ChatHistory, ChatMemory; print(ChatHistory.__name__, ChatMemory.__name__)"
    assert base_installation.must("python", "-c", code) == "ChatHistory ChatMemory\n"


def test_stchat_lists_its_groups(base_installation: InstalledWheel) -> None:
    shown = base_installation.must("stchat", "--help")
    assert shown.startswith("usage: stchat ")
    assert all(f"\n    {group} " in shown for group in GROUPS)
    assert base_installation.must("python", "-m", "stchat", "--help") == shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_shows_its_help_without_an_extra(
    base_installation: InstalledWheel, command: tuple[str, ...]
) -> None:
    assert base_installation.must("stchat", *command, "--help").startswith(f"usage: stchat {command[0]}")


def test_the_data_files_are_read_where_they_are_installed(base_installation: InstalledWheel) -> None:
    code = (
        "from stchat.ops.support import FILE; from stchat.ops.prices import FILE as P; print(FILE.exists(), P.exists())"
    )
    assert base_installation.must("python", "-c", code) == "True True\n"


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("stchat", "schema", "--sql", "sql", "check"), "cdk"),
        (("local-aws", "status"), "local"),
        (("local-aws", "data-api", "--help"), "local"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_command_that_needs_an_extra_says_so_in_one_line(
    base_installation: InstalledWheel, tmp_path: Path, command: tuple[str, ...], extra: str
) -> None:
    (tmp_path / "sql" / "orders").mkdir(parents=True)
    (tmp_path / "sql" / "orders" / "0001_orders.sql").write_text("CREATE TABLE orders (id bigint);\n")
    done = base_installation.run(*command, cwd=tmp_path)
    assert done.returncode != 0
    text = rf'error: this command needs the package \w+: pip install "stchat\[{extra}\]"\n'
    assert re.fullmatch(text, done.stdout + done.stderr)


def test_local_aws_shows_its_help_with_its_extra(local_installation: InstalledWheel) -> None:
    assert local_installation.must("local-aws", "--help").startswith("usage: local-aws ")
    assert local_installation.must("local-aws", "data-api", "--help").startswith("usage: local-aws data-api ")


def test_pip_installs_a_checkout(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    installed = InstalledWheel(tmp_path / "venv")
    installed.must("pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", str(REPOSITORY))
    assert installed.must("python", "-c", "import stchat; print(stchat.__file__)").startswith(str(tmp_path))
