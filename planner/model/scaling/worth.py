"""What tokens are worth in large batches and when repeated, and the active parameters of a mixture.

References
----------
.. [1] S. McCandlish et al., arXiv:1812.06162 (2018), Eq. 2.11: a batch B takes ``1 + B / B_crit`` times the
   least tokens.
.. [2] N. Muennighoff et al., arXiv:2305.16264 (2023): repeated tokens wear out.
.. [3] C. Tian et al., arXiv:2507.17702 (2025): a mixture of experts is as good as a dense model with more
   compute by the leverage.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.model.cost.values import Values, array
from planner.model.scaling.batch import tokens_factor
from planner.model.scaling.repetition import effective_tokens

if TYPE_CHECKING:
    from planner.tables.laws import LossLaw, RepetitionLaw
    from planner.types import FloatArray

__all__ = ["leveraged", "worth"]


def worth(
    *, wear: RepetitionLaw, tokens: Values, unique: Values, batch: Values, critical: Values
) -> FloatArray:
    """Return the fresh tokens in small batches that are worth as much as these tokens [1]_ [2]_.

    Parameters
    ----------
    wear
        How repeated tokens wear out; only its `token_repeats` enters.
    tokens
        Trained on, repetitions counted.
    unique
        Different tokens that there are.
    batch
        Tokens of a step.
    critical
        Tokens of the critical batch, at which twice the least tokens are needed.

    Returns
    -------
    FloatArray
        At most `tokens`; all arguments broadcast.

    Notes
    -----
    Both losses are taken as factors. Nobody has measured them together.
    """
    return effective_tokens(law=wear, tokens=tokens, unique=unique) / tokens_factor(
        batch=batch, critical=critical
    )


def leveraged(law: LossLaw, leverage: Values) -> LossLaw:
    """Return a law of dense models for mixtures, by their active parameters [3]_.

    Parameters
    ----------
    law
        Of dense models.
    leverage
        Compute of a dense model over that of the mixture at equal loss: active parameters count that many
        times, at the same tokens.

    Returns
    -------
    LossLaw
        Of the same form, so that its best split is that of the mixture.
    """
    return replace(law, parameter_factor=law.parameter_factor * array(leverage) ** -law.parameter_exponent)
