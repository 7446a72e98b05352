"""How far measurement may lie from prediction: an 80 % interval from evidence not used in the fit.

The spread of measured over predicted belongs to a class (dense or mixture of experts, by software family)
and lives in the calibration record. Outside the conditions that the evidence covers it is widened; every
reason is listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.plan.document import Interval
from planner.tables import GEMM_CLASSES
from planner.units import MILLI

if TYPE_CHECKING:
    from planner.catalog.schema.calibration import TrainingCalibration
    from planner.plan.evaluate import Costs
    from planner.plan.site import Site
    from planner.workload.software import SoftwareProfile

__all__ = ["Spread", "outside", "spread_of"]

POOLED: Final = "pooled"
WITHOUT_RECORD: Final = (0.86, 1.26)
"""Pooled quantiles of the prototype's cross-validation, used until the calibration record holds its own."""
WIDENING: Final = 1.3
"""Factor on the logarithmic width outside the envelope; a judgement, not fitted."""
DRIFT_LOW: Final = 0.65
"""MoE layouts became up to 1.5 times as fast within half a year of software: newer may need 35 % less."""

LARGEST_MEASURED: Final = 16384
"""Accelerators of the largest run in the evidence."""
SHORT_LAYER_S: Final = 3 * MILLI
"""Layers below this may wait for the host to launch their kernels."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Ratios of measured to predicted step time.

    Attributes
    ----------
    low, high : float
        10 % and 90 % quantile.
    name : str
        Class they come from.
    reasons : tuple of str
        Why they are wider than the class.
    from_record : bool
        Whether the calibration record holds them.
    """

    low: float
    high: float
    name: str
    reasons: tuple[str, ...] = ()
    from_record: bool = True

    def of_time(self, seconds: float) -> Interval:
        """Interval of a time, or of anything that grows with the step time."""
        return Interval(value=seconds, low=seconds * self.low, high=seconds * self.high)

    def of_rate(self, rate: float) -> Interval:
        """Interval of a rate, or of anything that shrinks as the step time grows."""
        return Interval(value=rate, low=rate / self.high, high=rate / self.low)


def spread_of(
    calibration: TrainingCalibration, *, moe: bool, software: SoftwareProfile, reasons: tuple[str, ...]
) -> Spread:
    """Spread of a class of software and model, widened where `reasons` say that the evidence does not reach.

    Parameters
    ----------
    calibration
        Its `intervals` are keyed ``dense-tuned`` and so on, and ``pooled``.
    moe
        Whether the model has experts.
    software
        The stack; its family is the class, and its date says whether it is newer than the calibration.
    reasons
        From `outside`.
    """
    wanted = f"{'moe' if moe else 'dense'}-{software.family}"
    name = wanted if wanted in calibration.intervals else POOLED
    known = calibration.intervals.get(name)
    low, high = (known.low.value, known.high.value) if known is not None else WITHOUT_RECORD
    low, high = min(low, 1.0), max(high, 1.0)
    if reasons:
        low, high = low**WIDENING, high**WIDENING
    if moe and software.date > calibration.date and low > DRIFT_LOW:
        low = DRIFT_LOW
        reasons = (
            *reasons,
            f"software of {software.date} is newer than the calibration of {calibration.date}",
        )
    return Spread(low=low, high=high, name=name, reasons=reasons, from_record=known is not None)


def outside(site: Site, precision: str, costs: Costs) -> tuple[str, ...]:
    """Why a layout lies outside what the evidence covers; empty where it lies inside."""
    found = []
    st = costs.strategy
    gpus, tp = costs.gpus, float(st.tp[0])
    domain = float(costs.hardware.domain[0])
    if not site.has_kernels:
        found.append(f"no kernel rates were measured on {site.accelerator.name}")
    if gpus > LARGEST_MEASURED:
        found.append(f"{gpus:,.0f} accelerators, and no measured run has more than {LARGEST_MEASURED:,}")
    if tp > domain:
        found.append(f"tensor parallelism of {tp:.0f} crosses scale-up domains of {domain:.0f}")
    if costs.layer_s < SHORT_LAYER_S:
        found.append(f"a layer takes {costs.layer_s / MILLI:.2g} ms, and kernel launches may take longer")
    uncertain = _uncertain_rate(site, precision, costs)
    if uncertain:
        found.append(uncertain)
    if float(st.offload[0]) > 0:
        found.append("activation offload, of which there is no measured run")
    return tuple(found)


def _uncertain_rate(site: Site, precision: str, costs: Costs) -> str:
    """Say so where the matrix rate of the precision is an estimate or shared between parts."""
    name = GEMM_CLASSES[int(costs.strategy.gemm_class[0])]
    rate = getattr(site.kernels.gemm, name)
    if rate.kind != "estimate":
        return ""
    return f"the {precision} matrix rate of {site.accelerator.name} is an estimate"
