"""The best run of each size in some time, from the surface and the laws; and which size a goal chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.plan.frontier.setting import round_batch

if TYPE_CHECKING:
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.surface import Surface
    from planner.types import FloatArray

__all__ = ["Asked", "Curve", "batches_of", "curve_of", "fine_sizes", "index_of", "least_loss"]

_STEP: Final = 1.02
"""Between sizes that are compared."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Runs of some sizes in one time, each with its best batch; all ``[P]``.

    Attributes
    ----------
    parameters
        As the shape counts them.
    batches
        Tokens of a step.
    tokens
        Trained on, with failures.
    worth
        Fresh tokens in small batches that they are worth.
    critical
        Batch at which twice the least tokens are needed.
    goodput, gpus
        Of the run.
    loss
        Nats; NaN where the law has none.
    ahead
        Tokens over those of the law's best split; 1 is the best.
    """

    parameters: FloatArray
    batches: FloatArray
    tokens: FloatArray
    worth: FloatArray
    critical: FloatArray
    goodput: FloatArray
    gpus: FloatArray
    loss: FloatArray
    ahead: FloatArray


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a point is asked for.

    Attributes
    ----------
    goal
        ``loss``, ``size`` or ``cost``.
    days
        Allowed.
    tokens_per_parameter
        Least, for ``size``; None for the law's best split.
    """

    goal: str
    days: float
    tokens_per_parameter: float | None = None

    @property
    def least(self) -> float:
        """What `trained` must be."""
        return 1.0 if self.tokens_per_parameter is None else self.tokens_per_parameter

    def trained(self, curve: Curve) -> FloatArray:
        """How long sizes are trained, by the measure that was asked for, ``[P]``."""
        return curve.ahead if self.tokens_per_parameter is None else curve.tokens / curve.parameters


def fine_sizes(surface: Surface) -> FloatArray:
    """Sizes from the smallest node to the largest, close to each other."""
    low, high = surface.sizes[0], surface.sizes[-1]
    steps = max(int(np.ceil(np.log(high / low) / np.log(_STEP))), 1)
    return np.asarray(low * (high / low) ** (np.arange(steps + 1) / steps))


def curve_of(
    surface: Surface,
    laws: Laws,
    *,
    seconds: float,
    parameters: FloatArray,
    flop_per_token: FloatArray,
    failures: bool = True,
    limited: bool = True,
) -> Curve:
    """Choose the batch of each size: the one whose tokens are worth most.

    Parameters
    ----------
    laws
        Stated values are used.
    seconds
        Of the run.
    parameters, flop_per_token
        Sizes, and what a law in compute per token counts for them, ``[P]``.
    failures
        Whether failures take their share.
    limited
        Whether a large batch costs tokens.
    """
    stated = laws.stated
    batches = batches_of(surface)
    rate, goodput, gpus = surface.at(parameters, batches)
    tokens = rate * (goodput if failures else 1.0) * seconds
    critical = stated.critical(tokens)
    held = critical if limited else np.full_like(critical, np.inf)
    worth = stated.worth(tokens, batches[None, :], held)
    best = np.argmax(worth, axis=1)

    def chosen(values: FloatArray) -> FloatArray:
        return np.asarray(np.take_along_axis(values, best[:, None], axis=1)[:, 0])

    own_tokens, own_worth = chosen(tokens), chosen(worth)
    loss = np.ravel(stated.loss(parameters[None, :], own_tokens[None, :], own_worth[None, :]))
    return Curve(
        parameters=parameters,
        batches=batches[best],
        tokens=own_tokens,
        worth=own_worth,
        critical=chosen(critical),
        goodput=chosen(goodput),
        gpus=chosen(gpus),
        loss=loss,
        ahead=stated.split(parameters, own_worth, flop_per_token),
    )


def batches_of(surface: Surface) -> FloatArray:
    """Round batches over the range of the nodes, in tokens."""
    low = min(node.batches[0] for node in surface.nodes) / surface.seq_len
    high = max(node.batches[-1] for node in surface.nodes) / surface.seq_len
    eighths = np.arange(np.floor(np.log2(low)) * 4, np.ceil(np.log2(max(high, low + 1))) * 4 + 1)
    exact = 2.0 ** (eighths // 4) * (1.0 + (eighths % 4) / 4.0)
    kept = np.unique([float(round_batch(one, 1)) for one in exact])
    inside = kept[(kept >= low * 0.999) & (kept <= high * 1.001)]
    return np.asarray((inside if inside.size else np.array([high])) * surface.seq_len)


def least_loss(curve: Curve) -> int:
    """Return the size of the least loss; by a law without one, that of its best split."""
    if np.all(np.isnan(curve.loss)):
        return largest(curve.ahead, 1.0)
    return int(np.nanargmin(curve.loss))


def largest(measure: FloatArray, least: float) -> int:
    """Return the place of the largest size that is trained long enough; of the smallest where none is."""
    enough = np.flatnonzero(np.nan_to_num(measure, nan=0.0) >= least)
    return int(enough[-1]) if enough.size else 0


def index_of(asked: Asked, curve: Curve) -> int:
    """Return the size that the goal chooses (of ``cost``, the one of the least loss)."""
    return least_loss(curve) if asked.goal != "size" else largest(asked.trained(curve), asked.least)
