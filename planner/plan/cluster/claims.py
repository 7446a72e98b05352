"""What is said of a cluster beside what comes out here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from planner.plan.cluster.parts import Claim
from planner.plan.document import Interval
from planner.units import MEGA

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.cluster import Cluster
    from planner.plan.cluster.results import Sheet

__all__ = ["claims_of"]

FIELDS: Final = {
    "bf16": "by_bf16", "8bit": "by_8bit", "hbm-bandwidth": "by_hbm_bandwidth", "memory": "by_memory",
}  # fmt: skip
"""Rule to the field of `Equivalents`."""


def claims_of(record: Cluster | None, sheet: Sheet) -> tuple[Claim, ...]:
    """Return every claim of a record beside the figure of its fact sheet."""
    return () if record is None else tuple(_claims(record, sheet))


def _claims(record: Cluster, sheet: Sheet) -> Iterator[Claim]:
    claim = record.claim
    if claim is not None and claim.h100_equivalents is not None:
        here = getattr(sheet.h100_equivalents, FIELDS[claim.by])
        if here is not None:
            yield Claim(
                what="h100 equivalents",
                rule=claim.by,
                unit="",
                **_beside(claim.h100_equivalents, here, 1.0),
                said=f"{claim.text}; counted by {claim.rule}",
            )
    if record.power is not None:
        yield Claim(
            what="facility power",
            rule=None,
            unit="MW",
            **_beside(record.power, sheet.power.nameplate_facility_megawatts, MEGA),
            said=record.power.note,
        )
    if record.capital is not None:
        yield Claim(
            what="capital",
            rule=None,
            unit="USD",
            **_beside(record.capital, sheet.capital.usd, 1.0),
            said=record.capital.note,
        )


def _beside(claimed: Quantity, here: Interval, unit: float) -> dict[str, Any]:
    value = claimed.value / unit
    low = value if claimed.low is None else claimed.low / unit
    high = value if claimed.high is None else claimed.high / unit
    return {
        "claimed": Interval(value=value, low=low, high=high),
        "here": here,
        "difference": here.value / value - 1.0,
        "source": f"{claimed.source}, {claimed.at}",
    }
