"""The name of an axis, and its values, looked at before the first row is asked."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError, suggest
from planner.plan.scenario.questions import Question
from planner.plan.scenario.values import refused
from planner.plan.sweep.axes import Finite, Values, spelled
from planner.plan.sweep.question import inputs_known

__all__ = ["mistake_of", "some_of"]

_CHECKED: Final = 256
"""Values of an axis that are looked at."""


def mistake_of(
    name: str, values: Values, question: Question, catalog: Catalog, *, overlays: Iterable[Path], names: bool
) -> str:
    """Return what is wrong with an axis, and the mend; empty where nothing is.

    Parameters
    ----------
    name, values
        Of the axis.
    question
        That takes it.
    catalog, overlays
        In which names are looked up; of which values of the catalog are changed.
    names
        Whether names of records are looked at: not where the grid has a catalog of its own.
    """
    known = inputs_known(question)
    if name in known:
        if name in question.shown:
            return f"{name} changes what is printed, not the answer; leave it out"
        for value in some_of(values):
            why = known[name].mistake(value) or refused(name, value, catalog, names=names)
            if why and isinstance(value, float) and not known[name].mistake(round(value)):
                return "it takes whole numbers; add whole: true, or list whole ones"
            if why:
                return why
        return ""
    if "." in name:
        return _of_catalog(name, values, tuple(overlays))
    meant = question.spelled.get(name)
    if meant is not None:
        return f"unknown axis; it is called {meant!r} here"
    there = (
        f"the inputs of {question.command} are {', '.join(known)}; values of the catalog are axes by "
        "their path, as in accelerator.h100-sxm.memory.bandwidth"
    )
    plain = name.lstrip("-").replace("-", "_").casefold()
    mend = f"did you mean {plain!r}?" if plain in known else suggest(name, known, otherwise=there)
    return f"unknown axis; {mend}"


def _of_catalog(name: str, values: Values, overlays: tuple[Path, ...]) -> str:
    """Return what is wrong with an axis of the catalog."""
    for value in some_of(values):
        try:
            Catalog(overlays, (f"{name}={value}",))
        except (InputError, UsageError) as error:
            return str(error).removeprefix(f"--set {name}={value}: ")
    return ""


def some_of(values: Values) -> list[Any]:
    """Return values to look at: all of a short table, the ends of a long one or of a distribution."""
    if isinstance(values, Finite):
        table = values.values
        if len(table) <= _CHECKED:
            return list(table)
        return list(itertools.chain(table[: _CHECKED // 2], table[-_CHECKED // 2 :]))
    return [spelled(float(one), values.unit) for one in values.at(np.array([1e-9, 0.5, 1.0 - 1e-9]))]
