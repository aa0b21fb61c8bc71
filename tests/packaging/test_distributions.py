"""What `make dist` builds."""

from __future__ import annotations

import subprocess
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from email.policy import default
from pathlib import Path

from tests.support import installed_wheel
from tests.support.repository import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PACKAGES = ("stchat", "constructs_lib", "local_aws")


def tracked(folder: str) -> set[str]:
    """The files of a folder that git knows, or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.split("\n")
    return {file for file in listed if file and (REPOSITORY / file).exists()}


def test_the_wheel_has_every_file_of_three_packages_and_the_migrations(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == {f"stchat/{file}" for file in tracked("sql")}.union(*(tracked(package) for package in PACKAGES))
    assert {"stchat/py.typed", "stchat/ops/prices.toml", "stchat/ops/support.toml"} <= names
    assert distributions[1].stat().st_size < 1_000_000


def test_the_wheel_needs_boto3_alone_and_says_what_it_is(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())
        fields = Parser(policy=default).parsestr(wheel.read(metadata).decode())
    needed = [requirement for requirement in fields.get_all("Requires-Dist", []) if "extra ==" not in requirement]
    assert needed == ["boto3>=1.35"]
    assert fields["License-Expression"] == "Apache-2.0"
    assert fields["Requires-Python"] == ">=3.11"
    assert fields.get_all("Provides-Extra") == sorted(PROJECT["project"]["optional-dependencies"])


def test_the_source_distribution_has_what_the_wheel_is_built_from(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {name.partition("/")[0] for name in names} == {
        *PACKAGES, "sql", "pyproject.toml", "PKG-INFO", "README.md", "README.ja.md", "CHANGELOG.md", "LICENSE",
        ".gitignore",
    }  # fmt: skip


def test_a_second_build_has_the_same_bytes(distributions: tuple[Path, Path], tmp_path: Path) -> None:
    again = installed_wheel.build(tmp_path)
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in distributions]


def test_the_backend_that_builds_is_the_one_that_requirements_dev_pins() -> None:
    [backend] = PROJECT["build-system"]["requires"]
    assert f"\n{backend} \\\n" in (REPOSITORY / "requirements-dev.txt").read_text()


def test_every_pin_has_its_hashes() -> None:
    for file in REPOSITORY.glob("requirements*.txt"):
        pins = file.read_text().replace("\\\n", "").splitlines()
        unprotected = [pin for pin in pins if "==" in pin and "#" not in pin and "--hash=sha256:" not in pin]
        assert not unprotected, file
