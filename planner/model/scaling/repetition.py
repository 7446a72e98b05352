"""Training on data that is repeated, and the best split of compute where unique data is scarce.

References
----------
.. [1] N. Muennighoff et al., "Scaling Data-Constrained Language Models", arXiv:2305.16264 (2023), and
   ``scaling_law()`` of github.com/huggingface/datablations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.model.cost.values import Values, array
from planner.model.scaling.loss import FLOP_PER_PARAMETER_TOKEN, Optimum, best_split, loss, positive
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import RepetitionLaw

__all__ = [
    "constrained_split",
    "effective_epochs",
    "effective_parameters",
    "effective_tokens",
    "repeated_loss",
]

_GOLDEN: Final = 0.5 * (5.0**0.5 - 1.0)
_STEPS: Final = 60
_WIDTH: Final = np.log(1e6)
"""How far around the unconstrained optimum the constrained one is looked for, in the logarithm."""


def effective_epochs(*, law: RepetitionLaw, epochs: Values) -> FloatArray:
    """Epochs of fresh data that are worth as much as these epochs of the same data [1]_.

    Parameters
    ----------
    law
        Coefficients.
    epochs
        Passes over the unique data; below one they are what they are.

    Returns
    -------
    FloatArray
        At most ``1 + token_repeats``, however often data is repeated.
    """
    passes = positive(epochs, "epochs")
    return np.minimum(passes, 1.0) + _worn(np.maximum(passes - 1.0, 0.0), law.token_repeats)


def effective_tokens(*, law: RepetitionLaw, tokens: Values, unique: Values) -> FloatArray:
    """Return the unique tokens that are worth as much as these tokens of repeated data [1]_.

    Parameters
    ----------
    law
        Coefficients.
    tokens
        Trained on, repetitions counted.
    unique
        Different tokens that there are.
    """
    there = positive(unique, "unique tokens")
    return there * effective_epochs(law=law, epochs=positive(tokens, "tokens") / there)


def effective_parameters(*, law: RepetitionLaw, parameters: Values, unique: Values) -> FloatArray:
    """Parameters without those in excess of what the unique data can fill [1]_.

    Notes
    -----
    The size that is compute-optimal for the unique data counts in full; beyond it parameters wear out as
    repeated tokens do.
    """
    size, there = positive(parameters, "parameters"), positive(unique, "unique tokens")
    a, b = law.parameter_exponent, law.token_exponent
    scale = (a * law.parameter_factor / (b * law.token_factor)) ** (1.0 / (a + b))
    filled = np.minimum((there * scale) ** (b / a) * scale, size)
    return filled * (1.0 + _worn(size / filled - 1.0, law.parameter_repeats))


def repeated_loss(*, law: RepetitionLaw, parameters: Values, tokens: Values, unique: Values) -> FloatArray:
    """Cross-entropy after training on repeated data, nats [1]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters, tokens
        Of the model and of its training, repetitions counted.
    unique
        Different tokens that there are; more than `tokens` does not matter beyond them.
    """
    used = np.minimum(array(unique), array(tokens))
    return loss(
        law=law,
        parameters=effective_parameters(law=law, parameters=parameters, unique=used),
        tokens=effective_tokens(law=law, tokens=tokens, unique=used),
    )


def constrained_split(*, law: RepetitionLaw, flop: Values, unique: Values) -> Optimum:
    """Parameters and tokens of the least loss where only so much unique data is there.

    Parameters
    ----------
    law
        Coefficients.
    flop
        Training compute, 6 N D.
    unique
        Different tokens that there are.

    Notes
    -----
    Golden section on the logarithm of the parameters; with data enough the split without a limit.
    """
    free = best_split(law=law, flop=flop)
    compute = positive(flop, "training compute") / FLOP_PER_PARAMETER_TOKEN
    there = positive(unique, "unique tokens")

    def at(logarithm: FloatArray) -> FloatArray:
        size = np.exp(logarithm)
        return repeated_loss(law=law, parameters=size, tokens=compute / size, unique=there)

    middle = np.log(free.parameters) + np.zeros(np.broadcast_shapes(free.parameters.shape, there.shape))
    low, high = middle - _WIDTH, middle + _WIDTH
    for _ in range(_STEPS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        falls = at(left) > at(right)
        low, high = np.where(falls, left, low), np.where(falls, high, right)
    enough = free.tokens <= there
    parameters = np.where(enough, free.parameters, np.exp(0.5 * (low + high)))
    tokens = compute / parameters
    least = repeated_loss(law=law, parameters=parameters, tokens=tokens, unique=there)
    return Optimum(parameters, tokens, least, FLOP_PER_PARAMETER_TOKEN * parameters * tokens)


def _worn(repeats: FloatArray, scale: FloatArray) -> FloatArray:
    """Worth of repetitions: the first nearly one each, all of them together `scale`."""
    return -scale * np.expm1(-repeats / scale)
