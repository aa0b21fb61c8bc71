"""The distributions, built once, and the wheel installed with nothing but what it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import installed_wheel
from tests.support.installed_wheel import InstalledWheel


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source distribution and the wheel."""
    return installed_wheel.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def base_installation(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """`pip install stchat`."""
    return installed_wheel.install(distributions[1], tmp_path_factory.mktemp("base") / "venv")


@pytest.fixture(scope="session")
def local_installation(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> InstalledWheel:
    """`pip install 'stchat[local]'`."""
    return installed_wheel.install(distributions[1], tmp_path_factory.mktemp("local") / "venv", "local")
