from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from planner.catalog.kinds import ACCELERATOR, FABRIC
from planner.catalog.load import Catalog
from planner.catalog.schema.accelerator import Accelerator
from planner.errors import InputError, UsageError

FABRIC_YAML = """\
id: net-1.5
name: Net
cite: {source: sheet, at: x, kind: measured}
technology: ethernet
link: 400 Gb/s
tiers:
  - {name: leaf, endpoints: 64, oversubscription: 1, latency: 1 us}
  - {name: spine, endpoints: 4096, oversubscription: "7:1", latency: 1 us}
achievable: 90 %
"""


def changed(root: Path, *overrides: str, name: str = "chip-a") -> Accelerator:
    return Catalog(root=root, overrides=overrides).get(ACCELERATOR, name)


def test_a_quantity_is_read_in_the_unit_of_its_field(root: Path) -> None:
    bandwidth = changed(root, "accelerator.memory.bandwidth=4 TB/s").memory.bandwidth
    assert bandwidth.value == 4e12
    assert (bandwidth.source, bandwidth.kind, bandwidth.text) == ("--set", "given", "4 TB/s")


def test_a_factor_scales_value_and_range_and_remembers_the_origin(
    root: Path, write: Callable[[str, str], Path], accelerator: Callable[..., str]
) -> None:
    text = accelerator("chip-c", bandwidth="{value: 2 TB/s, range: [1 TB/s, 3 TB/s], kind: estimate}")
    write("base/hardware/accelerators/chip-c.yaml", text)
    bandwidth = changed(root, "accelerator.memory.bandwidth=*0.5", name="chip-c").memory.bandwidth
    assert (bandwidth.value, bandwidth.low, bandwidth.high) == (1e12, 0.5e12, 1.5e12)
    assert bandwidth.at == "2 TB/s of sheet, p. 1, *0.5"
    assert bandwidth.kind == "given"


def test_overrides_apply_in_order(root: Path) -> None:
    record = changed(root, "accelerator.memory.bandwidth=4 TB/s", "accelerator.memory.bandwidth=*0.5")
    assert record.memory.bandwidth.value == 2e12


def test_an_id_restricts_an_override(root: Path) -> None:
    override = "accelerator.chip-a.memory.bandwidth=1 TB/s"
    assert changed(root, override).memory.bandwidth.value == 1e12
    assert changed(root, override, name="chip-b").memory.bandwidth.value == 8e12


def test_the_file_stays_what_it_was(root: Path) -> None:
    before = (root / "hardware/accelerators/chip-a.yaml").read_text()
    changed(root, "accelerator.memory.bandwidth=1 TB/s")
    assert (root / "hardware/accelerators/chip-a.yaml").read_text() == before
    assert Catalog(root=root).get(ACCELERATOR, "chip-a").memory.bandwidth.value == 3.35e12


def test_plain_fields_keep_their_type(root: Path) -> None:
    record = changed(
        root, "accelerator.scale_up.domain=72", "accelerator.name=42", "accelerator.memory.l2=50 MB"
    )
    assert (record.scale_up.domain, record.name) == (72, "42")
    assert record.memory.l2 is not None
    assert record.memory.l2.value == 50e6


def test_a_whole_number_may_be_scaled_to_another(root: Path) -> None:
    assert changed(root, "accelerator.scale_up.domain=*0.5").scale_up.domain == 4


def test_items_are_counted_from_zero_and_ids_may_have_dots(
    root: Path, write: Callable[[str, str], Path]
) -> None:
    write("base/hardware/fabrics/net-1.5.yaml", FABRIC_YAML)
    catalog = Catalog(
        root=root, overrides=("fabric.net-1.5.tiers.1.oversubscription=*0.5", "fabric.tiers.0.endpoints=128")
    )
    tiers = catalog.get(FABRIC, "net-1.5").tiers
    assert tiers[1].oversubscription.value == 3.5
    assert tiers[0].endpoints == 128
    with pytest.raises(InputError, match="there is no item 7; there are 2, counted from 0"):
        Catalog(root=root, overrides=("fabric.tiers.7.endpoints=1",)).get(FABRIC, "net-1.5")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "accelerator",
        "accelerator=3",
        "accelerator.memory.bandwidth",
        "accelerator.memory.bandwidth=",
        "=3",
    ],
)
def test_what_is_no_override_is_a_usage_error(root: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"expected KIND\[\.ID\]\.FIELD=VALUE"):
        changed(root, text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("acelerator.memory.bandwidth=1 TB/s", "unknown kind 'acelerator'. Did you mean 'accelerator'"),
        ("accelerator.memry.bandwidth=1 TB/s", "accelerator has no field 'memry' (or no such record)."),
        (
            "accelerator.memory.bandwith=1 TB/s",
            "accelerator.memory has no field 'bandwith'. Did you mean 'bandwidth'?",
        ),
        ("accelerator.memory.zzz=1", "It has capacity, bandwidth, type, l2."),
        ("accelerator.no-chip.memory.bandwidth=1 TB/s", "(or no such record)"),
        ("accelerator.memory=1", "memory is a group, not a value; set one of capacity, bandwidth, type, l2"),
        ("accelerator.aliases=x", "aliases cannot be set"),
        ("accelerator.id=x", "id cannot be set"),
        ("accelerator.memory.cite.source=x", "memory.cite.source cannot be set"),
        ("accelerator.cite.source=x", "cite.source cannot be set"),
        ("accelerator.memory.bandwidth.value=1 TB/s", "is a quantity and has nothing below it"),
        ("fabric.tiers=1", "tiers is a group, not a value; set one of its items, counted from 0"),
    ],
)
def test_an_override_of_something_unknown_fails_before_anything_is_read(
    root: Path, text: str, complaint: str
) -> None:
    with pytest.raises(InputError) as caught:
        Catalog(root=root, overrides=(text,))
    assert str(caught.value).startswith(f"--set {text}: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("accelerator.memory.bandwidth=4 TB", "'TB' measures bytes, not bytes per s"),
        ("accelerator.memory.bandwidth=-4 TB/s", "must be more than zero"),
        ("accelerator.memory.bandwidth=*x", "'*x' is not a factor; write for example '*0.8'"),
        ("accelerator.memory.bandwidth=*nan", "is not a factor"),
        ("accelerator.memory.bandwidth=*-1", "is not a factor"),
        ("accelerator.memory.bandwidth=*0", "must be more than zero"),
        ("accelerator.memory.bandwidth=*1e300", "is not a finite number"),
        ("accelerator.memory.l2=*2", "there is no number to scale; set a value instead"),
        ("accelerator.name=*2", "there is no number to scale"),
        ("accelerator.scale_up.domain=*0.3", "expected a whole number, found 2.4"),
        ("accelerator.scale_up.domain=.inf", "not a finite number"),
        ("accelerator.scale_up.domain=x", "expected a whole number, found 'x'"),
        ("accelerator.scale_up.topology=torus", "torus_dims (2 or 3) belongs to topology torus"),
        ("accelerator.scale_up.topology=swich", "did you mean 'switch'?"),
    ],
)
def test_a_value_that_the_field_refuses_names_the_override(root: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(root, text)
    assert str(caught.value).startswith(f"--set {text}: ")
    assert complaint in str(caught.value)


def test_a_catalog_takes_more_overrides_and_reads_only_what_they_concern(root: Path) -> None:
    book = Catalog(root=root, overrides=("accelerator.memory.bandwidth=4 TB/s",))
    before = book.get(ACCELERATOR, "chip-a")
    other = book.changed(["accelerator.chip-a.memory.bandwidth=*0.5"])
    assert other.get(ACCELERATOR, "chip-a").memory.bandwidth.value == 2e12
    assert book.get(ACCELERATOR, "chip-a") is before
    assert before.memory.bandwidth.value == 4e12
    assert book.changed(["fabric.achievable=80 %"]).get(ACCELERATOR, "chip-a") is before
    assert book.changed(["accelerator.compute_units=1"]).get(ACCELERATOR, "chip-a") is not before
    assert other.used == (("accelerator", "chip-a"),)
    with pytest.raises(InputError, match=r"bandwidth"):
        book.changed(["accelerator.memory.bandwith=1"])
