"""Laws of staged runs: shares of experiments and failed runs, and what more of a stage does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.plan.document import Interval
from planner.plan.independent import times
from planner.plan.staged.run import staged
from planner.plan.staged.shares import Shares
from planner.workload.training_recipe import TrainingRecipe

BOOK = Catalog()
SHARES = st.floats(0.0, 20.0)
CITE = {"source": "planner-assumption", "at": "tests", "kind": "given"}


def interval(ends: tuple[float, float, float]) -> Interval:
    low, value, high = sorted(ends)
    return Interval(value=value, low=low, high=high)


@given(st.tuples(SHARES, SHARES, SHARES).map(interval), st.tuples(SHARES, SHARES, SHARES).map(interval))
def test_the_factor_holds_its_value_and_lies_within_the_sums_of_the_ends(
    one: Interval, other: Interval
) -> None:
    factor = Shares(one, other).factor
    assert factor.value == 1.0 + one.value + other.value
    assert 1.0 <= factor.low <= factor.value <= factor.high
    assert factor.low >= 1.0 + one.low + other.low - 1e-9
    assert factor.high <= 1.0 + one.high + other.high + 1e-9


POSITIVE = st.floats(1e-3, 1e12)


@given(
    st.tuples(POSITIVE, POSITIVE, POSITIVE).map(interval),
    st.tuples(POSITIVE, POSITIVE, POSITIVE).map(interval),
)
def test_products_of_independent_errors_are_narrower_than_those_of_the_ends(
    one: Interval, other: Interval
) -> None:
    product = times(one, other)
    assert product.value == one.value * other.value
    assert one.low * other.low * (1 - 1e-9) <= product.low <= product.value
    assert product.value <= product.high <= one.high * other.high * (1 + 1e-9)


def run_of(*stages: tuple[float, int]) -> Any:
    recipe = TrainingRecipe.model_validate(
        {
            "id": "any",
            "name": "Any",
            "cite": CITE,
            "model": "llama-3-8b",
            "stages": [
                {"name": str(at), "tokens": tokens, "seq_len": length, "global_batch_tokens": 2**22}
                for at, (tokens, length) in enumerate(stages)
            ],
        }
    )
    plan = staged(recipe, gpu="h100-sxm", gpus=64, catalog=BOOK).plan
    assert plan is not None
    return plan


@settings(max_examples=8, deadline=None)
@given(st.floats(1e10, 1e12), st.floats(0.1, 0.9))
def test_a_stage_cut_in_two_takes_as_long(tokens: float, cut: float) -> None:
    whole = run_of((tokens, 8192))
    halves = run_of((tokens * cut, 8192), (tokens * (1.0 - cut), 8192))
    assert halves.days.value == pytest.approx(whole.days.value, rel=1e-9)
    assert halves.flop == pytest.approx(whole.flop, rel=1e-9)
    assert halves.mfu == pytest.approx(whole.mfu, rel=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.floats(1e10, 1e12), st.sampled_from([16384, 32768, 65536]))
def test_long_sequences_are_never_cheaper(tokens: float, length: int) -> None:
    """Attention grows with the sequence, at the same tokens and the same batch in tokens."""
    assert run_of((tokens, length)).gpu_hours.value > run_of((tokens, 4096)).gpu_hours.value
