"""How far measurement may lie from prediction: 80 % intervals from evidence not used in the fit.

The spread of measured over predicted belongs to a class (metric, kind of client, dense or mixture of experts)
and lives in the calibration record. Where the evidence does not reach it is widened: the logarithmic half
width ``w`` becomes ``sqrt(w^2 + (1.28 s)^2)`` for every standard deviation ``s`` that a reason adds.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from planner.catalog.kinds import ACCELERATOR, OPERATORS
from planner.catalog.paths import data_root
from planner.catalog.strict_yaml import read_yaml
from planner.errors import PlannerError
from planner.evidence.serving_intervals import interval_names
from planner.plan.document import Interval
from planner.tables import approximations

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.serving_calibration import ServingCalibration
    from planner.plan.serving.request import ServeCase, Stack
    from planner.search.serving import FleetPlan

__all__ = ["Reason", "Spread", "reasons_of", "spread_of"]

NINETIETH: Final = 1.2816
"""Standard deviations from the mean to the 90 % quantile of a normal distribution."""
WITHOUT_RECORD: Final = {"throughput": 1.7, "tpot": 2.6, "ttft": 4.8}
"""Upper end over lower end, pooled by metric, of the prototype's cross-validation; used until the calibration
record holds its own."""

OTHER_MAKER: Final = 0.20
SHARED: Final = 0.12
OWN: Final = 0.05
UNSEEN_EXPERTS: Final = 0.08
APPROXIMATED: Final = 0.10
BEYOND: Final = 0.05
"""Standard deviations of the logarithm: kernels measured on parts of another maker only, on other parts, on
the part itself; a mixture of experts in no measurement; layers that are not timed; conditions that no
measurement covers. The first four were found by leaving parts and models out, the others are judgements."""

LONGEST_MEASURED: Final = 32768.0
"""Input tokens of the longest requests in the evidence."""
WIDEST_MEASURED: Final = 144
"""Expert-parallel ranks of the widest measured replica: DeepSeek's production."""


@dataclass(frozen=True)
class Reason:
    """Why an interval is wider than its class."""

    deviation: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Ratios of measured to predicted values.

    Attributes
    ----------
    low, high : float
        10 % and 90 % quantile.
    name : str
        Class they come from.
    from_record : bool
        Whether the calibration record holds them.
    """

    low: float
    high: float
    name: str
    from_record: bool = True

    def of(self, value: float) -> Interval:
        """Interval of a predicted value."""
        return Interval(value=value, low=value * self.low, high=value * self.high)


def spread_of(
    calibration: ServingCalibration, metric: str, *, kind: str, moe: bool, reasons: tuple[Reason, ...]
) -> Spread:
    """Spread of a class, widened for every reason.

    Parameters
    ----------
    metric
        ``throughput``, ``tpot`` or ``ttft``.
    kind
        Kind of client in the evidence: ``offline``, ``closed`` or ``pools``.
    moe
        Whether the model has experts.
    """
    wanted = interval_names(metric, kind, moe=moe)
    name = next((key for key in wanted if key in calibration.intervals), None)
    if name is None:
        half = 0.5 * math.log(WITHOUT_RECORD[metric])
        low, high = -half, half
    else:
        known = calibration.intervals[name]
        low, high = math.log(known.low.value), math.log(known.high.value)
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    half = math.sqrt(half**2 + sum((NINETIETH * reason.deviation) ** 2 for reason in reasons))
    # The prediction itself is always inside.
    return Spread(
        low=math.exp(min(middle - half, 0.0)),
        high=math.exp(max(middle + half, 0.0)),
        name=name or f"{metric}, pooled by a prototype",
        from_record=name is not None,
    )


def reasons_of(catalog: Catalog, case: ServeCase, fleet: FleetPlan) -> tuple[Reason, ...]:
    """Why measurements say less of this fleet than of those they were taken on."""
    return tuple(_reasons(catalog, case, fleet))


def _reasons(catalog: Catalog, case: ServeCase, fleet: FleetPlan) -> Iterator[Reason]:
    record, traffic = case.job.record, case.job.traffic
    used = {pool.part for pool in fleet.pools}
    yield max((_of_part(catalog, case.stacks[part]) for part in used), key=lambda reason: reason.deviation)
    if case.job.moe and record.id not in measured_models():
        yield Reason(UNSEEN_EXPERTS, f"no measurement of {record.name}, a mixture of experts")
    for text in approximations(record.architecture):
        yield Reason(APPROXIMATED, text)
    if traffic.isl > LONGEST_MEASURED:
        yield Reason(
            BEYOND, f"{traffic.isl:,.0f} input tokens, and no measured request has {LONGEST_MEASURED:,.0f}"
        )
    widest = max(int(pool.point.ep[0]) for pool in fleet.pools)
    if widest > WIDEST_MEASURED:
        yield Reason(BEYOND, f"experts over {widest} ranks, and {WIDEST_MEASURED} are the most measured")


def _of_part(catalog: Catalog, stack: Stack) -> Reason:
    part = stack.place.accelerator
    if not stack.shared:
        return Reason(OWN, "")
    makers = measured_makers(catalog)
    if part.vendor in makers:
        return Reason(SHARED, f"no kernels of serving were measured on {part.name}: other parts' stand in")
    return Reason(
        OTHER_MAKER,
        f"no kernels of serving were measured on parts of {part.vendor}: those of parts of "
        f"{', '.join(sorted(makers))} stand in",
    )


def measured_makers(catalog: Catalog) -> set[str]:
    """Makers of the parts whose kernels of serving were measured."""
    found = set()
    for name in catalog.ids(OPERATORS):
        try:
            maker = read_yaml(catalog.path_of(ACCELERATOR, name), only=("vendor",)).data.get("vendor")
        except PlannerError:
            continue
        if isinstance(maker, str):
            found.add(maker)
    return found


@cache
def measured_models() -> frozenset[str]:
    """Ids of the models in the evidence that ships."""
    path = data_root() / "workloads" / "evidence" / "serving_runs.csv"
    if not path.is_file():
        return frozenset()
    with path.open(encoding="utf-8", newline="") as stream:
        return frozenset(row["model"] for row in csv.DictReader(stream) if row.get("model"))
