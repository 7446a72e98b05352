"""Cost of runs, tokens and users, and what a service earns.

References
----------
.. [1] DeepSeek-AI, open-infra-index, "DeepSeek-V3/R1 Inference System Overview" (2025): nodes, token counts,
       prices
   and the resulting margin of a day.
.. [2] DeepSeek-AI, "DeepSeek-V3 Technical Report", arXiv:2412.19437, Table 1: GPU hours times 2 USD.
"""

from __future__ import annotations

import numpy as np

from planner.model.cost.hour import MONTHS_PER_YEAR
from planner.model.cost.values import Values, array
from planner.types import FloatArray
from planner.units import HOURS_PER_YEAR, MILLION, SECONDS_PER_HOUR

__all__ = [
    "machines_for_tokens",
    "profit_margin",
    "run_usd",
    "token_revenue_usd",
    "usd_per_million_tokens",
    "usd_per_user_month",
]


def run_usd(*, usd_per_hour: Values, accelerators: Values, hours: Values) -> FloatArray:
    """Cost of accelerators for some hours, USD [2]_."""
    used = array(accelerators) * array(hours)
    return array(usd_per_hour) * used


def usd_per_million_tokens(
    *,
    usd_per_hour: Values,
    tokens_per_s: Values,
    utilisation: Values = 1.0,
) -> FloatArray:
    """Cost of a million tokens, USD.

    Parameters
    ----------
    usd_per_hour
        Of the accelerators that make them: of one with its own rate, or of all with the rate of all.
    tokens_per_s
        While busy.
    utilisation
        Share of the paid time in which they are busy.

    Returns
    -------
    FloatArray
        Infinite where no tokens are made.

    Notes
    -----
    Input and output are told apart by what each occupies: the pools of a disaggregated service each with its
    own tokens; where a machine does both, split its hour by the time it spends on either.
    """
    rate = array(tokens_per_s) * array(utilisation)
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = array(usd_per_hour) * MILLION / (SECONDS_PER_HOUR * rate)
    return np.where(rate > 0.0, cost, np.inf)


def usd_per_user_month(*, usd_per_hour: Values, accelerators: Values, users: Values) -> FloatArray:
    """Cost of one user for a twelfth of a year, where accelerators serve so many users around the clock."""
    month = run_usd(
        usd_per_hour=usd_per_hour, accelerators=accelerators, hours=HOURS_PER_YEAR / MONTHS_PER_YEAR
    )
    return month / array(users)


def token_revenue_usd(*, tokens: Values, usd_per_million: Values) -> FloatArray:
    """Price of tokens sold, USD; sum over the classes of token (cached input, input, output) [1]_."""
    return array(tokens) * array(usd_per_million) / MILLION


def profit_margin(*, revenue_usd: Values, cost_usd: Values) -> FloatArray:
    """Profit over cost, as [1]_ states it (545 %); over revenue it is never above 1."""
    cost = array(cost_usd)
    return (array(revenue_usd) - cost) / cost


def machines_for_tokens(*, tokens: Values, seconds: Values, tokens_per_s: Values) -> FloatArray:
    """Machines that make so many tokens in a time, each at a rate, always busy; not rounded [1]_."""
    return array(tokens) / (array(seconds) * array(tokens_per_s))
