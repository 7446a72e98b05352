"""Sentences of the frontier."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from planner.units import SECONDS_PER_DAY, format_quantity

if TYPE_CHECKING:
    from planner.plan.document import Interval
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.results import Point, Serving

__all__ = ["count", "days_text", "nats", "point_sentence", "serving_sentence", "worse_than_guessing"]


def point_sentence(point: Point, goal: str, laws: Laws) -> str:
    """Say the answer for one time."""
    what = {
        "loss": "has the lowest expected loss",
        "size": "is the largest that is trained long enough",
        "cost": "costs least to train and to serve",
    }[goal]
    if goal == "loss" and laws.loss_law is None:
        what = f"is the best split of compute by {laws.law.id}, which says nothing of the loss"
    loss = "" if point.loss is None else f": {nats(point.loss.value)} nats"
    if point.loss is not None:
        loss += f" ({nats(point.loss.low)} to {nats(point.loss.high)})"
    return (
        f"In {days_text(point.days)} {point.model} on {count(point.tokens.value)} tokens "
        f"({point.tokens_per_parameter:.3g} per parameter) {what}{loss}."
    )


def serving_sentence(serving: Serving, model: str, first: str) -> str:
    """Say what training and serving cost, beside the model of the same loss that trains for the least."""
    total, trained = serving.total_usd.value, serving.training_usd.value
    return (
        f"{model} reaches {nats(serving.loss_reached)} nats and writes {count(serving.output_tokens)} tokens "
        f"for {usd(total)}: {usd(trained)} to train, {usd(serving.serving_usd.value)} to serve; {first}"
    )


def usd(value: float) -> str:
    """Write dollars, short."""
    return format_quantity(value, "usd", digits=3)


def count(value: float) -> str:
    """Write a count, short."""
    return format_quantity(value, "count", digits=3)


def nats(value: float) -> str:
    """Write a loss."""
    return f"{value:.4f}"


def worse_than_guessing(loss: Interval | None, vocab: int) -> tuple[str, ...]:
    """Say where a law gives more than the loss of a model that has learned nothing."""
    most = log(vocab)
    if loss is None or loss.value <= most:
        return ()
    return (
        f"a loss of {nats(loss.value)} nats is above the {nats(most)} of guessing among {vocab:,} tokens: so "
        "little was trained on that the law means nothing here",
    )


def days_text(days: float) -> str:
    """Write days; long times in years."""
    if days >= 1000.0:
        return format_quantity(days * SECONDS_PER_DAY, "s", digits=3)
    return "1 day" if days == 1.0 else f"{days:.3g} days"
