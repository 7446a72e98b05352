"""Power of the equipment per accelerator, by what it does.

References
----------
.. [1] I. Latif et al., "Single-node power demand during AI training: measurements on an 8-GPU NVIDIA H100
   system", arXiv:2412.08602: 8.4 kW at most of 10.2 kW rated.
.. [2] A. Newkirk et al., arXiv:2506.14551: nodes in computationally intensive training average 0.76 of their
   rating; estimates from TDP alone err by 27 to 37 %.
.. [3] X. Fan, W.-D. Weber, L. Barroso, "Power provisioning for a warehouse-sized computer", ISCA 2007: power
   between idle and full follows the utilisation, and the peak of many machines lies below their nameplates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from planner.errors import InputError, suggest
from planner.tables.site import Machine, PowerTable
from planner.types import FloatArray

__all__ = ["ACTIVITIES", "ItPower", "it_watts"]

WORK: Final = ("training", "prefill", "decode")
ACTIVITIES: Final = (*WORK, "idle", "serving")
"""What accelerators can be said to do; serving is prefill and decode by the share of the power record."""

ROUNDING: Final = 1e-9
"""By which shares of time may exceed one."""


class ItPower(NamedTuple):
    """Watts of the equipment per accelerator, ``[S, R]`` or what broadcasts to it.

    Attributes
    ----------
    nameplate
        Sum of ratings.
    peak
        Highest draw of the whole: what a connection must carry, before PUE.
    average
        Over time: what energy follows. Never above `peak`.
    parts : dict of str to array
        The average by part: accelerators, hosts, network, storage.
    """

    nameplate: FloatArray
    peak: FloatArray
    average: FloatArray
    parts: dict[str, FloatArray]


def it_watts(
    *,
    machine: Machine,
    power: PowerTable,
    activity: str | Mapping[str, FloatArray],
    utilisation: FloatArray | float = 1.0,
    network_watts: FloatArray | float = 0.0,
) -> ItPower:
    """Power of one accelerator with its share of server, network and storage.

    An activity draws ``idle + (full - idle) u^g`` of the rating, with ``full`` measured at work and the
    utilisation ``u``; so do the hosts. Network and storage draw the same at any load. The peak is the
    measured share of the rating of a system [1]_, and not less than the average.

    Parameters
    ----------
    machine
        Ratings; where the host's or the idle power is NaN, the ratios of `power` apply.
    power
        Shares of the ratings.
    activity
        One of `ACTIVITIES`, or shares of time by activity, arrays in [0, 1]; what is left of one is idle.
    utilisation
        Of the time or of the speed at work, in [0, 1].
    network_watts
        Rated power of switches and optics per accelerator.

    Raises
    ------
    InputError
        An unknown activity, or shares or a utilisation outside [0, 1].
    """
    shares = _shares(activity, power)
    _check("utilisation", utilisation)
    tdp = machine.tdp_watts
    host = np.where(np.isnan(machine.host_watts), power.host_ratio * tdp, machine.host_watts)
    idle = np.where(np.isnan(machine.idle_watts), power.idle * tdp, machine.idle_watts)
    load = np.asarray(utilisation, dtype=float) ** power.exponent
    work = sum((shares[name] * np.maximum(getattr(power, name) * tdp - idle, 0.0) for name in WORK), 0.0)
    busy = np.minimum(sum((shares[name] for name in WORK), np.zeros(1)), 1.0)
    network = np.asarray(network_watts, dtype=float)
    storage = power.storage_share * (tdp + host + network)
    parts = {
        "accelerators": idle + work * load,
        "hosts": host * (power.host_idle + np.maximum(power.host - power.host_idle, 0.0) * busy * load),
        "network": power.network * network,
        "storage": power.network * storage,
    }
    drawn = parts["accelerators"] + parts["hosts"]
    return ItPower(
        nameplate=tdp + host + network + storage,
        peak=np.maximum(power.peak * (tdp + host), drawn) + network + storage,
        average=drawn + parts["network"] + parts["storage"],
        parts=parts,
    )


def _shares(activity: str | Mapping[str, FloatArray], power: PowerTable) -> dict[str, FloatArray]:
    """Shares of time in `WORK`; the rest is idle."""
    given = {activity: np.ones(1)} if isinstance(activity, str) else activity
    for name, share in given.items():
        if name not in ACTIVITIES:
            mend = suggest(str(name), ACTIVITIES, otherwise="it is one of " + ", ".join(ACTIVITIES))
            raise InputError(f"unknown activity {name!r}; {mend}")
        _check(f"the share of time in {name}", share)
    _check("the sum of the shares of time", sum((np.asarray(share) for share in given.values()), np.zeros(1)))
    serving = np.asarray(given.get("serving", 0.0), dtype=float)
    return {
        "training": np.asarray(given.get("training", 0.0), dtype=float),
        "prefill": np.asarray(given.get("prefill", 0.0)) + serving * power.prefill_share,
        "decode": np.asarray(given.get("decode", 0.0)) + serving * (1.0 - power.prefill_share),
    }


def _check(name: str, values: FloatArray | float) -> None:
    wrong = np.asarray(values, dtype=float)
    wrong = wrong[~((wrong >= 0.0) & (wrong <= 1.0 + ROUNDING))]
    if wrong.size:
        raise InputError(f"{name} is {wrong.flat[0]:g}; it lies between 0 and 1")
