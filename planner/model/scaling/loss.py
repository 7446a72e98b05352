"""Loss of a dense model by parameters and tokens, and the split of compute that makes it least.

References
----------
.. [1] J. Hoffmann et al., "Training Compute-Optimal Large Language Models", arXiv:2203.15556 (2022), Eq. 2
   to 4 and 10.
.. [2] T. Besiroglu et al., "Chinchilla Scaling: A replication attempt", arXiv:2404.10102 (2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import LossLaw

__all__ = [
    "FLOP_PER_PARAMETER_TOKEN",
    "Optimum",
    "best_split",
    "flop_for_loss",
    "loss",
    "parameters_for_loss",
    "positive",
    "tokens_for_loss",
]

FLOP_PER_PARAMETER_TOKEN: Final = 6.0
"""Training compute per parameter and token, as these laws count it: no attention, no recomputation."""


class Optimum(NamedTuple):
    """A compute-optimal model; arrays broadcast over samples and compute.

    Attributes
    ----------
    parameters
        As the law counts them; of a law in compute per token a sixth of that.
    tokens
        Training tokens.
    loss
        Nats per token; NaN where the law has none.
    flop
        Training compute by 6 N D.
    """

    parameters: FloatArray
    tokens: FloatArray
    loss: FloatArray
    flop: FloatArray

    @property
    def tokens_per_parameter(self) -> FloatArray:
        """How far the model is trained."""
        return self.tokens / self.parameters


def positive(values: Values, what: str) -> FloatArray:
    """Return values as an array after checking that all of them are above zero.

    Raises
    ------
    InputError
        A value of zero or less, or one that is not a number.
    """
    checked = array(values)
    if not np.all(checked > 0.0):
        raise InputError(f"{what} must be more than zero, found {np.min(checked):g}; give a positive number")
    return checked


def loss(*, law: LossLaw, parameters: Values, tokens: Values) -> FloatArray:
    """Cross-entropy per token, nats [1]_.

    Parameters
    ----------
    law
        Coefficients ``[S, 1]``.
    parameters, tokens
        Of the model and of its training; any shapes that broadcast.
    """
    size, data = positive(parameters, "parameters"), positive(tokens, "tokens")
    return (
        law.floor
        + law.parameter_factor * size**-law.parameter_exponent
        + law.token_factor * data**-law.token_exponent
    )


def best_split(*, law: LossLaw, flop: Values) -> Optimum:
    """Parameters and tokens of the least loss for some compute, in closed form [1]_.

    Parameters
    ----------
    law
        Coefficients.
    flop
        Training compute, 6 N D.

    Notes
    -----
    With ``G = (a A / (b B))^(1 / (a + b))``: ``N = G (C / 6)^(b / (a + b))``, ``D = C / (6 N)``.
    """
    compute = positive(flop, "training compute") / FLOP_PER_PARAMETER_TOKEN
    a, b = law.parameter_exponent, law.token_exponent
    parameters = _scale(law) * compute ** (b / (a + b))
    tokens = compute / parameters
    least = loss(law=law, parameters=parameters, tokens=tokens)
    return Optimum(parameters, tokens, least, FLOP_PER_PARAMETER_TOKEN * parameters * tokens)


def flop_for_loss(*, law: LossLaw, loss: Values) -> FloatArray:
    """Least training compute that reaches a loss; infinite at the floor of the law and below.

    Parameters
    ----------
    law
        Coefficients.
    loss
        Nats per token.
    """
    a, b, scale = law.parameter_exponent, law.token_exponent, _scale(law)
    per = law.parameter_factor * scale**-a + law.token_factor * scale**b
    return FLOP_PER_PARAMETER_TOKEN * _inverse(per, a * b / (a + b), array(loss) - law.floor)


def tokens_for_loss(*, law: LossLaw, parameters: Values, loss: Values) -> FloatArray:
    """Tokens after which a model of some size has a loss; infinite where it never does."""
    size = positive(parameters, "parameters")
    left = array(loss) - law.floor - law.parameter_factor * size**-law.parameter_exponent
    return _inverse(law.token_factor, law.token_exponent, left)


def parameters_for_loss(*, law: LossLaw, tokens: Values, loss: Values) -> FloatArray:
    """Parameters that have a loss after some tokens; infinite where none have."""
    data = positive(tokens, "tokens")
    left = array(loss) - law.floor - law.token_factor * data**-law.token_exponent
    return _inverse(law.parameter_factor, law.parameter_exponent, left)


def _scale(law: LossLaw) -> FloatArray:
    a, b = law.parameter_exponent, law.token_exponent
    return (a * law.parameter_factor / (b * law.token_factor)) ** (1.0 / (a + b))


def _inverse(factor: FloatArray, exponent: FloatArray, reducible: FloatArray) -> FloatArray:
    """Solve ``factor / x^exponent = reducible`` for x; infinite where nothing may be left."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        solved = (factor / reducible) ** (1.0 / exponent)
    return np.where(reducible > 0.0, solved, np.inf)
