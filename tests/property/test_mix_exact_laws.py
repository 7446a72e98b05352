"""What makes the programs of sharing small and quick changes no answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.model.sharing import Pool, Task, finishing_program, sharing_program
from planner.plan.mix import branching
from planner.plan.mix.branching import branched
from planner.plan.mix.highs import solved

FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBER = np.array([2.0, 2.0])
RATES = st.tuples(st.integers(0, 6), st.integers(1, 6))


def pool(periods: int, cap: float = 3.0) -> Pool:
    return Pool(
        accelerators=NUMBER,
        system=np.ones(2),
        free=np.full((2, periods), 0.9),
        share=np.full(periods, 1.0 / periods),
        base_watts=np.full(periods, 0.5),
        cap_watts=np.full(periods, cap),
    )


def job(name: str, rates: tuple[int, int], periods: int, **more: object) -> Task:
    usual = {
        "group": np.arange(2),
        "width": np.full(2, 3.0),
        "rate": np.array(rates, dtype=float),
        "watts": NUMBER,
        "usd": NUMBER[:, None] * np.ones(periods),
    }
    return Task(name=name, **(usual | more))  # type: ignore[arg-type]


@FEW
@given(
    rates=RATES, serves=RATES, demand=st.tuples(st.integers(0, 3), st.integers(1, 3)), worth=st.integers(0, 4)
)
def test_hours_that_are_alike_are_one_without_loss(
    rates: tuple[int, int], serves: tuple[int, int], demand: tuple[int, int], worth: int
) -> None:
    """A trace of another demand, too small to matter, keeps hours apart: the optimum is the same."""
    asked = np.repeat(np.array(demand, dtype=float), 3)
    costs, sizes = [], []
    for trace in (np.zeros(6), np.arange(6) * 1e-9):
        tasks = [
            job("run", rates, 6, amount=4.0, must=False, run_usd=3.0 * worth, elastic=False, single=True),
            job("chat", serves, 6, demand=asked + trace, share_least=0.5, unit_usd=float(worth)),
        ]
        program = sharing_program(pool=pool(6), tasks=tasks, edges=np.array([0.0, 2.0]), objective="value")
        found = solved(program.linear)
        costs.append(None if found is None else found.cost)
        sizes.append(len(program.linear.cost))
        if found is not None:
            use = program.group_days(found.x, 1)
            assert use.shape == (1, 6, 2)
            day = program.group_days(found.x, 0) + use
            assert np.all(day <= 0.9 * 2.0 / 6.0 + 1e-9)
    assert sizes[0] < sizes[1]
    assert (costs[0] is None) == (costs[1] is None)
    if costs[0] is not None and costs[1] is not None:
        assert abs(costs[0] - costs[1]) <= 1e-6 * max(abs(costs[1]), 1.0)


@FEW
@given(
    rates=st.lists(RATES, min_size=2, max_size=3),
    amounts=st.lists(st.integers(1, 8), min_size=3, max_size=3),
    weights=st.lists(st.integers(1, 3), min_size=3, max_size=3),
    deadline=st.integers(1, 9),
    demand=st.integers(0, 3),
)
def test_own_branches_agree_with_the_solvers(
    rates: list[tuple[int, int]], amounts: list[int], weights: list[int], deadline: int, demand: int
) -> None:
    tasks = [
        job(f"j{n}", each, 2, amount=float(amount), weight=float(weight), single=n != 1, elastic=n == 1)
        for n, (each, amount, weight) in enumerate(zip(rates, amounts, weights, strict=False))
    ]
    tasks[0] = replace(tasks[0], deadline=float(deadline))
    tasks.append(job("chat", (3, 2), 2, demand=np.array([float(demand), 1.0])))
    program = finishing_program(pool=pool(2), tasks=tasks, days=20.0)
    own, other = branched(program.linear, program.goes_on), solved(program.linear)
    assert (own is None) == (other is None)
    if own is not None and other is not None:
        assert own.gap == 0.0
        assert abs(own.cost - other.cost) <= 1e-6 * other.cost
        ends = program.end_days(own.x)
        assert abs(float(ends @ np.array([t.weight for t in tasks[:-1]])) - own.cost) <= 1e-6 * own.cost


def test_many_branches_are_left_to_the_solver() -> None:
    tasks = [job(f"j{n}", (n + 1, 4 - n), 2, amount=3.0 + n, single=True, elastic=False) for n in range(4)]
    program = finishing_program(pool=pool(2), tasks=tasks, days=40.0)
    own = branched(program.linear, program.goes_on)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branching, "MOST_PROGRAMS", 3)
        left = branched(program.linear, program.goes_on)
    assert own is not None
    assert left is not None
    assert abs(own.cost - left.cost) <= 1e-6 * left.cost
