"""Critical batch, what a larger batch costs, and the shortest time of a run.

References
----------
.. [1] S. McCandlish et al., "An Empirical Model of Large-Batch Training", arXiv:1812.06162 (2018), Eq. 2.11.
.. [2] J. Kaplan et al., arXiv:2001.08361 (2020), Eq. 1.4: the critical batch by loss.
.. [3] H. Zhang et al., arXiv:2410.21676 (2024): by tokens, or by parameters at 20 tokens each. Both in
   millions, batches in sequences of 512 tokens: the units are in the record.
.. [4] S. Bergsma et al., arXiv:2505.13738 (2025): by tokens.
.. [5] DeepSeek-AI, arXiv:2401.02954 (2024), Eq. 1: batch and learning rate by compute.
.. [6] E. Erdil, D. Schneider-Joseph, "Data movement limits to frontier model training", arXiv:2411.01137
   (2024): that there is a wall; the form here is this project's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.model.scaling.loss import positive
from planner.types import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.tables.laws import BatchLaw, LatencyLaw

__all__ = [
    "Band",
    "accelerators_for_batch",
    "batch_band",
    "batch_tokens",
    "latency_wall_s",
    "layer_s",
    "learning_rate",
    "steps_factor",
    "tokens_factor",
]


class Band(NamedTuple):
    """What several laws say, tokens: the least, the geometric mean and the most of them."""

    low: FloatArray
    middle: FloatArray
    high: FloatArray


def batch_tokens(*, law: BatchLaw, value: Values) -> FloatArray:
    """Tokens of the batch that a law asks for.

    Parameters
    ----------
    law
        Its `variable` says what `value` is [2]_ [3]_ [4]_ [5]_.
    value
        Parameters, tokens (both as counted, not in millions), loss in nats, or training FLOP.
    """
    x = positive(value, law.variable)
    if law.variable == "loss":
        return law.factor * x ** (-1.0 / law.exponent) * law.sequence
    return law.factor * (x / law.unit) ** law.exponent * law.sequence


def batch_band(*, laws: Sequence[BatchLaw], tokens: Values) -> Band:
    """Critical batch by several laws in tokens: they differ by a factor of four, and that is the finding.

    Parameters
    ----------
    laws
        One or more, all of them in tokens.
    tokens
        Of the training.

    Raises
    ------
    InputError
        No law, or one in another variable.
    """
    wrong = [law.id for law in laws if law.variable != "tokens"]
    if wrong or not laws:
        found = f"{', '.join(wrong)} is not one" if wrong else "none was given"
        raise InputError(f"a band takes laws of batches by tokens, and {found}; use zhang-tokens, bergsma")
    each = np.stack(np.broadcast_arrays(*(batch_tokens(law=law, value=tokens) for law in laws)))
    return Band(each.min(axis=0), np.exp(np.log(each).mean(axis=0)), each.max(axis=0))


def learning_rate(*, law: BatchLaw, flop: Values) -> FloatArray:
    """Learning rate by training compute [5]_; NaN for a law that says nothing of it."""
    return law.learning_rate_factor * positive(flop, "training compute") ** -law.learning_rate_exponent


def tokens_factor(*, batch: Values, critical: Values) -> FloatArray:
    """Return the tokens that a run needs over those with a small batch, ``1 + B / B_crit`` [1]_."""
    return 1.0 + positive(batch, "batch") / positive(critical, "critical batch")


def steps_factor(*, batch: Values, critical: Values) -> FloatArray:
    """Return the steps that a run needs over those with a huge batch, ``1 + B_crit / B`` [1]_.

    Notes
    -----
    With `tokens_factor` it keeps ``(S / S_min - 1) (E / E_min - 1) = 1``: at the critical batch a run takes
    twice the least steps and twice the least tokens.
    """
    return 1.0 + positive(critical, "critical batch") / positive(batch, "batch")


def accelerators_for_batch(
    *, batch: Values, seq_len: Values, replica_accelerators: Values, sequences_per_replica: Values = 1.0
) -> FloatArray:
    """Accelerators that a batch can keep busy: whole replicas, each with so many sequences at least.

    Parameters
    ----------
    batch
        Tokens.
    seq_len
        Tokens of a sequence.
    replica_accelerators
        Accelerators that hold one copy of the model.
    sequences_per_replica
        Micro-batches times their sequences; more of them make the bubble of a pipeline smaller.
    """
    sequences = np.floor(positive(batch, "batch") / positive(seq_len, "sequence length"))
    replicas = np.floor(sequences / positive(sequences_per_replica, "sequences per replica"))
    return replicas * array(replica_accelerators)


def layer_s(*, law: LatencyLaw, collective_s: Values) -> FloatArray:
    """Shortest time of a layer, forward and backward: latencies of its collectives, and kernel launches.

    Parameters
    ----------
    law
        How many collectives, and the launches.
    collective_s
        Latency of one collective of a few bytes over the accelerators of a replica.
    """
    return law.collectives * array(collective_s) + law.launch_s


def latency_wall_s(*, tokens: Values, batch: Values, layers: Values, layer_s: Values) -> FloatArray:
    """Shortest time of a run on any number of accelerators: step after step, layer after layer [6]_.

    Parameters
    ----------
    tokens, batch
        Of the training and of a step.
    layers
        Of the model.
    layer_s
        Shortest time of a layer; see the function of that name.
    """
    steps = positive(tokens, "tokens") / positive(batch, "batch")
    return steps * positive(layers, "layers") * array(layer_s)
