"""The serving question end to end, on the shipped catalog and small fleets."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError, UsageError
from planner.plan.serve import serve
from planner.plan.serving.results import ServeResult
from planner.plan.serving.table import alternative_rows, breakdown_rows, headline, pareto_rows, plan_rows
from planner.workload.kinds import TRAFFIC

CONFIG = {
    "model_type": "llama", "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8,
    "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 32000,
    "max_position_embeddings": 32768, "tie_word_embeddings": False,
}  # fmt: skip
MOE = {
    "model_type": "mixtral", "hidden_size": 1024, "intermediate_size": 3584, "num_hidden_layers": 8,
    "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 32000,
    "max_position_embeddings": 32768, "num_local_experts": 8, "num_experts_per_tok": 2,
}  # fmt: skip


@cache
def node() -> ServeResult:
    return serve("llama-3-8b", accelerator="h100", gpus=8, prefix_hit=0.5)


@cache
def load() -> ServeResult:
    return serve("llama-3-8b", accelerator="h100", users="1M", prefix_hit=0.5)


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers_of(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers_of(part)]
    return [float(value)] if isinstance(value, int | float) else []


class TestAnswer:
    def test_the_json_has_the_contract_of_the_house(self) -> None:
        data = json.loads(node().to_json())
        assert list(data) == ["schema", "inputs", "assumptions", "result", "sources"]
        assert data["schema"] == "planner.serve/1"
        assert {"plan", "pareto", "alternatives", "search", "reasons", "nearest"} <= set(data["result"])
        plan = data["result"]["plan"]
        assert {"mode", "engine", "layouts", "replicas", "max_batch", "chunk", "precisions"} <= set(
            plan["deployment"]
        )
        for name in ("ttft_ms", "tpot_ms"):
            assert {"mean", "p50", "p90", "p99"} <= set(plan[name])
            assert plan[name]["p50"] <= plan[name]["p90"] <= plan[name]["p99"]
        for name in ("output_tokens_per_s", "output_tokens_per_s_per_gpu", "users", "requests_per_s"):
            assert plan[name]["low"] < plan[name]["value"] < plan[name]["high"]
        assert {"value", "low", "high"} <= set(plan["gpus"])
        assert {"memory_gb_per_gpu", "time_breakdown_s", "bottleneck"} <= set(plan)
        assert data["result"]["search"]["points_evaluated"] > 0
        assert data["result"]["search"]["seconds"] > 0
        assert data["sources"]

    def test_every_number_is_finite(self) -> None:
        for result in (node(), load()):
            assert all(math.isfinite(n) for n in numbers_of(result.to_dict()))

    def test_rates_tokens_and_users_agree(self) -> None:
        result, plan = node(), node().plan
        assert plan is not None
        assert plan.users is not None
        rate = plan.requests_per_s.value
        assert plan.output_tokens_per_s.value == pytest.approx(rate * result.inputs.osl)
        per_gpu = plan.output_tokens_per_s.value / plan.fleet.gpus_serving
        assert plan.output_tokens_per_s_per_gpu.value == pytest.approx(per_gpu)
        chat = Catalog().get(TRAFFIC, "chat")
        assert chat.demand is not None
        each = chat.demand.requests.value / 3600 * chat.demand.active.value * chat.peak_over_mean("hour")
        assert plan.users.value == pytest.approx(rate / each)
        assert plan.fleet.requests_per_s_mean == pytest.approx(rate / chat.peak_over_mean("hour"))

    def test_the_parts_of_a_step_and_of_memory_add_up(self) -> None:
        plan = load().plan
        assert plan is not None
        assert sum(plan.resource_share.values()) == pytest.approx(1.0)
        assert min(plan.time_breakdown_s.values()) >= 0
        m = plan.memory_gb_per_gpu
        assert m.weights + m.cache + m.workspace == pytest.approx(m.used)
        assert m.used <= m.usable

    def test_targets_hold_at_their_percentile(self) -> None:
        for result in (node(), load()):
            assert result.plan is not None
            for latency in (result.plan.ttft_ms, result.plan.tpot_ms):
                assert latency is not None
                assert latency.at_percentile is not None
                assert latency.target is not None
                assert latency.at_percentile <= latency.target

    def test_littles_law_holds_for_a_replica(self) -> None:
        plan = serve("llama-3-8b", accelerator="h100", gpus=8, mode="aggregated", prefix_hit=0).plan
        assert plan is not None
        assert plan.ttft_ms is not None
        decoding = plan.replica.requests_per_s * (440 - 1) * plan.tpot_ms.mean / 1000
        assert plan.replica.batch == pytest.approx(decoding, rel=0.02)

    def test_what_was_left_open_is_said(self) -> None:
        fields = {a.field for a in node().assumptions}
        assert {"traffic", "ttft", "tpot", "engine", "weights", "kv", "system", "active_users"} <= fields
        assert "gpus" not in fields

    def test_rows_for_people(self) -> None:
        result = load()
        assert result.plan is not None
        assert headline(result).startswith("llama-3-8b needs ")
        assert "users of chat" in headline(node())
        assert dict(plan_rows(result))["users"].startswith("1M")
        assert breakdown_rows(result.plan)
        assert alternative_rows(result.result.alternatives)
        assert pareto_rows(result.result.pareto)
        assert result._repr_html_().startswith("<table>")
        assert len(result.to_frame()) == 1 + len(result.result.alternatives)


class TestFleet:
    def test_a_load_gets_spares_on_top_and_an_interval(self) -> None:
        plan = load().plan
        assert plan is not None
        assert plan.gpus.value == plan.fleet.gpus_serving + plan.fleet.gpus_spare
        assert plan.gpus.low <= plan.gpus.value
        assert plan.gpus.high is not None
        assert plan.gpus.high >= plan.gpus.value
        assert plan.fleet.gpus_idle is None

    def test_a_single_failure_domain_has_no_spares_and_says_so(self) -> None:
        result = node()
        assert result.plan is not None
        assert result.plan.fleet.gpus_spare == 0
        assert any("one failure domain" in note for note in result.result.notes)

    def test_capacity_counts_every_accelerator_once(self) -> None:
        plan = serve("llama-3-8b", accelerator="h100", gpus=100, prefix_hit=0).plan
        assert plan is not None
        fleet = plan.fleet
        assert fleet.gpus_idle is not None
        assert fleet.gpus_serving + fleet.gpus_spare + fleet.gpus_idle == 100
        assert fleet.gpus_spare >= 8

    def test_unlike_groups_all_serve(self) -> None:
        plan = serve("llama-3.1-405b", cluster="colossus-1", prefix_hit=0).plan
        assert plan is not None
        assert len(plan.groups) == 3
        assert all(group.gpus_serving > 0 for group in plan.groups)
        assert sum(group.requests_per_s for group in plan.groups) == pytest.approx(plan.requests_per_s.value)

    def test_a_million_accelerators_cost_the_search_nothing(self) -> None:
        few = serve("llama-3-8b", accelerator="h100", gpus=1000, prefix_hit=0)
        many = serve("llama-3-8b", accelerator="h100", gpus=1_000_000, prefix_hit=0)
        assert few.result.search.points_evaluated == many.result.search.points_evaluated
        assert few.plan is not None
        assert many.plan is not None
        each = [r.plan.requests_per_s.value / r.inputs.gpus for r in (few, many) if r.plan and r.inputs.gpus]
        assert each[1] == pytest.approx(each[0], rel=0.05)

    def test_concurrency_is_met_by_littles_law(self) -> None:
        plan = serve("llama-3-8b", accelerator="h100", concurrency=2000, prefix_hit=0).plan
        assert plan is not None
        assert plan.e2e_ms is not None
        assert plan.requests_per_s.value * plan.e2e_ms.mean / 1000 == pytest.approx(2000, rel=0.15)

    def test_growth_and_peaks_raise_the_demand(self) -> None:
        chat = Catalog().get(TRAFFIC, "chat")
        assert chat.growth is not None
        job = serve("llama-3-8b", accelerator="h100", users="10k", prefix_hit=0)._trace.case.job
        rates = [
            replace(job, **words).rate for words in ({}, {"peak": "mean"}, {"peak": "minute"}, {"years": 2})
        ]
        assert rates[0] == pytest.approx(chat.requests_per_user_s() * 1e4)
        assert rates[1] * chat.peak_over_mean("minute") == pytest.approx(rates[2])
        assert rates[0] * (1 + chat.growth.value) ** 2 == pytest.approx(rates[3])


class TestModels:
    @pytest.mark.parametrize("config", [CONFIG, MOE], ids=["dense", "moe"])
    def test_a_configuration_is_enough(self, config: dict[str, Any], tmp_path: Path) -> None:
        file = tmp_path / "config.json"
        file.write_text(json.dumps(config), encoding="utf-8")
        for model in (config, str(file)):
            assert serve(model, accelerator="h100", gpus=8, prefix_hit=0).plan is not None

    def test_an_unseen_mixture_is_less_certain(self) -> None:
        widened = [serve(c, accelerator="h100", gpus=8, prefix_hit=0).plan for c in (CONFIG, MOE)]
        assert widened[1] is not None
        assert any("mixture of experts" in reason for reason in widened[1].interval_widened)

    @pytest.mark.parametrize(
        ("accelerator", "engine"), [("h100", "trtllm"), ("mi300x", "vllm-rocm"), ("tpu-v6e", "vllm-tpu")]
    )
    def test_each_maker_s_parts_serve_with_their_usual_engine(self, accelerator: str, engine: str) -> None:
        plan = serve("llama-3-8b", accelerator=accelerator, gpus=8, prefix_hit=0).plan
        assert plan is not None
        assert plan.deployment.engine == engine

    def test_speculation_shortens_tokens_of_few_users(self) -> None:
        def tpot(**words: Any) -> float:
            plan = serve("deepseek-v3", accelerator="h200", gpus=8, goal="latency", **words).plan
            assert plan is not None
            return plan.tpot_ms.mean

        assert tpot(speculation="mtp") < tpot()


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "error", "says"),
        [
            ({}, UsageError, "say on what"),
            ({"cluster": "colossus-1", "accelerator": "h100"}, UsageError, "exclude each other"),
            ({"accelerator": "h100", "users": 5, "concurrency": 3}, UsageError, "give one of them"),
            ({"accelerator": "h100", "goal": "fastest"}, UsageError, "unknown goal"),
            ({"accelerator": "h100", "mode": "aggregate"}, UsageError, "did you mean 'aggregated'"),
            ({"accelerator": "h100", "engine": "trtlm"}, InputError, "did you mean 'trtllm'"),
            ({"accelerator": "h100", "traffic": "chatt"}, UnknownNameError, "Did you mean 'chat'"),
            ({"accelerator": "h100", "weights": "fp9"}, UnknownNameError, "Did you mean 'fp8'"),
            ({"accelerator": "h100", "kv": "int3"}, InputError, "--kv"),
            ({"accelerator": "h100", "isl": 200_000}, InputError, "longer than the 131,072 tokens"),
            ({"accelerator": "h100", "request_rate": 0}, InputError, "must be above 0"),
            ({"accelerator": "h100", "gpus": -8}, InputError, "--gpus"),
            ({"accelerator": "h100", "prefix_hit": 1.5}, InputError, "between 0 and 1"),
            ({"accelerator": "h100", "drafts": 2}, InputError, "--drafts needs --speculation"),
            ({"accelerator": "h100", "traffic": "azure-2023-code", "users": 5}, InputError, "says nothing"),
            ({"cluster": "hgx-h100-node", "gpus": 16}, InputError, "more than the 8 accelerators"),
        ],
    )  # fmt: skip
    def test_each_says_what_is_wrong(self, words: dict[str, Any], error: type[Exception], says: str) -> None:
        with pytest.raises(error, match=says):
            serve("llama-3.1-8b", **words)
