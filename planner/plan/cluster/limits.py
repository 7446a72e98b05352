"""Limits on the size of a cluster, and the most whole systems that keep within them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

import numpy as np

from planner.plan.places import MOST_GPUS
from planner.tables.samples import interval
from planner.types import FloatArray
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.operating.estate import Estate

__all__ = [
    "AT_WORK",
    "POWERS",
    "ROUNDING",
    "Binds",
    "Ends",
    "Limit",
    "PowerOf",
    "Spends",
    "limits",
    "most_systems",
    "too_little",
]

Binds = Literal["h100 equivalents", "budget", "power", "site", "gpus"]
PowerOf = Literal["nameplate", "peak", "average"]
POWERS: Final[tuple[PowerOf, ...]] = get_args(PowerOf)
"""Which power a limit is of: the first, which announcements and analysts give, where nothing is said."""
Spends = Callable[[FloatArray], FloatArray]
"""Numbers of accelerators ``[R]`` to what they take, ``[S, R]``; grows with them."""
AT_WORK: Final = "training"
_POWER_FIELDS: Final = {"nameplate": "nameplate", "peak": "peak", "average": "mean"}
"""To fields of `EstatePower`."""
ROUNDING: Final = 1e-12


class Ends(NamedTuple):
    """Accelerators, and the 80 % interval of what they depend on."""

    value: float
    low: float
    high: float


class Limit(NamedTuple):
    """What accelerators may take of something."""

    binds: Binds
    at: float
    spends: Spends


def limits(
    estate: Estate,
    *,
    budget_usd: float | None,
    power_watts: float | None,
    power_of: PowerOf | None,
    spends: Spends,
    supplies: FloatArray,
) -> Iterator[Limit]:
    """Yield what limits the number: money, power, and where power was asked for, what the site has of it."""
    if budget_usd is not None:
        yield Limit("budget", budget_usd, spends)
    if power_watts is None:
        return
    field = _POWER_FIELDS[power_of or POWERS[0]]
    yield Limit("power", power_watts, lambda n: getattr(estate.watts(n, AT_WORK), field) * n)
    stated = float(supplies.flat[0])
    if np.isfinite(stated):
        yield Limit("site", stated, lambda n: estate.watts(n, AT_WORK).peak * n * (stated / supplies))


def most_systems(spends: Spends, *, limit: float, whole: int, most: int = MOST_GPUS) -> Ends:
    """Return the most accelerators in whole systems that keep within a limit, by bisection.

    Parameters
    ----------
    spends
        What accelerators take, in samples.
    limit
        Of it.
    whole
        Accelerators of a system.
    most
        Accelerators beyond which nobody asks; one system more stands for all above.

    Returns
    -------
    Ends
        At the stated values, and at the ends of the 80 % interval: as each sample grows with the number, the
        quantiles of the number are the numbers at the quantiles.
    """
    fits, over = np.zeros(3), np.full(3, most // whole + 2.0)
    while np.any(over - fits > 1.0):
        middle = np.floor((fits + over) / 2.0)
        taken = np.atleast_2d(spends(middle * whole))
        value, low, high = interval(np.broadcast_to(taken, (taken.shape[0], 3)))
        enough = np.array([value[0], high[1], low[2]]) <= limit * (1.0 + ROUNDING)
        fits, over = np.where(enough, middle, fits), np.where(enough, over, middle)
    return Ends(*(float(one) for one in fits * whole))


def too_little(estate: Estate, whole: int, limit: Limit) -> str:
    """Say what one system takes."""
    system = estate.place.system
    one = float(np.asarray(limit.spends(np.array([float(whole)]))).flat[0])
    dimension = "usd" if limit.binds == "budget" else "watts"
    box = system.id if system is not None else estate.place.accelerator.id
    has, mend = (
        (f"supplies of {estate.site.id}", "name another --site")
        if limit.binds == "site"
        else (limit.binds, "raise it to that")
    )
    return (
        f"one {box} takes {format_quantity(one, dimension)}, more than the {has} of "
        f"{format_quantity(limit.at, dimension)}; {mend}, or choose a smaller system"
    )
