"""Laws of traffic: quantiles rise, means are kept, users and requests are proportional."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.workload.kinds import TRAFFIC
from planner.workload.lengths import fit
from planner.workload.traffic_given import with_given
from planner.workload.traffic_import import import_trace

MEANS = st.floats(1.0, 1e6)
SHARES = st.floats(0.001, 0.999)
CHAT = Catalog().get(TRAFFIC, "chat")


@given(MEANS, st.floats(0.0, 20.0), SHARES, SHARES)
def test_quantiles_rise_and_undo_shares(mean: float, cv: float, one: float, other: float) -> None:
    spread = fit(mean, cv=cv)
    low, high = sorted((one, other))
    assert spread.quantile(low) <= spread.quantile(high)
    if cv > 1e-3:
        assert math.isclose(spread.share_below(spread.quantile(one)), one, rel_tol=1e-6)
    assert math.isclose(spread.cv, cv, rel_tol=1e-6, abs_tol=1e-9)


@given(MEANS, st.floats(0.01, 3.0), st.lists(SHARES, min_size=1, max_size=5, unique=True))
def test_quantiles_of_a_lognormal_lead_back_to_it(mean: float, sigma: float, shares: list[float]) -> None:
    true = fit(mean, cv=math.sqrt(math.expm1(sigma**2)))
    found = fit(mean, quantiles={share: true.quantile(share) for share in shares})
    assert found.mean == mean
    for share in shares:  # one quantile above the mean may have two solutions, both of which meet it
        assert math.isclose(found.quantile(share), true.quantile(share), rel_tol=1e-3)


@given(st.floats(1e-3, 1e6), st.sampled_from(["mean", "hour", "minute"]), st.floats(0.0, 5.0))
def test_users_and_requests_undo_each_other(rate: float, peak: str, years: float) -> None:
    users = CHAT.users(rate, peak=peak, years=years)
    assert math.isclose(users * CHAT.requests_per_user_s(peak=peak, years=years), rate, rel_tol=1e-12)


@given(st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_growth_compounds(one: float, other: float) -> None:
    rate = CHAT.requests_per_user_s
    assert math.isclose(rate(years=one + other) * rate(), rate(years=one) * rate(years=other), rel_tol=1e-9)


@given(MEANS, MEANS, st.floats(0.0, 1.0))
def test_what_is_given_is_what_is_used(isl: float, osl: float, hit: float) -> None:
    changed = with_given(CHAT, isl=isl, osl=osl, hit=hit)
    assert (changed.isl, changed.osl, changed.hit) == (isl, osl, hit)
    assert math.isclose(changed.input_spread.cv, CHAT.input_spread.cv, rel_tol=1e-12)
    assert changed.slo == CHAT.slo


@settings(max_examples=15)
@given(
    mean=st.floats(200.0, 20_000.0),
    cv=st.floats(0.0, 1.0),
    rate=st.floats(0.5, 50.0),
    hit=st.floats(0.0, 1.0),
    unit=st.sampled_from([("time_s", 1.0), ("time_ms", 1e3), ("arrival time (us)", 1e6)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_trace_leads_back_to_what_it_was_drawn_from(
    tmp_path_factory: pytest.TempPathFactory,
    mean: float,
    cv: float,
    rate: float,
    hit: float,
    unit: tuple[str, float],
    seed: int,
) -> None:
    random, count = np.random.default_rng(seed), 4000
    header, scale = unit
    at = np.cumsum(random.exponential(1 / rate, count))
    entered = np.maximum(1, np.round(fit(mean, cv=cv).sample(random, count)))
    left = np.full(count, 77.0)
    path: Path = tmp_path_factory.mktemp("trace") / "trace.csv"
    rows = np.column_stack([at * scale, entered, left, np.floor(hit * entered)])
    np.savetxt(path, rows, "%.6f", delimiter=",", header=f"{header},input,output,cached", comments="")
    found = import_trace(path)
    assert found.record.isl == pytest.approx(entered.mean(), rel=1e-5)
    assert found.record.isl == pytest.approx(mean, rel=0.1)
    assert found.record.input_spread.cv == pytest.approx(entered.std() / entered.mean(), abs=1e-5)
    assert (found.record.osl, found.record.output_spread.cv) == (77.0, 0.0)
    assert found.record.hit == pytest.approx(hit, abs=0.006)
    assert found.statistics.span_s == pytest.approx(at[-1] - at[0], rel=1e-6)
    assert found.record.arrival_cv == pytest.approx(1.0, abs=0.12)
