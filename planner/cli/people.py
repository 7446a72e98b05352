"""Values as people read them: rounded, with units. Programs get the full precision instead."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["fixed", "interval", "percent", "plain", "quantity", "whole"]

Show = Callable[[Any], str]


def plain(value: Any) -> str:
    """Write a value of any kind: four significant digits, thousands separated, lists by comma."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return whole(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value))
    return " ".join(str(value).split())


def whole(value: Any) -> str:
    """Write a whole number: ``16,384``; four digits stay together."""
    if value is None:
        return ""
    return f"{value:,}" if abs(value) >= 10_000 else str(value)


def fixed(digits: int, unit: str = "") -> Show:
    """Return a writer of a number with so many decimals and, after a blank, a unit."""

    def show(value: Any) -> str:
        return "" if value is None else f"{value:,.{digits}f}{f' {unit}' if unit else ''}"

    return show


def percent(value: Any) -> str:
    """Write a fraction as a percentage: 0.4123 is ``41.2 %``."""
    return "" if value is None else f"{value * 100:.1f} %"


def quantity(dimension: str) -> Show:
    """Return a writer of numbers in the base unit of a dimension: 3.35e12 is ``3.35 TB/s``."""

    def show(value: Any) -> str:
        from planner.units import format_quantity

        return "" if value is None else format_quantity(value, dimension)

    return show


def interval(show: Show) -> Show:
    """Return a writer of ``{"value", "low", "high"}``: ``80.1 (72.4 to 88.9)``; a bare number is one too."""

    def both(value: Any) -> str:
        if not isinstance(value, Mapping):
            return show(value)
        low, high = value.get("low"), value.get("high")
        middle = show(value.get("value"))
        if not middle or low is None or high is None:
            return middle
        return f"{middle} ({show(low)} to {show(high)})"

    return both


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "?"
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e9:
        digits = max(0, 3 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.4g}"
