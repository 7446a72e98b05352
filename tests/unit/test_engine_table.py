"""Profiles, constants and formats as rows of the `Engine` and `Deployment` tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.catalog.schema.serving_calibration import ServingCalibration
from planner.errors import InputError
from planner.tables.engine import Speculated, deployment_table, engine_constants, engine_table
from planner.tables.operators import OPERATOR_CLASSES
from planner.tables.serving import Deployment, Engine
from planner.workload.engine import EngineProfile
from planner.workload.formats import WeightFormat
from planner.workload.kinds import ENGINE, FORMAT

CATALOG = Catalog()
CITE = {"source": "vllm-docs", "at": "test", "kind": "recalled"}
SHARED = {
    "imbalance": 1.6, "balanced_imbalance": 1.2, "attention_imbalance": 1.1, "arm_host": 1.25,
    "draft": "300 us", "overlap": 0.7, "weight_only": 0.75, "handover": "40 ms", "nic_share": 0.8,
    "element_bytes": "8 B",
}  # fmt: skip
FAMILY = {
    "layer": "10 us", "expert_layer": "12 us", "prefill_slowdown": 1.1, "host_step": "400 us",
    "host_sequence": "4 us", "request": "25 ms", "floor_layer": "0 us", "wave": 0.6, "cohort": 0.3,
}  # fmt: skip


def calibration(**more: Any) -> ServingCalibration:
    record = {
        "id": "mine", "name": "Mine", "cite": CITE, "date": "2026-01-01", "evidence": "runs.csv", "rows": 9,
        "families": ["a"], "constants": SHARED, "client": {"stall_share": 0.5, "drain": 5.5},
        "engines": {"vllm": FAMILY, "eager": FAMILY | {"floor_layer": "300 us", "host_step": "15 ms"}},
    } | more  # fmt: skip
    return ServingCalibration.model_validate(record)


def profile(**changes: Any) -> EngineProfile:
    given: dict[str, Any] = {
        "id": "mine", "name": "Mine", "cite": CITE, "date": "2026-01-01", "family": "vllm",
        "scheduling": "mixed", "chunk": 4096, "chunk_options": [2048, 4096], "max_batch": 256,
        "memory": {"usable": "90 %", "workspace": "3 GB"}, "admission": "preempt", "features": {},
    } | changes  # fmt: skip
    return EngineProfile.model_validate(given)


def row(table: Engine | Deployment) -> dict[str, Any]:
    assert len(table) == 1
    return {name: column[0] for name, column in vars(table).items()}


def weights(name: str, *available: str) -> WeightFormat:
    return CATALOG.get(FORMAT, name).on(available or ("bf16", "fp8", "fp4"))


class TestConstants:
    def test_those_of_a_family_with_those_of_all(self) -> None:
        found = engine_constants(calibration(), "eager")
        assert found["host_step"] == 0.015
        assert found["floor_layer"] == pytest.approx(300e-6)
        assert (found["imbalance"], found["stall_share"], found["wave"]) == (1.6, 0.5, 0.6)
        assert found["element_bytes"] == 8
        assert set(found) == {*SHARED, *FAMILY, "stall_share", "drain", "correction"}

    def test_a_users_correction(self) -> None:
        assert engine_constants(calibration(), "vllm")["correction"] == 1.0
        assert engine_constants(calibration(correction=1.07), "vllm")["correction"] == 1.07

    def test_a_family_without_constants(self) -> None:
        said = (
            r"no constants for engines of family 'graph'; it has eager, vllm. Run planner calibrate serving"
        )
        with pytest.raises(InputError, match=said):
            engine_constants(calibration(), "graph")


class TestEngines:
    CONSTANTS = engine_constants(calibration(), "vllm")

    def test_a_profile_with_its_constants(self) -> None:
        expected = {
            "layer_s": 10e-6, "expert_layer_s": 12e-6, "element_bytes": 8, "prefill_slowdown": 1.1,
            "floor_layer_s": 0, "host_step_s": 400e-6, "host_sequence_s": 4e-6, "request_s": 0.025,
            "draft_s": 300e-6, "imbalance": 1.6, "balanced_imbalance": 1.2, "attention_imbalance": 1.1,
            "overlap": 0.7, "nic_share": 0.8, "prefill_first": False, "chunk": 4096, "max_batch": 256,
            "memory_share": 0.9, "workspace_bytes": 3e9, "trims_windows": True, "reserve_output": 0.5,
            "weight_only": 0.75, "handover_s": 0.04, "correction": 1,
        }  # fmt: skip
        assert row(engine_table(profile(), self.CONSTANTS)) == pytest.approx(expected)

    def test_what_a_profile_says(self) -> None:
        other = profile(scheduling="prefill-first", admission="reserve", trims_windows=False)
        found = row(engine_table(other, self.CONSTANTS))
        assert found["prefill_first"]
        assert not found["trims_windows"]
        assert found["reserve_output"] == 1.0
        assert not row(engine_table(profile(scheduling="static"), self.CONSTANTS))["prefill_first"]

    def test_a_slower_host_slows_what_runs_on_it(self) -> None:
        plain, arm = (row(engine_table(profile(), self.CONSTANTS, arm_host=a)) for a in (False, True))
        changed = {name: arm[name] / plain[name] for name in plain if arm[name] != plain[name]}
        assert changed == pytest.approx({"host_step_s": 1.25, "host_sequence_s": 1.25})

    def test_a_chunk_and_a_batch_may_be_set(self) -> None:
        found = row(engine_table(profile(), self.CONSTANTS, chunk=512.0, max_batch=8.0))
        assert (found["chunk"], found["max_batch"]) == (512, 8)

    @pytest.mark.parametrize("name", CATALOG.ids(ENGINE))
    def test_every_shipped_engine_makes_a_row(self, name: str) -> None:
        found = row(engine_table(CATALOG.get(ENGINE, name), self.CONSTANTS))
        assert all(np.isfinite(value) and value >= 0 for value in found.values())
        assert 0.5 < found["memory_share"] <= 1


class TestDeployments:
    def test_degrees(self) -> None:
        found = row(deployment_table(weights("bf16"), kv="fp16", tp=2, pp=3, dp=4, ep=8))
        assert [found[x] for x in ("tp", "pp", "dp", "ep")] == [2, 3, 4, 8]
        alone = row(deployment_table(weights("bf16"), kv="fp16", tp=2))
        assert [alone[x] for x in ("pp", "dp", "ep", "drafts", "accepted", "draft_layers")] == [
            1,
            1,
            1,
            0,
            1,
            0,
        ]
        assert not alone["balanced"]
        assert not alone["two_batches"]

    @pytest.mark.parametrize(
        ("name", "available", "classes", "stored"),
        [
            ("bf16", (), ("bf16", "bf16", "bf16"), (2, 2, 2, 2)),
            ("fp8-block", (), ("fp8-block",) * 3, (1, 1, 1, 2)),
            ("fp8-block", ("bf16",), ("bf16",) * 3, (1, 1, 1, 2)),
            ("mxfp4", (), ("bf16", "bf16", "mxfp4"), (2, 2, 0.53125, 2)),
            ("mxfp4", ("bf16", "fp8"), ("bf16", "bf16", "bf16"), (2, 2, 0.53125, 2)),
            ("nvfp4", (), ("nvfp4",) * 3, (0.5625, 0.5625, 0.5625, 2)),
            ("int4", (), ("bf16",) * 3, (0.5625, 0.5625, 0.5625, 2)),
        ],
    )
    def test_formats(
        self, name: str, available: tuple[str, ...], classes: tuple[str, ...], stored: tuple[float, ...]
    ) -> None:
        found = row(deployment_table(weights(name, *available), kv="fp16", tp=1))
        groups = ("attention", "mlp", "expert")
        assert tuple(OPERATOR_CLASSES[found[f"{g}_class"]] for g in groups) == classes
        assert tuple(found[f"{g}_bytes"] for g in (*groups, "head")) == stored

    def test_attention_in_8_bit_needs_an_8_bit_cache(self) -> None:
        small, wide = (
            row(deployment_table(weights("fp8"), kv=kv, tp=1, eight_bit_attention=True))
            for kv in ("fp8", "bf16")
        )
        assert (small["kv_bytes"], small["eight_bit_attention"]) == (1, True)
        assert (wide["kv_bytes"], wide["eight_bit_attention"]) == (2, False)
        assert not row(deployment_table(weights("fp8"), kv="fp8", tp=1))["eight_bit_attention"]

    def test_speculation(self) -> None:
        found = row(deployment_table(weights("bf16"), kv="fp16", tp=1, speculated=Speculated(3, 2.5, 1)))
        assert (found["drafts"], found["accepted"], found["draft_layers"]) == (3, 2.5, 1)

    def test_a_cache_of_an_unknown_precision(self) -> None:
        with pytest.raises(InputError, match="cannot be kept in 'int4'; give fp8, fp16 or bf16"):
            deployment_table(weights("bf16"), kv="int4", tp=1)
