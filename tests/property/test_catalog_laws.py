from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog, normal_name
from planner.catalog.quantity import Dimension, enclosing_cite
from planner.errors import InputError, UnknownNameError, closest

IDS = ("alpha-9000", "bravo-sxm", "charlie.v2")
NAMES = st.lists(
    st.from_regex(r"[a-z0-9][a-z0-9.-]{3,12}", fullmatch=True), min_size=1, max_size=20, unique=True
)
CITE = {"source": "sheet", "at": "p. 1", "kind": "datasheet"}


@pytest.fixture(scope="module")
def yaml_of() -> Callable[[str, float], str]:
    """Return a valid accelerator, for tests that cannot use function-scoped fixtures."""

    def _yaml_of(record_id: str, terabytes_per_s: float) -> str:
        return (
            f"id: {record_id}\nname: Test {record_id}\nvendor: Test\nreleased: 2022\n"
            "cite: {source: sheet, at: x, kind: datasheet}\n"
            "flops: {bf16: 1 PFLOP/s}\n"
            f"memory: {{capacity: 80 GB, bandwidth: {terabytes_per_s} TB/s, type: HBM3}}\n"
            "compute_units: 132\npower: {tdp: 700 W}\n"
            "scale_up: {name: Link, bandwidth: 450 GB/s, domain: 8, topology: switch}\n"
            "scale_out: {bandwidth: 400 Gb/s}\nhost: {name: PCIe, bandwidth: 64 GB/s}\n"
        )

    return _yaml_of


@given(layers=st.lists(st.sets(st.sampled_from(IDS)), min_size=1, max_size=4))
def test_the_last_layer_that_has_a_record_wins(
    layers: list[set[str]], yaml_of: Callable[[str, float], str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        roots = [Path(name) / str(number) for number in range(len(layers))]
        for number, (root, ids) in enumerate(zip(roots, layers, strict=True)):
            folder = root / ACCELERATOR.folder
            folder.mkdir(parents=True)
            for record_id in ids:
                (folder / f"{record_id}.yaml").write_text(yaml_of(record_id, number + 1))
        catalog = Catalog(tuple(roots[1:]), root=roots[0])
        expected = {i: number + 1 for number, ids in enumerate(layers) for i in ids}
        assert catalog.ids(ACCELERATOR) == tuple(sorted(expected))
        found = {record.id: record.memory.bandwidth.value / 1e12 for record in catalog.all(ACCELERATOR)}
        assert found == expected
        for missing in set(IDS) - set(expected):
            with pytest.raises(UnknownNameError):
                catalog.get(ACCELERATOR, missing)


@given(NAMES, st.data())
def test_suggestions_are_candidates_and_find_a_swapped_letter(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert closest(name.upper(), names)[0].casefold() == name
    at = data.draw(st.integers(0, len(name) - 2))
    typo = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    found = closest(typo, names)
    assert set(found) <= set(names)
    assert found


@given(st.text(max_size=30))
def test_folding_a_name_twice_changes_nothing(name: str) -> None:
    assert normal_name(normal_name(name)) == normal_name(name)


@given(st.from_regex(r"[a-z0-9]+([ _/-][a-z0-9]+)*", fullmatch=True), st.sampled_from(" _-/"))
def test_the_separator_and_case_of_a_name_do_not_matter(name: str, separator: str) -> None:
    other = "".join(separator if letter in " _/-" else letter for letter in name).upper()
    assert normal_name(other) == normal_name(name)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_range_must_hold_its_value(low: float, value: float, high: float) -> None:
    given_ = {"value": f"{value!r} W", "range": [f"{low!r} W", f"{high!r} W"]}
    with enclosing_cite(CITE):
        try:
            quantity = Dimension("watts", zero=True).read(given_)
        except ValueError as error:
            assert "outside its range" in str(error)
            assert not low <= value <= high
        else:
            assert quantity.bounds == (low, high)
            assert low <= value <= high


@given(st.text(max_size=30) | st.integers() | st.floats() | st.lists(st.integers(), max_size=2))
def test_whatever_stands_for_a_quantity_is_read_or_refused(value: object) -> None:
    with enclosing_cite(CITE):
        try:
            quantity = Dimension("count", zero=True).read(value)
        except ValueError as error:
            assert str(error)
        else:
            assert quantity.value >= 0


@given(factor=st.floats(0.01, 100), terabytes_per_s=st.floats(0.01, 100))
def test_a_relative_override_multiplies(
    factor: float, terabytes_per_s: float, yaml_of: Callable[[str, float], str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / ACCELERATOR.folder
        folder.mkdir(parents=True)
        (folder / "chip.yaml").write_text(yaml_of("chip", terabytes_per_s))
        before = Catalog(root=Path(name)).get(ACCELERATOR, "chip")
        override = f"accelerator.memory.bandwidth=*{factor!r}"
        after = Catalog(root=Path(name), overrides=(override,)).get(ACCELERATOR, "chip")
    assert after.memory.bandwidth.value == before.memory.bandwidth.value * factor
    assert after.model_copy(update={"memory": before.memory}) == before


@given(st.text(max_size=40))
def test_any_override_is_applied_or_answered(text: str) -> None:
    from planner.errors import UsageError

    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "hardware").mkdir()
        for override in (text, f"accelerator.{text}=1", f"accelerator.memory.bandwidth={text}"):
            try:
                catalog = Catalog(root=Path(name), overrides=(override,))
            except (InputError, UsageError) as error:
                assert str(error).startswith("--set ")
            else:
                assert catalog.ids(ACCELERATOR) == ()
