"""How much of a cluster runs under a power cap."""

from __future__ import annotations

import numpy as np

from planner.errors import InfeasibleError
from planner.types import FloatArray
from planner.units import format_quantity

__all__ = ["accelerators_within", "check_cap"]


def accelerators_within(
    *,
    cap_watts: FloatArray | float,
    working_watts: FloatArray | float,
    idle_watts: FloatArray | float = 0.0,
    installed: FloatArray | float = np.inf,
    unit: FloatArray | float = 1,
) -> FloatArray:
    """Accelerators that may work at once: ``n p + (N - n) q <= cap``, in whole units.

    Parameters
    ----------
    cap_watts
        At the meter of the facility.
    working_watts
        Of one accelerator at work with its share of everything else, at the meter: its peak in the season in
        which the cap binds, or its average where the cap is on energy.
    idle_watts
        Of one that is on and does not work; 0 where those are switched off.
    installed
        Accelerators there are; infinite where the cap alone says how many to buy, which then none is idle.
    unit
        Accelerators switched on together: a server or rack.

    Returns
    -------
    FloatArray
        0 where not even one unit fits, or where all idle already draw more than the cap.
    """
    cap, working, idle, there = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (cap_watts, working_watts, idle_watts, installed))
    )
    bounded = np.isfinite(there)
    base = np.where(bounded, np.where(bounded, there, 0.0) * idle, 0.0)
    each = np.where(bounded, working - idle, working)
    free = cap - base
    # A load that does not rise with work (each <= 0) fits whole or not at all.
    with np.errstate(divide="ignore", invalid="ignore"):
        number = np.where(each > 0.0, free / each, np.where(free >= 0.0, np.inf, 0.0))
    number = np.clip(number, 0.0, there)
    return np.where(np.isfinite(number), np.floor(number * (1 + 1e-12) / unit) * unit, number)


def check_cap(*, cap_watts: float, idle_watts: float, accelerators: float) -> None:
    """Refuse a cap that a cluster exceeds before it does anything.

    Parameters
    ----------
    cap_watts
        The cap, at the meter.
    idle_watts
        Of the whole cluster, switched on and idle, at the meter.
    accelerators
        In it, for the message.

    Raises
    ------
    InfeasibleError
        The cap is below it.
    """
    if cap_watts < idle_watts:
        allowed = int(accelerators * cap_watts / idle_watts) if idle_watts > 0 else 0
        fewer = f", or ask with at most {allowed:,} accelerators and switch the others off" if allowed else ""
        raise InfeasibleError(
            f"a power cap of {format_quantity(cap_watts, 'watts')} is below what {accelerators:,.0f} "
            f"accelerators draw when idle, {format_quantity(idle_watts, 'watts')}; raise the cap{fewer}"
        )
