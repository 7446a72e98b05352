"""What is installed is what the repository holds."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
READ = """
import sys
sys.path.insert(0, sys.argv[1])
import planner
from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
catalog = Catalog()
print(planner.__file__, catalog.path_of(ACCELERATOR, "h100-sxm"), *catalog.ids(ACCELERATOR), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout and unpack it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    run = subprocess.run(build, cwd=REPOSITORY, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_data(wheel: Path) -> None:
    for room in ("hardware", "workloads"):
        shipped = {
            path.relative_to(wheel / "planner" / "_data")
            for path in (wheel / "planner/_data" / room).rglob("*.yaml")
        }
        kept = {path.relative_to(REPOSITORY) for path in (REPOSITORY / room).rglob("*.yaml")}
        assert shipped == kept
        assert kept


@pytest.mark.slow
def test_the_wheel_is_typed_and_licensed(wheel: Path) -> None:
    assert (wheel / "planner" / "py.typed").is_file()
    (licence,) = wheel.glob("planner-*.dist-info/licenses/LICENSE")
    assert "Apache License" in licence.read_text()


@pytest.mark.slow
def test_the_installed_package_reads_its_own_data(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", READ, str(wheel)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603
    package, record, *ids = run.stdout.splitlines()
    assert Path(package).is_relative_to(wheel)
    assert Path(record).is_relative_to(wheel / "planner" / "_data")
    assert set(ids) == {path.stem for path in (REPOSITORY / "hardware/accelerators").glob("*.yaml")}
