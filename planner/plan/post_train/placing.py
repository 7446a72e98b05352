"""Putting a run on its hardware: layouts, the best split, and the same run in the other mode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from planner.errors import InfeasibleError
from planner.plan.post_train import results
from planner.plan.post_train.engines import Engine, engines, request_of, weights_bytes
from planner.plan.post_train.split import Choice, choose, fewer
from planner.units import SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.hardware import Hardware
    from planner.plan.post_train.step import Network
    from planner.plan.post_train.trainers import Fleet

__all__ = ["other_mode", "put"]

Mode = Literal["sync", "async"]
_PARTS: Final = (1.0, 0.5, 0.25, 0.125)
"""Of the accelerators, in which replicas have to find room."""


def put(
    book: Catalog,
    run: Run,
    where: Hardware,
    fleet: Fleet,
    network: Network,
    options: dict[str, Any],
    *,
    compare: bool,
) -> tuple[tuple[Engine, ...], Network, Choice | None]:
    """Find layouts and the best split; smaller replicas where large ones leave too little to training.

    Parameters
    ----------
    compare
        Also find the best splits of parts of the accelerators.

    Raises
    ------
    InfeasibleError
        No layout holds the model.
    """
    request, there = request_of(run), where.generating
    found: tuple[Engine, ...] = ()
    choice: Choice | None = None
    for part in _PARTS:
        try:
            found = engines(there.on(max(int(part * there.size()), 1)), run, request, options)
        except InfeasibleError:
            if not found:
                raise
            break
        network = replace(network, weights_bytes=weights_bytes(book, run, _weights_of(found[0])))
        choice = choose(
            run, found, fleet, network, mode=run.mode, total=where.total, elsewhere=where.generators
        )
        if choice is not None or run.mode == "sync" or where.elsewhere is not None:
            break
    if compare and choice is not None and run.mode == "async" and where.elsewhere is None:
        choice = replace(choice, fewer=fewer(run, choice, fleet, network))
    return found, network, choice


def _weights_of(engine: Engine) -> str:
    plan = engine.served.plan
    if plan is None:  # pragma: no cover
        raise TypeError("a rate of generation carries a plan of serving")
    return plan.deployment.precisions.weights


def other_mode(
    run: Run,
    where: Hardware,
    found: tuple[Engine, ...],
    fleet: Fleet,
    network: Network,
    choice: Choice,
    steps: float,
) -> results.Alternative | None:
    """Return as many steps in the other mode."""
    if where.elsewhere is not None:
        return None
    mode: Mode = "async" if run.mode == "sync" else "sync"
    other = choose(run, found, fleet, network, mode=mode, total=where.total, roughly=True)
    if other is None:
        reason = next(iter(fleet.reasons.values()), "the accelerators cannot be split")
        return results.Alternative(
            mode=mode, step_time_s=None, days=None, sentence=f"Cannot run {mode}: {reason}."
        )
    stale = run.stated_value("staleness")
    ahead = f", a staleness of {stale:g} step{'s' if stale != 1.0 else ''}," if mode == "async" else ""
    times = other.seconds / choice.seconds
    longer = (
        f"{times:.3g} times as long"
        if times > 2.0
        else f"{abs(times - 1.0):.0%} {'shorter' if times < 1.0 else 'longer'}"
    )
    return results.Alternative(
        mode=mode,
        step_time_s=other.seconds,
        days=other.seconds * steps / SECONDS_PER_DAY,
        sentence=f"In {mode} mode{ahead} a step takes about "
        f"{format_quantity(other.seconds, 's', digits=3)}, {longer}.",
    )
