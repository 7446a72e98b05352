"""Intervals, limits, caches and simulations of serving answers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from planner.catalog.kinds import SERVING_CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.schema.serving_calibration import ServingCalibration
from planner.plan.serve import serve
from planner.plan.serving.cache import Cached
from planner.plan.serving.interval import NINETIETH, Reason, spread_of
from planner.plan.serving.results import Plan

CATALOG = Catalog()


def calibration(**intervals: tuple[float, float]) -> ServingCalibration:
    record = CATALOG.get(SERVING_CALIBRATION, "serving")
    cite = {"source": "planner-fit", "at": "test", "kind": "derived"}
    spreads = {
        name.replace("_", " "): {"cite": cite, "low": low, "high": high, "rows": 50}
        for name, (low, high) in intervals.items()
    }
    given = {name: getattr(record, name) for name in type(record).model_fields} | {"intervals": spreads}
    return ServingCalibration.model_validate(given)


def plan_of(model: str = "llama-3-8b", **words: Any) -> Plan:
    plan = serve(model, **({"accelerator": "h100", "prefix_hit": 0.5} | words)).plan
    assert plan is not None
    return plan


class TestInterval:
    def test_the_nearest_class_is_taken(self) -> None:
        record = calibration(throughput=(0.5, 2.0), throughput_closed_moe=(0.8, 1.25))
        moe = spread_of(record, "throughput", kind="closed", moe=True, reasons=())
        assert (moe.name, moe.low, moe.high) == (
            "throughput closed moe",
            pytest.approx(0.8),
            pytest.approx(1.25),
        )
        dense = spread_of(record, "throughput", kind="closed", moe=False, reasons=())
        assert (dense.name, dense.low) == ("throughput", pytest.approx(0.5))

    def test_reasons_widen_in_quadrature(self) -> None:
        record = calibration(throughput=(0.8, 1.25))
        reasons = (Reason(0.12, "shared kernels"), Reason(0.08, "unseen"))
        wide = spread_of(record, "throughput", kind="closed", moe=True, reasons=reasons)
        half = math.sqrt(math.log(1.25) ** 2 + (NINETIETH * 0.12) ** 2 + (NINETIETH * 0.08) ** 2)
        assert math.log(wide.high) == pytest.approx(half)
        assert math.log(wide.low) == pytest.approx(-half)

    def test_the_prediction_is_always_inside(self) -> None:
        biased = spread_of(calibration(tpot=(1.1, 1.4)), "tpot", kind="closed", moe=False, reasons=())
        assert biased.low == 1.0
        assert biased.of(10.0).high == pytest.approx(14.0)

    def test_parts_that_were_not_measured_are_less_certain(self) -> None:
        own, other = plan_of(gpus=8), plan_of(accelerator="tpu-v6e", gpus=8)
        ratio = [p.requests_per_s.high / p.requests_per_s.low for p in (own, other)]
        assert ratio[1] > ratio[0]
        assert any("parts of Google" in reason for reason in other.interval_widened)


class TestBinding:
    def test_a_tight_target_binds(self) -> None:
        plan = plan_of("llama-3-70b", users="5M", tpot="15ms", mode="aggregated")
        assert plan.binds == {"aggregated": "tpot"}
        assert plan.bottleneck.resource == "TPOT target"

    def test_memory_binds_where_contexts_are_long(self) -> None:
        plan = plan_of(
            gpus=1, isl=30000, osl=4000, prefix_hit=0.95, ttft="none", tpot="none", mode="aggregated"
        )
        assert plan.binds == {"aggregated": "kv_capacity"}
        assert "keys and values" in plan.bottleneck.sentence

    def test_long_prompts_are_bound_by_compute(self) -> None:
        plan = plan_of(gpus=1, isl=30000, osl=10, ttft="none", tpot="none", mode="aggregated")
        assert plan.resource_share["compute"] > 0.5

    def test_a_batch_limit_binds_where_it_is_set(self) -> None:
        plan = plan_of(gpus=1, isl=100, osl=500, max_batch=8, ttft="none", tpot="none", mode="aggregated")
        assert plan.binds == {"aggregated": "max_batch"}
        assert plan.deployment.max_batch == 8

    def test_little_demand_is_bound_by_nothing(self) -> None:
        assert plan_of(users=10).bottleneck.resource == "demand"


def state(**changes: Any) -> Cached:
    given: dict[str, Any] = {
        "asked": 0.9, "effective": 0.9, "sessions": 100.0, "active": 5.0, "session_bytes": 1e9,
        "rooms": (1e11, 1e11, 1e11), "hits": (0.63, 0.18, 0.09), "reloads_s": (0.0, 0.1, 1.0),
    }  # fmt: skip
    return Cached(**(given | changes))


class TestCache:
    def test_reloads_delay_the_requests_that_need_them(self) -> None:
        cached = state()
        # 70 % in device memory, 20 % in host memory, 10 % on flash.
        assert cached.reload_s(0.5) == 0.0
        assert cached.reload_s(0.75) == 0.1
        assert cached.reload_s(0.95) == 1.0
        assert cached.reload_s(None) == pytest.approx(0.2 * 0.1 + 0.1 * 1.0)

    def test_the_sentence_says_what_is_lost(self) -> None:
        assert "all hits are found there" in state(hits=(0.9, 0.0, 0.0)).sentence
        assert "computed anew" not in state().sentence
        assert "5.0% are computed anew" in state(hits=(0.6, 0.2, 0.05), effective=0.85).sentence

    def test_agents_whose_sessions_do_not_fit_hit_less(self) -> None:
        words = {"gpus": 8, "traffic": "coding-agent", "ttft": "none", "tpot": "none", "prefix_hit": None}
        plan = plan_of("qwen3-coder-480b-a35b", weights="fp8", **words)
        assert plan.prefix_cache is not None
        assert plan.prefix_cache.effective < plan.prefix_cache.asked
        tiers = {tier.name: tier for tier in plan.prefix_cache.tiers}
        assert tiers["device"].hit < plan.prefix_cache.asked
        assert sum(t.hit for t in tiers.values()) == pytest.approx(plan.prefix_cache.effective)
        assert tiers["host"].reload_ms < tiers["disk"].reload_ms

    def test_hits_that_are_given_are_kept(self) -> None:
        plan = plan_of("llama-3-8b", gpus=8, traffic="chat", prefix_hit=0.5)
        assert plan.prefix_cache is None


class TestVerify:
    @pytest.mark.parametrize("mode", ["aggregated", "disaggregated"])
    def test_a_simulation_agrees_about_tokens(self, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("planner.plan.serving.verify.REQUESTS", 4000)
        words = {"accelerator": "h100", "users": "1M", "mode": mode, "prefix_hit": 0}
        result = serve("llama-3-8b", verify=True, **words)
        verified = result.result.verified
        assert verified is not None
        assert set(verified.simulated) == {"ttft_ms", "tpot_ms", "e2e_ms"}
        tpot = verified.simulated["tpot_ms"].mean / verified.analytic["tpot_ms"].mean
        assert tpot == pytest.approx(1.0, abs=0.15)
        assert "verified" in result.to_dict()["result"]
