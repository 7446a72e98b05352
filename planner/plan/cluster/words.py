"""Numbers of clusters for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from planner.units import KILO, MEGA, format_quantity

if TYPE_CHECKING:
    from planner.plan.document import Interval

__all__ = ["RULE_LABELS", "amount", "between", "count", "energy", "plain", "usd", "watts"]

RULE_LABELS: Final = {
    "by_bf16": "by dense bf16",
    "by_8bit": "by dense 8 bit",
    "by_hbm_bandwidth": "by HBM bandwidth",
    "by_memory": "by memory",
    "by_workload": "by workload",
}
"""Field of `Equivalents` to how the rule is called; every label of a number in H100 equivalents has it."""
GROUPED: Final = 10_000.0
"""From here on thousands are set apart and fractions left out."""
_SMALLER: Final = dict(zip("EPTGM", "PTGMk", strict=True))
"""Prefix of a unit to the next smaller one."""


def between(number: Interval, show: Callable[[float], str]) -> str:
    """Write an interval; a number without a spread stands alone."""
    middle, low, high = show(number.value), show(number.low), show(number.high)
    return middle if low == high == middle else f"{middle} ({low} to {high})"


def count(number: Interval | None, *, bare: bool = False) -> str:
    """Write a count, with its interval unless it is to be `bare`; ``none`` where there is none."""
    if number is None:
        return "none"
    return _count(number.value) if bare else between(number, _count)


def _count(value: float) -> str:
    return format_quantity(value, "count")


def plain(value: float) -> str:
    """Write a number of no unit: ``2.527``, ``395,856``."""
    return f"{value:,.0f}" if abs(value) >= GROUPED - 0.5 else f"{value:.4g}"


def amount(value: float, unit: str) -> str:
    """Write a number with its unit, a smaller one where it is less than one: ``989 EFLOP/s``, ``640 GB``."""
    while 0.0 < abs(value) < 1.0 and unit[0] in _SMALLER:
        value, unit = value * KILO, _SMALLER[unit[0]] + unit[1:]
    return f"{value:,.0f} {unit}" if abs(value) >= GROUPED / 10.0 - 0.5 else f"{value:.3g} {unit}"


def watts(megawatts: float) -> str:
    """Write a power: ``1.08 GW``."""
    return format_quantity(megawatts * MEGA, "watts", digits=3)


def usd(value: float) -> str:
    """Write an amount of money: ``32 B USD``."""
    return format_quantity(value, "usd", digits=3)


def energy(megawatt_hours: float) -> str:
    """Write an energy: ``8,000 GWh``."""
    if megawatt_hours >= KILO:
        return amount(megawatt_hours / KILO, "GWh")
    return amount(megawatt_hours, "MWh")
