"""Staged recipes against what was published of the runs.

Vectors: CB-l3 (batches of Llama 3 405B, recalled), EN-l31-405B (its GPU-hours, model card), CO-v3-h
(GPU-hours of DeepSeek-V3, table 1 of arXiv:2412.19437), and optima of Besiroglu's law at the scaled recipes.
"""

from __future__ import annotations

import pytest

from planner.catalog.load import Catalog
from planner.model.scaling import allocation
from planner.plan.model_input import read_model_record
from planner.plan.staged.run import staged
from planner.tables.samples import Samples
from planner.tables.scaling import law_table
from planner.workload.counts import parameters
from planner.workload.kinds import SCALING, TRAINING_RECIPE

BOOK = Catalog()


def test_cb_l3_batches_of_llama_3() -> None:
    stages = BOOK.get(TRAINING_RECIPE, "llama-3.1-405b").stages
    first, second, main, long = stages
    assert [s.global_batch_tokens.value for s in (first, second, main)] == [4e6, 8e6, 16e6]
    assert [s.seq_len for s in stages] == [4096, 8192, 8192, 131072]
    assert first.tokens.value == 252e6
    assert first.tokens.value + second.tokens.value == pytest.approx(2.87e12)
    assert long.tokens.value == 800e9
    assert sum(s.tokens.value for s in stages) == pytest.approx(15.6e12, rel=1e-3)


@pytest.mark.parametrize(
    ("recipe", "within"),
    [("llama-3.1-405b", 0.05), ("deepseek-v3", 0.15)],
)
def test_gpu_hours_of_published_runs_on_their_own_stack(recipe: str, within: float) -> None:
    """The published hours lie in the interval, and within so much of the value."""
    said = BOOK.get(TRAINING_RECIPE, recipe).published
    assert said is not None
    plan = staged(
        recipe,
        gpu=said.gpu,
        gpus=said.gpus.value,
        software=said.software,
        failures=said.failures,
        catalog=BOOK,
    ).plan
    assert plan is not None
    assert plan.gpu_hours.low <= said.gpu_hours.value <= plan.gpu_hours.high
    assert plan.gpu_hours.value == pytest.approx(said.gpu_hours.value, rel=within)


@pytest.mark.parametrize(
    ("recipe", "flop"), [("dense-1e26", 1e26), ("dense-1e27", 1e27), ("dense-1e28", 1e28)]
)
def test_scaled_recipes_are_optima_of_their_law(recipe: str, flop: float) -> None:
    record = BOOK.get(TRAINING_RECIPE, recipe)
    assert record.law is not None
    assert record.parameters is not None
    best = allocation.optimum(law_table(BOOK.get(SCALING, record.law), Samples(0)), flop=flop)
    assert record.parameters.value == pytest.approx(best.parameters.item(), rel=2e-3)
    assert record.tokens == pytest.approx(best.tokens.item(), rel=2e-3)
    model, _ = read_model_record(BOOK, f"{record.shape}:{record.parameters.value!r}")
    assert parameters(model.architecture).total == pytest.approx(record.parameters.value, rel=0.03)
    assert 6 * record.parameters.value * record.tokens == pytest.approx(flop, rel=5e-3)
