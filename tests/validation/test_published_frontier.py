"""The frontier on hardware that trains every model at one utilisation gives what the laws' papers print."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.plan.defaults import Filled
from planner.plan.frontier.cost import bought, cheapest_size
from planner.plan.frontier.curve import Asked, Curve, curve_of, fine_sizes, index_of
from planner.plan.frontier.laws import BAND, Laws
from planner.plan.frontier.surface import Node, Surface
from planner.workload.kinds import SHAPE
from planner.workload.shape import shaped

BOOK = Catalog()
DAY = 86400.0


def flat(flop_per_s: float, sizes: Sequence[float]) -> Surface:
    """Every size at ``flop_per_s / 6 N`` tokens/s with any batch, on one accelerator that never fails."""
    record, batches = shaped(BOOK.get(SHAPE, "dense"), parameters=1e9), np.array([2.0**20, 2.0**22])
    nodes = (
        Node(
            parameters=size,
            record=record,
            batches=batches,
            values=np.array([[flop_per_s / (6.0 * size)] * 2, [1.0] * 2, [1.0] * 2]),
        )
        for size in sizes
    )
    return Surface(nodes=tuple(nodes), seq_len=1024)


def laws_of(name: str) -> Laws:
    return Laws.read(BOOK, Filled(), law=name, batch_law=BAND, unique=1e24)


def best(name: str, flop: float, around: float) -> tuple[Curve, int]:
    """The frontier of so much compute, where neither batches nor data cost anything."""
    surface, laws = flat(flop / DAY, np.geomspace(around / 8.0, around * 8.0, 7).tolist()), laws_of(name)
    sizes = fine_sizes(surface)
    curve = curve_of(surface, laws, seconds=DAY, parameters=sizes, flop_per_token=6.0 * sizes, limited=False)
    return curve, index_of(Asked(goal="loss", days=1.0), curve)


@pytest.mark.parametrize(
    ("identity", "flop", "parameters", "tokens", "loss"),
    [
        ("SL-EP-1e+21", 1e21, 2.7785e9, 5.9985e10, 2.30553),
        ("SL-EP-5.76e+23", 5.76e23, 7.2249e10, 1.3287e12, 1.97444),
        ("SL-EP-3.8e+25", 3.8e25, 6.1867e11, 1.0237e13, 1.89171),
        ("SL-EP-1e+26", 1e26, 1.0159e12, 1.6405e13, 1.8799),
        ("SL-EP-1e+27", 1e27, 3.3073e12, 5.0393e13, 1.85879),
        ("SL-EP-1e+28", 1e28, 1.0767e13, 1.548e14, 1.84479),
    ],
)
def test_besiroglu(identity: str, flop: float, parameters: float, tokens: float, loss: float) -> None:
    # arXiv:2404.10102, closed form with rounded coefficients; sizes here are 2 % apart
    curve, at = best("besiroglu", flop, parameters)
    assert curve.parameters[at] == pytest.approx(parameters, rel=0.03), identity
    assert curve.tokens[at] == pytest.approx(tokens, rel=0.03)
    assert curve.loss[at] == pytest.approx(loss, rel=1e-3)
    assert curve.ahead[at] == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize(
    ("identity", "flop", "parameters", "tokens", "loss"),
    [
        ("SL-H-5.76e+23", 5.76e23, 3.219e10, 2.9823e12, 1.93075),
        ("SL-H-3.8e+25", 3.8e25, 2.1348e11, 2.9667e13, 1.81653),
    ],
)
def test_hoffmann(identity: str, flop: float, parameters: float, tokens: float, loss: float) -> None:
    # arXiv:2203.15556, Eq. 4 and 10
    curve, at = best("hoffmann", flop, parameters)
    assert curve.parameters[at] == pytest.approx(parameters, rel=0.03), identity
    assert curve.tokens[at] == pytest.approx(tokens, rel=0.03)
    assert curve.loss[at] == pytest.approx(loss, abs=1e-4)


@pytest.mark.parametrize(
    ("identity", "law", "flop", "parameters", "tokens"),
    [
        ("SL-T3-67B", "hoffmann-1", 5.76e23, 67e9, 1.5e12),
        ("SL-T3-1T", "hoffmann-1", 1.27e26, 1e12, 2.12e13),
        ("SL-L3-opt", "llama-3", 3.8e25, 402e9, 16.55e12),
    ],
)
def test_laws_that_say_only_the_split(
    identity: str, law: str, flop: float, parameters: float, tokens: float
) -> None:
    # arXiv:2203.15556, Table 3; arXiv:2407.21783, 3.2.1, whose 6 N D is 5 % above its compute
    curve, at = best(law, flop, parameters)
    assert curve.parameters[at] == pytest.approx(parameters, rel=0.06), identity
    assert curve.tokens[at] == pytest.approx(tokens, rel=0.05)
    assert np.isnan(curve.loss[at])


def test_a_million_h100_for_90_days() -> None:
    # SL-1M-90d: 1e6 x 989e12 FLOP/s at 40 % for 90 days are 3.0762e27 FLOP
    flop = 1e6 * 989e12 * 0.4 * 90.0 * DAY
    curve, at = best("besiroglu", flop, 6e12)
    assert 6.0 * curve.parameters[at] * curve.tokens[at] == pytest.approx(3.0762e27, rel=1e-3)


def test_sardana() -> None:
    # SL-SA-13B, arXiv:2401.00448, Fig. 1: 13B quality and 2e12 tokens are cheapest with 7B, 17 % less compute
    laws = laws_of("sardana")
    surface = flat(1.0, np.geomspace(1e9, 64e9, 7).tolist())
    sizes = fine_sizes(surface)
    target = float(np.ravel(laws.stated.loss(13e9, 5.765e11, 5.765e11))[0])
    # one FLOP a second, one dollar a FLOP; a batch so small beside the critical one that it costs nothing
    offer = bought(
        surface,
        laws,
        loss=target,
        parameters=sizes,
        usd_per_gpu_s=1.0,
        serving_usd=2.0 * sizes * 2e12,
        limited=False,
        longest_s=1e26,
    )
    at = cheapest_size(offer, np.inf)
    assert at is not None
    assert sizes[at] == pytest.approx(7e9, rel=0.03)
    own = int(np.argmin(np.abs(sizes - 13e9)))
    assert 1.0 - offer.total_usd[at] / offer.total_usd[own] == pytest.approx(0.1745, rel=0.03)
