"""Numbers of a distillation for people."""

from __future__ import annotations

from planner.units import SECONDS_PER_DAY, format_quantity

__all__ = ["duration"]


def duration(days: float) -> str:
    """Write a time: ``12.3 days``, and hours or minutes where it is less than one.

    Examples
    --------
    >>> duration(0.5), duration(1.0), duration(40.0)
    ('12 h', '1 day', '40 days')
    """
    if days == 1.0:
        return "1 day"
    if days >= 1.0:
        return f"{days:,.3g} days" if days < 1000.0 else f"{days:,.0f} days"
    return format_quantity(days * SECONDS_PER_DAY, "s", digits=3)
