"""Facts as arguments, by the record of a launcher."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from planner.plan.export.results import Argument, Unsaid

if TYPE_CHECKING:
    from planner.workload.launcher import Arguments, Launcher, Setting, Value

__all__ = ["Fact", "Facts", "Said", "filled", "said"]

Fact = str | bool | int | float | tuple[str, ...] | None
"""What a plan says under one name; None where nothing is to be said."""
Facts = dict[str, Fact]
_NAMED: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass
class Said:
    """Arguments by name, and what could not be said."""

    arguments: dict[str, Argument] = field(default_factory=dict)
    unsaid: list[Unsaid] = field(default_factory=list)

    def add(self, given: Arguments, facts: Mapping[str, Fact], fact: str) -> None:
        """Say a fact; what was said before under the same name is replaced where it stands."""
        for name, value in given.items():
            self.arguments[name] = Argument(name=name, value=_filled(value, facts), says=fact)

    def lack(self, fact: str, value: Fact, sentence: str) -> None:
        """Note what cannot be said."""
        self.unsaid.append(Unsaid(fact=fact, value=text_of(value), sentence=sentence))


def said(launcher: Launcher, facts: Mapping[str, Fact]) -> Said:
    """Say all facts that there are to a launcher.

    Returns
    -------
    Said
        Arguments in the order of the record, those of every plan first.
    """
    found = Said()
    found.add(launcher.always, facts, "")
    _model(launcher, facts, found)
    for name, setting in launcher.settings.items():
        value = facts.get(name)
        if value is not None:
            _say(setting, name, value, facts, found)
    for name, why in launcher.unsaid.items():
        value = facts.get(name)
        if value is not None:
            found.lack(name, value, f"{launcher.facts()[name]}: {why}")
    return found


def filled(text: str, facts: Mapping[str, Fact]) -> str:
    """Put facts in the place of their names in a text."""
    return text_of(_put(text, facts))


def text_of(value: Fact) -> str:
    """Return a value as a shell and a file of settings write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _model(launcher: Launcher, facts: Mapping[str, Fact], found: Said) -> None:
    model = facts["model"]
    if not launcher.models:
        return
    if model in launcher.models:
        found.add(launcher.models[str(model)], facts, "model")
        return
    found.add(launcher.otherwise, facts, "model")
    found.lack("model", model, f"{launcher.name} does not know this model by name: {launcher.unknown}")


def _say(setting: Setting, name: str, value: Fact, facts: Mapping[str, Fact], found: Said) -> None:
    text = text_of(value)
    if text in setting.but:
        found.add(setting.but[text], facts, name)
    elif setting.flag is not None:
        found.arguments[setting.flag] = Argument(name=setting.flag, value=_given(value), says=name)
    elif setting.arguments is not None:
        found.add(setting.arguments, facts, name)
    elif setting.values is not None and text in setting.values:
        found.add(setting.values[text], facts, name)
    else:
        why = setting.why or "there is no argument for it"
        near = setting.nearest.get(text)
        if near is None or setting.values is None:
            found.lack(name, value, why)
        else:
            found.add(setting.values[near], facts, name)
            found.lack(name, value, f"said as {near}: {why}")


def _given(value: Fact) -> str | bool | int | float | tuple[str | bool | int | float, ...]:
    if value is None:
        raise ValueError("a fact that is not there cannot be said")
    return value


def _filled(
    value: Value, facts: Mapping[str, Fact]
) -> str | bool | int | float | tuple[str | bool | int | float, ...]:
    if isinstance(value, tuple):
        return tuple(_put(part, facts) if isinstance(part, str) else part for part in value)
    return _put(value, facts) if isinstance(value, str) else value


def _put(text: str, facts: Mapping[str, Fact]) -> str | bool | int | float:
    """Put facts in the place of their names; a text that is one name stays the number it names."""
    alone = _NAMED.fullmatch(text)
    value = facts.get(alone[1]) if alone else None
    if isinstance(value, str | bool | int | float):
        return value
    return _NAMED.sub(lambda match: text_of(facts.get(match[1])), text)
