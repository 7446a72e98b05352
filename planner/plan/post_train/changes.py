"""Lengths and numbers of a recipe that the question gives instead, and the model's context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InputError
from planner.plan import numbers
from planner.units import SECONDS_PER_DAY, parse, short_number
from planner.workload.lengths import fit

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.tables.post_training import RecipeTable
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord

__all__ = ["CHANGES", "in_context", "with_changes", "with_late"]

_MOST: Final = 1e9
CHANGES: Final = {
    "prompts": "prompts",
    "group": "size",
    "staleness": "staleness",
    "prompt_tokens": "prompt",
    "mean_tokens": "sampled",
    "max_tokens": "most",
    "turns": "turns",
    "environment_tokens": "added",
    "epochs": "epochs",
    "passes": "passes",
}
"""Parameter of the question to the field of the recipe's table that it replaces."""
_FULL: Final = 0.98
"""Share of a limit of lengths that their mean may be."""
_MOST_LATE: Final = 0.5
_WHOLE: Final = ("prompts", "group")
_LONGEST_WAIT: Final = 30.0 * SECONDS_PER_DAY
"""Of a rollout for its tools, seconds."""
_ZERO: Final = ("environment_tokens", "passes")


def with_changes(
    table: RecipeTable, given: Mapping[str, Any], p99_tokens: Number | None, tool_time: Number | None
) -> RecipeTable:
    """Replace what was given; it has no range."""
    columns: dict[str, FloatArray] = {}
    for name, value in given.items():
        if name in _WHOLE:
            columns[CHANGES[name]] = np.array([[float(numbers.count(name, value, most=_MOST))]])
            continue
        zero = name in _ZERO and str(value).strip() in ("0", "0.0")
        number = 0.0 if zero else numbers.positive(name, value, most=_MOST, example="16")
        if name in ("staleness", "turns", "epochs") and number < 1.0:
            raise InputError(f"{numbers.given(name)} {value!r} is below 1; give 1 or more")
        columns[CHANGES[name]] = np.array([[number]])
    if tool_time is not None:
        columns["wait_s"] = np.array([[_seconds(tool_time)]])
    new = replace(table, **columns)
    mean, most = float(new.sampled[0, 0]), float(new.most[0, 0])
    if mean > _FULL * most:
        raise InputError(
            f"rollouts of {short_number(mean)} tokens on average are longer than the {short_number(most)} at "
            "which they are cut off; raise --max-tokens or lower --mean-tokens"
        )
    if p99_tokens is not None:
        p99 = numbers.positive("p99_tokens", p99_tokens, most=_MOST, example="30k")
        if p99 < mean:
            raise InputError(
                f"--p99-tokens {p99_tokens!r} is below the mean of {short_number(mean)} tokens; raise it"
            )
        new = replace(new, sigma=np.array([[fit(mean, quantiles={0.99: p99}).sigma]]))
    if float(new.updates[0, 0]) > float(new.rollouts[0, 0]):
        new = replace(new, updates=new.rollouts[:1])
    # A mean that is drawn near the limit leaves no room for a spread.
    return replace(new, sampled=np.minimum(new.sampled, max(0.9 * most, mean)))


def with_late(table: RecipeTable, given: Number | None) -> RecipeTable:
    """Replace the share that may be late; raises `InputError`."""
    if given is None:
        return table
    share = numbers.fraction("late", given)
    if share > _MOST_LATE:
        raise InputError(f"--late {given!r} throws away most of what is generated; give at most 50 %")
    return replace(table, late=np.array([[share]]))


def in_context(record: ModelRecord, table: RecipeTable, filled: Filled) -> RecipeTable:
    """Cut rollouts of one turn at the model's context; those of more turns go on after a summary.

    Raises
    ------
    InputError
        The mean rollout does not fit.
    """
    if record.context is None or float(table.turns[0, 0]) > 1.0:
        return table
    context, prompt = record.context.value, float(table.prompt[0, 0])
    left = context - prompt - float(table.added[0, 0])
    mean, most = float(table.sampled[0, 0]), float(table.most[0, 0])
    if mean > _FULL * left:
        raise InputError(
            f"rollouts of {prompt + mean:,.0f} tokens on average do not fit into the {context:,.0f} tokens "
            f"that {record.id} is made for; lower --mean-tokens and --max-tokens, or choose a model with a "
            "longer context"
        )
    if most <= left:
        return table
    filled.assume("max_tokens", left, f"{record.id} is made for {context:,.0f} tokens, prompt included")
    return replace(table, most=np.array([[left]]), sampled=np.minimum(table.sampled, max(0.9 * left, mean)))


def _seconds(value: Number) -> float:
    """Read the time that a rollout waits for its tools: text with a unit, or a bare number of seconds."""
    bare = not isinstance(value, str) or not any(letter.isalpha() for letter in value)
    try:
        seconds = parse(f"{value} s" if bare and str(value).strip() else value, "s")
    except InputError as error:
        why = str(error).partition("; write for example")[0]
        raise InputError(f"--tool-time {value!r}: {why}; write for example 5min or 30 (seconds)") from error
    if not 0.0 <= seconds <= _LONGEST_WAIT:
        raise InputError(
            f"--tool-time {value!r} must be between 0 and {_LONGEST_WAIT / SECONDS_PER_DAY:.0f} days; for "
            "example 5min"
        )
    return seconds
