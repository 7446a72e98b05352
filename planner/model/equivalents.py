"""Accelerators counted as another: "H100 equivalents", always by a rule that is named.

Chips of one generation differ by one factor in everything, and one number was enough. They no longer do: by
FP8 a Rubin counts 8.8 H100, by bf16 4.0, by the bandwidth of its memory 6.6. A number of equivalents without
its rule says little, so there is none here.

=================  ==========================================  ===========================================
rule               ratio of                                    speaks for
=================  ==========================================  ===========================================
``bf16``           dense 16-bit matrix rates                   training in bf16
``8bit``           dense 8-bit rates, FP8 or INT8, the faster  Epoch AI's counts [1]_; FP8, prefill
``hbm-bandwidth``  bandwidths of the device memory             decoding
``memory``         capacities of the device memory             the largest model or cache that fits
``workload``       throughputs of a job, per accelerator       that job; from its plans, not from here
=================  ==========================================  ===========================================

Structured sparsity counts nowhere; nor does FP4, which the H100 lacks.

References
----------
.. [1] Epoch AI, ai-chip-counts: H100 equivalents are peak dense 8-bit operations per second over 1979e12,
   INT8 or FP8, whichever is listed; GB200 and HGX B200 both count 5000e12.
   https://github.com/epoch-research/ai-chip-counts
"""

from __future__ import annotations

from typing import Final

import numpy as np

from planner.errors import UsageError, suggest
from planner.tables.peaks import Peaks
from planner.types import FloatArray

__all__ = ["PEAK_RULES", "RULES", "accelerators_for", "check_rule", "equivalents", "ratio"]

PEAK_RULES: Final = {
    "bf16": "dense_16_bit_flop_per_s",
    "8bit": "dense_8_bit_flop_per_s",
    "hbm-bandwidth": "memory_bytes_per_s",
    "memory": "memory_bytes",
}
"""Rule to the field of `Peaks` that it compares."""
RULES: Final = (*PEAK_RULES, "workload")


def check_rule(rule: str | None, *, rules: tuple[str, ...] = RULES) -> str:
    """Return a rule that was named.

    Raises
    ------
    UsageError
        None was named, or one that is unknown; the message lists them.
    """
    listed = ", ".join(rules)
    if rule is None:
        raise UsageError(
            f"H100 equivalents by which rule? The rules give different numbers: name one of {listed}, "
            "as in --rule bf16"
        )
    if rule not in rules:
        mend = suggest(rule, rules, otherwise=f"one of {listed}")
        raise UsageError(f"H100 equivalents by {rule[:40]!r}: no such rule; {mend}")
    return rule


def ratio(*, rule: str | None, peaks: Peaks, reference: Peaks) -> FloatArray:
    """Return equivalents per accelerator.

    Parameters
    ----------
    rule
        A key of `PEAK_RULES`.
    peaks
        Of the accelerators, ``[S, R]``.
    reference
        Of the accelerator they are counted in, ``[S, 1]`` or ``[1, 1]``.

    Returns
    -------
    ndarray
        ``[S, R]``; NaN where the part lacks the rate that the rule compares.

    Raises
    ------
    UsageError
        No rule, or one that peaks do not answer.
    """
    field = PEAK_RULES[check_rule(rule, rules=tuple(PEAK_RULES))]
    counted: FloatArray = getattr(peaks, field) / getattr(reference, field)
    return counted


def equivalents(*, rule: str | None, accelerators: FloatArray, peaks: Peaks, reference: Peaks) -> FloatArray:
    """Return equivalents of groups of accelerators.

    Parameters
    ----------
    rule, peaks, reference
        As in `ratio`.
    accelerators
        Of each group, ``[R]`` or ``[S, R]``.

    Returns
    -------
    ndarray
        ``[S, R]``; a mixed cluster counts the sum over its groups.
    """
    counted: FloatArray = accelerators * ratio(rule=rule, peaks=peaks, reference=reference)
    return counted


def accelerators_for(
    *, rule: str | None, wanted: FloatArray, peaks: Peaks, reference: Peaks, whole: FloatArray | int = 1
) -> FloatArray:
    """Return the accelerators that count as many equivalents, in whole systems: the inverse of `equivalents`.

    Parameters
    ----------
    rule, peaks, reference
        As in `ratio`.
    wanted
        Equivalents, broadcasting against ``[S, R]``.
    whole
        Accelerators of a system (a server, a rack), which is bought whole.
    """
    exact = wanted / ratio(rule=rule, peaks=peaks, reference=reference) / whole
    systems = np.ceil(exact * (1.0 - _ROUNDING))
    needed: FloatArray = systems * whole
    return needed


_ROUNDING: Final = 1e-12
"""Share by which a quotient may exceed a whole number and still be it."""
