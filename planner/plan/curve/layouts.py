"""Plans whose parts are shown as bars: the best of each model and hardware, other layouts, pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.plan.curve.results import CurveAnswer, Part, Stack
from planner.plan.curve.services import asking, lines_of
from planner.plan.curve.words import layouts_text, usual
from planner.plan.results import Plan, TrainResult
from planner.plan.serving.layouts import by_size, layouts_of
from planner.plan.table import layout as layout_text
from planner.plan.train import train

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.curve.services import Line
    from planner.plan.serving.results import Layout, ServeResult
    from planner.plan.strategy import Strategy
    from planner.search.serving import PoolPlan

__all__ = ["Pool", "Trained", "collected", "pools", "trained"]

_ALTERNATIVES: Final = 5
_TOP: Final = 3
_LEAST: Final = 0.004
"""Of the largest bar: a part that is less than so much in all of them is told with the rest."""
_REST: Final = "rest"
_DEGREES: Final = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "sharding", "recompute")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A plan of training with its name on the bar."""

    name: str
    plan: Plan
    result: TrainResult


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Like replicas of a service, with their name on the bar."""

    name: str
    pool: PoolPlan
    layout: Layout
    result: ServeResult


def trained(asked: Asked, reasons: list[str], *, least: float = 0.0) -> Iterator[Trained]:
    """Yield the best plan of each model on each hardware.

    Of one model on one kind of hardware also its alternatives, or the best layout beside the pinned one.

    Parameters
    ----------
    reasons
        Receives why something cannot be trained.
    least
        Of the best plan's accelerators: what an alternative uses at least.
    """
    lines = lines_of(asked)
    for line in lines:
        alone = len(lines) == 1
        best = _train(asked, line, top=_ALTERNATIVES if alone and not asked.layout else 0)
        usual(asked, best)
        yield from _named(line.name or "best", best, reasons)
        if asked.layout:
            pinned = _train(asked, line, top=0, **asked.layout)
            yield from _named(", ".join(filter(None, (line.name, "pinned"))), pinned, reasons)
        for other in best.result.alternatives if alone else ():
            if not other.why.startswith("on "):
                again = _train(asked, line, top=0, **_pins(other.strategy))
                named = _named(other.why, again, [])
                yield from (one for one in named if one.plan.gpus_used >= least * _used(best))


def _used(result: TrainResult) -> int:
    return 0 if result.plan is None else result.plan.gpus_used


def _train(asked: Asked, line: Line, **more: Any) -> TrainResult:
    spot = line.spot
    gpus = asked.range_on(spot)[1]
    given = {**asked.options, **more}
    return train(line.model, cluster=spot.cluster, gpu=spot.gpu, gpus=gpus, catalog=asked.book, **given)


def _named(name: str, result: TrainResult, reasons: list[str]) -> Iterator[Trained]:
    plan = result.plan
    if plan is None:
        reasons += [f"{name}: {why}" for why in result.result.reasons]
        return
    s = plan.strategy
    states = " ".join(word for word in (s.sharding, f"recompute {s.recompute}") if "none" not in word)
    words = " ".join(filter(None, (layout_text(s), states)))
    yield Trained(name=f"{name}: {words}", plan=plan, result=result)


def _pins(s: Strategy) -> dict[str, Any]:
    """Return a layout as options of `planner.train`."""
    pins = {name: getattr(s, name) for name in _DEGREES}
    pins |= {"sequence_parallel": s.sequence_parallel, "offload": s.offload}
    if s.recompute == "full":
        pins["recompute_layers"] = s.recompute_layers
    if s.zero_bubble:
        pins["zero_bubble"] = True
    if s.in_flight is not None:
        pins["in_flight"] = s.in_flight
    return pins


def pools(asked: Asked, reasons: list[str]) -> Iterator[Pool]:
    """Yield the pools of the best service of each line; of one line alone also of the next services."""
    lines = lines_of(asked)
    for line in lines:
        alone = len(lines) == 1
        answer = asking(asked, line, gpus=asked.range_on(line.spot)[1], top=_TOP if alone else 0)
        usual(asked, answer)
        found = answer._trace
        if found is None:
            reasons += [f"{line.name or line.spot.label}: {why}" for why in answer.result.reasons]
            continue
        fleets = [found.best, *(found.result.top[:_TOP] if alone else ())]
        seen = set()
        for rank, fleet in enumerate(fleets):
            for pool, layout in zip(by_size(fleet), layouts_of(found.case, fleet), strict=True):
                words = layouts_text([layout.model_copy(update={"replicas": 1})]).removeprefix("1 x ")
                words += f" batch {float(pool.point.batch[0]):,.0f}"
                if words not in seen:
                    first = line.name or ("best" if rank == 0 else f"rank {rank + 1}")
                    yield Pool(name=f"{first}: {words}", pool=pool, layout=layout, result=answer)
                seen.add(words)


def collected(answer: CurveAnswer, stacks: list[Stack], reasons: list[str]) -> CurveAnswer:
    """Return an answer with its bars; parts that are small in all of them are told together."""
    most = max((stack.total.value for stack in stacks), default=0.0)
    large: dict[str, float] = {}
    for stack in stacks:
        for part in stack.parts:
            large[part.name] = max(large.get(part.name, 0.0), part.value)
    small = {name for name, value in large.items() if value < _LEAST * most}
    return answer.model_copy(
        update={
            "stacks": tuple(_gathered(stack, small) for stack in stacks),
            "reasons": () if stacks else tuple(dict.fromkeys(reasons)),
            "notes": tuple(dict.fromkeys(reasons)) if stacks else (),
        }
    )


def _gathered(stack: Stack, small: set[str]) -> Stack:
    kept = [part for part in stack.parts if part.name not in small and part.name != _REST]
    rest = sum(part.value for part in stack.parts if part.name in small or part.name == _REST)
    return stack.model_copy(update={"parts": (*kept, *([Part(name=_REST, value=rest)] if rest else ()))})
