"""Laws of the scaling laws: monotony, optima, inverses, and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.model.scaling.batch import steps_factor, tokens_factor
from planner.model.scaling.distilling import crossover_tokens, student_loss, supervised_loss
from planner.model.scaling.experts import efficiency_leverage
from planner.model.scaling.loss import (
    best_split,
    flop_for_loss,
    loss,
    parameters_for_loss,
    tokens_for_loss,
)
from planner.model.scaling.repetition import constrained_split, effective_tokens, repeated_loss
from planner.model.scaling.reward import compute_for_reward, reward
from planner.model.scaling.serving import cheapest, served_cost
from planner.tables.laws import DistillationLaw, LeverageLaw, LossLaw, RepetitionLaw, RewardLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named

CATALOG, STATED = Catalog(), Samples(0)
LAWS = {name: law_named(CATALOG, name, STATED, LossLaw) for name in ("besiroglu", "hoffmann", "muennighoff")}
REPEATED = law_named(CATALOG, "muennighoff", STATED, RepetitionLaw)
LING = law_named(CATALOG, "ling", STATED, LeverageLaw)
BUSBRIDGE = law_named(CATALOG, "busbridge", STATED, DistillationLaw)
SCALERL = law_named(CATALOG, "scalerl", STATED, RewardLaw)


def power(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high).map(lambda exponent: 10.0**exponent)


LAW = st.sampled_from(sorted(LAWS))
PARAMETERS, TOKENS, FLOP = power(7, 14), power(8, 16), power(18, 29)
TIMES = st.floats(1.01, 100.0)


@given(name=LAW, parameters=PARAMETERS, tokens=TOKENS, times=TIMES)
def test_loss_falls_in_parameters_and_tokens(
    name: str, parameters: float, tokens: float, times: float
) -> None:
    law = LAWS[name]
    here = loss(law=law, parameters=parameters, tokens=tokens).item()
    assert loss(law=law, parameters=parameters * times, tokens=tokens).item() < here
    assert loss(law=law, parameters=parameters, tokens=tokens * times).item() < here
    assert here > law.floor.item()


@given(name=LAW, flop=FLOP, times=TIMES)
def test_the_optimum_beats_its_neighbours_at_equal_compute(name: str, flop: float, times: float) -> None:
    law = LAWS[name]
    best = best_split(law=law, flop=flop)
    assert best.flop.item() == pytest.approx(flop, rel=1e-9)
    for factor in (times, 1.0 / times):
        other = loss(law=law, parameters=best.parameters * factor, tokens=best.tokens / factor)
        assert other.item() > best.loss.item()


@given(name=LAW, parameters=PARAMETERS, tokens=TOKENS)
def test_tokens_to_loss_and_back(name: str, parameters: float, tokens: float) -> None:
    law = LAWS[name]
    reached = loss(law=law, parameters=parameters, tokens=tokens)
    assert tokens_for_loss(law=law, parameters=parameters, loss=reached).item() == pytest.approx(
        tokens, rel=1e-6
    )
    assert parameters_for_loss(law=law, tokens=tokens, loss=reached).item() == pytest.approx(
        parameters, rel=1e-6
    )


@given(name=LAW, flop=FLOP)
def test_compute_to_loss_and_back(name: str, flop: float) -> None:
    law = LAWS[name]
    assert flop_for_loss(law=law, loss=best_split(law=law, flop=flop).loss).item() == pytest.approx(
        flop, rel=1e-6
    )


@given(name=LAW, parameters=PARAMETERS, below=st.floats(1e-6, 1.0))
def test_what_a_size_cannot_reach_takes_forever(name: str, parameters: float, below: float) -> None:
    law = LAWS[name]
    limit = law.floor + law.parameter_factor * parameters**-law.parameter_exponent
    assert np.isinf(tokens_for_loss(law=law, parameters=parameters, loss=limit - below)).all()
    assert np.isinf(flop_for_loss(law=law, loss=law.floor - below)).all()


@given(
    name=LAW,
    flop=FLOP,
    tokens=power(6, 18),
    utilisations=st.tuples(st.floats(0.1, 1.0), st.floats(0.01, 1.0)),
    times=st.floats(1.01, 3.0),
)
def test_the_cheapest_model_beats_its_neighbours_at_equal_loss(
    name: str, flop: float, tokens: float, utilisations: tuple[float, float], times: float
) -> None:
    """It is smaller than the compute-optimal one and trained for longer, the more so the more is served."""
    law, best = LAWS[name], best_split(law=LAWS[name], flop=flop)
    costs = {"training_cost": 1.0 / utilisations[0], "output_cost": 1.0 / utilisations[1]}
    found = cheapest(law=law, loss=best.loss, output_tokens=tokens, **costs)
    assert loss(law=law, parameters=found.parameters, tokens=found.tokens).item() == pytest.approx(
        best.loss.item(), rel=1e-9
    )
    assert found.parameters.item() <= best.parameters.item() * (1 + 1e-9)
    for factor in (times, 1.0 / times):
        other = found.parameters * factor
        needed = tokens_for_loss(law=law, parameters=other, loss=best.loss)
        cost = served_cost(parameters=other, tokens=needed, output_tokens=tokens, **costs)
        assert cost.total.item() >= found.total.item() * (1 - 1e-9)
    more = cheapest(law=law, loss=best.loss, output_tokens=2.0 * tokens, **costs)
    assert more.parameters.item() <= found.parameters.item() * (1 + 1e-9)


@given(name=LAW, flop=FLOP)
def test_without_serving_the_cheapest_is_the_compute_optimal(name: str, flop: float) -> None:
    best = best_split(law=LAWS[name], flop=flop)
    found = cheapest(law=LAWS[name], loss=best.loss)
    assert found.parameters.item() == pytest.approx(best.parameters.item(), rel=1e-6)


@given(parameters=PARAMETERS, tokens=TOKENS, unique=power(7, 15), times=TIMES)
def test_more_unique_data_never_hurts(parameters: float, tokens: float, unique: float, times: float) -> None:
    asked = {"law": REPEATED, "parameters": parameters, "tokens": tokens}
    here = repeated_loss(unique=unique, **asked).item()
    assert repeated_loss(unique=unique * times, **asked).item() <= here * (1 + 1e-12)
    worth = effective_tokens(law=REPEATED, tokens=tokens, unique=unique).item()
    assert worth <= min(tokens, unique * (1.0 + REPEATED.token_repeats.item())) * (1 + 1e-12)


@given(flop=power(18, 26), unique=power(8, 14), times=st.floats(1.05, 10.0))
def test_scarce_data_is_split_best(flop: float, unique: float, times: float) -> None:
    """No worse than neighbours, no better than with data enough, and the same where there is enough."""
    found, free = (
        constrained_split(law=REPEATED, flop=flop, unique=unique),
        best_split(law=REPEATED, flop=flop),
    )
    assert found.flop.item() == pytest.approx(flop, rel=1e-9)
    for factor in (times, 1.0 / times):
        other = repeated_loss(
            law=REPEATED, parameters=found.parameters * factor, tokens=found.tokens / factor, unique=unique
        )
        assert other.item() >= found.loss.item() * (1 - 1e-9)
    more = constrained_split(law=REPEATED, flop=flop, unique=unique * times)
    assert more.loss.item() <= found.loss.item() * (1 + 1e-9)
    if unique >= free.tokens.item():
        assert found.parameters.item() == free.parameters.item()


@given(batch=power(3, 9), critical=power(4, 9), times=TIMES)
def test_larger_batches_take_fewer_steps_and_more_tokens(batch: float, critical: float, times: float) -> None:
    here, there = ({"batch": b, "critical": critical} for b in (batch, batch * times))
    assert steps_factor(**there) < steps_factor(**here)
    assert tokens_factor(**there) > tokens_factor(**here)
    assert (steps_factor(**here) - 1.0) * (tokens_factor(**here) - 1.0) == pytest.approx(1.0, rel=1e-6)


@given(activation=st.floats(0.01, 1.0), flop=power(18, 22), times=st.floats(1.01, 4.0))
def test_sparser_mixtures_and_more_compute_have_more_leverage(
    activation: float, flop: float, times: float
) -> None:
    here = efficiency_leverage(law=LING, activation=activation, granularity=8, flop=flop).item()
    sparser = efficiency_leverage(law=LING, activation=activation / times, granularity=8, flop=flop).item()
    larger = efficiency_leverage(law=LING, activation=activation, granularity=8, flop=flop * times).item()
    assert 1.0 <= here <= min(sparser, larger)


@given(parameters=power(8.2, 10), teacher=st.floats(1.9, 2.5))
def test_distillation_wins_up_to_the_crossover(parameters: float, teacher: float) -> None:
    crossover = crossover_tokens(law=BUSBRIDGE, parameters=parameters, teacher_loss=teacher).item()

    def gain(tokens: float) -> float:
        asked = {"law": BUSBRIDGE, "parameters": parameters, "tokens": tokens}
        return (supervised_loss(**asked) - student_loss(teacher_loss=teacher, **asked)).item()

    if 0.0 < crossover < np.inf:
        assert gain(crossover * 0.99) >= 0.0
        assert gain(crossover * 1.01) <= 0.0
    else:
        assert (gain(1e17) > 0.0) == (crossover > 0.0)


@given(compute=power(1, 6), middle=power(2, 5), start=st.floats(0.0, 0.5), times=TIMES)
def test_reward_rises_to_its_asymptote(compute: float, middle: float, start: float, times: float) -> None:
    asked = {"law": SCALERL, "middle": middle, "start": start}
    here = reward(compute=compute, **asked).item()
    assert start <= here <= reward(compute=compute * times, **asked).item() <= SCALERL.asymptote.item()
    if start + 1e-6 < here < SCALERL.asymptote.item() - 1e-6:
        assert compute_for_reward(reward=here, **asked).item() == pytest.approx(compute, rel=1e-3)
