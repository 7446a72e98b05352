"""Laws of the frontier: more of anything never makes the best model worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.model.scaling.loss import loss
from planner.model.scaling.worth import leveraged, worth
from planner.plan.defaults import Filled
from planner.plan.frontier.cost import seconds_to
from planner.plan.frontier.curve import Asked, Curve, curve_of, fine_sizes, index_of
from planner.plan.frontier.laws import BAND, Laws
from planner.plan.frontier.surface import Node, Surface
from planner.tables.laws import LossLaw
from planner.workload.kinds import SHAPE
from planner.workload.shape import shaped

BOOK = Catalog()
RECORD = shaped(BOOK.get(SHAPE, "dense"), parameters=1e9)
LAWS = Laws.read(BOOK, Filled(), law=None, batch_law=BAND, unique=3e14)
BATCHES = np.array([2.0**21, 2.0**24, 2.0**27])
POWERS = st.floats(15.0, 21.0)


def surface_of(power: float, saturation: float, goodput: float = 0.8) -> Surface:
    """Hardware whose utilisation rises with the batch, as B / (B + saturation)."""
    center = LAWS.guess(10.0**power * 86400.0 * 30.0)
    nodes = (
        Node(
            parameters=size,
            record=RECORD,
            batches=BATCHES,
            values=np.stack(
                [
                    10.0**power / (6.0 * size) * BATCHES / (BATCHES + saturation),
                    np.full(3, goodput),
                    np.full(3, 1000.0),
                ]
            ),
        )
        for size in np.geomspace(center / 30.0, center * 30.0, 9).tolist()
    )
    return Surface(nodes=tuple(nodes), seq_len=4096)


def best(surface: Surface, laws: Laws, days: float, goal: str = "loss") -> tuple[Curve, int]:
    sizes = fine_sizes(surface)
    curve = curve_of(surface, laws, seconds=days * 86400.0, parameters=sizes, flop_per_token=6.0 * sizes)
    return curve, index_of(Asked(goal=goal, days=days), curve)


@settings(max_examples=40, deadline=None)
@given(power=POWERS, saturation=st.floats(1e4, 1e8), days=st.floats(5.0, 200.0), more=st.floats(1.1, 5.0))
def test_more_time_lowers_the_loss_and_grows_the_model(
    power: float, saturation: float, days: float, more: float
) -> None:
    surface = surface_of(power, saturation)
    (short, i), (long, j) = best(surface, LAWS, days), best(surface, LAWS, days * more)
    assert long.loss[j] < short.loss[i]
    assert long.parameters[j] >= short.parameters[i] * 0.98


@settings(max_examples=40, deadline=None)
@given(power=POWERS, days=st.floats(5.0, 200.0), unique=st.floats(1e10, 1e14), more=st.floats(1.1, 100.0))
def test_more_data_and_freer_batches_never_raise_the_loss(
    power: float, days: float, unique: float, more: float
) -> None:
    surface = surface_of(power, 1e6)
    few, many = (replace(LAWS, unique=np.array([[u]])) for u in (unique, unique * more))
    (scarce, i), (plenty, j) = best(surface, few, days), best(surface, many, days)
    assert plenty.loss[j] <= scarce.loss[i] + 1e-12
    by_law = {one.id: best(surface, replace(LAWS, batches=(one,)), days) for one in LAWS.batches}
    tight, loose = by_law["zhang-tokens"], by_law["bergsma"]
    assert loose[0].loss[loose[1]] <= tight[0].loss[tight[1]]


@settings(max_examples=40, deadline=None)
@given(
    tokens=st.floats(1e9, 1e16),
    unique=st.floats(1e9, 1e16),
    batch=st.floats(1e4, 1e9),
    critical=st.floats(1e4, 1e9),
)
def test_tokens_are_worth_at_most_themselves(
    tokens: float, unique: float, batch: float, critical: float
) -> None:
    found = float(worth(wear=LAWS.wear, tokens=tokens, unique=unique, batch=batch, critical=critical)[0, 0])
    assert 0.0 < found < tokens
    epochs, repeats = tokens / unique, float(LAWS.wear.token_repeats[0, 0])
    fresh = tokens if epochs <= 1 else unique * (1 + repeats * (1 - np.exp(-(epochs - 1) / repeats)))
    assert found == pytest.approx(fresh / (1 + batch / critical), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(size=st.floats(1e8, 1e13), tokens=st.floats(1e9, 1e15), leverage=st.floats(1.0, 20.0))
def test_leverage_counts_active_parameters_many_times(size: float, tokens: float, leverage: float) -> None:
    law = LAWS.stated.law
    assert isinstance(law, LossLaw)
    mixed = loss(law=leveraged(law, leverage), parameters=size, tokens=tokens)
    dense = loss(law=law, parameters=size * leverage, tokens=tokens)
    assert mixed == pytest.approx(dense, rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(power=POWERS, days=st.floats(5.0, 200.0), seed=st.integers(0, 10_000))
def test_the_time_to_a_loss_inverts_the_loss_of_a_time(power: float, days: float, seed: int) -> None:
    curve, _ = best(surface_of(power, 1e6), LAWS, days)
    at = seed % len(curve.parameters)
    seconds = seconds_to(
        LAWS,
        loss=float(curve.loss[at]),
        parameters=curve.parameters[at : at + 1],
        rate=curve.tokens[at : at + 1] / (days * 86400.0),
        batches=curve.batches[at : at + 1],
    )
    assert seconds[0] == pytest.approx(days * 86400.0, rel=1e-4)


@settings(max_examples=30, deadline=None)
@given(power=POWERS, days=st.floats(5.0, 200.0))
def test_the_largest_model_is_trained_long_enough_and_no_larger_one_is(power: float, days: float) -> None:
    curve, at = best(surface_of(power, 1e6), LAWS, days, goal="size")
    assert curve.ahead[at] >= 1.0
    assert np.all(curve.ahead[at + 1 :] < 1.0)
