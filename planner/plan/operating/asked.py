"""What a question says of the surroundings: site, price, failures, a cap on power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from planner.catalog.kinds import CHECKPOINT
from planner.plan import numbers
from planner.plan.price_words import OWN, PriceChoice

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number

__all__ = ["Asked"]


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
    """

    site: str | None
    finance: str | None
    failures: str | None
    checkpoint: str | None
    price: PriceChoice
    power_cap_watts: float | None

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
    ) -> Self:
        """Read the options of a command.

        Raises
        ------
        InputError
            A power or a price that is none; an unknown policy.
        """
        return cls(
            site=site,
            finance=finance,
            failures=failures,
            checkpoint=None if checkpoint is None else catalog.get(CHECKPOINT, checkpoint).id,
            price=PriceChoice.parse(OWN if price is None else str(price), catalog),
            power_cap_watts=None if power_cap is None else numbers.watts("power_cap", power_cap),
        )
