"""The compute-optimal model, by whichever law is named.

References
----------
.. [1] J. Hoffmann et al., arXiv:2203.15556 (2022), Table 3: the first approach, as a table.
.. [2] Llama team, "The Llama 3 Herd of Models", arXiv:2407.21783 (2024), section 3.2.1: D = A C^a. The
   printed exponent was rounded; the record says which one gives the printed tokens.
.. [3] DeepSeek-AI, "DeepSeek LLM", arXiv:2401.02954 (2024), Eq. 4: M and D as powers of C = M D, where M is
   training compute per token without the embedding.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values
from planner.model.scaling.loss import FLOP_PER_PARAMETER_TOKEN, Optimum, best_split, positive
from planner.tables.laws import AllocationLaw, Law, LossLaw, OptimaLaw
from planner.types import FloatArray

__all__ = ["flop_per_token", "optimum"]


def optimum(law: Law, flop: Values) -> Optimum:
    """Parameters and tokens of the least loss for some compute, by a law that says it.

    Parameters
    ----------
    law
        A loss law (closed form), a table of optima (interpolated in logarithms, not continued) [1]_, or
        powers of compute [2]_ [3]_.
    flop
        Training compute.

    Returns
    -------
    Optimum
        Its loss is NaN for laws that say nothing of the loss.

    Raises
    ------
    InputError
        A law without an optimum, compute of zero or less, or compute outside a table.
    """
    return _optimum(law, positive(flop, "training compute"))


def flop_per_token(*, law: AllocationLaw, flop: Values) -> FloatArray:
    """Training compute per token of the optimal model [3]_; NaN for laws in parameters."""
    return law.flop_factor * positive(flop, "training compute") ** law.flop_exponent


@singledispatch
def _optimum(law: Law, flop: FloatArray) -> Optimum:
    raise InputError(
        f"scaling law {law.id!r} does not say how compute is best split; use one that does: besiroglu"
    )


@_optimum.register
def _loss(law: LossLaw, flop: FloatArray) -> Optimum:
    return best_split(law=law, flop=flop)


@_optimum.register
def _power(law: AllocationLaw, flop: FloatArray) -> Optimum:
    tokens = law.token_factor * flop**law.token_exponent
    parameters = flop / (FLOP_PER_PARAMETER_TOKEN * tokens)
    if law.counted == "flop-per-token":
        parameters = flop_per_token(law=law, flop=flop) / FLOP_PER_PARAMETER_TOKEN
    return Optimum(
        parameters,
        tokens,
        np.full_like(tokens, np.nan),
        FLOP_PER_PARAMETER_TOKEN * parameters * tokens,
    )


@_optimum.register
def _table(law: OptimaLaw, flop: FloatArray) -> Optimum:
    """Interpolate in logarithms; 6 N D is the compute within the rounding of the table, 4 %."""
    low, high = law.flop[0], law.flop[-1]
    if not np.all((flop >= low) & (flop <= high)):
        raise InputError(
            f"scaling law {law.id!r} is a table from {low:.3g} to {high:.3g} FLOP and is not continued; give "
            "compute within it, or use a law with a formula, for example besiroglu"
        )
    parameters = np.exp(np.interp(np.log(flop), np.log(law.flop), np.log(law.parameters)))
    tokens = np.exp(np.interp(np.log(flop), np.log(law.flop), np.log(law.tokens)))
    return Optimum(
        parameters,
        tokens,
        np.full_like(tokens, np.nan),
        FLOP_PER_PARAMETER_TOKEN * parameters * tokens,
    )
