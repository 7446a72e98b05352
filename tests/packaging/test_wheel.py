"""What is installed is what the repository holds, however it is installed and from wherever it is run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import json, site, sys
sys.path.insert(0, sys.argv[1])
site.addsitedir(sys.argv[1])
import planner
from planner.catalog.kinds import kinds
from planner.catalog.load import Catalog
from planner.evidence.validate import evidence_path
from planner.workload.kinds import MODEL
catalog = Catalog()
answer = planner.train("llama-3-8b", gpu="h100-sxm", gpus=8, catalog=catalog)
print(json.dumps({
    "package": planner.__file__,
    "record": str(catalog.path_of(MODEL, "llama-3-8b")),
    "evidence": str(evidence_path()) if evidence_path().is_file() else "missing",
    "records": {kind.name: len(catalog.ids(kind)) for kind in kinds()},
    "step_s": answer.plan.step_time_s.value,
}))
"""
DATA = ("hardware", "workloads")


def read(path: Path, elsewhere: Path) -> dict[str, object]:
    """Import planner from a directory of site-packages, in isolation, and say what it finds."""
    command = [sys.executable, "-I", "-c", READ, str(path)]
    run = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stderr
    found: dict[str, object] = json.loads(run.stdout)
    return found


def files(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for room in DATA
        for path in (root / room).rglob("*")
        if path.is_file() and path.suffix in {".yaml", ".csv"}
    }


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_data(wheel: Path, repository: Path) -> None:
    kept = files(repository)
    assert files(wheel / "planner" / "_data") == kept
    assert len(kept) > 100


@pytest.mark.slow
def test_the_wheel_is_typed_and_licensed(wheel: Path) -> None:
    assert (wheel / "planner" / "py.typed").is_file()
    (licence,) = wheel.glob("planner-*.dist-info/licenses/LICENSE")
    assert "Apache License" in licence.read_text()
    notice = (licence.parent / "NOTICE").read_text()
    assert "NVIDIA CORPORATION" in notice
    assert "InferenceX" in notice


@pytest.mark.slow
def test_the_wheel_of_the_source_distribution_is_the_same(wheel: Path, wheel_of_sdist: Path) -> None:
    def contents(root: Path) -> dict[str, bytes]:
        paths = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}

    assert contents(wheel_of_sdist) == contents(wheel)


@pytest.mark.slow
def test_the_source_distribution_can_be_tested_and_documented(source_tree: Path, repository: Path) -> None:
    assert files(source_tree) == files(repository)
    for name in (
        "tests/conftest.py",
        "docs/generate.py",
        "docs/data/crossvalidation.json",
        "CHANGELOG.md",
        "LICENSE",
        "NOTICE",
    ):
        assert (source_tree / name).is_file(), name


@pytest.mark.slow
def test_every_way_to_install_reads_the_same_data(
    wheel: Path, wheel_of_sdist: Path, editable: Path, repository: Path, tmp_path: Path
) -> None:
    places = {"wheel": wheel, "sdist": wheel_of_sdist, "editable": editable, "checkout": repository}
    found = {name: read(path, tmp_path) for name, path in places.items()}
    roots = {
        "wheel": wheel / "planner" / "_data",
        "sdist": wheel_of_sdist / "planner" / "_data",
        "editable": repository,
        "checkout": repository,
    }
    for name, said in found.items():
        package = repository if name in {"editable", "checkout"} else places[name]
        assert Path(str(said["package"])).is_relative_to(package), name
        assert Path(str(said["record"])).is_relative_to(roots[name]), name
        assert Path(str(said["evidence"])).is_relative_to(roots[name]), name
        assert said["records"] == found["checkout"]["records"], name
        assert said["step_s"] == found["checkout"]["step_s"], name
