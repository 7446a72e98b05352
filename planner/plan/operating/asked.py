"""What a question says of the surroundings: site, price, failures, a cap on power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from planner.catalog.kinds import CHECKPOINT
from planner.errors import InputError
from planner.plan import numbers
from planner.plan.price_words import OWN, PriceChoice

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["Asked"]

REPLACED_AT_ONCE: Final = 0.99
"""Share of the time in which spares that nobody asked for are enough: the 99th percentile that ByteRobust
(arXiv:2509.16293) sizes its standby hosts by."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Options on what surrounds the hardware, read; None where they were left out.

    Attributes
    ----------
    site, finance, failures
        Names of records.
    checkpoint
        Id of a policy.
    price
        How an accelerator-hour is paid for.
    power_cap_watts
        At the meter of the facility.
    availability
        Share of the time in which a failed host is replaced at once: how many stand by.
    """

    site: str | None
    finance: str | None
    failures: str | None
    checkpoint: str | None
    price: PriceChoice
    power_cap_watts: float | None
    availability: float = REPLACED_AT_ONCE

    @classmethod
    def read(
        cls,
        catalog: Catalog,
        *,
        site: str | None = None,
        price: Number | None = None,
        finance: str | None = None,
        power_cap: Number | None = None,
        failures: str | None = None,
        checkpoint: str | None = None,
        availability: Number | None = None,
    ) -> Self:
        """Read the options of a command.

        Raises
        ------
        InputError
            A power or a price that is none; an unknown policy; an availability that no spares give.
        """
        share = REPLACED_AT_ONCE if availability is None else numbers.fraction("availability", availability)
        if not 0.0 < share < 1.0:
            raise InputError(
                f"--availability {availability!r} must lie between 0 and 1, both left out; for example 99.9%"
            )
        return cls(
            site=site,
            finance=finance,
            failures=failures,
            checkpoint=None if checkpoint is None else catalog.get(CHECKPOINT, checkpoint).id,
            price=PriceChoice.parse(OWN if price is None else str(price), catalog),
            power_cap_watts=None if power_cap is None else numbers.watts("power_cap", power_cap),
            availability=share,
        )
