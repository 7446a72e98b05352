"""Laws of sharing, on random small cases: brute force agrees, and more never hurts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.model.sharing import (
    Pool,
    Task,
    concave_hull,
    daily_curve,
    finishing_program,
    phases_of,
    sharing_program,
)
from planner.plan.mix.highs import solved

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RATES = st.tuples(*[st.integers(0, 6) for _ in range(2)])
PAIR = np.array([1.0, 2.0])
NUMBER = np.array([2.0, 2.0])


def pool(cap: float | None = None, free: float = 1.0) -> Pool:
    return Pool(
        accelerators=NUMBER,
        system=np.ones(2),
        free=np.full((2, 2), free),
        share=np.array([0.5, 0.5]),
        base_watts=np.zeros(2),
        cap_watts=None if cap is None else np.array([cap, cap]),
    )


def job(name: str, rates: tuple[int, ...], watts: float = 1.0, **more: object) -> Task:
    usual = {
        "group": np.arange(2),
        "width": np.full(2, 3.0),
        "rate": np.array(rates, dtype=float),
        "watts": NUMBER * watts,
        "usd": (NUMBER * watts)[:, None] * PAIR[None],
    }
    return Task(name=name, **(usual | more))  # type: ignore[arg-type]


def least(own: Pool, tasks: list[Task], days: float, objective: str, *, whole: bool = False) -> float | None:
    edges = phases_of(tasks, days=days)
    found = solved(
        sharing_program(pool=own, tasks=tasks, edges=edges, objective=objective, whole=whole).linear  # type: ignore[arg-type]
    )
    return None if found is None else found.cost


def brute(cap: float, run: Task, service: Task, days: float) -> float | None:
    """Least cost less worth of whole accelerators of a run and a service, by trying all."""
    best = None
    period = list(itertools.product(range(3), repeat=4))
    for first, second in itertools.product(period, repeat=2):
        use = np.array([first, second], dtype=float).reshape(2, 2, 2)  # [period, task, group]
        if np.any(use.sum(axis=1) > NUMBER):
            continue
        share = use / NUMBER
        watts = share[:, 0] @ run.watts + share[:, 1] @ service.watts
        if np.any(watts > cap + 1e-9):
            continue
        cost = sum(float(np.sum(share[:, j] * t.usd.T)) * 0.5 * days for j, t in enumerate((run, service)))
        done = min(float((share[:, 0] @ run.rate).mean()) * days / run.amount, 1.0)
        asked = np.zeros(2) if service.demand is None else service.demand
        met = np.minimum(share[:, 1] @ service.rate, asked)
        if np.any(met < service.share_least * asked - 1e-9) or (run.must and done < 1.0 - 1e-9):
            continue
        cost -= run.run_usd * (done >= 1.0 - 1e-9) + service.unit_usd * float(met.mean()) * days
        best = cost if best is None else min(best, cost)
    return best


@FEW
@given(
    rates=RATES,
    serves=RATES,
    amount=st.integers(1, 12),
    demand=st.tuples(st.integers(0, 6), st.integers(1, 6)),
    cap=st.integers(1, 5),
    must=st.booleans(),
    worth=st.integers(0, 9),
)
def test_brute_force_agrees(
    rates: tuple[int, int],
    serves: tuple[int, int],
    amount: int,
    demand: tuple[int, int],
    cap: int,
    must: bool,
    worth: int,
) -> None:
    run = job("run", rates, amount=float(amount), must=must, run_usd=float(worth))
    asked = np.array(demand, dtype=float)
    service = job("service", serves, 1.5, demand=asked, share_least=0.5, unit_usd=0.7 * worth)
    found = least(pool(float(cap)), [run, service], 2.0, "value", whole=True)
    expected = brute(float(cap), run, service, 2.0)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert abs(found - expected) <= 1e-6 * max(abs(expected), 1.0)


@FEW
@given(
    rates=RATES.filter(any),
    serves=RATES.filter(any),
    amount=st.integers(1, 30),
    demand=st.integers(1, 4),
    deadline=st.integers(1, 5),
)
def test_more_never_hurts(
    rates: tuple[int, int], serves: tuple[int, int], amount: int, demand: int, deadline: int
) -> None:
    """More time, power, rate or accelerators never raises the least cost; less work never does either."""
    run = job("run", rates, amount=float(amount), deadline=float(deadline), single=True, elastic=False)
    service = job("service", serves, demand=np.array([float(demand), 1.0]))
    before = least(pool(3.0, 0.8), [run, service], 6.0, "cost")
    better = [
        least(pool(3.5, 0.8), [run, service], 6.0, "cost"),
        least(pool(3.0, 0.9), [run, service], 6.0, "cost"),
        least(pool(3.0, 0.8), [replace(run, deadline=deadline + 1.0), service], 6.0, "cost"),
        least(pool(3.0, 0.8), [replace(run, rate=run.rate * 1.2), service], 6.0, "cost"),
        least(pool(3.0, 0.8), [replace(run, amount=run.amount * 0.9), service], 6.0, "cost"),
        least(pool(3.0, 0.8), [replace(run, elastic=True), service], 6.0, "cost"),
        least(pool(3.0, 0.8), [replace(run, single=False), service], 6.0, "cost"),
    ]
    if before is None:
        return
    for after in better:
        assert after is not None
        assert after <= before + 1e-6 * max(abs(before), 1.0)


@FEW
@given(rates=RATES.filter(any), amount=st.integers(1, 10), factor=st.floats(0.01, 100.0))
def test_units_do_not_matter(rates: tuple[int, int], amount: int, factor: float) -> None:
    run = job("run", rates, amount=float(amount))
    scaled = replace(run, rate=run.rate * factor, amount=run.amount * factor)
    dearer = replace(run, usd=run.usd * factor)
    plain, same, dear = (least(pool(), [task], 9.0, "cost") for task in (run, scaled, dearer))
    if plain is None:
        assert same is None
        return
    assert same is not None
    assert dear is not None
    assert abs(same - plain) <= 1e-6 * plain
    assert abs(dear - plain * factor) <= 1e-6 * plain * factor


@FEW
@given(amounts=st.lists(st.integers(1, 20), min_size=1, max_size=4), rate=st.integers(1, 6))
def test_alike_jobs_finish_shortest_first(amounts: list[int], rate: int) -> None:
    """On one machine whose rate all jobs share, the least sum of ends is that of the shortest first."""
    tasks = [job(f"j{n}", (rate, rate), amount=float(amount)) for n, amount in enumerate(amounts)]
    program = finishing_program(pool=pool(), tasks=tasks, days=200.0)
    found = solved(program.linear)
    assert found is not None
    expected = float(np.sum(np.cumsum(np.sort(amounts)))) / (2.0 * rate)
    assert abs(found.cost - expected) <= 1e-6 * expected
    assert abs(float(program.end_days(found.x).sum()) - expected) <= 1e-5 * expected


@settings(deadline=None)
@given(
    points=st.lists(
        st.tuples(st.integers(1, 10_000), st.floats(0.0, 1e9)),
        min_size=1,
        max_size=8,
        unique_by=lambda p: p[0],
    )
)
def test_the_hull_is_concave_above_all_points_and_no_higher_than_it_must(
    points: list[tuple[int, float]],
) -> None:
    sizes, rates = (np.array(part, dtype=float) for part in zip(*points, strict=True))
    hull = concave_hull(accelerators=sizes, rate=rates)
    at = np.concatenate([[0.0], np.cumsum(hull.width)])
    on = np.concatenate([[0.0], np.cumsum(hull.width * hull.slope)])
    assert np.all(np.diff(hull.slope) < 0.0)
    assert np.all(np.interp(sizes, at, on) >= rates * (1.0 - 1e-9) - 1e-9)
    corners = dict(points)
    for size, rate in zip(at[1:], on[1:], strict=True):  # every corner is a measured point
        assert abs(corners[round(size)] - rate) <= 1e-6 * max(rate, 1.0)
    assert 0.0 <= hull.loss <= 1.0


@settings(deadline=None)
@given(peak=st.floats(1.0, 8.0), hour=st.floats(0.0, 24.0), periods=st.integers(1, 96))
def test_a_daily_curve_is_positive_with_mean_one_and_turns_with_its_peak(
    peak: float, hour: float, periods: int
) -> None:
    curve = daily_curve(peak_over_mean=peak, peak_hour=hour, periods=periods)
    assert np.all(curve >= 0.0)
    assert abs(float(curve.mean()) - 1.0) <= 1e-9
    assert float(curve.max()) <= peak * (1.0 + 1e-3)
    step = 24.0 / periods
    turned = daily_curve(peak_over_mean=peak, peak_hour=hour + step, periods=periods)
    assert np.allclose(np.roll(curve, 1), turned, atol=1e-9)
