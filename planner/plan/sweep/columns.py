"""Which figures of an answer become columns: paths into its type, known before any question is asked."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel

from planner.errors import InputError, suggest
from planner.plan.scenario.questions import Question

__all__ = ["Figure", "Kind", "figures_of", "of_replicas", "wanted"]

Kind = Literal["number", "whole", "flag", "text"]
"""What a column holds: floats, whole numbers, true or false, text; every one of them may be missing."""

_ENDS: Final = ("value", "low", "high")
_LEFT_OUT: Final = frozenset({"search"})
"""Parts of answers that say how they were found: seconds differ from run to run."""
_USUAL_DEPTH: Final = 2

HEADLINES: Final[Mapping[str, tuple[str, ...]]] = {
    "train": (
        "plan.gpus_used", "plan.step_time_s", "plan.tokens_per_s", "plan.mfu", "plan.days",
        "plan.days_with_failures", "plan.goodput", "plan.cost_usd", "plan.usd_per_gpu_hour",
        "plan.power_megawatts", "plan.energy_megawatt_hours", "plan.memory_gb_per_gpu.device",
        "plan.memory_gb_per_gpu.fit_probability",
    ),
    "serve": (
        "plan.gpus", "plan.requests_per_s", "plan.output_tokens_per_s", "plan.output_tokens_per_s_per_gpu",
        "plan.users", "plan.ttft_ms", "plan.tpot_ms", "plan.e2e_ms", "plan.cost_usd",
        "plan.usd_per_million_tokens", "plan.power_megawatts", "plan.memory_gb_per_gpu.used",
    ),
}  # fmt: skip
"""What the questions that are swept most are asked for; of others every figure near the top of the answer."""


@dataclass(frozen=True)
class Figure:
    """One figure of an answer, and the columns that it takes.

    Attributes
    ----------
    path
        Below ``result``, as in ``plan.days``.
    kind
        Of its columns.
    ends
        For an interval the fields that become columns; empty for a plain value.
    """

    path: str
    kind: Kind
    ends: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Headers: an interval's value has the plain path, its ends stand behind a dot."""
        return tuple(self.path if end == self.ends[0] else f"{self.path}.{end}" for end in self.ends) or (
            self.path,
        )

    def of(self, answer: Any) -> list[Any]:
        """Return the values of its columns in an answer; None for what it lacks."""
        found = _looked_up(answer, self.path.split("."))
        if not self.ends:
            return [found]
        return [None if found is None else getattr(found, end) for end in self.ends]


def _looked_up(value: Any, steps: list[str]) -> Any:
    for step in steps:
        if value is None:
            return None
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, tuple | list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = getattr(value, step, None)
    return value


REPLICA: Final = tuple(
    Figure(f"replica.{name}", "whole" if name in ("gpus", "capacity") else "number", _ENDS if wide else ())
    for name, wide in (
        ("gpus", False), ("requests_per_s", True), ("output_tokens_per_s", True),
        ("output_tokens_per_s_per_gpu", True), ("input_tokens_per_s", True), ("tpot_ms", True),
        ("step_ms", False), ("decode_step_ms", False), ("prefill_ms", False), ("mixed_share", False),
        ("concurrency", False), ("capacity", False), ("memory_gb_per_gpu.weights", False),
        ("memory_gb_per_gpu.workspace", False), ("memory_gb_per_gpu.cache", False),
        ("memory_gb_per_gpu.used", False),
    )
)  # fmt: skip
"""What a replica does while so many sequences decode in it: operating points, which only sweeps ask for."""


def of_replicas(names: tuple[str, ...]) -> tuple[tuple[Figure, ...], dict[int, str]]:
    """Return figures of operating points as `wanted` does; all of them where none are named."""
    known = {figure.path: figure for figure in REPLICA}
    wrong = {}
    for place, name in enumerate(names):
        if name not in known:
            mend = suggest(name, known, otherwise=f"they have {', '.join(known)}")
            wrong[place] = f"operating points (batch) have no figure {name!r}; {mend}"
        elif name in names[:place]:
            wrong[place] = f"{name!r} is there twice; keep one"
    return tuple(known[name] for name in names if name in known) or REPLICA, wrong


def wanted(question: Question, names: tuple[str, ...]) -> tuple[tuple[Figure, ...], dict[int, str]]:
    """Return the figures that become columns, and what is wrong with the names, by place."""
    if not names:
        usual = HEADLINES.get(question.command)
        every = figures_of(question)
        if usual is not None:
            return tuple(every[name] for name in usual), {}
        near = [
            f for f in every.values() if f.path.count(".") < _USUAL_DEPTH and f.kind in ("number", "whole")
        ]
        return tuple(near), {}
    found, wrong = [], {}
    for place, name in enumerate(names):
        try:
            found.append(_figure(question, name))
        except InputError as error:
            wrong[place] = str(error)
        else:
            if name in names[:place]:
                wrong[place] = f"{name!r} is there twice; keep one"
    return tuple(found), wrong


def _figure(question: Question, name: str) -> Figure:
    every = figures_of(question)
    plain = name.removeprefix("result.")
    if plain in every:
        return every[plain]
    found = _below(answer_type(question), tuple(plain.split(".")))
    if found is not None:
        return Figure(plain, *found)
    shorter = {path.rpartition(".")[2]: path for path in every}
    close = shorter.get(plain)
    there = f"the figures are, for example, {', '.join(list(every)[:4])}"
    mend = f"did you mean {close!r}?" if close else suggest(plain, every, otherwise=there)
    raise InputError(f"{question.command} has no figure {name!r}; {mend}")


@cache
def _figures(question: Question) -> Mapping[str, Figure]:
    return {f.path: f for f in _walked(answer_type(question), ())}


def figures_of(question: Question) -> Mapping[str, Figure]:
    """Return every figure of the answers to a question outside lists, by path."""
    return _figures(question)


def answer_type(question: Question) -> Any:
    """Return the type of ``result`` in the document of a question."""
    function = question.function
    alone = types.SimpleNamespace(__annotations__={"it": function.__annotations__["return"]})
    document = typing.get_type_hints(alone, globalns=getattr(function, "__globals__", {}))["it"]
    return document.model_fields["result"].annotation


def _walked(hint: Any, path: tuple[str, ...]) -> Iterator[Figure]:
    hint = _plain(hint)
    leaf = _leaf(hint)
    if leaf is not None and path:
        yield Figure(".".join(path), *leaf)
    elif isinstance(hint, type) and issubclass(hint, BaseModel):
        for name, info in hint.model_fields.items():
            if path or name not in _LEFT_OUT:
                yield from _walked(info.annotation, (*path, name))


def _below(hint: Any, steps: tuple[str, ...]) -> tuple[Kind, tuple[str, ...]] | None:
    """Return kind and ends of the figure at a path, items of lists and of mappings included."""
    for place, step in enumerate(steps):
        hint = _plain(hint)
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (tuple, list) and step.isdecimal() and arguments:
            hint = arguments[0]
        elif origin is dict and arguments:
            hint = arguments[1]
        elif isinstance(hint, type) and issubclass(hint, BaseModel) and step in hint.model_fields:
            if place == 0 and step in _LEFT_OUT:
                return None
            hint = hint.model_fields[step].annotation
        else:
            return None
    return _leaf(_plain(hint))


def _plain(hint: Any) -> Any:
    """Return a type without None and without what annotates it; a union of several as it is."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kept = [part for part in typing.get_args(hint) if part is not type(None)]
        return _plain(kept[0]) if len(kept) == 1 else hint
    return hint


def _leaf(hint: Any) -> tuple[Kind, tuple[str, ...]] | None:
    plain: Mapping[Any, Kind] = {bool: "flag", int: "whole", float: "number", str: "text"}
    if hint in plain:
        return plain[hint], ()
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return "text", ()
    if origin in (typing.Union, types.UnionType):
        return ("number" if set(typing.get_args(hint)) <= {int, float, type(None)} else "text"), ()
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        fields = hint.model_fields
        ends = tuple(name for name in ("value", "mean", "low", "high") if name in fields)
        if len(ends) == len(_ENDS) and "low" in ends and "high" in ends:
            return ("whole" if _plain(fields[ends[0]].annotation) is int else "number"), ends
    return None
