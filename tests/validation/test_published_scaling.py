"""Published scaling laws, by the functions and records that answer questions.

The identifiers are those of the table in docs/method_scaling.md; each test names its source.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.model.cost.contract import hours_for_flop
from planner.model.scaling.allocation import flop_per_token, optimum
from planner.model.scaling.experts import efficiency_leverage, sparse_loss, sparsity_savings
from planner.model.scaling.loss import best_split, loss
from planner.model.scaling.repetition import effective_epochs, repeated_loss
from planner.model.scaling.serving import cheapest, served_cost
from planner.tables.laws import (
    AllocationLaw,
    Law,
    LeverageLaw,
    LossLaw,
    OptimaLaw,
    RepetitionLaw,
    SavingsLaw,
    SparsityLaw,
    StockLaw,
)
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.workload.kinds import SCALING

CATALOG = Catalog()
Wanted = TypeVar("Wanted", bound=Law)
STATED = Samples(0)


def law(name: str, wanted: type[Wanted], samples: Samples = STATED) -> Wanted:
    return law_named(CATALOG, name, samples, wanted)


def rounded() -> LossLaw:
    """The coefficients of Besiroglu as the vectors round them; the floor is that of another fit there."""
    values = {
        "floor": 1.8172,
        "parameter_factor": 482.01,
        "parameter_exponent": 0.3478,
        "token_factor": 2085.43,
        "token_exponent": 0.3658,
    }
    sets = (f"scaling-law.besiroglu.coefficients.{name}={value}" for name, value in values.items())
    return law_named(Catalog(overrides=tuple(sets)), "besiroglu", STATED, LossLaw)


class TestHoffmann:
    """J. Hoffmann et al., arXiv:2203.15556."""

    def test_table_3(self) -> None:
        """SL-T3-*: compute is 6 N D within 5 %, with 20.0 to 22.4 tokens per parameter, in every row."""
        table = law("hoffmann-1", OptimaLaw)
        assert table.parameters == pytest.approx(
            [4e8, 1e9, 1e10, 6.7e10, 1.75e11, 2.8e11, 5.2e11, 1e12, 1e13]
        )
        found = optimum(table, table.flop)
        assert found.parameters == pytest.approx(table.parameters, rel=1e-9)
        assert found.flop == pytest.approx(table.flop, rel=0.05)
        assert found.tokens_per_parameter.min() >= 20.0
        assert found.tokens_per_parameter.max() <= 22.4

    def test_exponents_of_approach_3(self) -> None:
        """SL-H-coef: Eq. 10, appendix D.3."""
        hoffmann = law("hoffmann", LossLaw)
        tenfold = best_split(law=hoffmann, flop=np.array([6.0, 60.0]))
        growth = np.log10(tenfold.parameters[0, 1] / tenfold.parameters[0, 0])
        assert growth == pytest.approx(0.4516, rel=1e-3)
        assert 1.0 - growth == pytest.approx(0.5484, rel=1e-3)
        assert tenfold.parameters[0, 0] == pytest.approx(1.34471, rel=1e-3)

    @pytest.mark.parametrize(
        ("flop", "parameters", "tokens", "nats"),
        [
            (1e21, 1.8242e9, 9.1363e10, 2.32888),
            (5.76e23, 3.219e10, 2.9823e12, 1.93075),
            (3.8e25, 2.1348e11, 2.9667e13, 1.81653),
        ],
    )
    def test_optima_of_approach_3(self, flop: float, parameters: float, tokens: float, nats: float) -> None:
        """SL-H-1e+21, SL-H-5.76e+23, SL-H-3.8e+25: Eq. 4."""
        found = best_split(law=law("hoffmann", LossLaw), flop=flop)
        assert found.parameters.item() == pytest.approx(parameters, rel=1e-3)
        assert found.tokens.item() == pytest.approx(tokens, rel=1e-3)
        assert found.loss.item() == pytest.approx(nats, rel=1e-3)

    def test_the_approaches_disagree(self) -> None:
        """Trap 3: 139 tokens per parameter by the third approach, 20 to 22.4 by the first, at 3.8e25 FLOP."""
        third = optimum(law("hoffmann", LossLaw), 3.8e25).tokens_per_parameter.item()
        first = optimum(law("hoffmann-1", OptimaLaw), 3.8e25).tokens_per_parameter.item()
        assert third == pytest.approx(139.0, rel=0.01)
        assert 20.0 <= first <= 22.4


class TestBesiroglu:
    """T. Besiroglu et al., arXiv:2404.10102, and their notebook."""

    def test_coefficients_and_intervals(self) -> None:
        """SL-EP-coef and SL-EP-ci: as the notebook prints them."""
        coefficients = CATALOG.get(SCALING, "besiroglu").coefficients
        printed = {
            "parameter_factor": (482.00572, 285.2, 743.6),
            "token_factor": (2085.43420, 1042, 5810),
            "floor": (1.81686, 1.769, 1.871),
            "parameter_exponent": (0.34781, 0.317, 0.373),
            "token_exponent": (0.36585, 0.331, 0.415),
        }
        for name, (value, low, high) in printed.items():
            assert coefficients[name].value == value
            assert coefficients[name].bounds == pytest.approx((low, high), rel=1e-3, abs=5e-4)

    def test_samples_have_the_printed_errors(self) -> None:
        """SL-EP-coef: standard errors 124.5, 1293.3, 0.0257, 0.0154, 0.0206 from 4,000 resamplings.

        The resampled factor of tokens is more skew than a lognormal, whose error is a quarter smaller.
        """
        drawn = law("besiroglu", LossLaw, Samples(4000))
        for name, error, within in (
            ("parameter_factor", 124.52, 0.06),
            ("token_factor", 1293.3, 0.3),
            ("floor", 0.02566, 0.02),
            ("parameter_exponent", 0.0154, 0.02),
            ("token_exponent", 0.0206, 0.02),
        ):
            assert getattr(drawn, name)[1:].std() == pytest.approx(error, rel=within)

    def test_samples_vary_together(self) -> None:
        """Where the runs were, the loss is known to 0.01 nats; drawn apart the factors would make it 0.3."""
        drawn = law("besiroglu", LossLaw, Samples(4000))
        inside = loss(law=drawn, parameters=1e9, tokens=2e10)
        assert inside[1:].std() < 0.01
        apart = drawn.floor[1:] + drawn.parameter_factor[1:] / 1e9 ** drawn.parameter_exponent[:0:-1]
        assert apart.std() > 10 * inside[1:].std()

    @pytest.mark.parametrize(
        ("flop", "parameters", "tokens", "nats", "ratio"),
        [
            (1e21, 2.7785e9, 5.9985e10, 2.30553, 21.59),
            (5.76e23, 7.2249e10, 1.3287e12, 1.97444, 18.39),
            (3.8e25, 6.1867e11, 1.0237e13, 1.89171, 16.55),
            (1e26, 1.0159e12, 1.6405e13, 1.8799, 16.15),
            (1e27, 3.3073e12, 5.0393e13, 1.85879, 15.24),
            (1e28, 1.0767e13, 1.548e14, 1.84479, 14.38),
        ],
    )
    def test_optima(self, flop: float, parameters: float, tokens: float, nats: float, ratio: float) -> None:
        """SL-EP-1e+21 to SL-EP-1e+28: with the coefficients as the paper rounds them."""
        found = best_split(law=rounded(), flop=flop)
        assert found.parameters.item() == pytest.approx(parameters, rel=1e-3)
        assert found.tokens.item() == pytest.approx(tokens, rel=1e-3)
        assert found.loss.item() == pytest.approx(nats, rel=1e-3)
        assert found.tokens_per_parameter.item() == pytest.approx(ratio, rel=1e-3)

    def test_loss_of_chinchilla(self) -> None:
        """SL-EP-chin70: 70B on 1.4T by both laws."""
        both = [
            loss(law=each, parameters=70e9, tokens=1.4e12).item()
            for each in (law("hoffmann", LossLaw), rounded())
        ]
        assert both == pytest.approx([1.93665, 1.97388], abs=1e-4)


class TestOthers:
    def test_llama_3(self) -> None:
        """SL-L3-opt, arXiv:2407.21783 section 3.2.1: 16.55T tokens; its 402B make 6 N D 5 % more than C."""
        found = optimum(law("llama-3", AllocationLaw), 3.8e25)
        assert found.tokens.item() == pytest.approx(16.55e12, rel=1e-3)
        assert 402e9 / found.parameters.item() == pytest.approx(1.05, rel=5e-3)

    def test_llama_3_as_printed(self) -> None:
        """SL-L3-coef-warning, trap 1: the printed pair gives 10.5T, and no answer uses it."""
        record = law("llama-3", AllocationLaw)
        printed = record.token_factor * 3.8e25**record.printed_exponent
        assert printed.item() == pytest.approx(1.0464e13, rel=1e-3)
        assert record.token_exponent.item() == pytest.approx(0.53778, rel=1e-5)

    def test_deepseek(self) -> None:
        """SL-DS-alloc, arXiv:2401.02954 Eq. 4: C = M D, M in compute per token, not 6 N D."""
        deepseek = law("deepseek", AllocationLaw)
        found, per_token = optimum(deepseek, 1e20), flop_per_token(law=deepseek, flop=1e20)
        assert per_token.item() == pytest.approx(5.2513e9, rel=1e-3)
        assert found.tokens.item() == pytest.approx(1.9045e10, rel=1e-3)
        assert (per_token * found.tokens).item() == pytest.approx(1e20, rel=1e-3)
        assert found.parameters.item() == pytest.approx(5.2513e9 / 6, rel=1e-3)

    def test_repeated_data(self) -> None:
        """SL-MU-1 and SL-MU-2, arXiv:2305.16264, README of huggingface/datablations."""
        found = repeated_loss(
            law=law("muennighoff", RepetitionLaw),
            parameters=np.array([6.34e9, 8.67e9]),
            tokens=np.array([242e9, 178e9]),
            unique=25e9,
        )
        assert found[0] == pytest.approx([2.2256440889984477, 2.2269634075087867], abs=1e-9)

    def test_epochs(self) -> None:
        """SL-MU-ep2 to SL-MU-ep40 and SL-MU-inf, the same source."""
        worth = effective_epochs(
            law=law("muennighoff", RepetitionLaw), epochs=np.array([2, 4, 8, 16, 40, 1e9])
        )
        assert worth[0, :5] == pytest.approx([1.9682, 3.7257, 6.6241, 10.5825, 15.1675], abs=1e-3)
        assert worth[0, 5] == pytest.approx(16.387756, abs=1e-6)

    def test_inference_aware(self) -> None:
        """SL-SA-13B, arXiv:2401.00448 Fig. 1: for the loss of a 13B and 2e12 tokens, 7B saves 17 %."""
        sardana = law("sardana", LossLaw)
        grid = np.geomspace(4e22, 5e22, 20001)
        splits = best_split(law=sardana, flop=grid)
        at = int(np.argmin(np.abs(splits.parameters[0] - 13e9)))
        assert splits.tokens[0, at] == pytest.approx(5.765e11, rel=1e-3)
        plain = served_cost(parameters=13e9, tokens=splits.tokens[0, at], output_tokens=2e12).total
        best = cheapest(law=sardana, loss=splits.loss[0, at], output_tokens=2e12)
        assert best.parameters.item() == pytest.approx(7e9, rel=0.03)
        assert (plain - best.total).item() == pytest.approx(1.6917e22, rel=1e-3)
        assert (1.0 - best.total / plain).item() == pytest.approx(0.1745, rel=1e-3)
        assert best.parameters.item() == pytest.approx(6.969e9, rel=1e-3)
        assert best.tokens.item() == pytest.approx(1.2393e12, rel=0.01)

    def test_sparsity(self) -> None:
        """SL-AB, arXiv:2501.12370 Table 3 (as public texts quote it)."""
        found = sparse_loss(
            law=law("abnar", SparsityLaw),
            parameters=np.array([1e9, 1e9, 1e10]),
            tokens=2e10,
            sparsity=np.array([0.0, 0.9, 0.9]),
        )
        assert found[0] == pytest.approx([2.5657, 2.7019, 2.3669], rel=1e-3)

    def test_efficiency_leverage(self) -> None:
        """SL-EL, arXiv:2507.17702: over 7 at 1e22 FLOP, 3.1 % active, granularity 12; best at about 12.

        Its run of 0.85B active against 6.1B dense spends 7.2 times less; at its own compute the law says 6.5.
        """
        ling = law("ling", LeverageLaw)
        predicted = efficiency_leverage(law=ling, activation=0.031, granularity=12, flop=1e22)
        assert 7.0 < predicted.item() < 7.5
        grains = np.arange(2, 17)
        leverage = efficiency_leverage(law=ling, activation=0.031, granularity=grains, flop=1e20)
        assert grains[np.argmax(leverage[0])] == pytest.approx(12, abs=1)
        run = efficiency_leverage(law=ling, activation=13 / 385, granularity=32 / 3, flop=6 * 0.855e9 * 1e12)
        assert run.item() == pytest.approx(6.11 / 0.855, rel=0.1)

    def test_sparsity_of_kimi_k2(self) -> None:
        """SL-K2-sparsity, arXiv:2507.20534 section 2.3."""
        saved = sparsity_savings(law=law("kimi-k2", SavingsLaw), sparsity=48, base=np.array([8, 16, 32]))
        assert saved == pytest.approx([1.69, 1.39, 1.15], rel=0.01)
        with pytest.raises(
            InputError, match="holds from a sparsity of 8 to 48, found 64; give one within it"
        ):
            sparsity_savings(law=law("kimi-k2", SavingsLaw), sparsity=64, base=8)

    def test_stock_of_text(self) -> None:
        """SL-DATA, arXiv:2211.04325v2: 300T tokens, 90 % from 100T to 1000T."""
        drawn = law("data-stock", StockLaw, Samples(2000)).tokens
        assert drawn[0, 0] == 3e14
        assert np.quantile(drawn[1:], [0.05, 0.95]) == pytest.approx([1e14, 1e15], rel=0.1)

    def test_compute_of_a_million(self) -> None:
        """SL-1M-90d: 1e6 H100 at 989 TFLOP/s for 90 days; at 40 % and at 11 %."""
        hours = hours_for_flop(
            flop=np.array([3.0762e27, 8.4595e26]), flop_per_s=989e12, utilisation=np.array([0.40, 0.11])
        )
        assert hours == pytest.approx(1e6 * 90 * 24, rel=1e-4)
