"""How much of their rated power machines draw: ``hardware/power/ID.yaml``."""

from __future__ import annotations

from typing import Annotated

from planner.catalog.quantity import Fraction, JoulesPerByte, Percent, Ratio
from planner.catalog.records import Items, Record, Ref, Section

__all__ = ["Draw", "PowerUse"]


class Draw(Section):
    """Share of the accelerator's rated power (TDP) that it draws on average, by what it does."""

    training: Fraction
    prefill: Fraction
    decode: Fraction
    idle: Fraction


class PowerUse(Record):
    """Average draw over rated power."""

    accelerators: Items[Annotated[str, Ref("accelerator")]] = ()
    """Those for which it is meant; none for all others."""
    accelerator: Draw
    host: Fraction
    """Of the rated power of everything in the server or rack but the accelerators, at work."""
    host_idle: Fraction
    host_ratio: Ratio
    """Rated power of all but the accelerators over theirs, for systems whose power is not published."""
    network: Fraction
    """Of the rated power of switches, optics and storage; they draw it at any load."""
    network_energy: JoulesPerByte
    """Rated power of switches and optics over the bandwidth of the accelerators' ports, W per B/s: of fabrics
    whose parts are not on record."""
    peak: Percent
    """Highest power of a whole system at work over its rating: what the site must carry."""
    storage_share: Percent
    """Rated power of storage, head nodes and management over that of servers and network."""
    prefill_share: Fraction
    """Of the time of serving accelerators at work, that in prefill; the rest is decode."""
    exponent: Ratio
    """Of P = idle + (P_full - idle) u^g with the utilisation u."""
