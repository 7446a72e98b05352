"""Titles and captions of curves: what a reader must know, in few words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.curve.asked import Asked
    from planner.plan.document import Assumption
    from planner.plan.serving.parts import Layout
    from planner.plan.serving.results import ServeInputs, ServeResult

__all__ = [
    "assumed",
    "jobs_text",
    "layouts_text",
    "listed",
    "models_text",
    "requests_text",
    "service_title",
    "targets_of",
    "targets_text",
    "usual",
]


def listed(words: Iterable[str]) -> str:
    """Join words: ``a, b and c``."""
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last


def models_text(asked: Asked) -> str:
    """Name the models of a curve, each once."""
    names = [getattr(model, "id", model) for model in asked.models]
    return listed(name if isinstance(name, str) else "a model of your own" for name in names)


def jobs_text(asked: Asked) -> str:
    """Name the models and the hardware of a curve."""
    return f"{models_text(asked)} on {listed(spot.label for spot in asked.spots)}"


def service_title(what: str, asked: Asked, answer: ServeResult | None) -> str:
    """Say what is shown, and of what."""
    traffic = asked.traffic or ((answer.inputs.traffic,) if answer is not None else ())
    of = f" in {listed(traffic)} traffic" if traffic else ""
    return f"{what}: {jobs_text(asked)}{of}"


def targets_of(inputs: ServeInputs) -> list[str]:
    """Say the latency targets of a serving question, each in brief."""
    said = []
    for name in ("ttft", "tpot", "e2e"):
        most, share = getattr(inputs, f"{name}_ms"), getattr(inputs, f"{name}_percentile")
        if most is not None:
            seconds = f"{most / 1000:g} s" if most >= 1000 else f"{most:g} ms"
            said.append(f"{name.upper()} {'mean' if share is None else f'p{100 * share:g}'} {seconds}")
    return said


def requests_text(asked: Asked, answer: ServeResult | None) -> Iterator[str]:
    """Say what requests are like, where they are alike on all lines."""
    if answer is None or len(asked.traffic) > 1:
        return
    inputs = answer.inputs
    hit = f" ({inputs.prefix_hit:.0%} cached at best)" if inputs.prefix_hit else ""
    yield f"Requests of {inputs.isl:,.0f} input tokens{hit} and {inputs.osl:,.0f} output tokens on average."


def targets_text(asked: Asked, answers: Sequence[ServeResult]) -> Iterator[str]:
    """Say which requests are served how fast, and at what busy time; each kind of them once."""
    yield from requests_text(asked, answers[0] if answers else None)
    kinds = {answer.inputs.traffic: answer.inputs for answer in answers}
    for name, inputs in kinds.items():
        within = ", ".join(targets_of(inputs))
        each = f" of {name}" if len(kinds) > 1 else ""
        promised = f"Latency targets{each}: {within}." if within else f"No latency target{each}."
        yield f"{promised} Sized for the busiest {inputs.peak}."


def layouts_text(layouts: Sequence[Layout]) -> str:
    """Return the replicas of a fleet in brief: ``8 x tp8 + 2 x tp8 dp4 ep32 (decode)``."""
    return " + ".join(f"{one.replicas:,} x {_layout(one)}" for one in layouts)


def _layout(one: Layout) -> str:
    degrees = [f"{name}{getattr(one, name)}" for name in ("tp", "pp", "dp", "ep") if getattr(one, name) > 1]
    role = "" if one.role == "aggregated" else f" ({one.role})"
    return (" ".join(degrees) or "tp1") + role


def usual(asked: Asked, answer: Any) -> None:
    """Keep what a question of the curve assumed, each field once."""
    known = {(one.field, one.value) for one in asked.filled.assumptions}
    asked.filled.assumptions.extend(one for one in answer.assumptions if (one.field, one.value) not in known)
    asked.filled.notes.extend(note for note in answer.result.notes if note not in asked.filled.notes)


def assumed(assumptions: Iterable[Assumption], field: str) -> str | None:
    """Return what was assumed of a field, as text."""
    found = next((one for one in assumptions if one.field == field), None)
    if found is None or found.value is None:
        return None
    return (
        found.value
        if isinstance(found.value, str)
        else format_quantity(float(found.value), "count", digits=3)
    )
