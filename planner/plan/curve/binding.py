"""Where something begins to bind along a line of training: batch, fabric, failures.

=============  ========================================================================================
batch          of strong scaling: `planner train` says that the batch binds, since accelerators find no
               work or pipelines are filled only once
fabric         the exposed exchange between replicas and stages takes a tenth of the step
failures       goodput falls below 90 %, with which nobody looks for a better policy of checkpoints
fewer          failures take more than the accelerators that were added bring: fewer are faster
=============  ========================================================================================

Each is marked at the first point from which it holds at nearly all that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.bottleneck import BATCH
from planner.plan.curve.results import Mark
from planner.plan.operating.training import ENOUGH
from planner.units import format_quantity

if TYPE_CHECKING:
    from planner.plan.curve.figures import Figures
    from planner.plan.curve.scaled import Line
    from planner.types import BoolArray

__all__ = ["NETWORK", "marks_of"]

NETWORK: Final = 0.10
"""Share of the step from which the fabric is said to bind."""
_NEARLY: Final = 0.8
"""Of the points that follow."""
_SLOWER: Final = 0.98
"""Throughput below the best by so much is slower, and no luck with divisors."""


def marks_of(line: Line, points: Sequence[Figures], key: str) -> tuple[Mark, ...]:
    """Return the marks of a line, at the figure that is drawn, in the order of their accelerators."""
    found: list[tuple[int, str, str]] = []
    at = _from(np.array([point.binds.resource == BATCH for point in points]))
    if line.scaling == "strong" and at is not None:
        found.append(
            (at, "batch binds", f"{_from_on(points[at])}, the batch binds: {points[at].binds.sentence}")
        )
    at = _from(np.array([point.network >= NETWORK for point in points]))
    if at is not None:
        found.append((at, "fabric binds", f"{_from_on(points[at])}, {_fabric(line, points[at])}"))
    goodput = np.array([point.values["goodput_percent"].value for point in points])
    at = _from(goodput < 100.0 * ENOUGH)
    if at is not None:
        share = f"failures leave {goodput[at]:.1f} % of the time, less than {ENOUGH:.0%}."
        found.append((at, "failures bind", f"{_from_on(points[at])}, {share}"))
    rate = np.array([point.values["tokens_per_s"].value for point in points])
    top = int(np.argmax(rate))
    if rate[-1] < _SLOWER * rate[top]:
        most = format_quantity(float(rate[top]), "count", digits=3)
        said = f"{points[top].gpus:,} accelerators train fastest, {most} tokens/s; failures slow down more."
        found.append((top, "fewer are faster beyond", said))
    return tuple(
        Mark(x=float(points[at].gpus), y=points[at].values[key].value, label=label, sentence=sentence)
        for at, label, sentence in sorted(found)
    )


def _from_on(point: Figures) -> str:
    return f"From {point.gpus:,} accelerators on"


def _from(holds: BoolArray) -> int | None:
    """Return the first place from which something holds at nearly all that follow.

    None where there is none, and where that is the first of all: where it begins is then not in the picture.
    """
    for at in np.flatnonzero(holds):
        if np.mean(holds[at:]) >= _NEARLY:
            return int(at) or None
    return None


def _fabric(line: Line, point: Figures) -> str:
    """Say what the exchange takes and which tiers it spans."""
    site = line.shared.case.site
    below = site.table.tier_endpoints[0]
    crossed = int(np.count_nonzero(np.isfinite(below) & (below < point.used)))
    spans = ""
    if site.fabric is not None:
        tiers = "one tier" if crossed == 0 else f"{crossed + 1} tiers"
        spans = f", over {tiers} of {site.fabric.name}"
    return (
        f"the fabric binds: exchange between replicas and stages that nothing hides takes "
        f"{point.network:.0%} of the step{spans}."
    )
