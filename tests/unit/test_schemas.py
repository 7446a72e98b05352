"""Rules of the hardware records that need more than one field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planner.catalog.kinds import CLUSTER, FABRIC, SYSTEM
from planner.catalog.records import Record
from planner.catalog.schema.accelerator import Flops, ScaleUp

CITE = {"source": "sheet", "at": "p. 1", "kind": "datasheet"}
FABRIC_ROW: dict[str, Any] = {
    "id": "net",
    "name": "Net",
    "cite": CITE,
    "technology": "ethernet",
    "link": "400 Gb/s",
    "tiers": [
        {"name": "leaf", "endpoints": 64, "oversubscription": 1, "latency": "1 us"},
        {"name": "spine", "endpoints": 4096, "oversubscription": "7:1", "latency": "1 us"},
    ],
    "achievable": "90 %",
}
SYSTEM_ROW: dict[str, Any] = {
    "id": "box",
    "name": "Box",
    "vendor": "Test",
    "cite": CITE,
    "accelerator": "chip",
    "accelerators": 8,
    "scale_up_domain": 8,
    "node_size": 8,
    "nics": {"count": 8, "bandwidth": "400 Gb/s"},
}
CLUSTER_ROW: dict[str, Any] = {
    "id": "site",
    "name": "Site",
    "owner": "X",
    "date": 2026,
    "status": "built",
    "cite": CITE,
    "groups": [{"system": "box", "accelerators": "25k", "fabric": "net"}],
}


def complaint(schema: type[Any], fields: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        schema.model_validate(fields)
    (error,) = caught.value.errors()
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def test_a_fabric_reads_its_tiers() -> None:
    fabric = FABRIC.schema.model_validate(FABRIC_ROW)
    assert [tier.oversubscription.value for tier in fabric.tiers] == [1.0, 7.0]
    assert (fabric.link.value, fabric.achievable.value, fabric.rails) == (5e10, 0.9, 1)


def test_tiers_grow_upward() -> None:
    leaf, spine = FABRIC_ROW["tiers"]
    assert "tiers must grow" in complaint(FABRIC.schema, FABRIC_ROW | {"tiers": [spine, leaf]})
    assert "tiers must grow" in complaint(FABRIC.schema, FABRIC_ROW | {"tiers": [leaf, leaf]})
    assert complaint(FABRIC.schema, FABRIC_ROW | {"tiers": []}).startswith("tiers: ")


def test_a_tier_is_not_undersubscribed() -> None:
    leaf, spine = FABRIC_ROW["tiers"]
    found = complaint(FABRIC.schema, FABRIC_ROW | {"tiers": [leaf, spine | {"oversubscription": 0.5}]})
    assert found.startswith("tiers.1: ")
    assert "must be 1 (none) or more" in found


def test_a_node_is_not_larger_than_its_system() -> None:
    assert SYSTEM.schema.model_validate(SYSTEM_ROW | {"node_size": 4}).node_size == 4
    assert "more than its 8 accelerators" in complaint(SYSTEM.schema, SYSTEM_ROW | {"node_size": 16})


def test_a_cluster_has_groups() -> None:
    cluster = CLUSTER.schema.model_validate(CLUSTER_ROW)
    assert (cluster.groups[0].accelerators.value, cluster.date) == (25000.0, "2026")
    assert complaint(CLUSTER.schema, CLUSTER_ROW | {"groups": []}).startswith("groups: ")


def test_an_accelerator_multiplies_in_16_bits() -> None:
    assert Flops.model_validate({"cite": CITE, "fp16": "125 TFLOP/s"}).bf16 is None
    assert "needs bf16 or fp16" in complaint(Flops, {"cite": CITE, "fp8": "1 PFLOP/s"})


def test_dimensions_belong_to_a_torus() -> None:
    link = {"cite": CITE, "name": "L", "bandwidth": "1 GB/s", "domain": 4}
    assert ScaleUp.model_validate(link | {"topology": "torus", "torus_dims": 3}).torus_dims == 3
    assert "torus_dims" in complaint(ScaleUp, link | {"topology": "torus"})
    assert "torus_dims" in complaint(ScaleUp, link | {"topology": "mesh", "torus_dims": 2})


@pytest.mark.parametrize("record_id", ["H100", "-x", "a b", "a/b", "", "../x", "é"])
def test_an_id_is_a_safe_file_name(record_id: str) -> None:
    assert complaint(Record, {"id": record_id, "name": "X"}).startswith("id: ")


def test_records_cannot_be_changed() -> None:
    record = Record(id="a", name="A")
    with pytest.raises(ValidationError, match="frozen"):
        record.name = "B"  # type: ignore[misc]


def test_a_list_is_a_list_and_not_text() -> None:
    assert complaint(Record, {"id": "a", "name": "A", "aliases": "b"}).startswith("aliases: ")
    assert Record.model_validate({"id": "a", "name": "A", "aliases": ["b"]}).aliases == ("b",)
