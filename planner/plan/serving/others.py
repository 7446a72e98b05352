"""What else could be deployed: the next best fleets, the other mode, and the exchange of speed for yield."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from planner.plan.serving import results
from planner.plan.serving.latency import latencies
from planner.plan.serving.layouts import layouts_of, mode_of
from planner.plan.serving.words import rate_text
from planner.search.serving import MODES
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.plan.serving.solve import Found
    from planner.search.serving import FleetPlan

__all__ = ["alternative_of", "comparison_of", "others_of", "pareto_of"]

EQUAL: Final = 0.01
"""Relative difference below which two modes are the same."""


def alternative_of(found: Found, fleet: FleetPlan, why: str) -> results.Alternative:
    """Return a fleet in brief."""
    job = found.case.job
    times = latencies(fleet, osl=job.traffic.osl)
    return results.Alternative(
        why=why,
        mode=mode_of(fleet),
        layouts=layouts_of(found.case, fleet),
        gpus=round(fleet.gpus),
        requests_per_s=fleet.rate,
        users=job.users(fleet.rate),
        output_tokens_per_s_per_gpu=_yield(found, fleet),
        ttft_ms=None if job.offline else times.ttft.mean / MILLI,
        tpot_ms=times.tpot.mean / MILLI,
        e2e_ms=None if job.offline else times.e2e.mean / MILLI,
    )


def _yield(found: Found, fleet: FleetPlan) -> float:
    """Output tokens per second and serving accelerator."""
    return fleet.rate * found.case.job.traffic.osl / fleet.gpus


def others_of(found: Found) -> tuple[results.Alternative, ...]:
    """Return the next best fleets; the chosen one is left out."""
    return tuple(_others(found))


def _others(found: Found) -> Iterator[results.Alternative]:
    best = found.best
    chosen = None if best is None else alternative_of(found, best, "chosen")
    place = 1
    for fleet in found.result.top:
        one = alternative_of(found, fleet, f"rank {place + 1}")
        if chosen is not None and one.layouts == chosen.layouts:
            continue
        place += 1
        if place > found.case.job.top + 1:
            return
        yield one.model_copy(update={"why": f"rank {place}"})


def comparison_of(found: Found) -> results.Comparison | None:
    """Compare the best aggregated fleet with the best in pools; None where one mode was pinned."""
    modes = found.result.request.modes
    if len(modes) < len(MODES):
        return None
    fleets = {mode: found.result.alternatives.get(mode) for mode in MODES}
    brief = {mode: None if f is None else alternative_of(found, f, mode) for mode, f in fleets.items()}
    together, pools = fleets["aggregated"], fleets["disaggregated"]
    if together is None or pools is None:
        better = next((mode for mode, fleet in fleets.items() if fleet is not None), None)
        sentence = _alone(found, better)
    else:
        better, sentence = _both(found, together, pools)
    return results.Comparison(
        aggregated=brief["aggregated"],
        disaggregated=brief["disaggregated"],
        better=better,  # type: ignore[arg-type]
        sentence=sentence,
    )


def _alone(found: Found, better: str | None) -> str:
    if better is None:
        return "No replica of one mode alone meets what is asked."
    if better == "disaggregated":
        return "No aggregated replica meets what is asked: prompts would delay decoding beyond the targets."
    able = any(option.can.disaggregation for option in found.result.request.options)
    if not able:
        return "The engine does not serve in pools."
    return "Pools do not meet what is asked, or there are not enough accelerators for two of them."


def _both(found: Found, together: FleetPlan, pools: FleetPlan) -> tuple[str, str]:
    """Which is better by the measure that was asked for, and by how much."""
    if found.rate is not None:
        one, two = together.gpus, pools.gpus
        what = f"{round(one):,} accelerators aggregated, {round(two):,} in pools of prefill and decode"
        gain = two / one - 1.0
    else:
        one, two = together.rate, pools.rate
        what = f"{rate_text(one)} requests/s aggregated, {rate_text(two)} in pools of prefill and decode"
        gain = one / two - 1.0
    if abs(gain) < EQUAL:
        return "equal", f"The same either way: {what}."
    better = "aggregated" if gain > 0 else "disaggregated"
    share = abs(gain) if gain > 0 else abs(1.0 / (1.0 + gain) - 1.0)
    name = "Aggregated serving" if gain > 0 else "Serving in pools"
    verb = "saves" if found.rate is not None else "gains"
    if found.rate is not None:
        share = 1.0 - min(one, two) / max(one, two)
    return better, f"{name} {verb} {share:.0%}: {what}."


def pareto_of(found: Found) -> tuple[results.ParetoPoint, ...]:
    """Return the exchange of tokens per accelerator for tokens per user, the most yielding first."""
    frontier = found.result.frontier
    if frontier is None:
        return ()
    points = frontier.points
    return tuple(
        results.ParetoPoint(
            tokens_per_s_per_gpu=float(frontier.tokens_per_s_per_gpu[i]),
            tokens_per_s_per_user=float(frontier.tokens_per_s_per_user[i]),
            ttft_ms=None if found.case.job.offline else float(frontier.ttft_s[i]) / MILLI,
            mode=MODES[int(frontier.mode[i])],
            accelerator=found.case.places[int(points.part[i])].accelerator.id,
            tp=int(points.tp[i]),
            pp=int(points.pp[i]),
            dp=int(points.dp[i]),
            ep=int(points.ep[i]),
            batch=float(points.batch[i]),
            chunk=int(points.chunk[i]),
        )
        for i in range(len(frontier.tokens_per_s_per_gpu))
    )
