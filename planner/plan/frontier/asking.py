"""A frontier question with its surface: one point for each time, and the reasons where there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError, UsageError
from planner.plan.document import Nearest
from planner.plan.frontier import results
from planner.plan.frontier.build import Explored
from planner.plan.frontier.cheapest import cheapest
from planner.plan.frontier.curve import Asked, curve_of, fine_sizes, index_of
from planner.plan.frontier.outcome import planned, refined
from planner.plan.frontier.point import model_name, point_of
from planner.plan.frontier.setting import round_batch
from planner.plan.frontier.surface import Node
from planner.plan.frontier.words import count, days_text
from planner.tables.laws import LossLaw
from planner.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.frontier.curve import Curve
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.outcome import Chosen
    from planner.plan.frontier.question import Served
    from planner.plan.frontier.setting import Setting
    from planner.plan.results import TrainResult

__all__ = ["Question"]

_SMALLER: Final = 8.0
"""Served for long, the cheapest model is several times smaller than the compute-optimal one."""
_OF_THE_LOSS: Final = (
    "The loss is that of text like the training text; its interval holds the error of the fit, of the rate, "
    "of the batch and of the data, not that the form may fail."
)


@dataclass
class Question:
    """What is asked, resolved, and what was found on the way."""

    setting: Setting
    laws: Laws
    times: tuple[float, ...]
    """Days."""
    goal: str
    peak: float
    """Dense, of all accelerators, FLOP/s."""
    served: Served | None
    tokens_per_parameter: float | None
    loss: float | None
    filled: Filled
    runs: list[TrainResult] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    spreads: list[float] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    nearest: list[Nearest] = field(default_factory=list)
    curves: dict[float, Curve] = field(default_factory=dict)
    """Of the goals `loss` and `size`, the best run of every size by days."""

    def answered(self) -> results.FrontierAnswer:
        """Find a point for each time.

        Raises
        ------
        UsageError
            A goal that needs a loss, by a law that has none.
        """
        if self.goal == "cost" and self.laws.loss_law is None:
            raise UsageError(
                f"--goal cost compares models of the same loss, and scaling law {self.laws.law.id!r} says "
                "nothing of it; use one that does: besiroglu"
            )
        started = time.perf_counter()
        points, nodes = [], dict[int, Node]()
        for days in self.times:
            explored = Explored.start(
                self.setting,
                self.laws,
                peak=self.peak,
                seconds=days * SECONDS_PER_DAY,
                smaller=_SMALLER if self.goal == "cost" else 1.0,
                nodes=nodes,
            )
            if explored.surface is None:
                self._nothing(explored)
            elif (point := self._point(explored, days)) is not None:
                self.spreads.append(explored.surface.spread)
                points.append(point)
        dropped = {node.parameters: node.why for _, node in sorted(nodes.items()) if node.why}
        return results.FrontierAnswer(
            sentence=self._sentence(points),
            points=tuple(points),
            surface=results.SurfaceFacts(
                sizes=tuple(node.parameters for _, node in sorted(nodes.items())),
                searches=self.setting.effort.searches,
                seconds=time.perf_counter() - started,
                spread=max(self.spreads, default=0.0),
                exact_over_surface=tuple(self.ratios),
                dropped={model_name(self.setting.shape, n): why for n, why in dropped.items()},
            ),
            reasons=tuple(self.reasons),
            nearest=tuple(self.nearest),
            notes=self._notes(dropped, points),
        )

    def _point(self, explored: Explored, days: float) -> results.Point | None:
        return cheapest(self, explored, days) if self.goal == "cost" else self._best(explored, days)

    def curve(self, explored: Explored, seconds: float) -> Curve:
        """Return the best run of every size in some time."""
        surface = explored.surface
        if surface is None:
            raise InfeasibleError("nothing can be trained; report this")
        sizes = fine_sizes(surface)
        return curve_of(
            surface, self.laws, seconds=seconds, parameters=sizes, flop_per_token=explored.counted(sizes)
        )

    def _best(self, explored: Explored, days: float) -> results.Point | None:
        """Find the point of the goals `loss` and `size`."""
        seconds = days * SECONDS_PER_DAY
        asked = Asked(goal=self.goal, days=days, tokens_per_parameter=self.tokens_per_parameter)
        curve = self.curve(explored, seconds)
        at = index_of(asked, curve)
        while explored.extend(float(curve.parameters[at])):
            curve = self.curve(explored, seconds)
            at = index_of(asked, curve)
        self.curves[days] = curve
        if self.goal == "size" and not float(asked.trained(curve)[at]) >= asked.least:
            self._too_short(curve, asked)
            return None
        chosen = refined(
            explored,
            self.laws,
            asked,
            seconds=seconds,
            parameters=float(curve.parameters[at]),
            batch=float(curve.batches[at]),
        )
        if chosen is None:
            self.reasons.append(
                f"in {days_text(days)}: no layout of {count(float(curve.parameters[at]))} fits"
            )
            return None
        return self.kept(explored, asked, chosen, seconds, curve)

    def _nothing(self, explored: Explored) -> None:
        """Say why not even the smallest size can be trained, and what would do."""
        smallest = explored.own[0]
        sequences = round_batch(self.setting.job.seq_len, self.setting.job.seq_len)
        answer = planned(self.setting, self.setting.case(smallest.parameters, sequences), 1.0).result
        self.reasons += [why for why in (*answer.reasons, smallest.why) if why not in self.reasons][:1]
        self.nearest += [one for one in answer.nearest if one not in self.nearest]

    def _too_short(self, curve: Curve, asked: Asked) -> None:
        """Say that not even the smallest size is trained long enough."""
        own = float(np.nan_to_num(asked.trained(curve)[0]))
        per = "tokens per parameter" if asked.tokens_per_parameter is not None else "of the law's best split"
        self.reasons.append(
            f"in {days_text(asked.days)} not even {count(float(curve.parameters[0]))} parameters are trained "
            f"long enough: {own:.3g} {per}, and {asked.least:.3g} are needed"
        )
        if own > 0:
            longer = asked.days * asked.least / own
            self.nearest.append(Nearest(field="days", value=longer, sentence=f"--days {longer:.4g}"))

    def kept(
        self, explored: Explored, asked: Asked, chosen: Chosen, seconds: float, curve: Curve
    ) -> results.Point:
        """Evaluate what was chosen as a point, and keep its run."""
        point, run, ratio = point_of(explored, self.laws, asked, chosen, seconds=seconds, base=curve)
        self.runs.append(run)
        self.ratios.append(ratio)
        return point

    def _sentence(self, points: list[results.Point]) -> str:
        if not points:
            return f"No model: {self.reasons[0] if self.reasons else 'nothing fits'}"
        return " ".join(point.sentence for point in points)

    def _notes(self, dropped: dict[float, str], points: list[results.Point]) -> tuple[str, ...]:
        farthest = max(points, key=lambda point: point.flop, default=None)
        notes = [] if farthest is None else list(farthest.extrapolated)
        law, wear = self.laws.law, self.laws.wear
        if isinstance(law, LossLaw):
            notes.append(_OF_THE_LOSS)
            if law.floor.shape[0] == 1:
                notes.append(
                    f"Scaling law {law.id!r} has no published spread: the interval leaves out its error."
                )
            if any(point.epochs > 1.0 for point in points) and wear is not law:
                notes.append(
                    f"Data is repeated: how it wears out is {wear.id}'s, which was not fitted with the loss "
                    f"of {law.id}."
                )
        if dropped:
            names = ", ".join(model_name(self.setting.shape, size) for size in dropped)
            notes.append(f"Sizes that cannot be trained: {names}.")
        return (*notes, *self.filled.notes)
