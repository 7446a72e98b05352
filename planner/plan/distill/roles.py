"""Roles of a way in time and money: how long each works, at what cost and power, as samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from planner.plan.distill.results import Role
from planner.plan.operating.money import first, interval_of
from planner.tables.samples import Samples
from planner.units import MEGA, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.plan.distill.split import Division, Share
    from planner.types import FloatArray

__all__ = ["Timed", "timed"]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """The roles of a division over a whole run; arrays ``[S, 1]``.

    Attributes
    ----------
    division
        Who has how many accelerators.
    tokens
        Of each role: trained on, read or written.
    held_s
        That each role holds its accelerators: all the time where roles work together, its own where they
        take turns.
    seconds
        Of the run.
    """

    division: Division
    tokens: tuple[FloatArray, ...]
    held_s: tuple[FloatArray, ...]
    seconds: FloatArray

    @property
    def flop(self) -> tuple[float, ...]:
        """Of each role."""
        return tuple(
            first(tokens) * share.doing.flop_per_token
            for share, tokens in zip(self.division.shares, self.tokens, strict=True)
        )

    @property
    def gpu_hours(self) -> tuple[FloatArray, ...]:
        """Of each role."""
        return tuple(
            share.gpus * held / SECONDS_PER_HOUR
            for share, held in zip(self.division.shares, self.held_s, strict=True)
        )

    @property
    def usd(self) -> tuple[FloatArray, ...]:
        """Of each role's accelerators."""
        return tuple(
            _usd_per_hour(share) * hours
            for share, hours in zip(self.division.shares, self.gpu_hours, strict=True)
        )

    @property
    def megawatts(self) -> tuple[float, ...]:
        """Of each role while it holds its accelerators."""
        return tuple(share.rate.watts_per_gpu * share.gpus / MEGA for share in self.division.shares)

    @property
    def mean_megawatts(self) -> float:
        """Of all of them over the run."""
        held = (first(one) / first(self.seconds) for one in self.held_s)
        return sum(power * part for power, part in zip(self.megawatts, held, strict=True))

    def roles(self) -> tuple[Role, ...]:
        """Return them as results carry them."""
        hours, usd, flop = self.gpu_hours, self.usd, self.flop
        every = first(sum(hours, np.zeros((1, 1))))
        return tuple(
            Role(
                role=share.doing.role,  # type: ignore[arg-type]
                model=share.doing.record.id,
                gpus=share.gpus,
                gpu_share=first(hours[at]) / every,
                tokens=interval_of(self.tokens[at]),
                tokens_per_s=interval_of(speed_of(share)),
                busy=min(first(self.tokens[at]) / share.tokens_per_s / first(self.seconds), 1.0),
                flop=flop[at],
                flop_share=flop[at] / sum(flop),
                utilisation=share.rate.utilisation,
                gpu_hours=interval_of(hours[at]),
                cost_usd=interval_of(usd[at]),
                power_megawatts=self.megawatts[at],
                binds=share.rate.binds,
            )
            for at, share in enumerate(self.division.shares)
        )


def timed(division: Division, tokens: tuple[FloatArray, ...]) -> Timed:
    """Reckon how long each role works.

    Parameters
    ----------
    division
        Who has how many accelerators, together or in turn.
    tokens
        Of each role, ``[S, 1]``.
    """
    own = tuple(each / speed_of(share) for share, each in zip(division.shares, tokens, strict=True))
    pace = division.pace
    if pace is not None:
        drawn = Samples().ranged(pace.value, pace.low, pace.high, "distill.pace")
        own = (np.maximum(own[0], tokens[0] / drawn), *own[1:])
    together = np.max(np.broadcast_arrays(*own), axis=0)
    if division.in_turn:
        return Timed(division=division, tokens=tokens, held_s=own, seconds=sum(own, np.zeros((1, 1))))
    return Timed(division=division, tokens=tokens, held_s=(together,) * len(own), seconds=together)


def speed_of(share: Share) -> FloatArray:
    """Tokens per second that the accelerators of a role can do."""
    each = share.rate.tokens_per_s_per_gpu
    key = f"rate.{share.doing.role}.{share.doing.record.id}"
    return share.gpus * Samples().ranged(each.value, each.low, each.high, key)


def _usd_per_hour(share: Share) -> FloatArray:
    price = share.rate.usd_per_gpu_hour
    return Samples().ranged(price.value, price.low, price.high, "distill.usd_per_gpu_hour")
