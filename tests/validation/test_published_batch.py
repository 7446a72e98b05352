"""Published critical batches and the wall of latency, by the functions and records that answer questions.

The identifiers are those of the table in docs/method_scaling.md; each test names its source.
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.model.scaling.batch import (
    accelerators_for_batch,
    batch_band,
    batch_tokens,
    latency_wall_s,
    layer_s,
    learning_rate,
    steps_factor,
    tokens_factor,
)
from planner.model.scaling.loss import best_split
from planner.tables.laws import BatchLaw, LatencyLaw, LossLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.units import SECONDS_PER_DAY

CATALOG = Catalog()


def batch_law(name: str) -> BatchLaw:
    return law_named(CATALOG, name, Samples(0), BatchLaw)


class TestZhang:
    """H. Zhang et al., arXiv:2410.21676, and plots/chinchilla.ipynb of hlzhang109/critical-batch-size."""

    def test_by_parameters(self) -> None:
        """CB-N-85 to CB-N-6000: sequences of 512 tokens, by millions of parameters (trap 2)."""
        millions = np.array([85, 151, 302, 604, 1200, 6000])
        tokens = batch_tokens(law=batch_law("zhang-parameters"), value=millions * 1e6)
        published = [746.287, 976.717, 1351.246, 1869.391, 2578.188, 5478.063]
        assert tokens[0] / 512 == pytest.approx(published, abs=1e-2)

    def test_by_tokens(self) -> None:
        """CB-D: at 24,000 million tokens, 1.7 % from the form by parameters at 1,200 million (trap 2)."""
        by_tokens = batch_tokens(law=batch_law("zhang-tokens"), value=24e9).item()
        by_parameters = batch_tokens(law=batch_law("zhang-parameters"), value=1.2e9).item()
        assert by_tokens / 512 == pytest.approx(2622.55, rel=1e-3)
        assert by_tokens / by_parameters == pytest.approx(1.017, abs=1e-3)

    def test_in_tokens(self) -> None:
        """CB-D-tok: batches in tokens; the units are one of the two traps of this law."""
        tokens = batch_tokens(law=batch_law("zhang"), value=np.array([1e12, 15.6e12, 1e14]))
        assert tokens[0] == pytest.approx([7.750e6, 2.819e7, 6.750e7], rel=1e-3)

    def test_the_unit_is_a_million(self) -> None:
        """Trap 2: read in single tokens, the law would ask for 660 times the batch."""
        law = batch_law("zhang-tokens")
        assert law.unit.item() == 1e6
        assert law.sequence.item() == 512
        misread = law.factor * (1e12 / 1.0) ** law.exponent * law.sequence
        assert (misread / batch_tokens(law=law, value=1e12)).item() == pytest.approx(1e6**0.47, rel=1e-9)

    def test_steps(self) -> None:
        """CB-steps: steps of the 85M model at batches of 64 and 16,384; measured 46,000 and 1,600."""
        least, samples = 1293.8268694659337, 2834258.0888740215
        steps = least * steps_factor(batch=np.array([64, 16384]), critical=samples / least)
        assert steps == pytest.approx([45579.1, 1466.8], rel=1e-4)
        assert steps == pytest.approx([46000, 1600], rel=0.1)


def test_bergsma() -> None:
    """CB-berg, arXiv:2505.13738: four times Zhang at 15.6T tokens, so the pair is a band."""
    laws = [batch_law("zhang"), batch_law("bergsma")]
    tokens = np.array([1e12, 15.6e12])
    assert batch_tokens(law=laws[1], value=tokens)[0] == pytest.approx([3.376e7, 1.201e8], rel=1e-3)
    band = batch_band(laws=laws, tokens=tokens)
    assert band.high / band.low == pytest.approx(np.array([[4.356, 4.26]]), rel=1e-2)
    assert band.middle**2 == pytest.approx(band.low * band.high)
    with pytest.raises(InputError, match="kaplan-batch is not one; use zhang-tokens, bergsma"):
        batch_band(laws=[batch_law("kaplan")], tokens=1e12)


def test_kaplan() -> None:
    """CB-kaplan, arXiv:2001.08361 Eq. 1.4."""
    tokens = batch_tokens(law=batch_law("kaplan-batch"), value=np.array([3.0, 2.5, 2.0]))
    assert tokens[0] == pytest.approx([1.1226e6, 2.6746e6, 7.7400e6], rel=1e-3)


def test_mccandlish() -> None:
    """CB-mcc, arXiv:1812.06162 Eq. 2.11: twice the steps and twice the tokens at the critical batch."""
    assert steps_factor(batch=4e6, critical=4e6) == tokens_factor(batch=4e6, critical=4e6) == 2.0
    batches = np.geomspace(1e3, 1e9, 25)
    steps, tokens = (f(batch=batches, critical=4e6) for f in (steps_factor, tokens_factor))
    assert (steps - 1.0) * (tokens - 1.0) == pytest.approx(1.0)


def test_deepseek() -> None:
    """SL-DS-B and SL-DS-lr, arXiv:2401.02954 Eq. 1."""
    law, flop = batch_law("deepseek-batch"), np.array([8.4e22, 3.8e25])
    assert batch_tokens(law=law, value=flop)[0] == pytest.approx([9.2027e6, 6.8003e7], rel=1e-3)
    assert learning_rate(law=law, flop=flop)[0] == pytest.approx([4.2495e-4, 1.9788e-4], rel=1e-3)


def test_accelerators_of_a_batch() -> None:
    """64M tokens of 8k sequences: 7,812 sequences, 4 for each of 1,953 replicas of 512, a million GPUs."""
    found = accelerators_for_batch(
        batch=64e6, seq_len=8192, replica_accelerators=512.0, sequences_per_replica=4.0
    )
    assert found == 1953 * 512


def test_latency_wall() -> None:
    """CB-dm and CB-dm-blog, arXiv:2411.01137, Epoch AI: three months are too short for 1e31 to 2e31 FLOP.

    By this project's form the wall lies at 1e30 FLOP with the batch of Kaplan and at 1e33 with that of Zhang:
    the published one is between them. At 1e28 FLOP it does not bind.
    """
    wall = law_named(CATALOG, "latency-wall", Samples(0), LatencyLaw)
    best = best_split(
        law=law_named(CATALOG, "besiroglu", Samples(0), LossLaw), flop=np.array([1e28, 1e31, 2e31])
    )
    layers = 126 * (best.parameters / 405e9) ** (1 / 3)
    each = layer_s(law=wall, collective_s=10e-6)
    assert each.item() == pytest.approx(70e-6)
    days = {
        name: latency_wall_s(tokens=best.tokens, batch=batch, layers=layers, layer_s=each) / SECONDS_PER_DAY
        for name, batch in (
            ("kaplan", batch_tokens(law=batch_law("kaplan"), value=best.loss)),
            ("zhang", batch_tokens(law=batch_law("zhang"), value=best.tokens)),
        )
    }
    assert np.all(days["kaplan"][0, 1:] > 90.0)
    assert np.all(days["zhang"][0, 1:] < 90.0)
    assert days["kaplan"][0, 0] < 9.0
