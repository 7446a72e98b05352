"""Scaling laws: records, tables, what is refused and how, and what is said aloud."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.model.scaling.allocation import optimum
from planner.model.scaling.batch import batch_band
from planner.model.scaling.distilling import crossover_tokens, logit_bytes
from planner.model.scaling.experts import efficiency_leverage, sparse_loss
from planner.model.scaling.loss import best_split, loss
from planner.model.scaling.ranges import beyond, times_beyond
from planner.model.scaling.reward import compute_for_reward, generation_share, reward
from planner.model.scaling.serving import cheapest
from planner.tables.laws import (
    BatchLaw,
    DistillationLaw,
    Law,
    LeverageLaw,
    LossLaw,
    OptimaLaw,
    RewardLaw,
    SparsityLaw,
)
from planner.tables.samples import Samples, interval
from planner.tables.scaling import DEFAULT_LAW, law_named, law_table
from planner.workload.kinds import SCALING
from planner.workload.scaling import FORMS, ScalingLaw

CATALOG, STATED = Catalog(), Samples(0)
BESIROGLU = law_named(CATALOG, DEFAULT_LAW, STATED, LossLaw)
LING = law_named(CATALOG, "ling", STATED, LeverageLaw)
SCALERL = law_named(CATALOG, "scalerl", STATED, RewardLaw)
BUSBRIDGE = law_named(CATALOG, "busbridge", STATED, DistillationLaw)


class TestRecords:
    @pytest.mark.parametrize("name", CATALOG.ids(SCALING))
    def test_every_record_becomes_a_table(self, name: str) -> None:
        table = law_table(CATALOG.get(SCALING, name), Samples(8))
        assert table.id == name
        assert all(low < high for low, high in table.fitted.values())

    def test_every_form_ships(self) -> None:
        assert {record.form for record in CATALOG.all(SCALING)} == set(FORMS)

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("hoffmann", {"form": "repetition"}, "form repetition needs coefficients.token_repeats; add it"),
            ("muennighoff", {"form": "loss"}, "form loss has no coefficient 'token_repeats'; it has floor"),
            ("hoffmann", {"variable": "loss"}, "variable belongs to form: batch, and only to it"),
            ("hoffmann-1", {"optima": ()}, r"optima \(two rows or more\) belong to form: optima"),
        ],
    )
    def test_mistakes_have_a_mend(self, name: str, change: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError, match=message):
            ScalingLaw.model_validate({**dict(CATALOG.get(SCALING, name)), **change})

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"coefficients": ("floor",)}, "deviations needs 1 entries, one for each coefficient"),
            ({"correlations": ((0.5,),)}, "correlations needs rows of 1, 2, 3"),
            ({"coefficients": ("floor",) * 5}, "must name coefficients of this record, each once"),
        ],
    )
    def test_mistakes_of_a_spread(self, change: dict[str, Any], message: str) -> None:
        record = CATALOG.get(SCALING, "besiroglu")
        spread = {**dict(record.spread or {}), **change}
        with pytest.raises(ValidationError, match=message):
            ScalingLaw.model_validate({**dict(record), "spread": spread})


class TestTables:
    def test_the_first_row_is_what_is_stated(self) -> None:
        drawn = law_named(CATALOG, DEFAULT_LAW, Samples(64), LossLaw)
        assert drawn.floor.shape == (65, 1)
        assert drawn.floor[0] == BESIROGLU.floor[0]
        assert drawn.token_exponent[0] == BESIROGLU.token_exponent[0]

    def test_intervals_widen_away_from_the_runs(self) -> None:
        """80 % of D / N: 17 to 27 at 1e21 FLOP, where runs were, and 6 to 38 at 1e27."""
        drawn = law_named(CATALOG, DEFAULT_LAW, Samples(1000), LossLaw)
        _, low, high = interval(best_split(law=drawn, flop=np.array([1e21, 1e27])).tokens_per_parameter)
        assert low == pytest.approx([17.4, 6.0], rel=0.05)
        assert high == pytest.approx([26.6, 37.9], rel=0.05)

    def test_a_law_of_another_form_is_refused_with_those_that_would_do(self) -> None:
        with pytest.raises(
            InputError, match="'zhang' is of the form batch, and loss or repetition is needed"
        ):
            law_named(CATALOG, "zhang", STATED, LossLaw)
        for name in ("busbridge", "abnar"):
            with pytest.raises(InputError, match="use besiroglu, hoffmann, muennighoff, sardana"):
                law_named(CATALOG, name, STATED, LossLaw)
        with pytest.raises(UnknownNameError, match="besiroglu"):
            law_named(CATALOG, "besirogly", STATED, LossLaw)

    def test_correlations_that_cannot_be(self) -> None:
        record = CATALOG.get(SCALING, "besiroglu")
        spread = {**dict(record.spread or {}), "correlations": ((0.9,), (0.9, -0.9), (0.0,) * 3, (0.0,) * 4)}
        wrong = ScalingLaw.model_validate({**dict(record), "spread": spread})
        with pytest.raises(InputError, match="correlations cannot hold together"):
            law_table(wrong, Samples(8))


class TestSaidAloud:
    def test_inside_nothing_is_said(self) -> None:
        assert beyond(BESIROGLU, flop=1e21, parameters=1e9, tokens=2e10) == ()
        assert beyond(SCALERL, flop=1e99) == ()

    def test_outside_the_farthest_is_named(self) -> None:
        (said,) = beyond(BESIROGLU, flop=np.array([1e21, 1.3e25, 1e24]), parameters=1e9)
        assert said == (
            "Chinchilla's third approach, refitted (besiroglu) was fitted on 1.4e18 FLOP to 1.3e22 FLOP: "
            "1.3e25 FLOP is 1,000 times outside, an extrapolation"
        )
        assert times_beyond(BESIROGLU, "flop", 1.4e16).item() == pytest.approx(100.0)
        (said,) = beyond(BESIROGLU, parameters=16.5e9)
        assert "16.5B is 1.9 % outside, an extrapolation" in said
        (said,) = beyond(LING, activation=0.004)
        assert "0.8 % to 100 % of the experts active: 0.4 % is 2 times outside" in said

    def test_no_such_variable(self) -> None:
        with pytest.raises(InputError, match="no law is fitted on 'size'; use one of parameters, tokens"):
            times_beyond(BESIROGLU, "size", 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: loss(law=BESIROGLU, parameters=0.0, tokens=1e9),
            "parameters must be more than zero, found 0",
        ),
        (lambda: loss(law=BESIROGLU, parameters=1e9, tokens=-1.0), "tokens must be more than zero, found -1"),
        (
            lambda: best_split(law=BESIROGLU, flop=np.nan),
            "training compute must be more than zero, found nan",
        ),
        (
            lambda: optimum(SCALERL, 1e24),
            "'scalerl' does not say how compute is best split; use one that does",
        ),
        (
            lambda: optimum(law_named(CATALOG, "hoffmann-1", STATED, OptimaLaw), 1e30),
            r"a table from 1.92e\+19 to 1.3e\+28 FLOP and is not continued; give compute within it",
        ),
        (
            lambda: cheapest(law=BESIROGLU, loss=1.8),
            "has a loss of 1.8: its floor is 1.817; ask for a higher loss",
        ),
        (lambda: cheapest(law=BESIROGLU, loss=2.0, output_tokens=-1.0), "served tokens cannot be negative"),
        (lambda: cheapest(law=BESIROGLU, loss=2.0, input_cost=0.0), "cost of a FLOP must be more than zero"),
        (lambda: batch_band(laws=[], tokens=1e12), "takes laws of batches by tokens, and none was given"),
        (
            lambda: efficiency_leverage(law=LING, activation=1.5, granularity=8, flop=1e21),
            "share of active experts is at most 1",
        ),
        (
            lambda: sparse_loss(
                law=law_named(CATALOG, "abnar", STATED, SparsityLaw), parameters=1e9, tokens=1e9, sparsity=1.0
            ),
            "a sparsity is a share of at least 0 and below 1",
        ),
        (lambda: logit_bytes(tokens=-1.0, kept=1.0), "cannot be negative; give zero or more"),
        (lambda: reward(law=SCALERL, compute=1.0, middle=1.0, start=2.0), "a share between 0 and 1"),
        (
            lambda: generation_share(
                generated_flop=2.0, trained_flop=6.0, generation_utilisation=0.0, training_utilisation=0.3
            ),
            "utilisation must be more than zero",
        ),
    ],
)
def test_bad_input_gets_a_sentence(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_leverage_does_not_grow_beyond_its_runs_unless_asked() -> None:
    asked = {"law": LING, "activation": 0.034, "granularity": 12, "flop": np.array([1e22, 1e27])}
    held, grown = (efficiency_leverage(extrapolate=more, **asked)[0] for more in (False, True))
    assert held == pytest.approx([6.96, 6.96], rel=1e-3)
    assert grown == pytest.approx([6.96, 21.7], rel=1e-3)


def test_no_crossover() -> None:
    """A teacher that fits a small student is never caught up with; one far worse helps at no length."""
    asked = {"law": BUSBRIDGE, "parameters": 1e8}
    assert crossover_tokens(teacher_loss=np.array([2.3, 9.0]), **asked)[0].tolist() == [np.inf, 0.0]


def test_a_reward_out_of_reach() -> None:
    found = compute_for_reward(law=SCALERL, reward=np.array([0.7, 0.1]), middle=1e4, start=0.2)
    assert found[0].tolist() == [np.inf, 0.0]


def test_laws_broadcast_samples_against_plans() -> None:
    drawn = law_named(CATALOG, DEFAULT_LAW, Samples(16), LossLaw)
    assert loss(law=drawn, parameters=np.full(5, 1e9), tokens=1e11).shape == (17, 5)
    assert cheapest(law=drawn, loss=np.full(5, 2.2), output_tokens=1e12).total.shape == (17, 5)
    bands = batch_band(laws=[law_named(CATALOG, "zhang", STATED, BatchLaw)], tokens=np.full(5, 1e12))
    assert bands.middle.shape == (1, 5)
    assert isinstance(drawn, Law)
