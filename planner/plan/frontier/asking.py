"""A frontier question with its surface: one point for each time, and the reasons where there is none."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError, UsageError
from planner.plan.document import Interval, Nearest
from planner.plan.frontier import results
from planner.plan.frontier.build import Explored
from planner.plan.frontier.cost import (
    Bought,
    bought,
    cheapest_size,
    seconds_to,
    served_rate,
    token_price,
    token_prices,
)
from planner.plan.frontier.curve import Asked, curve_of, fine_sizes, index_of, least_loss
from planner.plan.frontier.outcome import planned, refined
from planner.plan.frontier.point import model_name, point_of
from planner.plan.frontier.surface import Node, figures, round_batch
from planner.plan.frontier.words import count, days_text, nats, serving_sentence, usd
from planner.tables.laws import LossLaw
from planner.units import EXA, SECONDS_PER_DAY

if TYPE_CHECKING:
    from planner.plan.defaults import Filled
    from planner.plan.frontier.curve import Curve
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.outcome import Chosen
    from planner.plan.frontier.question import Served
    from planner.plan.frontier.surface import Setting
    from planner.plan.results import TrainResult

__all__ = ["Question"]

_SMALLER: Final = 8.0
"""Served for long, the cheapest model is several times smaller than the compute-optimal one."""
_SHARE_OF_TIME: Final = 0.5
"""Of the days, in which the best model has the loss that the goal `cost` asks for: the rest is room to train
a smaller one for longer."""

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
        find = self._cheapest if self.goal == "cost" else self._best
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
            elif (point := find(explored, days)) is not None:
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

    def _curve(self, explored: Explored, seconds: float) -> Curve:
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
        curve = self._curve(explored, seconds)
        at = index_of(asked, curve)
        while explored.extend(float(curve.parameters[at])):
            curve = self._curve(explored, seconds)
            at = index_of(asked, curve)
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
        return self._kept(explored, asked, chosen, seconds, curve)

    def _nothing(self, explored: Explored) -> None:
        """Say why not even the smallest size can be trained, and what would do."""
        smallest = explored.own[0]
        sequences = round_batch(self.setting.job.seq_len, self.setting.job.seq_len)
        answer = planned(self.setting, self.setting.case(smallest.record, sequences), 1.0).result
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

    def _kept(
        self, explored: Explored, asked: Asked, chosen: Chosen, seconds: float, curve: Curve
    ) -> results.Point:
        point, run, ratio = point_of(explored, self.laws, asked, chosen, seconds=seconds, base=curve)
        self.runs.append(run)
        self.ratios.append(ratio)
        return point

    def _cheapest(self, explored: Explored, days: float) -> results.Point | None:
        """Find the point of the goal `cost`."""
        within, asked = days * SECONDS_PER_DAY, Asked(goal=self.goal, days=days)
        surface, served = explored.surface, self.served
        if surface is None or served is None:
            return None
        curve = self._curve(explored, within)
        target = self._target(explored, within)
        sizes = fine_sizes(surface)
        offer = bought(
            surface,
            self.laws,
            loss=target,
            parameters=sizes,
            usd_per_gpu_s=self.setting.usd_per_gpu_s,
            serving_usd=np.zeros(len(sizes)),
        )
        if cheapest_size(offer, within) is None:
            self._late(offer, curve, days, target)
            return None
        try:
            prices = token_prices(explored, served, sizes)
        except InfeasibleError as error:
            self.reasons.append(str(error))
            return None
        offer = replace(offer, serving_usd=prices * served.tokens)
        at = cheapest_size(offer, within)
        if at is None:
            self.reasons.append("no size that reaches the loss in time can be served on this hardware")
            return None
        chosen = refined(
            explored,
            self.laws,
            asked,
            seconds=float(offer.seconds[at]),
            parameters=float(sizes[at]),
            batch=float(offer.batches[at]),
        )
        if chosen is None:
            self.reasons.append(f"in {days_text(days)}: no layout of {count(float(sizes[at]))} fits")
            return None
        rate, goodput, _ = figures(chosen.found)
        exact = seconds_to(
            self.laws,
            loss=target,
            parameters=np.array([chosen.parameters]),
            rate=np.array([rate * goodput]),
            batches=np.array([chosen.batch]),
        )
        seconds = min(float(exact[0]), within)
        point = self._kept(explored, asked, chosen, seconds, self._curve(explored, seconds))
        return self._with_serving(point, chosen, served, target, offer)

    def _target(self, explored: Explored, within_s: float) -> float:
        """Loss to be reached."""
        if self.loss is not None:
            return self.loss
        half = self._curve(explored, within_s * _SHARE_OF_TIME)
        found = float(half.loss[least_loss(half)])
        self.filled.assume(
            "loss",
            round(found, 5),
            f"nats: what the best model has in half of {days_text(within_s / SECONDS_PER_DAY)}; the rest is "
            "room to train a smaller one for longer",
        )
        return found

    def _late(self, offer: Bought, curve: Curve, days: float, target: float) -> None:
        """Say by how much a loss cannot be reached in time, and what would do."""
        soonest = float(np.min(offer.seconds)) / SECONDS_PER_DAY
        reached = float(np.nanmin(curve.loss))
        if np.isfinite(soonest):
            self.reasons.append(
                f"a loss of {nats(target)} takes {days_text(soonest)}, {days_text(soonest - days)} more than "
                f"the {days_text(days)} allowed"
            )
            self.nearest.append(
                Nearest(field="days", value=soonest, sentence=f"--days {np.ceil(soonest * 10) / 10:g}")
            )
        else:
            self.reasons.append(
                f"a loss of {nats(target)} is at the floor of the law or below: no run has it"
            )
        self.nearest.append(
            Nearest(field="loss", value=reached, sentence=f"--loss {np.ceil(reached * 1e4) / 1e4:g}")
        )

    def _with_serving(
        self, point: results.Point, chosen: Chosen, served: Served, target: float, offer: Bought
    ) -> results.Point:
        """Add what serving costs to a point and to the other sizes."""
        rate = served_rate(self.setting, served, chosen.found.case.job.record)
        price = token_price(rate)
        serving, training = price.scaled(served.tokens), point.run.cost_usd
        read = served.tokens * (1.0 + served.isl * (1.0 - served.hit) / served.osl)
        size = point.parameters.value
        finite = np.where(np.isfinite(offer.training_usd), offer.training_usd, np.inf)
        least = int(np.argmin(finite))
        other = float(offer.total_usd[least])
        facts = results.Serving(
            output_tokens=served.tokens,
            usd_per_million_output_tokens=price.scaled(1e6),
            serving_usd=serving,
            training_usd=training,
            total_usd=Interval(
                value=serving.value + training.value,
                low=serving.low + training.low,
                high=serving.high + training.high,
            ),
            usd_per_training_exaflop=training.value / point.flop * EXA,
            usd_per_serving_exaflop=serving.value / (2.0 * size * read) * EXA,
            loss_reached=target,
            sentence="",
        )
        cheapest = (
            f"the model that trains to it for the least, {count(float(offer.parameters[least]))}, would cost "
            f"{usd(other)}"
        )
        said = serving_sentence(facts, point.model, cheapest)
        sizes = tuple(_priced(one, offer) for one in point.sizes)
        return point.model_copy(
            update={"serving": facts.model_copy(update={"sentence": said}), "sizes": sizes}
        )

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


def _priced(one: results.Size, offer: Bought) -> results.Size:
    """Add the cost of reaching the loss, and of serving, to another size."""
    at = int(np.argmin(np.abs(np.log(offer.parameters / one.parameters))))
    if not np.isfinite(offer.total_usd[at]):
        return one
    return one.model_copy(
        update={
            "serving_usd": float(offer.serving_usd[at]),
            "total_usd": float(offer.total_usd[at]),
            "cost_usd": float(offer.training_usd[at]),
            "days": float(offer.seconds[at]) / SECONDS_PER_DAY,
            "tokens": float(one.tokens),
        }
    )
