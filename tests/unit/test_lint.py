from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog.lint import lint
from planner.catalog.load import Catalog
from planner.errors import UsageError

Write = Callable[[str, str], Path]
Yaml = Callable[..., str]

SYSTEM = """\
id: box
name: Box
vendor: Test
cite: {source: sheet, at: x, kind: datasheet}
accelerator: chip-a
accelerators: 8
scale_up_domain: 8
node_size: 8
nics: {count: 8, bandwidth: 400 Gb/s}
"""


def test_a_sound_catalog_has_no_mistakes(root: Path, write: Write) -> None:
    write("base/hardware/systems/box.yaml", SYSTEM)
    assert lint(Catalog(root=root)) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("systems/box.yaml", SYSTEM, "id: [", "box.yaml:2: not valid YAML"),
        ("systems/box.yaml", "vendor: Test\n", "", "box.yaml:1: vendor: required field missing"),
        ("systems/crate.yaml", "", "", "crate.yaml:1: id: 'box' differs from the file's name"),
        (
            "systems/box.yaml",
            "chip-a",
            "chip-c",
            "box.yaml:5: accelerator: no accelerator has the id 'chip-c'",
        ),
        ("systems/box.yaml", "chip-a", "chip-a-alias", "no accelerator has the id 'chip-a-alias'"),
        ("systems/box.yaml", "source: sheet", "source: sheat", "box.yaml:4: cite: source 'sheat' is in no"),
        ("systems/box.yaml", "source: sheet", "source: sheat", "did you mean 'sheet'?"),
        ("systems/box.yml", "", "", "nothing reads .yml; rename it to box.yaml"),
        ("system/box.yaml", "", "", "nothing reads hardware/system/; did you mean 'hardware/systems'"),
        ("box.yaml", "", "", "nothing reads hardware/; "),
        (
            "sources.yaml",
            SYSTEM,
            "sheet: {title: T, publisher: P}",
            "sources.yaml:1: sheet.accessed: required",
        ),
        ("sources.yaml", SYSTEM, "sheet: [", "sources.yaml:2: not valid YAML"),
    ],
)
def test_each_mistake_is_reported_once(
    root: Path, write: Write, name: str, old: str, new: str, complaint: str
) -> None:
    write(f"base/hardware/{name}", SYSTEM.replace(old, new))
    (mistake,) = lint(Catalog(root=root))
    assert complaint in mistake


def test_a_quantity_with_an_unknown_source_is_found_at_its_line(
    root: Path, write: Write, accelerator: Yaml
) -> None:
    text = accelerator("chip-c", bandwidth="{value: 3 TB/s, source: unheard, at: x, kind: measured}")
    path = write("base/hardware/accelerators/chip-c.yaml", text)
    assert lint(Catalog(root=root)) == [
        f"{path}:11: memory.bandwidth: source 'unheard' is in no sources.yaml; add it there"
    ]


@pytest.mark.parametrize("alias", ["chip-a", "Chip A", "TEST CHIP-A", "chip_a_alias"])
def test_a_name_stands_for_one_record(root: Path, write: Write, accelerator: Yaml, alias: str) -> None:
    text = accelerator("chip-z").replace("[chip-z-alias]", f"[other, {alias}]")
    path = write("base/hardware/accelerators/chip-z.yaml", text)
    assert lint(Catalog(root=root)) == [
        f"{path}:3: aliases.1: '{alias}' also stands for the accelerator 'chip-a'; names must differ"
    ]


def test_references_inside_lists_are_checked(root: Path, write: Write) -> None:
    cluster = (
        "id: site\nname: Site\nowner: X\ndate: 2026\nstatus: built\n"
        "cite: {source: sheet, at: x, kind: measured}\n"
        "groups:\n"
        "  - {system: box, accelerators: 16, fabric: net}\n"
        "  - {system: bax, accelerators: 16, fabric: net}\n"
    )
    write("base/hardware/systems/box.yaml", SYSTEM)
    path = write("base/hardware/clusters/site.yaml", cluster)
    found = lint(Catalog(root=root))
    assert [mistake.removeprefix(f"{path}:") for mistake in found] == [
        "8: groups.0.fabric: no fabric has the id 'net'; see planner catalog list fabric",
        "9: groups.1.system: no system has the id 'bax'; did you mean 'box'?",
        "9: groups.1.fabric: no fabric has the id 'net'; see planner catalog list fabric",
    ]


def test_the_same_source_key_must_say_the_same_in_both_rooms(root: Path, write: Write) -> None:
    path = write("base/workloads/sources.yaml", "sheet: {title: T, publisher: P, accessed: 2026}\n")
    (mistake,) = lint(Catalog(root=root))
    assert mistake.startswith(f"{path}:1: sheet: differs from the one in ")


def test_an_overlay_is_checked_alone_against_the_whole(
    root: Path, tmp_path: Path, write: Write, accelerator: Yaml
) -> None:
    write("base/hardware/accelerators/broken.yaml", "id: [")
    own = tmp_path / "own"
    write("own/hardware/systems/box.yaml", SYSTEM.replace("source: sheet", "source: sheat"))
    write("own/hardware/accelerators/aaa.yaml", accelerator("aaa").replace("[aaa-alias]", "[Chip-B]"))
    found = lint(Catalog((own,), root=root), folder=own)
    assert [mistake.removeprefix(f"{own}/hardware/") for mistake in found] == [
        "accelerators/aaa.yaml:3: aliases.0: 'Chip-B' also stands for the accelerator 'chip-b'; "
        "names must differ",
        "systems/box.yaml:4: cite: source 'sheat' is in no sources.yaml; did you mean 'sheet'?",
    ]


def test_a_record_that_an_overlay_replaces_is_not_checked(
    root: Path, tmp_path: Path, write: Write, accelerator: Yaml
) -> None:
    write("base/hardware/accelerators/chip-c.yaml", "id: [")
    write("own/hardware/accelerators/chip-c.yaml", accelerator("chip-c"))
    assert lint(Catalog((tmp_path / "own",), root=root)) == []


def test_a_folder_outside_the_catalog_is_a_usage_error(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not part of this catalog"):
        lint(Catalog(root=root), folder=tmp_path)
