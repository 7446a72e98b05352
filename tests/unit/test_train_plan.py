"""The training question end to end, on the shipped catalog and small jobs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError, PlannerError, UnknownNameError, UsageError
from planner.plan.formulas import FORMULAS
from planner.plan.results import TrainResult
from planner.plan.table import alternative_rows, breakdown_rows, explain_rows, headline, plan_rows
from planner.plan.train import train

CONFIG = {
    "model_type": "llama", "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 8,
    "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 32000,
    "max_position_embeddings": 4096, "tie_word_embeddings": False,
}  # fmt: skip


@cache
def small() -> TrainResult:
    return train("llama-3-8b", gpu="h100", gpus=64, tokens="1T")


def numbers_of(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [n for part in value.values() for n in numbers_of(part)]
    if isinstance(value, list):
        return [n for part in value for n in numbers_of(part)]
    return [float(value)] if isinstance(value, int | float) else []


class TestAnswer:
    def test_the_json_has_the_contract_of_the_house(self) -> None:
        data = json.loads(small().to_json())
        assert list(data) == ["schema", "inputs", "assumptions", "result", "sources"]
        assert data["schema"] == "planner.train/1"
        plan = data["result"]["plan"]
        fields = "tp cp pp vpp ep etp dp micro_batch global_batch_seqs sharding recompute precision"
        assert set(fields.split()) <= set(plan["strategy"])
        assert plan["gpus_used"] + plan["gpus_spare"] == data["inputs"]["gpus"] == 64
        for name in ("step_time_s", "tokens_per_s", "tokens_per_s_per_gpu", "days", "gpu_hours", "mfu"):
            assert plan[name]["low"] < plan[name]["value"] < plan[name]["high"]
        assert "tokens" not in data["result"]
        assert "gpus" not in data["result"]
        counts = data["result"]["search"]
        assert counts["strategies_evaluated"] > 0
        assert counts["strategies_feasible"] > 0
        assert data["sources"]

    def test_every_number_is_finite(self) -> None:
        assert all(math.isfinite(n) for n in numbers_of(small().to_dict()))

    def test_the_parts_of_the_step_add_up(self) -> None:
        plan = small().plan
        assert plan is not None
        assert sum(plan.time_breakdown_s.values()) == pytest.approx(plan.step_time_s.value)
        assert min(plan.time_breakdown_s.values()) >= 0

    def test_rates_times_and_hours_agree(self) -> None:
        result, plan = small(), small().plan
        assert plan is not None
        tokens_per_s = result.inputs.global_batch_tokens / plan.step_time_s.value
        assert plan.tokens_per_s.value == pytest.approx(tokens_per_s)
        assert plan.tokens_per_s_per_gpu.value == pytest.approx(tokens_per_s / plan.gpus_used)
        assert plan.days.value == pytest.approx(1e12 / tokens_per_s / 86400)
        assert plan.gpu_hours.value == pytest.approx(plan.days.value * 24 * plan.gpus_used)

    def test_mfu_counts_both_conventions(self) -> None:
        plan = small().plan
        assert plan is not None
        flop = plan.mfu.model_tflop_per_token * plan.tokens_per_s_per_gpu.value
        assert plan.mfu.value == pytest.approx(flop / plan.mfu.peak_tflop_per_s)
        assert plan.mfu.value < plan.mfu.full < 1
        assert "causal" in plan.mfu.convention

    def test_memory_adds_up_and_fits(self) -> None:
        plan = small().plan
        assert plan is not None
        memory = plan.memory_gb_per_gpu
        parts = ("weights", "gradients", "optimizer", "activations", "logits", "buffers")
        assert sum(getattr(memory, part) for part in parts) == pytest.approx(memory.allocated)
        assert memory.allocated < memory.device
        assert memory.fit in ("fits", "marginal")
        assert memory.capacity == 80

    def test_what_was_left_open_is_said(self) -> None:
        fields = {a.field for a in small().assumptions}
        assert {"seq_len", "global_batch", "precision", "software", "system"} <= fields
        assert "tokens" not in fields
        assert any("without failures" in note for note in small().result.notes)

    def test_alternatives_are_other_layouts_and_never_faster(self) -> None:
        result = small()
        assert result.plan is not None
        assert result.result.alternatives
        seen = {result.plan.strategy}
        for one in result.result.alternatives:
            assert one.strategy not in seen
            assert one.step_time_s.value >= result.plan.step_time_s.value
            seen.add(one.strategy)

    def test_rows_for_people(self) -> None:
        result = small()
        assert result.plan is not None
        assert "with failures" in headline(result)
        assert dict(plan_rows(result))["accelerators"].startswith("64 used")
        assert breakdown_rows(result.plan)[0][0] == "matrix products"
        assert alternative_rows(result.result.alternatives)
        assert result._repr_html_().startswith("<table>")

    def test_a_frame_has_a_row_for_each_plan(self) -> None:
        frame = small().to_frame()
        assert len(frame) == 1 + len(small().result.alternatives)
        assert frame["gpus_used"].iloc[0] == 64

    def test_the_result_is_frozen(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            small().inputs.gpus = 1  # type: ignore[misc]

    def test_pins_are_obeyed(self) -> None:
        result = train(
            "llama-3-8b",
            gpu="h100",
            gpus=64,
            tp=2,
            pp="2",
            micro_batch=2,
            sharding="ZeRO1",
            recompute="full",
            sequence_parallel=False,
        )
        assert result.plan is not None
        s = result.plan.strategy
        assert (s.tp, s.pp, s.micro_batch, s.sharding, s.recompute) == (2, 2, 2, "zero1", "full")
        assert not s.sequence_parallel

    def test_fewer_micro_batches_in_flight_need_less_memory(self) -> None:
        layout = {"tp": 8, "pp": 4, "vpp": 1, "dp": 2, "micro_batch": 1, "recompute": "none", "cp": 1}
        usual, fewer = (
            train("llama-3-70b", gpu="h200", gpus=64, in_flight=flight, sharding="zero1", **layout)
            for flight in (None, 2)
        )
        assert usual.plan is not None
        assert fewer.plan is not None
        assert fewer.plan.strategy.in_flight == 2
        activations = [r.plan.memory_gb_per_gpu.activations for r in (fewer, usual) if r.plan is not None]
        assert activations[0] < activations[1]

    def test_the_question_needs_neither_pandas_nor_matplotlib(self) -> None:
        code = (
            "import sys; from planner.plan.train import train; "
            "train('llama-3.2-1b', gpu='h100', gpus=1).to_json(); "
            "print([m for m in ('pandas', 'matplotlib', 'scipy') if m in sys.modules])"
        )
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "[]"


class TestInverse:
    def test_days_ask_for_tokens(self) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=64, days="2 weeks")
        assert result.inputs.question == "tokens"
        assert result.inputs.tokens is None
        assert result.result.tokens is not None
        back = train("llama-3-8b", gpu="h100", gpus=64, tokens=result.result.tokens.value)
        assert back.plan is not None
        assert back.plan.days_with_failures.value == pytest.approx(14, rel=1e-5)
        assert back.plan.days.value < 14
        assert result.result.tokens.low < result.result.tokens.value < result.result.tokens.high

    def test_tokens_and_days_ask_for_the_fewest_accelerators(self) -> None:
        result = train("llama-3-8b", gpu="h100", tokens="1T", days=20)
        assert result.inputs.gpus is None
        need = result.result.gpus
        assert need is not None
        assert result.plan is not None
        assert result.plan.days.value <= 20
        assert need.low <= need.value == result.plan.gpus_used
        assert need.high is None or need.high >= need.value
        fewer = train("llama-3-8b", gpu="h100", tokens="1T", gpus=need.value - 1)
        assert fewer.plan is not None
        assert fewer.plan.days.value > 20

    def test_one_accelerator_may_be_enough(self) -> None:
        result = train("llama-3.2-1b", gpu="h100", tokens="1B", days=30)
        assert result.result.gpus is not None
        assert result.result.gpus.value == 1

    def test_out_of_reach_says_what_is_within(self) -> None:
        result = train("llama-3.1-405b", gpu="h100", tokens="15T", days="1 h")
        assert result.plan is None
        assert "10,000,000" in result.result.reasons[0]
        days = next(n for n in result.result.nearest if n.field == "days")
        assert isinstance(days.value, float)
        assert days.value > 1 / 24

    def test_a_cluster_bounds_the_accelerators(self) -> None:
        enough = train("llama-3-8b", cluster="hgx-h100-node", tokens="1B", days=10)
        assert enough.result.gpus is not None
        assert enough.result.gpus.value <= 8
        short = train("llama-3-8b", cluster="hgx-h100-node", tokens="15T", days=10)
        assert short.plan is None
        assert short.result.reasons[0].startswith("8 NVIDIA H100")

    def test_tokens_default_to_the_recipe(self) -> None:
        result = train("llama-3-8b", gpu="h100", days=90)
        assert result.inputs.tokens == 15e12
        assert result.result.gpus is not None


class TestHardware:
    def test_a_cluster_of_unlike_groups_uses_the_best(self) -> None:
        result = train("llama-3-70b", cluster="colossus-1", tokens="15T", top=1)
        assert result.plan is not None
        group = next(a for a in result.assumptions if a.field == "group")
        assert "3 groups" in group.why
        others = [a for a in result.result.alternatives if a.why.startswith("on ")]
        assert len(others) == 2
        assert all(a.step_time_s.value >= result.plan.step_time_s.value for a in others)
        across = result.result.across
        assert across is not None
        assert 3 < result.result.search.searches <= 3 + 3 * len(across.groups)

    def test_a_system_names_its_accelerators(self) -> None:
        result = train("llama-3-8b", gpu="hgx-h200", gpus=8)
        assert (result.inputs.gpu, result.inputs.system) == ("h200-sxm", "hgx-h200")

    def test_part_of_a_cluster(self) -> None:
        result = train("llama-3-8b", cluster="llama3-16k", gpus=128)
        assert result.inputs.gpus == 128
        assert result.inputs.fabric == "meta-24k-roce"
        with pytest.raises(InputError, match="more than the 16,384"):
            train("llama-3-8b", cluster="llama3-16k", gpus=20000)

    def test_the_recipe_gives_way_to_the_part(self) -> None:
        result = train("deepseek-v3", gpu="a100", gpus=1024)
        assert result.inputs.precision == "bf16"
        assert "lacks fp8" in next(a.why for a in result.assumptions if a.field == "precision")

    def test_a_part_without_bf16_trains_in_fp16(self) -> None:
        result = train("llama-3.2-1b", gpu="v100-sxm2-32gb", gpus=8)
        assert result.inputs.precision == "fp16"

    def test_a_precision_that_the_part_lacks_is_infeasible(self) -> None:
        result = train("llama-3-8b", gpu="a100", gpus=64, precision="fp8")
        assert result.plan is None
        assert "no fp8" in result.result.reasons[0]
        assert {n.value for n in result.result.nearest} >= {"bf16"}

    def test_overrides_change_the_answer_and_are_listed(self) -> None:
        slow = train("llama-3-8b", gpu="h100", gpus=64, tokens="1T", set=("accelerator.flops.bf16=*0.5",))
        assert slow.plan is not None
        assert small().plan is not None
        assert slow.plan.step_time_s.value > 1.5 * small().plan.step_time_s.value  # type: ignore[union-attr]
        assert slow.inputs.overrides == ("accelerator.flops.bf16=*0.5",)
        with pytest.raises(UsageError, match="to the Catalog itself"):
            train("llama-3-8b", gpu="h100", gpus=64, catalog=Catalog(), set="accelerator.flops.bf16=*0.5")

    def test_an_unknown_stack_falls_back_with_a_note(self) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=64, software="megatron-cor")
        assert result.inputs.software == "megatron-bridge"
        assert any("Did you mean 'megatron-core'" in note for note in result.result.notes)

    def test_old_software_is_slower(self) -> None:
        old = train("llama-3-8b", gpu="a100", gpus=64, software="megatron-lm-2020")
        new = train("llama-3-8b", gpu="a100", gpus=64)
        assert old.plan is not None
        assert new.plan is not None
        assert old.plan.step_time_s.value > new.plan.step_time_s.value
        assert old.plan.interval_class in ("dense-unfused", "pooled")


class TestFit:
    def test_a_layout_that_fits_comes_before_a_faster_one(self) -> None:
        plan = small().plan
        assert plan is not None
        assert plan.memory_gb_per_gpu.fit == "fits"
        assert plan.memory_gb_per_gpu.fit_probability >= 0.9

    def test_where_none_is_likely_to_fit_one_that_may_is_shown_with_a_warning(self) -> None:
        result = train("llama-3-70b", gpu="h200", gpus=8)
        assert result.plan is not None
        assert result.plan.memory_gb_per_gpu.fit == "marginal"
        assert any("try it before" in note for note in result.result.notes)
        assert result.result.search.searches > 1


class TestInfeasible:
    def test_too_little_memory_says_how_many_would_do(self) -> None:
        result = train("llama-3.1-405b", gpu="h100", gpus=8)
        assert result.plan is None
        assert result.result.reasons
        need = next(n.value for n in result.result.nearest if n.field == "gpus")
        assert isinstance(need, int)
        assert train("llama-3.1-405b", gpu="h100", gpus=need).plan is not None
        assert json.loads(result.to_json())["result"]["plan"] is None

    def test_an_impossible_layout_names_the_pin(self) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=64, tp=7)
        assert result.plan is None
        assert "tp" in result.result.reasons[0]

    def test_pins_that_need_more_than_there_is(self) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=8, tp=8, pp=4)
        assert result.plan is None
        assert any(n.field == "gpus" for n in result.result.nearest)

    def test_there_is_nothing_to_explain(self) -> None:
        with pytest.raises(UsageError, match="nothing to explain"):
            train("llama-3.1-405b", gpu="h100", gpus=8).explain()


class TestModels:
    def test_a_config_file_and_its_directory(self, tmp_path: Path) -> None:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(CONFIG))
        by_file = train(str(path), gpu="h100", gpus=8)
        by_folder = train(tmp_path, gpu="h100", gpus=8)
        by_content = train(CONFIG, gpu="h100", gpus=8)
        steps = [r.plan.step_time_s.value for r in (by_file, by_folder, by_content) if r.plan is not None]
        assert len(steps) == 3
        assert steps[0] == steps[1] == steps[2]
        assert by_file.inputs.tokens == 20 * by_file.inputs.parameters
        assert "20 per parameter" in next(a.why for a in by_file.assumptions if a.field == "tokens")

    def test_a_record_file(self) -> None:
        path = Catalog().path_of(__import__("planner.workload.kinds", fromlist=["MODEL"]).MODEL, "llama-3-8b")
        assert train(path, gpu="h100", gpus=8).inputs.model == "llama-3-8b"

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"{", InputError),
            (b"\xff\xfe", InputError),
            (b"[" * 5000, InputError),
            (b'{"model_type": "llama"}', InputError),
            (b'{"model_type": "llama", "hidden_size": 1e400}', InputError),
        ],
    )
    def test_a_hostile_config_is_refused(
        self, content: bytes, error: type[PlannerError], tmp_path: Path
    ) -> None:
        path = tmp_path / "config.json"
        path.write_bytes(content)
        with pytest.raises(error):
            train(path, gpu="h100", gpus=8)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="cannot be read"):
            train(tmp_path / "none.json", gpu="h100", gpus=8)

    def test_learned_positions_bound_the_default_length(self) -> None:
        assert train("gpt2", gpu="h100", gpus=8).inputs.seq_len == 1024


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "error", "says"),
        [
            ({"gpus": 8, "tokens": 1e12, "days": 3, "gpu": "h100"}, UsageError, "leave out the one"),
            ({"gpu": "h100", "cluster": "llama3-16k"}, UsageError, "exclude each other"),
            ({}, UsageError, "on what"),
            ({"gpu": "h100"}, UsageError, "how many"),
            ({"gpu": "h100", "tokens": "1T"}, UsageError, "how many"),
            ({"gpu": "h100", "gpus": 8, "goal": "quickest"}, UsageError, "goal"),
            ({"gpu": "h1000", "gpus": 8}, UnknownNameError, "Did you mean"),
            ({"cluster": "llama3-16"}, UnknownNameError, "Did you mean 'llama3-16k'"),
            ({"gpu": "h100", "gpus": 8, "precision": "bf61"}, InputError, "did you mean 'bf16'"),
            ({"gpu": "h100", "gpus": 8, "sharding": "zero4"}, InputError, "did you mean 'zero"),
            ({"gpu": "h100", "gpus": 8, "recompute": 3}, InputError, "recompute"),
            ({"gpu": "h100", "gpus": 8, "sequence_parallel": "yes"}, InputError, "true nor false"),
            ({"gpu": "h100", "gpus": 0}, InputError, "--gpus 0"),
            ({"gpu": "h100", "gpus": -4}, InputError, "outside 1"),
            ({"gpu": "h100", "gpus": 1.5}, InputError, "whole number"),
            ({"gpu": "h100", "gpus": "11M"}, InputError, "outside"),
            ({"gpu": "h100", "gpus": math.nan}, InputError, "finite"),
            ({"gpu": "h100", "gpus": "many"}, InputError, "start with a number"),
            ({"gpu": "h100", "gpus": True}, InputError, "not a quantity"),
            ({"gpu": "h100", "gpus": 8, "tokens": 0}, InputError, "positive"),
            ({"gpu": "h100", "gpus": 8, "tokens": "1T flop"}, InputError, "unit"),
            ({"gpu": "h100", "gpus": 8, "days": -1}, InputError, "positive"),
            ({"gpu": "h100", "gpus": 8, "days": "3 GB"}, InputError, "measures"),
            ({"gpu": "h100", "gpus": 8, "days": math.inf}, InputError, "finite"),
            ({"gpu": "h100", "gpus": 8, "seq_len": 0}, InputError, "--seq-len"),
            ({"gpu": "h100", "gpus": 8, "global_batch": "16M"}, InputError, "of what"),
            ({"gpu": "h100", "gpus": 8, "global_batch": "100 tokens"}, InputError, "less than one sequence"),
            ({"gpu": "h100", "gpus": 8, "tp": 0}, InputError, "--tp"),
            ({"gpu": "h100", "gpus": 8, "offload": 1.5}, InputError, "between 0 and 1"),
            ({"gpu": "h100", "gpus": 8, "top": "1e99"}, InputError, "--top"),
        ],
    )
    def test_a_wrong_call_says_how_to_mend_it(
        self, options: dict[str, Any], error: type[PlannerError], says: str
    ) -> None:
        with pytest.raises(error) as caught:
            train("llama-3-8b", **options)
        assert type(caught.value) is error
        assert says in str(caught.value)

    def test_an_unknown_model(self) -> None:
        with pytest.raises(UnknownNameError, match="Did you mean 'llama-3-8b'"):
            train("llama-3-8bb", gpu="h100", gpus=8)

    def test_a_model_of_the_wrong_type(self) -> None:
        with pytest.raises(InputError, match="not int"):
            train(3, gpu="h100", gpus=8)


class TestExplain:
    @pytest.mark.parametrize(
        ("model", "options"),
        [
            ("llama-3-8b", {"gpu": "h100", "gpus": 64}),
            ("deepseek-v3", {"gpu": "gb200", "gpus": 1024}),
            ("nemotron-h-8b", {"gpu": "a100", "gpus": 16}),
        ],
    )
    def test_every_number_has_a_source_and_every_term_its_numbers(
        self, model: str, options: dict[str, Any]
    ) -> None:
        result = train(model, **options)
        explanation = result.explain()
        names = [number.name for number in explanation.numbers]
        assert len(names) == len(set(names))
        assert all(n.source and n.at and n.kind and n.record for n in explanation.numbers)
        cited = {n.source for n in explanation.numbers} - {"planner"}
        assert cited <= set(result.sources)
        assert {used for f in FORMULAS.values() for used in f.uses} <= set(names)
        assert sum(term.seconds for term in explanation.terms) == pytest.approx(explanation.step_time_s)
        assert sum(term.share for term in explanation.terms) == pytest.approx(1)

    def test_for_people_and_programs(self) -> None:
        explanation = small().explain()
        data = json.loads(explanation.to_json())
        assert data["schema"] == "planner.explain/1"
        assert all(math.isfinite(n) for n in numbers_of(data))
        terms, numbers = explain_rows(explanation)
        assert "rate.matrix = " in terms[0][-1]
        assert len({len(row) for row in terms}) == len({len(row) for row in numbers}) == 1
        bandwidth = explanation.number("accelerator.memory.bandwidth")
        assert bandwidth is not None
        assert (bandwidth.value, bandwidth.unit) == (3.35e12, "bytes_per_s")
        assert explanation.number("nothing") is None
        assert len(explanation.to_frame()) == len(explanation.numbers)

    def test_an_override_is_the_source_of_its_number(self) -> None:
        result = train("llama-3-8b", gpu="h100", gpus=8, set=("accelerator.memory.bandwidth=4 TB/s",))
        number = result.explain().number("accelerator.memory.bandwidth")
        assert number is not None
        assert (number.value, number.kind, number.source) == (4e12, "given", "--set")


def test_a_users_own_part_is_a_file(
    write: Callable[[str, str], Path], accelerator: Callable[..., str], root: Path
) -> None:
    write("own/hardware/accelerators/my-chip.yaml", accelerator("my-chip"))
    write("own/hardware/sources.yaml", (root / "hardware" / "sources.yaml").read_text())
    result = train("llama-3-8b", gpu="my-chip", gpus=16, catalog=root.parent / "own")
    assert result.plan is not None
    assert result.inputs.system is None
    assert any("no kernel rates" in reason for reason in result.plan.interval_widened)
    assert "sheet" in result.sources


def test_days_are_filled_exactly_however_long_a_step_takes() -> None:
    """A step of hours loses more to a failure than one of seconds."""
    answer = train(
        "llama-3.1-405b", gpu="h100-sxm", gpus=1024, days=30, global_batch=524_288, checkpoint="memory", top=0
    )
    assert answer.plan is not None
    assert answer.plan.step_time_s.value > 3600
    assert answer.plan.days_with_failures.value == pytest.approx(30, rel=1e-3)
    assert answer.result.tokens is not None
    assert len(answer.assumptions) == len({one.field for one in answer.assumptions})
