"""The cheapest model of a loss when it is trained once and served for long.

References
----------
.. [1] N. Sardana et al., "Beyond Chinchilla-Optimal: Accounting for Inference in Language Model Scaling
   Laws", arXiv:2401.00448 (2023): least 6 N D + 2 N D_inf at equal loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.model.scaling.loss import (
    FLOP_PER_PARAMETER_TOKEN,
)
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import LossLaw

__all__ = ["Served", "cheapest", "served_cost"]

_FORWARD: Final = 2.0
"""FLOP of a forward pass per parameter and token."""
_HALVINGS: Final = 90
_SMALLEST: Final = -60.0
"""Logarithm of the smallest share of the reducible loss that data may be left with."""


class Served(NamedTuple):
    """A model with its costs; in the unit of the weights times FLOP.

    Attributes
    ----------
    parameters, tokens
        Of the model and of its training.
    training, serving
        What each costs.
    """

    parameters: FloatArray
    tokens: FloatArray
    training: FloatArray
    serving: FloatArray

    @property
    def total(self) -> FloatArray:
        """Of training and serving."""
        return self.training + self.serving


def served_cost(
    *,
    parameters: Values,
    tokens: Values,
    input_tokens: Values = 0.0,
    output_tokens: Values = 0.0,
    training_cost: Values = 1.0,
    input_cost: Values = 1.0,
    output_cost: Values = 1.0,
) -> Served:
    """Cost of training a model and of serving it for its life.

    Parameters
    ----------
    parameters, tokens
        Of the model and of its training.
    input_tokens, output_tokens
        Served in the model's life: read as prompts (those a cache has are not), and written.
    training_cost, input_cost, output_cost
        Cost of one FLOP of each: 1 over the utilisation for accelerator time, USD per FLOP for money. All
        equal for compute alone, as in [1]_.
    """
    size = array(parameters)
    served = array(input_cost) * array(input_tokens) + array(output_cost) * array(output_tokens)
    return Served(
        size,
        array(tokens),
        array(training_cost) * FLOP_PER_PARAMETER_TOKEN * size * array(tokens),
        _FORWARD * size * served,
    )


def cheapest(
    *,
    law: LossLaw,
    loss: Values,
    input_tokens: Values = 0.0,
    output_tokens: Values = 0.0,
    training_cost: Values = 1.0,
    input_cost: Values = 1.0,
    output_cost: Values = 1.0,
) -> Served:
    """Find the model of a given loss whose training and serving together cost least [1]_.

    Parameters
    ----------
    law
        Coefficients.
    loss
        To be reached, nats per token.
    input_tokens, output_tokens, training_cost, input_cost, output_cost
        As of `served_cost`.

    Raises
    ------
    InputError
        A loss at the floor of the law or below, a cost of zero or less, or negative tokens.

    Notes
    -----
    Let q be the share of the reducible loss r that the size leaves: ``N = (A / (r q))^(1 / a)`` and
    ``D = (B / (r (1 - q)))^(1 / b)``. The cost is least where ``6 w D (a q / (b (1 - q)) - 1)`` is the cost
    of serving a parameter; the left side grows with q from zero at the compute-optimal split, so halving
    finds it.
    """
    _check(input_tokens, output_tokens, training_cost, input_cost, output_cost)
    target = array(loss)
    reducible = target - law.floor
    if not np.all(reducible > 0.0):
        raise InputError(
            f"no model of scaling law {law.id!r} has a loss of {np.min(target):.4g}: its floor is "
            f"{np.max(law.floor):.4g}; ask for a higher loss"
        )
    served = array(input_cost) * array(input_tokens) + array(output_cost) * array(output_tokens)
    per_parameter = _FORWARD * served / (FLOP_PER_PARAMETER_TOKEN * array(training_cost))
    a, b = law.parameter_exponent, law.token_exponent
    high = np.broadcast_to(np.log(a / (a + b)), np.broadcast_shapes(reducible.shape, per_parameter.shape))
    low = np.full(high.shape, _SMALLEST)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        left = np.exp(middle)
        data = (law.token_factor / (reducible * left)) ** (1.0 / b)
        too_small = data * (a * (1.0 - left) / (b * left) - 1.0) > per_parameter
        low, high = np.where(too_small, middle, low), np.where(too_small, high, middle)
    left = np.exp(high)
    tokens = (law.token_factor / (reducible * left)) ** (1.0 / b)
    parameters = (law.parameter_factor / (reducible * (1.0 - left))) ** (1.0 / a)
    return served_cost(
        parameters=parameters,
        tokens=tokens,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        training_cost=training_cost,
        input_cost=input_cost,
        output_cost=output_cost,
    )


def _check(input_tokens: Values, output_tokens: Values, *costs: Values) -> None:
    if not (np.all(array(input_tokens) >= 0.0) and np.all(array(output_tokens) >= 0.0)):
        raise InputError("served tokens cannot be negative; give zero or more")
    if not all(np.all(array(cost) > 0.0) for cost in costs):
        raise InputError("the cost of a FLOP must be more than zero; give for example 1 / utilisation")
