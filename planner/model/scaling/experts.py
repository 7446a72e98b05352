"""Mixtures of experts: compute saved at equal loss, by three laws that are not comparable.

References
----------
.. [1] C. Tian et al., "Towards Greater Leverage: Scaling Laws for Efficient Mixture-of-Experts Language
   Models", arXiv:2507.17702 (2025), Eq. 13 and Table 2.
.. [2] S. Abnar et al., "Parameters vs FLOPs: Scaling Laws for Optimal Sparsity for Mixture-of-Experts
   Language Models", arXiv:2501.12370 (2025), Eq. 6 and Table 3.
.. [3] Kimi team, "Kimi K2", arXiv:2507.20534 (2025), section 2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.model.scaling.loss import positive
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import LeverageLaw, SavingsLaw, SparsityLaw

__all__ = ["efficiency_leverage", "sparse_loss", "sparsity_savings"]


def efficiency_leverage(
    *, law: LeverageLaw, activation: Values, granularity: Values, flop: Values, extrapolate: bool = False
) -> FloatArray:
    """Compute of a dense model over that of a mixture of experts of equal loss [1]_.

    Use it as a multiplier: a mixture with N active parameters and compute ``6 N D`` is as good as a dense
    model with `efficiency_leverage` times the compute.

    Parameters
    ----------
    law
        Coefficients.
    activation
        Active experts over all experts, shared ones included in both; 1 for a dense model.
    granularity
        2 x model width over the width of an expert (12 in the paper's example); the best is about 11.
    flop
        Training compute of the mixture.
    extrapolate
        Let the leverage grow beyond the compute of the fit; otherwise it stays what it is there, and so do
        activation and granularity beyond theirs.

    Returns
    -------
    FloatArray
        1 or more; exactly 1 for a dense model.

    Raises
    ------
    InputError
        An activation outside (0, 1], a granularity or compute of zero or less.
    """
    share = positive(activation, "the share of active experts")
    if not np.all(share <= 1.0):
        raise InputError("the share of active experts is at most 1; give active over all experts")
    grain, compute = positive(granularity, "granularity"), positive(flop, "training compute")
    if not extrapolate:
        share, grain, compute = (
            np.clip(values, *law.fitted.get(name, (0.0, np.inf)))
            for name, values in (("activation", share), ("granularity", grain), ("flop", compute))
        )
    fine = np.log2(grain)
    power = (
        law.exponent
        - law.flop_exponent * np.log10(compute)
        + law.granularity_square * fine**2
        - law.granularity_linear * fine
    )
    inner = share + 1.0 / (1.0 / law.start - 1.0 / law.most)
    saturated = 1.0 / (1.0 / inner + 1.0 / law.most)
    return np.where(array(activation) < 1.0, np.maximum(saturated**power, 1.0), 1.0)


def sparse_loss(*, law: SparsityLaw, parameters: Values, tokens: Values, sparsity: Values) -> FloatArray:
    """Cross-entropy of a mixture of experts, nats [2]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters
        All of them, active or not.
    tokens
        Of the training.
    sparsity
        Share of the experts that rest, 0 for a dense model, below 1.
    """
    resting = array(sparsity)
    if not np.all((resting >= 0.0) & (resting < 1.0)):
        raise InputError("a sparsity is a share of at least 0 and below 1; give 1 - active over all experts")
    size, data = positive(parameters, "parameters"), positive(tokens, "tokens")
    active = 1.0 - resting
    return (
        law.floor
        + law.parameter_factor * size**-law.parameter_exponent
        + law.token_factor * data**-law.token_exponent
        + law.sparse_factor * active**law.sparse_exponent
        + law.joint_factor * active**-law.joint_sparse * size**-law.joint_parameters
    )


def sparsity_savings(*, law: SavingsLaw, sparsity: Values, base: Values) -> FloatArray:
    """Compute at one sparsity over that at another, at equal loss and equal active parameters [3]_.

    Parameters
    ----------
    law
        A table, interpolated in logarithms.
    sparsity, base
        All experts over active ones.

    Raises
    ------
    InputError
        A sparsity outside the table.
    """
    low, high = law.sparsity[0], law.sparsity[-1]
    for values in (array(sparsity), array(base)):
        if not np.all((values >= low) & (values <= high)):
            raise InputError(
                f"scaling law {law.id!r} holds from a sparsity of {low:g} to {high:g}, found "
                f"{float(np.ravel(values)[0]):g}; give one within it"
            )

    def ratio(values: Values) -> FloatArray:
        return np.exp(np.interp(np.log(values), np.log(law.sparsity), np.log(law.flop_ratio)))

    return ratio(base) / ratio(sparsity)
