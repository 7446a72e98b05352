"""A service as what running it costs sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.plan.operating.estate import Estate

__all__ = ["Part", "Replicas", "Service"]


@dataclass(frozen=True, kw_only=True)
class Replicas:
    """Like replicas, each of which stops while one of its hosts is replaced.

    Attributes
    ----------
    serving, each : int
        Accelerators of all of them and of one.
    weight_bytes : float
        That one accelerator loads.
    """

    serving: int
    each: int
    weight_bytes: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One kind of hardware of a service.

    Attributes
    ----------
    serving, spare, host : int
        Accelerators at work, standing by, and of one host.
    prefill, decode : float
        Shares of the time of those at work, in the mean hour.
    replicas
        Of which it consists.
    """

    estate: Estate
    serving: int
    spare: int
    host: int
    prefill: float
    decode: float
    replicas: Sequence[Replicas] = ()


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as its throughput has it.

    Attributes
    ----------
    output_tokens_per_s, input_tokens_per_s
        Of the mean hour.
    users : float or None
    low, high
        80 % interval of measured over predicted throughput.
    fixed : bool
        Whether the load is given, and not the hardware.
    """

    parts: Sequence[Part]
    output_tokens_per_s: float
    input_tokens_per_s: float
    users: float | None
    low: float
    high: float
    fixed: bool
