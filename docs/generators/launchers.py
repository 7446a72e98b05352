"""Blocks about launchers: which there are, and which argument says which fact of a plan."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.load import Catalog
from planner.workload.kinds import LAUNCHER
from planner.workload.launcher import FACTS, MODEL_FACTS, Arguments, Launcher, Setting

__all__ = ["BLOCKS"]


def launchers(_arguments: str, _old: str) -> str:
    """Return a table of the launchers that ship."""
    rows = [
        f"| `{one.id}` | `{one.command}` | {one.version} | {', '.join(f'`{name}`' for name in one.runs)} | "
        f"{len(one.models) or 'any'} |"
        for one in Catalog().all(LAUNCHER)
    ]
    head = ["| FORMAT | plans of | written for | stacks, engines | models |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def facts(arguments: str, _old: str) -> str:
    """``QUESTION`` or ``shape``: a table of facts with the arguments that say them."""
    question = arguments.strip()
    every = Catalog().all(LAUNCHER)
    shown = [one for one in every if (one.shape if question == "shape" else one.command == question)]
    known = MODEL_FACTS if question == "shape" else FACTS[question]
    head = [f"| fact | {' | '.join(one.name for one in shown)} |", "|---" * (len(shown) + 1) + "|"]
    rows = [
        f"| `{name}`: {what} | {' | '.join(_cell(one, name) for one in shown)} |"
        for name, what in known.items()
        if any(_cell(one, name) for one in shown)
    ]
    return "\n".join([*head, *rows])


def _cell(launcher: Launcher, name: str) -> str:
    if name == "model" and launcher.models:
        return _names(next(iter(launcher.models.values())))
    if name in launcher.unsaid:
        return "not said"
    setting = launcher.settings.get(name)
    return "" if setting is None else _said(setting)


def _said(setting: Setting) -> str:
    if setting.flag is not None:
        return f"`{setting.flag}`"
    if setting.arguments is not None:
        return _names(setting.arguments)
    found: dict[str, None] = {}
    for given in (setting.values or {}).values():
        found |= dict.fromkeys(given)
    return _names(found)


def _names(arguments: Arguments | Mapping[str, None]) -> str:
    return ", ".join(f"`{name}`" for name in arguments)


BLOCKS = {"launchers": launchers, "launcher-facts": facts}
