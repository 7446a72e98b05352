"""Figures: one function for each, from a result to matplotlib axes.

`curve` draws any `CurveResult`, by `lines` or `bars` as the result has it. Each takes a result and optional
axes and returns the axes; without axes it makes a figure with title and caption, which `save` writes and
``axes.figure`` holds. Nothing here touches ``pyplot`` or global settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planner.plot.bars import bars
    from planner.plot.curve import curve
    from planner.plot.lines import lines
    from planner.plot.save import save

__all__ = ["bars", "curve", "lines", "save"]

_HOMES: Final = {name: f"planner.plot.{name}" for name in __all__}


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'planner.plot' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value  # the function, not the module of the same name
    return value
