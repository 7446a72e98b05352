from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog import load
from planner.catalog.kinds import ACCELERATOR, SYSTEM
from planner.catalog.load import Catalog, read_model, read_sources
from planner.catalog.paths import data_root
from planner.catalog.records import Source
from planner.errors import InputError, OutputError, UnknownNameError

Write = Callable[[str, str], Path]
Yaml = Callable[..., str]


def test_a_record_is_found_by_id(root: Path) -> None:
    record = Catalog(root=root).get(ACCELERATOR, "chip-a")
    assert record.id == "chip-a"
    assert record.memory.bandwidth.value == 3.35e12
    assert record.memory.bandwidth.source == "sheet"


@pytest.mark.parametrize("name", ["chip-a-alias", "CHIP-A", "Chip_A Alias", "test chip-a", " chip-a "])
def test_a_record_is_found_by_alias_and_display_name(root: Path, name: str) -> None:
    assert Catalog(root=root).get(ACCELERATOR, name).id == "chip-a"


@pytest.mark.parametrize(
    "name", ["chip-c", "", "../accelerators/chip-a", "chip-a.yaml", "x" * 10_000, "chip\0a"]
)
def test_an_unknown_name_is_answered_with_the_closest(root: Path, name: str) -> None:
    with pytest.raises(UnknownNameError, match="planner catalog list accelerator") as caught:
        Catalog(root=root).get(ACCELERATOR, name)
    assert len(str(caught.value)) < 500
    if name == "chip-c":
        assert "Did you mean 'chip-" in str(caught.value)


def test_reading_by_id_reads_no_other_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    read_yaml = load.read_yaml
    monkeypatch.setattr(
        load, "read_yaml", lambda path, **kw: opened.append(path.name) or read_yaml(path, **kw)
    )
    catalog = Catalog(root=root)
    first = catalog.get(ACCELERATOR, "chip-a")
    assert catalog.get(ACCELERATOR, "chip-a") is first
    assert opened == ["chip-a.yaml"]


def test_reading_an_accelerator_imports_no_other_schema() -> None:
    code = (
        "import sys; from planner.catalog.load import Catalog; from planner.catalog.kinds import ACCELERATOR;"
        "ACCELERATOR.schema; print(*sorted(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    modules = run.stdout.split()
    assert "planner.catalog.schema.accelerator" in modules
    assert "planner.catalog.schema.cluster" not in modules
    assert not {"numpy", "pandas", "matplotlib", "typer"} & set(modules)


def test_a_broken_neighbour_does_not_matter(root: Path, write: Write) -> None:
    write("base/hardware/accelerators/broken.yaml", "id: [")
    catalog = Catalog(root=root)
    assert catalog.get(ACCELERATOR, "chip-a-alias").id == "chip-a"
    with pytest.raises(InputError, match="not valid YAML"):
        catalog.get(ACCELERATOR, "broken")


def test_all_mistakes_of_a_file_come_at_once_with_line_and_mend(
    root: Path, write: Write, accelerator: Yaml
) -> None:
    text = accelerator("chip-c")
    text = text.replace("tdp", "tdpp").replace("domain: 8", "domain: 8.5").replace("HBM3", "3")
    text = text.replace("switch", "swich").replace("vendor: Test\n", "").replace("3.35 TB/s", "3.35 TB")
    path = write("base/hardware/accelerators/chip-c.yaml", text)
    with pytest.raises(InputError) as caught:
        Catalog(root=root).get(ACCELERATOR, "chip-c")
    expected = [
        "1: vendor: required field missing; add it",
        "10: memory.bandwidth: 'TB' measures bytes, not bytes per s; write for example '3.35 TB/s'",
        "11: memory.type: expected text, found 3; write it in quotes",
        "13: power.tdp: required field missing; add it, for example tdp: 700 W",
        "14: power.tdpp: unknown field; did you mean 'tdp'?",
        "15: scale_up.domain: expected a whole number, found 8.5; write digits only, as in 8",
        "15: scale_up.topology: 'swich' is not one of switch, mesh, torus, none; did you mean 'switch'?",
    ]
    assert list(caught.value.mistakes) == [f"{path}:{sentence}" for sentence in expected]


def test_mistakes_come_in_the_order_of_the_file(root: Path, write: Write, accelerator: Yaml) -> None:
    text = "compute_units: x\n" + accelerator("chip-c").replace("compute_units: 132\n", "").replace(
        "2022", "x"
    )
    path = write("base/hardware/accelerators/chip-c.yaml", text)
    with pytest.raises(InputError) as caught:
        Catalog(root=root).get(ACCELERATOR, "chip-c")
    places = [mistake.removeprefix(f"{path}:").split(": ")[:2] for mistake in caught.value.mistakes]
    assert places == [["1", "compute_units"], ["6", "released"]]


def test_files_are_named_as_the_user_would(root: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("base/hardware/accelerators/chip-c.yaml", "id: chip-c\n")
    monkeypatch.chdir(root)
    with pytest.raises(InputError, match=r"^hardware/accelerators/chip-c\.yaml:1: ".replace("/", r"[\\/]")):
        Catalog(root=root).get(ACCELERATOR, "chip-c")


def test_the_id_must_be_the_name_of_the_file(root: Path, write: Write, accelerator: Yaml) -> None:
    write("base/hardware/accelerators/chip-c.yaml", accelerator("chip-d"))
    with pytest.raises(InputError, match=r"chip-c\.yaml:1: id: 'chip-d' differs from the file's name"):
        Catalog(root=root).get(ACCELERATOR, "chip-c")


def test_an_unreadable_file_is_an_output_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match=r"chip-a\.yaml: cannot be read: Permission denied"):
        Catalog(root=root).get(ACCELERATOR, "chip-a")


def test_a_folder_or_pipe_of_that_name_is_no_record(root: Path) -> None:
    (root / "hardware/accelerators/chip-d.yaml").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(root / "hardware/accelerators/chip-e.yaml")
    for name in ("chip-d", "chip-e"):
        with pytest.raises(UnknownNameError):
            Catalog(root=root).get(ACCELERATOR, name)
    assert Catalog(root=root).ids(ACCELERATOR) == ("chip-a", "chip-b")


def test_overlays_replace_and_add_and_the_last_wins(
    root: Path, tmp_path: Path, write: Write, accelerator: Yaml
) -> None:
    write("one/hardware/accelerators/chip-a.yaml", accelerator("chip-a", bandwidth="1 TB/s"))
    write("one/hardware/accelerators/chip-n.yaml", accelerator("chip-n", bandwidth="1 TB/s"))
    write("two/hardware/accelerators/chip-a.yaml", accelerator("chip-a", bandwidth="2 TB/s"))
    catalog = Catalog((tmp_path / "one", tmp_path / "two"), root=root)
    found = {record.id: record.memory.bandwidth.value for record in catalog.all(ACCELERATOR)}
    assert found == {"chip-a": 2e12, "chip-b": 8e12, "chip-n": 1e12}
    assert catalog.path_of(ACCELERATOR, "chip-a-alias") == tmp_path / "two/hardware/accelerators/chip-a.yaml"


def test_overlays_of_the_environment_come_before_those_of_the_call(
    root: Path, tmp_path: Path, write: Write, accelerator: Yaml, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, bandwidth in (("one", "1 TB/s"), ("two", "2 TB/s"), ("three", "3 TB/s")):
        write(f"{name}/hardware/accelerators/chip-a.yaml", accelerator("chip-a", bandwidth=bandwidth))
    monkeypatch.setenv("PLANNER_CATALOG", os.pathsep.join([str(tmp_path / "one"), "", str(tmp_path / "two")]))
    assert Catalog(root=root).get(ACCELERATOR, "chip-a").memory.bandwidth.value == 2e12
    catalog = Catalog((tmp_path / "three",), root=root)
    assert catalog.get(ACCELERATOR, "chip-a").memory.bandwidth.value == 3e12
    assert catalog.roots == (root, tmp_path / "one", tmp_path / "two", tmp_path / "three")


def test_what_is_no_overlay_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such catalog directory"):
        Catalog((tmp_path / "none",), root=root)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no hardware/ or workloads/ in it"):
        Catalog((tmp_path / "empty",), root=root)


def test_used_names_what_was_read_in_order_and_once(root: Path) -> None:
    catalog = Catalog(root=root)
    for name in ("chip-b", "chip-a-alias", "chip-b"):
        catalog.get(ACCELERATOR, name)
    with pytest.raises(UnknownNameError):
        catalog.get(SYSTEM, "none")
    assert catalog.used == (("accelerator", "chip-b"), ("accelerator", "chip-a"))


def test_tracking_names_what_one_answer_read_even_when_it_was_known(root: Path) -> None:
    catalog = Catalog(root=root)
    catalog.get(ACCELERATOR, "chip-a")
    with catalog.tracking() as used:
        catalog.get(ACCELERATOR, "chip-a")
    catalog.get(ACCELERATOR, "chip-b")
    assert list(used) == [("accelerator", "chip-a")]


def test_the_bibliography_holds_what_the_records_cite(root: Path, write: Write, accelerator: Yaml) -> None:
    text = accelerator("chip-c", bandwidth="{value: 3 TB/s, source: unheard, at: x, kind: measured}")
    write("base/hardware/accelerators/chip-c.yaml", text)
    write("base/workloads/sources.yaml", "paper: {title: P, publisher: X, accessed: 2026-01-02}\n")
    catalog = Catalog(root=root, overrides=("accelerator.memory.capacity=90 GB",))
    catalog.get(ACCELERATOR, "chip-c")
    assert set(catalog.sources()) == {"sheet", "paper"}
    assert catalog.bibliography(catalog.used) == {"sheet": catalog.sources()["sheet"], "unheard": None}


def test_an_overlay_may_describe_a_source_anew(root: Path, tmp_path: Path, write: Write) -> None:
    write("one/workloads/sources.yaml", "sheet: {title: New, publisher: X, accessed: 2026-01-02}\n")
    assert Catalog((tmp_path / "one",), root=root).sources()["sheet"].title == "New"


def test_mistakes_in_sources_have_their_line(write: Write) -> None:
    path = write("sources.yaml", "a: {title: T, publisher: P, accessed: 2026}\nb: {titel: T, publisher: P}\n")
    with pytest.raises(InputError) as caught:
        read_sources(path)
    assert list(caught.value.mistakes) == [
        f"{path}:2: b.title: required field missing; add it",
        f"{path}:2: b.accessed: required field missing; add it",
        f"{path}:2: b.titel: unknown field; did you mean 'title'?",
    ]


def test_any_model_can_be_read_strictly(write: Write) -> None:
    path = write("x.yaml", "title: T\npublisher: P\naccessed: 2026-01-02\n")
    assert read_model(path, Source).accessed == "2026-01-02"


def test_a_catalog_crosses_process_borders(root: Path) -> None:
    catalog = Catalog(root=root, overrides=("accelerator.memory.bandwidth=*2",))
    catalog.get(ACCELERATOR, "chip-a")
    copy = pickle.loads(pickle.dumps(catalog))  # noqa: S301  own bytes
    assert copy.get(ACCELERATOR, "chip-b").memory.bandwidth.value == 16e12


def test_the_shipped_data_is_found_from_the_checkout() -> None:
    assert (data_root() / "hardware").is_dir()


def test_without_data_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.catalog import paths

    module = tmp_path / "planner" / "catalog" / "paths.py"
    module.parent.mkdir(parents=True)
    shutil.copy(paths.__file__, module)
    monkeypatch.setattr(paths, "__file__", str(module))
    with pytest.raises(InputError, match="reinstall planner, or pass --catalog DIR"):
        data_root()
    (tmp_path / "planner" / "_data" / "hardware").mkdir(parents=True)
    assert data_root() == tmp_path / "planner" / "_data"


def test_an_alias_written_with_escapes_is_found_too(
    write: Callable[[str, str], Path], root: Path, accelerator: Callable[..., str]
) -> None:
    text = accelerator("chip-c").replace("[chip-c-alias]", '["chip\\u002dsea", "Two  Words"]')
    write("base/hardware/accelerators/chip-c.yaml", text)
    for name in ("chip-sea", "two words", "Chip_C"):
        assert Catalog(root=root).resolve(ACCELERATOR, name) == "chip-c"


@pytest.mark.parametrize(
    "text",
    [
        "sheet: {title: A, publisher: B, accessed: 2026-01-02}\nother: {title: [}\n",
        '# comment\n\nother:\n  title: O\n  publisher: P\n  accessed: 2026-01-02\n"sheet":\n'
        "  title: A\n# inside\n  publisher: B\n  accessed: 2026-01-02\n",
        "sheet: {title: A, publisher: B,\naccessed: 2026-01-02}\n",
    ],
    ids=["a broken entry beside it", "blocks, quotes and comments", "a value that goes on at the margin"],
)
def test_the_sources_of_one_answer_are_read_alone(root: Path, write: Write, text: str) -> None:
    write("base/hardware/sources.yaml", text)
    catalog = Catalog(root=root)
    catalog.get(ACCELERATOR, "chip-a")
    found = catalog.bibliography(catalog.used)["sheet"]
    assert found is not None
    assert found.title == "A"


def test_a_mistake_in_the_source_of_an_answer_has_its_line(root: Path, write: Write) -> None:
    write(
        "base/hardware/sources.yaml", "other: {title: T, publisher: P, accessed: 2026}\nsheet: {titel: A}\n"
    )
    catalog = Catalog(root=root)
    catalog.get(ACCELERATOR, "chip-a")
    with pytest.raises(InputError, match=r"sources\.yaml:2: sheet\.titel: unknown field"):
        catalog.bibliography(catalog.used)
