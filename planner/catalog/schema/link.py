"""Links between sites: ``hardware/links/ID.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.catalog.quantity import BytesPerSecond, Fraction, Meters
from planner.catalog.records import Record

__all__ = ["Link"]


class Link(Record):
    """A ring (for two sites, a line) over which one training job spans several sites."""

    sites: Annotated[int, Field(ge=2)]
    bandwidth: BytesPerSecond
    """Of each connection between neighbours, per direction."""
    length: Meters
    """Of the whole ring, or between two sites."""
    overlap: Fraction
    """Share of the backward pass behind which the exchange between sites may hide."""
    inner_steps: Annotated[int, Field(ge=1)]
    """Steps between exchanges where sites train apart for a while (DiLoCo)."""
    token_loss: Fraction
    """Tokens that such training costs more for the same loss."""
