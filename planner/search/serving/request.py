"""What is asked of the serving search: hardware, engines with precisions, a model, a load, and targets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from planner.errors import InputError, UsageError, suggest
from planner.tables.arrays import Model
from planner.tables.operators import Operators
from planner.tables.serving import Deployment, Engine, Load

__all__ = [
    "GOALS",
    "MODES",
    "PINNABLE",
    "Can",
    "Option",
    "ServingPart",
    "ServingRequest",
    "Target",
    "Variation",
]

MODES: Final = ("aggregated", "disaggregated")
"""Prompts and decoding on the same replicas, or in pools of their own."""

GOALS: Final = ("throughput", "latency", "gpus")
"""What makes a plan better.

``throughput``: most requests per second on the accelerators there are. ``latency``: least end-to-end time.
``gpus``: fewest accelerators, for the demand where there is one, else for one replica.
"""

PINNABLE: Final = ("tp", "pp", "dp", "ep", "chunk", "max_batch")
"""Fields of a deployment that a request may fix to one value or to a choice of values."""


@dataclass(frozen=True, eq=False)
class ServingPart:
    """One kind of hardware, in its system and network.

    Parameters
    ----------
    name
        For messages only.
    operators
        One row: kernel laws, links, domain, node and NIC.
    memory_bytes
        Nominal device memory.
    gpus
        Accelerators available; inf where there is no limit.
    fabric_share
        Share of its NIC that caches on their way from prefill to decode may take.
    """

    name: str
    operators: Operators
    memory_bytes: float
    gpus: float = math.inf
    fabric_share: float = 0.6


@dataclass(frozen=True)
class Can:
    """What an engine can do with a model; `planner.workload.engine.Features` in plain values."""

    pipeline: bool = True
    attention_data: bool = False  # attention data-parallel ranks that share the experts
    experts: bool = False  # whole experts on different accelerators
    disaggregation: bool = False
    two_batches: bool = False  # hides expert traffic behind a second micro-batch


@dataclass(frozen=True, eq=False)
class Option:
    """An engine with precisions and speculation on one part: everything but the layout.

    Parameters
    ----------
    part
        Index into `ServingRequest.parts`.
    engine
        One row, on the host of that part.
    layout
        One row; its degrees are placeholders, its precisions and drafts are kept.
    can
        What the engine can do.
    chunks
        Prompt tokens per step and attention rank that may be tried; empty keeps that of `engine`.
    name
        For messages only, for example ``vllm, fp8 weights, fp8 cache``.
    lacks
        Why the engine cannot serve this model on this part, where it cannot; the option is then reported and
        not searched.
    """

    part: int
    engine: Engine
    layout: Deployment
    can: Can = field(default_factory=Can)
    chunks: tuple[float, ...] = ()
    name: str = ""
    lacks: str = ""


@dataclass(frozen=True)
class Variation:
    """Standard deviation over mean of prompt lengths, output lengths, and gaps between requests."""

    input: float = 0.0
    output: float = 0.0
    arrival: float = 1.0


@dataclass(frozen=True)
class Target:
    """A latency that a share of the requests must stay below; the default is none."""

    seconds: float = math.inf
    percentile: float | None = None
    """Share of the requests, 0.99 for p99; None means the mean."""

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return math.isfinite(self.seconds)


@dataclass(frozen=True, eq=False)
class ServingRequest:
    """One question to the search.

    Parameters
    ----------
    model
        One row.
    load
        One row: the mean request, and how lengths vary as far as mean times depend on it.
    parts, options
        Hardware, and what may run on it.
    variation
        How lengths and arrivals spread.
    ttft, tpot, e2e
        Targets; the default is none.
    rate
        Requests per second to serve; None asks what the hardware can serve.
    goal
        One of `GOALS`.
    modes
        Which of `MODES` are tried.
    pins
        Field of `PINNABLE` to the value, or the values, it may take. ``max_batch`` is the most sequences of
        a replica that decode together.
    most_tokens
        Longest context of the model.
    longest
        Longest request to be served (prompt and output), if it is known; the mean otherwise.
    routed
        Replicas of a kind that share one queue: a router sends each request to the one of so many that has
        the least to do. With 1 every replica has a queue of its own.
    most_load
        Share of the largest stable rate up to which a replica is loaded. The default leaves the margin that
        keeps waiting from exploding on a small error of the rate.
    top
        Plans to return that differ in more than batch and chunk.

    Raises
    ------
    UsageError
        Unknown goal, mode or field.
    InputError
        Values out of range; all of them at once.
    """

    model: Model
    load: Load
    parts: tuple[ServingPart, ...]
    options: tuple[Option, ...]
    variation: Variation = field(default_factory=Variation)
    ttft: Target = field(default_factory=Target)
    tpot: Target = field(default_factory=Target)
    e2e: Target = field(default_factory=Target)
    rate: float | None = None
    goal: str = "throughput"
    modes: tuple[str, ...] = MODES
    pins: Mapping[str, Any] = field(default_factory=dict)
    most_tokens: float = math.inf
    longest: float | None = None
    routed: int = 16
    most_load: float = 0.95
    top: int = 10

    def __post_init__(self) -> None:
        _check_word("goal", [self.goal], GOALS)
        _check_word("mode", self.modes, MODES)
        _check_word("field to pin", self.pins, PINNABLE)
        mistakes = list(self._mistakes())
        pins: dict[str, tuple[float, ...]] = {}
        for name, value in self.pins.items():
            many = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
            try:
                pins[name] = tuple(sorted({_whole(one) for one in many}))
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
            else:
                if not pins[name]:
                    mistakes.append(f"{name}: no value is left to choose from")
        if mistakes:
            raise InputError.collect(mistakes)
        object.__setattr__(self, "pins", pins)

    def _mistakes(self) -> Iterable[str]:
        for name, rows in (("model", self.model), ("load", self.load)):
            if len(rows) != 1:
                yield f"{name}: {len(rows)} rows; a search takes one"
        if not self.parts:
            yield "parts: give at least one"
        if not self.options:
            yield "options: give at least one"
        for i, option in enumerate(self.options):
            if option.part not in range(len(self.parts)):
                yield f"options.{i}.part: {option.part} is no index into parts"
        for name in ("ttft", "tpot", "e2e"):
            target: Target = getattr(self, name)
            if not target.seconds > 0:
                yield f"{name}: {target.seconds!r} is not a positive number of seconds"
            if target.percentile is not None and not 0.0 < target.percentile < 1.0:
                yield f"{name}: the percentile {target.percentile!r} is not a share between 0 and 1"
        if self.rate is not None and not 0.0 < self.rate < math.inf:
            yield f"rate: {self.rate!r} is not a positive number of requests per second"
        if not 1 <= self.routed <= 1024:
            yield f"routed: {self.routed!r} is not from 1 to 1024"
        if not 0.0 < self.most_load <= 1.0:
            yield f"most_load: {self.most_load!r} is not a share above 0 and up to 1"
        if not 1 <= self.top <= 1000:
            yield f"top: {self.top!r} is not from 1 to 1000"

    def pinned(self, name: str) -> tuple[float, ...] | None:
        """Values that a field may take, or None where it is free."""
        found: tuple[float, ...] | None = self.pins.get(name)
        return found


def _check_word(what: str, words: Iterable[str], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            hint = suggest(word, known, otherwise=f"there are {', '.join(known)}")
            raise UsageError(f"unknown {what} {word!r}; {hint}")


def _whole(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number") from None
    if not (math.isfinite(number) and number == int(number) and number >= 1):
        raise ValueError(f"{value!r} is not a whole number from 1")
    return number
