"""What a side of a comparison says: words that are names, degrees of a layout, or inputs.

::

    side    = word+                       in one argument, in quotes where there are several words
    word    = degree | sharding | NAME=VALUE | set:KIND[.ID].PATH=VALUE | [KIND:]name
    degree  = tp8, cp2, pp16, vpp4, ep64, etp1, dp512, mb2
    KIND    = scenario, cluster, gpu, model
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from planner.catalog.strict_yaml import parse_scalar
from planner.errors import InputError, UsageError
from planner.plan.scenario.values import is_path

__all__ = ["KINDS", "Words", "read_side"]

KINDS: Final = {"scenario": "scenario", "cluster": "cluster", "gpu": "accelerator",
                "accelerator": "accelerator", "system": "accelerator", "model": "model"}  # fmt: skip
"""What may stand before a name to say what it is."""
_DEGREE: Final = re.compile(r"(tp|cp|pp|vpp|ep|etp|dp|mb)([0-9]{1,8})")
_FIELDS: Final = {"mb": "micro_batch"}
_SHARDINGS: Final = ("zero1", "zero2", "zero3", "hsdp")
_SET: Final = "set:"
_LONGEST: Final = 400


@dataclass(frozen=True, kw_only=True)
class Words:
    """A side as it was written.

    Attributes
    ----------
    text : str
    name, said : str or None
        The name in it, and the kind that was put before it.
    layout, inputs : mapping
        Fields of the layout, and inputs by the name of the library's parameter.
    overrides : tuple of str
        Of the catalog.
    """

    text: str
    name: str | None = None
    said: str | None = None
    layout: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()


def read_side(text: str) -> Words:
    """Read a side.

    Raises
    ------
    UsageError
        Nothing, two names, or one input twice.
    InputError
        A value that is no scalar of YAML.
    """
    shown = text.strip()
    if not shown:
        raise UsageError("a side of a comparison is empty; name a cluster, a model, a layout, a scenario ...")
    if len(shown) > _LONGEST:
        raise UsageError(f"a side of a comparison has {len(shown):,} letters; {_LONGEST} are the most")
    if is_path(shown) and Path(shown).exists():
        return Words(text=shown, name=shown)
    names: list[str] = []
    layout: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    overrides: list[str] = []
    for word in shown.split():
        degree = _DEGREE.fullmatch(word.lower())
        if degree is not None:
            _once(layout, _FIELDS.get(degree[1], degree[1]), int(degree[2]), shown)
        elif word.lower() in _SHARDINGS:
            _once(layout, "sharding", word.lower(), shown)
        elif word.startswith(_SET):
            overrides.append(word.removeprefix(_SET))
        elif "=" in word:
            name, _, value = word.partition("=")
            _once(inputs, _plain(name, shown), _value(value, word), shown)
        else:
            names.append(word)
    if len(names) > 1:
        raise UsageError(
            f"{shown!r} names {' and '.join(map(repr, names))}: a side has one name; the others are inputs, "
            f"as in '{names[0]} gpus=1024'"
        )
    kind, colon, rest = names[0].partition(":") if names else ("", "", "")
    said = KINDS.get(kind) if colon else None
    whole = names[0] if names else None
    return Words(
        text=shown,
        name=whole if said is None else rest,
        said=said,
        layout=layout,
        inputs=inputs,
        overrides=tuple(overrides),
    )


def _plain(name: str, side: str) -> str:
    plain = name.strip().lstrip("-").replace("-", "_")
    if not plain:
        raise UsageError(f"{side!r}: write NAME=VALUE, as in gpus=1024")
    return plain


def _value(text: str, word: str) -> Any:
    if not text:
        return None
    try:
        return parse_scalar(text)
    except InputError as error:
        raise InputError(f"{word!r}: {error}") from error


def _once(found: dict[str, Any], name: str, value: Any, side: str) -> None:
    if name in found:
        raise UsageError(f"{side!r} gives {name} twice; keep one")
    found[name] = value
