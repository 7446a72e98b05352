"""How much of their rated power machines draw: ``hardware/power/ID.yaml``."""

from __future__ import annotations

from planner.catalog.quantity import Fraction, Percent, Ratio
from planner.catalog.records import Record, Section

__all__ = ["Draw", "PowerUse"]


class Draw(Section):
    """Share of the accelerator's rated power (TDP) that it draws on average, by what it does."""

    training: Fraction
    prefill: Fraction
    decode: Fraction
    idle: Fraction


class PowerUse(Record):
    """Average draw over rated power."""

    accelerator: Draw
    host: Fraction
    """Of the rated power of everything in the server or rack but the accelerators, at work."""
    host_idle: Fraction
    network: Fraction
    """Of the rated power of switches and optics; they draw it at any load."""
    peak: Percent
    """Highest power of a whole system at work over its rating: what the site must carry."""
    storage_share: Percent
    """Power of storage, head nodes and management over that of servers and network."""
    exponent: Ratio
    """Of P = idle + (P_full - idle) u^g with the utilisation u."""
