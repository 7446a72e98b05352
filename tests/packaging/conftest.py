"""Distributions of this checkout, built once."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EDITABLE = "import sys; from hatchling.build import build_editable; build_editable(sys.argv[1])"


def built(target: str, source: Path, folder: Path) -> Path:
    """Build a distribution of a source tree; returns the file."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    run = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr
    (file,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return file


def unpacked(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel as an installer would; returns the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)  # noqa: S202 (our own build)
    return folder


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    return unpacked(built("wheel", REPOSITORY, folder), folder / "site")


@pytest.fixture(scope="session")
def source_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of this checkout, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", REPOSITORY, folder)) as archive:
        archive.extractall(folder / "tree", filter="data")
    (tree,) = (folder / "tree").iterdir()
    return tree


@pytest.fixture(scope="session")
def wheel_of_sdist(source_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("wheel-of-sdist")
    return unpacked(built("wheel", source_tree, folder), folder / "site")


@pytest.fixture(scope="session")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an editable install of this checkout leaves in site-packages."""
    folder = tmp_path_factory.mktemp("editable")
    command = [sys.executable, "-c", EDITABLE, str(folder)]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr
    (file,) = folder.glob("*.whl")
    return unpacked(file, folder / "site")
