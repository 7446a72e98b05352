"""The goal `cost`: least dollars to train a model of a given loss and to serve it for its life.

As Sardana et al. (arXiv:2401.00448), with the real prices in place of FLOP: what a second of the run costs on
this hardware, and what a written token costs there by the estimator of `planner.serve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.document import Interval
from planner.plan.frontier.curve import batches_of
from planner.plan.rates import Where, generation
from planner.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.plan.frontier.build import Explored
    from planner.plan.frontier.laws import Laws
    from planner.plan.frontier.question import Served
    from planner.plan.frontier.setting import Setting
    from planner.plan.frontier.surface import Surface
    from planner.plan.rates import Rate
    from planner.types import FloatArray
    from planner.workload.record import ModelRecord

__all__ = ["Bought", "bought", "cheapest_size", "seconds_to", "served_rate", "token_price", "token_prices"]

_SHORTEST: Final = 60.0
_LONGEST: Final = 1e11
_HALVINGS: Final = 48
_SERVED_SIZES: Final = 4
_SERVED: Final = 1.001
"""Sizes above the largest that can be served are not."""


@dataclass(frozen=True, kw_only=True)
class Bought:
    """Sizes that reach a loss: how long and with which batch each trains, and what it costs; ``[P]``.

    Seconds and dollars are infinite where a size never reaches it.
    """

    parameters: FloatArray
    seconds: FloatArray
    tokens: FloatArray
    batches: FloatArray
    training_usd: FloatArray
    serving_usd: FloatArray

    @property
    def total_usd(self) -> FloatArray:
        """Of both."""
        return self.training_usd + self.serving_usd


def seconds_to(
    laws: Laws,
    *,
    loss: float,
    parameters: FloatArray,
    rate: FloatArray,
    batches: FloatArray,
    limited: bool = True,
    longest_s: float = _LONGEST,
) -> FloatArray:
    """Time in which runs reach a loss; infinite where they do not. All arrays broadcast.

    Parameters
    ----------
    rate
        Tokens/s, failures included.
    limited
        Whether a large batch costs tokens.
    longest_s
        Longer is never.
    """
    stated = laws.stated
    shape = np.broadcast_shapes(np.shape(parameters), np.shape(rate), np.shape(batches))
    low, high = np.full(shape, np.log(_SHORTEST)), np.full(shape, np.log(longest_s))
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        tokens = rate * np.exp(middle)
        worth = stated.worth(tokens, batches, stated.critical(tokens) if limited else np.inf)
        reached = np.reshape(stated.loss(parameters, tokens, worth), shape) <= loss
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    seconds = np.exp(high)
    return np.asarray(np.where(seconds < 0.999 * longest_s, seconds, np.inf))


def bought(
    surface: Surface,
    laws: Laws,
    *,
    loss: float,
    parameters: FloatArray,
    usd_per_gpu_s: float,
    serving_usd: FloatArray,
    limited: bool = True,
    longest_s: float = _LONGEST,
) -> Bought:
    """Let every size reach a loss, each with the batch that takes it there soonest.

    Parameters
    ----------
    usd_per_gpu_s
        Of an accelerator at work.
    serving_usd
        Of the model's life, ``[P]``.
    limited, longest_s
        As of `seconds_to`.
    """
    batches = batches_of(surface)
    rate, goodput, gpus = surface.at(parameters, batches)
    seconds = seconds_to(
        laws,
        loss=loss,
        parameters=parameters[:, None],
        rate=rate * goodput,
        batches=batches[None, :],
        limited=limited,
        longest_s=longest_s,
    )
    best = np.argmin(seconds, axis=1)
    own = np.arange(len(parameters))
    return Bought(
        parameters=parameters,
        seconds=seconds[own, best],
        tokens=seconds[own, best] * (rate * goodput)[own, best],
        batches=batches[best],
        training_usd=seconds[own, best] * gpus[own, best] * usd_per_gpu_s,
        serving_usd=serving_usd,
    )


def cheapest_size(offer: Bought, within_s: float) -> int | None:
    """Return the cheapest size that is trained in time; None where none is."""
    total = np.where(offer.seconds <= within_s, offer.total_usd, np.inf)
    at = int(np.argmin(total))
    return at if np.isfinite(total[at]) else None


def served_rate(setting: Setting, served: Served, record: ModelRecord) -> Rate:
    """Ask the serving estimator for a model on the same hardware.

    Raises
    ------
    InfeasibleError
        It cannot be served there.
    """
    site, asked = setting.site, setting.asked
    system = site.system.id if site.system is not None else site.accelerator.id
    where = Where(
        book=setting.book,
        cluster=None if site.cluster is None else f"{site.cluster}/{system}",
        gpu=system if site.cluster is None else None,
        gpus=site.available,
        site=asked.site,
        price=asked.price.text,
        finance=asked.finance,
    )
    return generation(where, record, isl=served.isl, osl=served.osl, prefix_hit=served.hit)


def token_price(rate: Rate) -> Interval:
    """USD of a written token, its prompt included."""
    hour, each = rate.usd_per_gpu_hour, rate.tokens_per_s_per_gpu.scaled(SECONDS_PER_HOUR)
    return Interval(value=hour.value / each.value, low=hour.low / each.high, high=hour.high / each.low)


def token_prices(explored: Explored, served: Served, parameters: FloatArray) -> FloatArray:
    """USD of a written token by size, ``[P]``: a few sizes by the serving estimator, straight in logarithms.

    Raises
    ------
    InfeasibleError
        None of the sizes can be served.
    """
    setting = explored.setting
    sizes, prices, why = [], [], None
    for size in np.geomspace(parameters[0], parameters[-1], _SERVED_SIZES):
        try:
            rate = served_rate(setting, served, setting.record(float(size)))
        except InfeasibleError as error:
            why = error
            continue
        sizes.append(float(size))
        prices.append(token_price(rate).value)
    if not sizes:
        raise InfeasibleError(str(why))
    known = np.interp(np.log(parameters), np.log(sizes), np.log(prices))
    return np.where(parameters <= sizes[-1] * _SERVED, np.exp(known), np.inf)
