"""The program of sharing against brute force, closed forms and finite differences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

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

PRICE = np.array([1.0, 2.0])


def pool(*, sizes: tuple[float, ...] = (2.0, 3.0), cap: float | None = None, system: float = 1.0) -> Pool:
    groups = len(sizes)
    return Pool(
        accelerators=np.array(sizes),
        system=np.full(groups, system),
        free=np.ones((groups, 2)),
        share=np.array([0.5, 0.5]),
        base_watts=np.array([1.0, 1.0]),
        cap_watts=None if cap is None else np.array([cap, cap]),
    )


def task(name: str, *, rates: tuple[float, ...] = (2.0, 9.0), watts: float = 1.0, **more: object) -> Task:
    """Return a job with one segment in each of two groups; rates and watts are of the whole group."""
    number = len(rates)
    whole = np.array([2.0, 3.0])[:number] * watts
    usual = {
        "group": np.arange(number),
        "width": np.full(number, 2.0),  # more than there is: the group binds, not the curve
        "rate": np.array(rates),
        "watts": whole,
        "usd": whole[:, None] * PRICE[None],
    }
    return Task(name=name, **(usual | more))  # type: ignore[arg-type]


def brute(pool_: Pool, tasks: list[Task], days: float, objective: str) -> float | None:
    """Least objective over all whole allocations of two elastic tasks to two groups and two periods."""
    best = None
    counts = [range(int(n) + 1) for n in pool_.accelerators]
    per_period = list(itertools.product(*counts, *counts))
    for first, second in itertools.product(per_period, repeat=2):
        use = np.array([first, second], dtype=float).reshape(2, 2, 2)  # [period, task, group]
        if np.any(use.sum(axis=1) > pool_.accelerators):
            continue
        share = use / pool_.accelerators
        watts = pool_.base_watts + sum(share[:, j] @ tasks[j].watts for j in range(2))
        if pool_.cap_watts is not None and np.any(watts > pool_.cap_watts + 1e-9):
            continue
        total = 0.0
        for j, each in enumerate(tasks):
            cost = float(np.sum(share[:, j] * each.usd.T * 0.5 * days))
            rate = share[:, j] @ each.rate
            least = (each.share_least if each.demand is not None else 1.0) if each.must else 0.0
            asked = np.full(2, each.amount / days) if each.demand is None else each.demand
            if each.demand is None:
                rate = np.full(2, rate.mean())  # any time of the day will do
            if np.any(rate < least * asked - 1e-9):
                break
            work = float(np.minimum(rate, asked).mean() * days)
            total += cost
            if objective == "value":
                total -= each.unit_usd * work
                if each.demand is None and work >= each.amount - 1e-9:
                    total -= each.run_usd
        else:
            best = total if best is None else min(best, total)
    return best


CASES = [
    ("cost", task("a", amount=8.0), task("b", rates=(4.0, 3.0), amount=6.0), None),
    ("cost", task("a", amount=8.0), task("b", rates=(4.0, 3.0), demand=np.array([2.0, 5.0])), None),
    ("cost", task("a", amount=8.0), task("b", rates=(4.0, 3.0), demand=np.array([2.0, 5.0])), 5.0),
    ("value", task("a", amount=90.0, must=False, unit_usd=0.5),
     task("b", amount=12.0, must=False, run_usd=9.0), 4.0),
    ("value", task("a", amount=90.0, must=False, unit_usd=3.0),
     task("b", amount=12.0, must=False, run_usd=9.0), 4.0),
    ("value", task("a", amount=7.0, must=False, run_usd=9.0),
     task("b", demand=np.array([4.0, 9.0]), must=False, unit_usd=2.0), 5.0),
    ("cost", task("a", amount=100.0), task("b", amount=6.0), None),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "first", "second", "cap"), CASES)
def test_brute_force_agrees_where_systems_are_whole(
    objective: str, first: Task, second: Task, cap: float | None
) -> None:
    own, tasks, days = pool(cap=cap), [first, second], 2.0
    program = sharing_program(
        pool=own,
        tasks=tasks,
        edges=np.array([0.0, days]),
        objective=objective,
        whole=True,  # type: ignore[arg-type]
    )
    found, expected = solved(program.linear), brute(own, tasks, days, objective)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found.gap == 0.0
        assert found.cost == pytest.approx(expected, abs=1e-6)


def test_a_job_of_one_group_and_of_one_size_costs_no_less() -> None:
    free = [task("a", amount=16.0), task("b", rates=(4.0, 3.0), amount=6.0)]
    bound = [replace(free[0], single=True, elastic=False), free[1]]
    costs = []
    for tasks in (free, bound):
        program = sharing_program(pool=pool(), tasks=tasks, edges=np.array([0.0, 2.0]), objective="cost")
        found = solved(program.linear)
        assert found is not None
        costs.append(found.cost)
        use = program.group_days(found.x, 0)
        if tasks is bound:
            assert np.allclose(use[:, 0], use[:, 1])
            assert np.count_nonzero(use.sum(axis=(0, 1)) > 1e-9) == 1
    assert costs[0] <= costs[1] + 1e-9


def test_two_alike_jobs_finish_one_after_the_other() -> None:
    """Work 12 each at 12 a day together: days 1 and 2, not 2 and 2."""
    tasks = [task("a", rates=(6.0, 6.0), amount=12.0), task("b", rates=(6.0, 6.0), amount=12.0)]
    program = finishing_program(pool=pool(), tasks=tasks, days=10.0)
    found = solved(program.linear)
    assert found is not None
    assert found.cost == pytest.approx(3.0)
    assert program.phase_days(found.x) == pytest.approx([1.0, 1.0])
    assert sorted(program.end_days(found.x)) == pytest.approx([1.0, 2.0])


def test_the_heavier_job_goes_first_and_a_deadline_turns_the_order() -> None:
    first = task("a", rates=(6.0, 6.0), amount=12.0, weight=3.0)
    tasks = [task("b", rates=(6.0, 6.0), amount=24.0), first]
    program = finishing_program(pool=pool(), tasks=tasks, days=10.0)
    found = solved(program.linear)
    assert found is not None
    assert program.end_days(found.x) == pytest.approx([3.0, 1.0])
    turned = finishing_program(pool=pool(), tasks=[replace(tasks[0], deadline=2.0), first], days=10.0)
    found = solved(turned.linear)
    assert found is not None
    assert turned.end_days(found.x) == pytest.approx([2.0, 3.0])


def test_finishing_agrees_with_all_orders_by_fixed_phases() -> None:
    """Of three unlike jobs: the best of the six orders, each with the best lengths of a fine grid."""
    tasks = [
        task("a", amount=10.0),
        task("b", rates=(8.0, 1.0), amount=9.0),
        task("c", rates=(3.0, 3.0), amount=7.0),
    ]
    program = finishing_program(pool=pool(), tasks=tasks, days=12.0)
    found = solved(program.linear)
    assert found is not None
    ends = program.end_days(found.x)
    for place in range(3):  # none could end sooner with the others where they are
        for sooner in (0.05, 0.3):
            moved = [replace(t, deadline=float(e) + 1e-7) for t, e in zip(tasks, ends, strict=True)]
            moved[place] = replace(moved[place], deadline=float(ends[place]) - sooner)
            edges = phases_of(moved, days=12.0)
            assert (
                solved(sharing_program(pool=pool(), tasks=moved, edges=edges, objective="cost").linear)
                is None
            )
    grid = np.arange(0.25, 6.0, 0.25)
    for days in itertools.product(grid, repeat=3):
        if sum(days) >= found.cost - 1e-6:
            continue
        if max(days) < ends.max() / 2 or min(days) < 1.0:
            continue
        moved = [replace(t, deadline=float(e)) for t, e in zip(tasks, days, strict=True)]
        edges = phases_of(moved, days=12.0)
        assert solved(sharing_program(pool=pool(), tasks=moved, edges=edges, objective="cost").linear) is None


@pytest.mark.parametrize("rows", ["capacity", "power"])
def test_prices_of_what_is_scarce_are_differences(rows: str) -> None:
    tasks = [
        task("a", amount=900.0, must=False, unit_usd=5.0),
        task("b", rates=(4.0, 3.0), demand=np.array([4.0, 6.0]), share_least=0.3, unit_usd=2.0),
    ]
    step = 1e-4

    def cost(more: float) -> tuple[float, float]:
        own = pool(cap=4.5 if rows == "power" else None)
        if rows == "power":
            own = replace(own, cap_watts=np.array([4.5, 4.5]) + more)
            program = sharing_program(pool=own, tasks=tasks, edges=np.array([0.0, 2.0]), objective="value")
            found = solved(program.linear)
            assert found is not None
            return found.cost, float(np.sum(found.worth[program.power] * 0.5 * 2.0 / 4.5))
        own = replace(own, free=np.array([[1.0, 1.0], [1.0 + more, 1.0 + more]]))
        program = sharing_program(pool=own, tasks=tasks, edges=np.array([0.0, 2.0]), objective="value")
        found = solved(program.linear)
        assert found is not None
        return found.cost, float(np.sum(found.worth[program.capacity[:, :, 1]] * 0.5 * 2.0))

    before, price = cost(0.0)
    assert price > 0.0
    assert before - cost(step)[0] == pytest.approx(price * step, rel=1e-3)


def test_the_hull_is_above_all_points_and_meets_the_best() -> None:
    sizes, rates = np.array([4.0, 1.0, 8.0, 16.0]), np.array([5.0, 2.0, 12.0, 11.0])
    hull = concave_hull(accelerators=sizes, rate=rates)
    assert hull.width.sum() == 8.0
    assert np.all(np.diff(hull.slope) < 0)
    on = np.interp(sizes, np.concatenate([[0], np.cumsum(hull.width)]),
                   np.concatenate([[0], np.cumsum(hull.width * hull.slope)]))  # fmt: skip
    assert np.all(on >= rates - 1e-12)
    assert hull.loss == pytest.approx(1 - 5.0 / (2.0 + 3.0 * 10.0 / 7.0))


@pytest.mark.parametrize("peak", [1.0, 1.226, 2.0, 4.0, 8.0])
def test_a_daily_curve_has_its_peak_and_its_mean(peak: float) -> None:
    fine = daily_curve(peak_over_mean=peak, peak_hour=15.5, periods=288)
    assert fine.mean() == pytest.approx(1.0)
    assert fine.max() == pytest.approx(peak, rel=0.01)
    if peak > 1.0:
        assert np.argmax(fine) == pytest.approx(15.5 * 12, abs=1)
    coarse = daily_curve(peak_over_mean=peak, peak_hour=15.5, periods=24)
    assert coarse == pytest.approx(fine.reshape(24, 12).mean(axis=1), abs=1e-5)
