"""The goal `cost` as a point: the size that is cheapest to train to a loss and to serve."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.document import Bottleneck, Interval, Nearest
from planner.plan.frontier import results
from planner.plan.frontier.cost import (
    Bought,
    bought,
    cheapest_size,
    seconds_to,
    served_rate,
    token_price,
    token_prices,
)
from planner.plan.frontier.curve import Asked, fine_sizes, least_loss
from planner.plan.frontier.outcome import refined
from planner.plan.frontier.setting import figures
from planner.plan.frontier.words import count, days_text, nats, serving_sentence, usd
from planner.units import EXA, SECONDS_PER_DAY, SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.plan.frontier.asking import Question
    from planner.plan.frontier.build import Explored
    from planner.plan.frontier.curve import Curve
    from planner.plan.frontier.outcome import Chosen
    from planner.plan.frontier.question import Served

__all__ = ["cheapest"]

_SHARE_OF_TIME: Final = 0.5
"""Of the days, in which the best model has the loss that the goal `cost` asks for: the rest is room to train
a smaller one for longer."""
AT_ONCE_S: Final = 300.0
"""A loss that takes less is refused: start-up and warm-up, which are not modelled, take longer."""
_COUNTS: Final = 0.01
"""Share of the dollars from which a deadline is said to bind."""


def cheapest(ask: Question, explored: Explored, days: float) -> results.Point | None:
    """Find the point of the goal `cost`; where there is none, `ask` gets the reason."""
    within, asked = days * SECONDS_PER_DAY, Asked(goal=ask.goal, days=days)
    surface, served = explored.surface, ask.served
    if surface is None or served is None:
        return None
    curve = ask.curve(explored, within)
    target = _target(ask, explored, within)
    sizes = fine_sizes(surface)
    offer = bought(
        surface,
        ask.laws,
        loss=target,
        parameters=sizes,
        usd_per_gpu_s=ask.setting.usd_per_gpu_s,
        serving_usd=np.zeros(len(sizes)),
    )
    if float(np.min(offer.seconds)) <= AT_ONCE_S:
        _at_once(ask, explored, target)
        return None
    if cheapest_size(offer, within) is None:
        _late(ask, offer, curve, days, target)
        return None
    try:
        prices = token_prices(explored, served, sizes)
    except InfeasibleError as error:
        ask.reasons.append(str(error))
        return None
    offer = replace(offer, serving_usd=prices * served.tokens)
    at = cheapest_size(offer, within)
    if at is None:
        ask.reasons.append("no size that reaches the loss in time can be served on this hardware")
        return None
    if explored.extend(float(sizes[at])):
        return cheapest(ask, explored, days)
    chosen = refined(
        explored,
        ask.laws,
        asked,
        seconds=float(offer.seconds[at]),
        parameters=float(sizes[at]),
        batch=float(offer.batches[at]),
    )
    if chosen is None:
        ask.reasons.append(f"in {days_text(days)}: no layout of {count(float(sizes[at]))} fits")
        return None
    rate, goodput, _ = figures(chosen.found)
    exact = seconds_to(
        ask.laws,
        loss=target,
        parameters=np.array([chosen.parameters]),
        rate=np.array([rate * goodput]),
        batches=np.array([chosen.batch]),
    )
    seconds = min(float(exact[0]), within)
    point = ask.kept(explored, asked, chosen, seconds, ask.curve(explored, seconds))
    return _with_serving(ask, point, chosen, served, target, offer)


def _target(ask: Question, explored: Explored, within_s: float) -> float:
    """Loss to be reached."""
    if ask.loss is not None:
        return ask.loss
    half = ask.curve(explored, within_s * _SHARE_OF_TIME)
    found = float(half.loss[least_loss(half)])
    ask.filled.assume(
        "loss",
        round(found, 5),
        f"nats: what the best model has in half of {days_text(within_s / SECONDS_PER_DAY)}; the rest is "
        "room to train a smaller one for longer",
    )
    return found


def _late(ask: Question, offer: Bought, curve: Curve, days: float, target: float) -> None:
    """Say by how much a loss cannot be reached in time, and what would do."""
    soonest = float(np.min(offer.seconds)) / SECONDS_PER_DAY
    reached = float(np.nanmin(curve.loss))
    if np.isfinite(soonest):
        ask.reasons.append(
            f"a loss of {nats(target)} takes {days_text(soonest)}, {days_text(soonest - days)} more than "
            f"the {days_text(days)} allowed"
        )
        ask.nearest.append(
            Nearest(field="days", value=soonest, sentence=f"--days {np.ceil(soonest * 10) / 10:g}")
        )
    else:
        ask.reasons.append(f"a loss of {nats(target)} is at the floor of the law or below: no run has it")
    ask.nearest.append(
        Nearest(field="loss", value=reached, sentence=f"--loss {np.ceil(reached * 1e4) / 1e4:g}")
    )


def _at_once(ask: Question, explored: Explored, target: float) -> None:
    """Say that a loss is so high that no run is worth planning for it."""
    hour = ask.curve(explored, SECONDS_PER_HOUR)
    reached = float(np.nanmin(hour.loss))
    ask.reasons.append(
        f"a loss of {nats(target)} is had within {format_quantity(AT_ONCE_S, 's')} here: that is no run to "
        "plan"
    )
    ask.nearest.append(
        Nearest(field="loss", value=reached, sentence=f"--loss {reached:.3g}, what an hour gives, or less")
    )


def _with_serving(
    ask: Question, point: results.Point, chosen: Chosen, served: Served, target: float, offer: Bought
) -> results.Point:
    """Add what serving costs to a point and to the other sizes."""
    rate = served_rate(ask.setting, served, chosen.found.case.job.record)
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
    priced = (_priced(one, offer, target) for one in point.sizes)
    sizes = tuple(one for one in priced if one is not None)
    binds = _binding(offer, chosen, point.days, training.value, serving.value)
    return point.model_copy(
        update={"serving": facts.model_copy(update={"sentence": said}), "sizes": sizes, "binds": binds}
    )


def _binding(offer: Bought, chosen: Chosen, days: float, training: float, serving: float) -> Bottleneck:
    """Say what keeps it from costing less: the deadline, or which of the two costs more."""
    free = int(np.argmin(offer.total_usd))
    own = int(np.argmin(np.abs(np.log(offer.parameters / chosen.parameters))))
    late = float(offer.seconds[free]) / SECONDS_PER_DAY
    saved = 1.0 - float(offer.total_usd[free] / offer.total_usd[own])
    if late > days and saved > _COUNTS:
        size = count(float(offer.parameters[free]))
        sentence = f"deadline: {size} would cost {saved:.0%} less in all, and trains for {days_text(late)}"
        return Bottleneck(resource="deadline", share=saved, sentence=sentence)
    name, most = max((("training", training), ("serving", serving)), key=lambda one: one[1])
    share = most / (training + serving)
    return Bottleneck(resource=name, share=share, sentence=f"{name}: {share:.0%} of the dollars")


def _priced(one: results.Size, offer: Bought, target: float) -> results.Size | None:
    """Train another size to the loss and serve it; None where it cannot be."""
    at = int(np.argmin(np.abs(np.log(offer.parameters / one.parameters))))
    if not np.isfinite(offer.total_usd[at]) or one.days is None:
        return None
    tokens = float(offer.tokens[at])
    return one.model_copy(
        update={
            "batch_tokens": float(offer.batches[at]),
            "tokens": tokens,
            "tokens_per_parameter": tokens / one.parameters,
            "loss": target,
            "loss_more": 0.0,
            "cost_usd": float(offer.training_usd[at]),
            "days": float(offer.seconds[at]) / SECONDS_PER_DAY,
            "serving_usd": float(offer.serving_usd[at]),
            "total_usd": float(offer.total_usd[at]),
        }
    )
