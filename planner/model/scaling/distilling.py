"""Distillation: loss of a student, tokens up to which it beats plain training, and what it takes.

References
----------
.. [1] D. Busbridge et al., "Distillation Scaling Laws", arXiv:2502.08606 (2025), Eq. 8, Eq. 9, Table 6 and
   appendix G.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.model.scaling.loss import positive
from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.tables.laws import DistillationLaw

__all__ = [
    "crossover_tokens",
    "distillation_flop",
    "logit_bytes",
    "plain_tokens",
    "student_loss",
    "students_to_repay",
    "supervised_loss",
    "teacher_too_good",
]

_BACKWARD: Final = 3.0
"""Training compute over that of a forward pass."""
_GRID: Final = np.linspace(np.log(1e6), np.log(1e17), 265)
_HALVINGS: Final = 60


def supervised_loss(*, law: DistillationLaw, parameters: Values, tokens: Values) -> FloatArray:
    """Cross-entropy of a model trained without a teacher, nats, as this law has it [1]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters, tokens
        Without embeddings; of the training.
    """
    size, data = positive(parameters, "parameters"), positive(tokens, "tokens")
    terms = (
        law.parameter_factor * size**-law.parameter_exponent + law.token_factor * data**-law.token_exponent
    )
    return law.floor + terms**law.outer_exponent


def student_loss(
    *, law: DistillationLaw, parameters: Values, tokens: Values, teacher_loss: Values
) -> FloatArray:
    """Cross-entropy of a student, nats [1]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters, tokens
        Of the student and of its training, without embeddings.
    teacher_loss
        Nats.

    Notes
    -----
    ``L_S = L_T + L_T^-c0 (1 + (L_T / (d1 L~))^(1 / f1))^(-c1 f1) (A' / N^a' + B' / D^b')^g'`` with ``L~`` the
    `supervised_loss` of the student. The exponents are near 11 and 47: computed in logarithms. A teacher far
    better than its student can be makes the student worse.
    """
    size, data = positive(parameters, "parameters"), positive(tokens, "tokens")
    teacher = positive(teacher_loss, "the teacher's loss")
    plain = supervised_loss(law=law, parameters=size, tokens=data)
    gap = np.log(teacher) - np.log(law.capacity_ratio * plain)
    bent = np.logaddexp(0.0, gap / law.capacity_sharpness)
    terms = (
        law.student_parameter_factor * size**-law.student_parameter_exponent
        + law.student_token_factor * data**-law.student_token_exponent
    )
    logarithm = (
        -law.teacher_exponent * np.log(teacher)
        - law.capacity_slope * law.capacity_sharpness * bent
        + law.student_outer_exponent * np.log(terms)
    )
    return teacher + np.exp(logarithm)


def crossover_tokens(*, law: DistillationLaw, parameters: Values, teacher_loss: Values) -> FloatArray:
    """Tokens above which training without a teacher that exists gives the better model [1]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters
        Of the student, without embeddings.
    teacher_loss
        Nats.

    Returns
    -------
    FloatArray
        Infinite where distillation is better up to 1e17 tokens, zero where it never is from 1e6 on.
    """
    size, teacher = positive(parameters, "parameters"), positive(teacher_loss, "the teacher's loss")

    def better(logarithm: FloatArray) -> FloatArray:
        data = np.exp(logarithm)
        plain = supervised_loss(law=law, parameters=size, tokens=data)
        return plain - student_loss(law=law, parameters=size, tokens=data, teacher_loss=teacher)

    shape = np.broadcast_shapes(size.shape, teacher.shape, law.floor.shape)
    grid = _GRID.reshape(-1, *(1 for _ in shape))
    wins = np.broadcast_to(better(grid) > 0.0, (len(_GRID), *shape))
    last = len(_GRID) - 1 - np.argmax(wins[::-1], axis=0)
    low = _GRID[last]
    high = _GRID[np.minimum(last + 1, len(_GRID) - 1)]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        ahead = better(middle) > 0.0
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    return np.where(~wins.any(axis=0), 0.0, np.where(wins[-1], np.inf, np.exp(low)))


def plain_tokens(*, law: DistillationLaw, parameters: Values, loss: Values) -> FloatArray:
    """Tokens on which a model trained without a teacher reaches a loss: `supervised_loss` inverted.

    Parameters
    ----------
    law
        Coefficients.
    parameters
        Without embeddings.
    loss
        Nats, of a student for example.

    Returns
    -------
    FloatArray
        Infinite where no number of tokens makes a model of that size as good.
    """
    size, wanted = positive(parameters, "parameters"), positive(loss, "the loss")
    above = np.maximum(wanted - law.floor, 0.0)
    left = above ** (1.0 / law.outer_exponent) - law.parameter_factor * size**-law.parameter_exponent
    reached = left > 0.0
    with np.errstate(over="ignore"):
        tokens = (law.token_factor / np.where(reached, left, 1.0)) ** (1.0 / law.token_exponent)
    return np.where(reached, tokens, np.inf)


def teacher_too_good(
    *, law: DistillationLaw, parameters: Values, tokens: Values, teacher_loss: Values, better: float = 0.01
) -> FloatArray:
    """Whether a slightly worse teacher would teach this student better: the capacity gap [1]_.

    Parameters
    ----------
    law
        Coefficients.
    parameters, tokens, teacher_loss
        As of `student_loss`.
    better
        How much worse the other teacher is, share of its loss.

    Returns
    -------
    FloatArray
        1 where it would, else 0.
    """
    teacher = positive(teacher_loss, "the teacher's loss")
    here, there = (
        student_loss(law=law, parameters=parameters, tokens=tokens, teacher_loss=teacher * factor)
        for factor in (1.0, 1.0 + better)
    )
    return np.where(there < here, 1.0, 0.0)


def distillation_flop(
    *,
    student_forward: Values,
    teacher_forward: Values,
    tokens: Values,
    teacher_tokens: Values = 0.0,
    logits: bool = True,
    pretraining: bool = False,
) -> FloatArray:
    """Compute of a distillation, FLOP: ``3 F_S D_S + F_T (logits D_S + pretraining 3 D_T)`` [1]_.

    Parameters
    ----------
    student_forward, teacher_forward
        Forward FLOP per token: 2 N, plus attention.
    tokens
        Of the student.
    teacher_tokens
        On which the teacher is trained.
    logits
        Whether the teacher's passes count: not where its logits are already there.
    pretraining
        Whether training the teacher counts: not where it exists.
    """
    student, teacher, data = array(student_forward), array(teacher_forward), array(tokens)
    passes = logits * data + pretraining * _BACKWARD * array(teacher_tokens)
    return _BACKWARD * student * data + teacher * passes


def students_to_repay(
    *,
    student_forward: Values,
    teacher_forward: Values,
    tokens: Values,
    equal_tokens: Values,
    teacher_tokens: Values,
    logits: bool = True,
) -> FloatArray:
    """Students that must share a teacher until training it has paid for itself in compute.

    Each student trained on `tokens` with the teacher is as good as one trained on `equal_tokens` without it
    (`plain_tokens`); what that saves, less the teacher's passes, pays for the teacher's own training. It is
    the accounting of [1]_, section 5, solved for the number of students.

    Parameters
    ----------
    student_forward, teacher_forward
        Forward FLOP per token.
    tokens, equal_tokens
        Of a student with, and without the teacher.
    teacher_tokens
        On which the teacher is trained.
    logits
        Whether the teacher's passes count.

    Returns
    -------
    FloatArray
        Not rounded; infinite where a student saves nothing, zero where no training without a teacher makes
        it as good.
    """
    student, teacher = array(student_forward), array(teacher_forward)
    with np.errstate(divide="ignore", invalid="ignore"):
        saved = _BACKWARD * student * (array(equal_tokens) - array(tokens)) - logits * teacher * array(tokens)
        needed = _BACKWARD * teacher * array(teacher_tokens) / saved
    return np.where(saved > 0.0, needed, np.inf)


def logit_bytes(
    *, tokens: Values, kept: Values, value_bytes: Values = 2.0, index_bytes: Values = 4.0
) -> FloatArray:
    """Bytes of stored logits.

    Parameters
    ----------
    tokens
        Of the student.
    kept
        Logits per token: the k largest, or the vocabulary.
    value_bytes, index_bytes
        Of a logit and of its place in the vocabulary, 0 where all of them are kept.

    Raises
    ------
    InputError
        A negative number.
    """
    factors = [array(values) for values in (tokens, kept, value_bytes, index_bytes)]
    if not all(np.all(values >= 0.0) for values in factors):
        raise InputError("tokens, logits and their bytes cannot be negative; give zero or more")
    data, count, value, index = factors
    return data * count * (value + index)
