"""Software profiles and fitted constants as the physics sees them."""

from __future__ import annotations

from typing import Any

import pytest

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.schema.calibration import Constants
from planner.tables import Software, constants_of, software_table
from planner.workload.kinds import SOFTWARE

CATALOG = Catalog()
RECORD = CATALOG.get(CALIBRATION, "training")


def table(name: str, released: int = 2022, **constants: float) -> Software:
    profile = CATALOG.get(SOFTWARE, name)
    return software_table(profile, constants_of(RECORD, profile.family) | constants, released=released)


def value(table: Software, name: str) -> float:
    return float(getattr(table, name)[0])


def test_facts_decide_which_constants_apply() -> None:
    tuned, plain = table("megatron-core"), table("megatron-lm-2021")
    assert value(tuned, "data_window") == constants_of(RECORD, "tuned")["overlap_window"]
    assert value(plain, "data_window") == 0.0
    assert value(plain, "tensor_exposed") == 1.0
    assert (value(plain, "flash"), value(tuned, "flash")) == (0.0, 3.0)
    assert (value(plain, "dropout"), value(tuned, "dropout")) == (1.0, 0.0)


def test_kernels_written_for_older_parts_run_portably_on_newer_ones() -> None:
    share = constants_of(RECORD, "torch")["portable_attention"]
    tuned_for = CATALOG.get(SOFTWARE, "torchtitan").attention.tuned_for
    assert value(table("torchtitan", released=tuned_for), "attention_rate") == 1.0
    assert value(table("torchtitan", released=tuned_for + 1), "attention_rate") == pytest.approx(share)


def test_the_first_flash_attention_is_slower() -> None:
    assert value(table("llm-foundry-fsdp", released=2020), "attention_rate") == pytest.approx(
        constants_of(RECORD, "torch")["first_attention"]
    )


def test_one_stack_reduces_once_under_zero2() -> None:
    once = [name for name in CATALOG.ids(SOFTWARE) if CATALOG.get(SOFTWARE, name).reduces_once]
    assert once == ["meta-internal-2024"]
    assert value(table("meta-internal-2024"), "reduces_once") == 1.0
    assert value(table("megatron-core"), "reduces_once") == 0.0


def test_published_facts_are_taken_as_they_are() -> None:
    profile, row = CATALOG.get(SOFTWARE, "torchtitan"), table("torchtitan")
    assert value(row, "passes") == profile.passes.value > 1.0
    assert value(row, "expert_exposed") == profile.overlap.expert_exposed.value
    overlapped = CATALOG.get(SOFTWARE, "hai-llm")
    assert value(table("hai-llm"), "expert_exposed") == overlapped.overlap.expert_exposed.value < 1.0
    assert value(table("hai-llm"), "deduplicated") == 1.0


def test_constants_scale_what_they_describe() -> None:
    assert value(table("megatron-core", permute=2.0), "permute_bytes") == 2.0 * value(
        table("megatron-core", permute=1.0), "permute_bytes"
    )
    assert value(table("megatron-core", step_fixed=1.5), "step_fixed_s") == 1.5


class TestConstants:
    def changed(self, **values: Any) -> dict[str, float]:
        return constants_of(RECORD.model_copy(update=values), "tuned")

    def test_a_class_overrides_what_it_names(self) -> None:
        own = Constants.model_construct(sustained=RECORD.constants.growth)
        growth, sustained = RECORD.constants.growth, RECORD.constants.sustained
        assert growth is not None
        assert sustained is not None
        found = self.changed(classes={"tuned": own})
        assert found["sustained"] == growth.value
        assert self.changed(classes={"torch": own})["sustained"] == sustained.value
        assert found["nic_share"] == constants_of(RECORD, "tuned")["nic_share"]

    def test_a_users_correction_comes_along(self) -> None:
        assert "correction" not in constants_of(RECORD, "tuned")
        found = self.changed(correction=RECORD.constants.growth)
        profile = CATALOG.get(SOFTWARE, "megatron-core")
        assert value(software_table(profile, found, released=2022), "correction") == found["correction"]
        assert value(table("megatron-core"), "correction") == 1.0

    @pytest.mark.parametrize("name", CATALOG.ids(SOFTWARE))
    def test_every_profile_makes_a_row(self, name: str) -> None:
        row = table(name)
        assert len(row) == 1
        assert 0 < value(row, "attention_rate") <= 1
        assert value(row, "state_bytes") >= 4
