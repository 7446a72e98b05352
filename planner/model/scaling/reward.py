"""Reinforcement learning: reward by compute, and the share of time that generation takes.

References
----------
.. [1] D. Khatri et al., "The Art of Scaling Reinforcement Learning Compute for LLMs", arXiv:2510.13786
   (2025), Eq. 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.model.scaling.loss import positive
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import RewardLaw

__all__ = ["compute_for_reward", "generation_share", "reward"]


def reward(*, law: RewardLaw, compute: Values, middle: Values, start: Values) -> FloatArray:
    """Pass rate after some compute, ``R0 + (A - R0) / (1 + (C_mid / C)^B)`` [1]_.

    Parameters
    ----------
    law
        Asymptote A and exponent B of a recipe.
    compute, middle
        Compute spent, and compute at half of the gain; of a run, in any one unit (GPU-hours in [1]_).
    start
        Pass rate before.

    Raises
    ------
    InputError
        A law without an exponent, or a start outside [0, 1].
    """
    exponent = _exponent(law)
    first = array(start)
    if not np.all((first >= 0.0) & (first <= 1.0)):
        raise InputError("the reward at the start is a share between 0 and 1; give for example 0.2")
    ratio = positive(middle, "the middle") / positive(compute, "compute")
    return first + (law.asymptote - first) / (1.0 + ratio**exponent)


def compute_for_reward(*, law: RewardLaw, reward: Values, middle: Values, start: Values) -> FloatArray:
    """Compute after which a pass rate is reached, in the unit of `middle`; infinite where it never is."""
    exponent = _exponent(law)
    gained = array(reward) - array(start)
    left = law.asymptote - array(reward)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = positive(middle, "the middle") * (gained / left) ** (1.0 / exponent)
    return np.where(left <= 0.0, np.inf, np.where(gained <= 0.0, 0.0, needed))


def generation_share(
    *,
    generated_flop: Values,
    trained_flop: Values,
    generation_utilisation: Values,
    training_utilisation: Values,
) -> FloatArray:
    """Share of accelerator time that generation takes; its share of FLOP is smaller, its utilisation is low.

    Parameters
    ----------
    generated_flop, trained_flop
        Per token of a rollout: 2 N to generate, 6 N to train once.
    generation_utilisation, training_utilisation
        Share of the peak rate.
    """
    generating = array(generated_flop) / positive(generation_utilisation, "utilisation")
    training = array(trained_flop) / positive(training_utilisation, "utilisation")
    return generating / (generating + training)


def _exponent(law: RewardLaw) -> FloatArray:
    if np.any(np.isnan(law.exponent)):
        raise InputError(
            f"scaling law {law.id!r} has an asymptote but no exponent; use scalerl or minimax-rl, or add "
            "coefficients.exponent to a record of your own"
        )
    return law.exponent
