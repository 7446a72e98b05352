"""Figures: one function for each, from a result to matplotlib axes.

`curve` draws any `CurveResult`, by `lines` or `bars` as the result has it; `waterfall` what explains the
difference of a comparison, and `tornado` a sensitivity. Each takes a result and optional axes and returns the
axes; without axes it makes a figure with title and caption, which `save` writes and ``axes.figure`` holds.
Nothing here touches ``pyplot`` or global settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from planner.plot.curves import curve
    from planner.plot.files import save
    from planner.plot.series import lines
    from planner.plot.stacks import bars
    from planner.plot.tornados import tornado
    from planner.plot.waterfalls import waterfall

__all__ = ["bars", "curve", "lines", "save", "tornado", "waterfall"]

_HOMES: Final = {
    "bars": "stacks",
    "curve": "curves",
    "lines": "series",
    "save": "files",
    "tornado": "tornados",
    "waterfall": "waterfalls",
}
"""Function to its module, whose name differs: a module that is imported hides a function of its name."""


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'planner.plot' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"planner.plot.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
