"""Fields of a layout that a training question pins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from planner.errors import InputError
from planner.plan import numbers
from planner.plan.site import MOST_GPUS
from planner.tables import RECOMPUTES, SHARDINGS

__all__ = ["LAYOUT", "pinned"]

LAYOUT: Final = (
    "tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "sharding", "recompute", "recompute_layers",
    "sequence_parallel", "offload",
)  # fmt: skip
"""Fields of a layout that a question may pin."""
_WORDS: Final = {"sharding": SHARDINGS, "recompute": RECOMPUTES}
_SHARES: Final = ("recompute_layers", "offload")


def pinned(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check layout fields that were given; those that are None stay free.

    Raises
    ------
    InputError
        Not a whole number from 1, an unknown word, a share outside 0 .. 1.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name in _WORDS:
            found[name] = numbers.choice(name, value, _WORDS[name])
        elif name in _SHARES:
            found[name] = numbers.fraction(name, value)
        elif name == "sequence_parallel":
            if not isinstance(value, bool):
                raise InputError(f"{numbers.given(name)} {value!r} is neither true nor false")
            found[name] = value
        else:
            found[name] = numbers.count(name, value, most=MOST_GPUS)
    return found
