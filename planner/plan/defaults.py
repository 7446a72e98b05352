"""What a question leaves open, filled in by one documented policy; every fill says why.

================  ==============================================================================
tokens            the model's published recipe, else 20 per parameter (Hoffmann et al. 2022)
sequence length   recipe, else 8,192, or the positions that the model has learned
global batch      recipe, else ``0.292 C^0.327`` tokens for the compute C of a compute-optimal run
                  (DeepSeek LLM, arXiv:2401.02954), a whole number of sequences that divides well
precision         recipe, else bf16; the 16-bit format that the part has where it lacks those
software          the newest profile; also for names that no record has
================  ==============================================================================

In fine-tuning, tokens, sequence length and batch are those of its record, and the precision is bf16.

The batch depends on the model and not on the tokens, so that twice the tokens take exactly twice the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from planner.errors import UnknownNameError, did_you_mean
from planner.plan import numbers
from planner.plan.document import Assumption
from planner.tables import PRECISION_CLASS
from planner.units import format_quantity
from planner.workload.kinds import SOFTWARE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.schema.accelerator import Accelerator
    from planner.plan.numbers import Number
    from planner.plan.tuning import Tuning
    from planner.workload.counts import ParameterCounts
    from planner.workload.record import ModelRecord
    from planner.workload.software import SoftwareProfile

__all__ = ["Filled", "batch", "precision_on", "sequence_length", "software", "tokens"]

TOKENS_PER_PARAMETER: Final = 20.0
USUAL_SEQ_LEN: Final = 8192
BATCH_FACTOR: Final = 0.292
BATCH_EXPONENT: Final = 0.3271
ROUND: Final = 0.05
"""Batches are published in round numbers of tokens: a neighbour this near divides better and is as true."""
NEWEST: Final = "newest"
"""Alias of the software profile that is the default."""
LONGEST: Final = 2**27

_NEEDS: Final = {
    "bf16": "bf16", "fp16": "fp16", "fp8": "fp8", "fp8-rowwise": "fp8", "fp8-blockwise": "fp8",
    "mxfp8": "fp8", "int8": "int8", "nvfp4": "fp4",
}  # fmt: skip
"""Matrix format that a training precision needs of the part."""


@dataclass
class Filled:
    """Assumptions and notes collected while a question is resolved."""

    assumptions: list[Assumption] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def assume(self, name: str, value: str | int | float | bool | None, why: str) -> None:
        """Add an assumption."""
        self.assumptions.append(Assumption(field=name, value=value, why=why))


def tokens(
    record: ModelRecord, counts: ParameterCounts, filled: Filled, tuning: Tuning | None = None
) -> float:
    """Training tokens that nobody gave; in fine-tuning those of the data, once."""
    if tuning is not None:
        usual = tuning.record.data.tokens
        filled.assume("tokens", usual.value, f"of the data, once: {tuning.usual(usual)}")
        return usual.value
    if record.recipe is not None:
        value = record.recipe.tokens.value
        filled.assume(
            "tokens", value, f"the published recipe of {record.name} ({record.recipe.tokens.source})"
        )
        return value
    value = TOKENS_PER_PARAMETER * counts.total
    filled.assume("tokens", value, "20 per parameter (Hoffmann et al. 2022): no recipe is on record")
    return value


def sequence_length(
    record: ModelRecord, given: Number | None, filled: Filled, tuning: Tuning | None = None
) -> int:
    """Tokens of a sequence."""
    learned = record.architecture.learned_positions
    if given is not None:
        value = numbers.count("seq_len", given, most=LONGEST)
        if 0 < learned < value:
            filled.notes.append(
                f"{record.name} has {learned:,} learned positions; {value:,} tokens need a larger table"
            )
        return value
    if tuning is not None:
        usual = tuning.record.data.seq_len
        value = min(usual, learned) if learned else usual
        filled.assume("seq_len", value, f"usual in {tuning.record.name}")
        return value
    if record.recipe is not None and record.recipe.seq_len is not None:
        filled.assume("seq_len", record.recipe.seq_len, f"the published recipe of {record.name}")
        return record.recipe.seq_len
    value = min(USUAL_SEQ_LEN, learned) if learned else USUAL_SEQ_LEN
    why = (
        f"the model has {learned:,} learned positions"
        if value != USUAL_SEQ_LEN
        else "a usual length for pre-training"
    )
    filled.assume("seq_len", value, why)
    return value


def batch(
    record: ModelRecord,
    counts: ParameterCounts,
    given: Number | None,
    seq_len: int,
    filled: Filled,
    tuning: Tuning | None = None,
) -> int:
    """Sequences of a global batch."""
    if given is not None:
        value, why = numbers.sequences("global_batch", given, seq_len=seq_len)
        if why:
            filled.assume("global_batch", value, why)
        return value
    if tuning is not None:
        value = tuning.record.data.global_batch
        filled.assume("global_batch", value, f"sequences, usual in {tuning.record.name}")
        return value
    recipe = record.recipe.global_batch_tokens if record.recipe is not None else None
    if recipe is not None:
        exact = recipe.value / seq_len
        value = numbers.even(max(exact, 1.0), within=ROUND)
        rounded = "" if value == exact else f", {exact:,.1f} sequences rounded so that they divide well"
        filled.assume(
            "global_batch", value, f"the published recipe: {recipe} tokens{rounded} ({recipe.source})"
        )
        return value
    compute = 6.0 * counts.active * TOKENS_PER_PARAMETER * counts.total
    wanted = BATCH_FACTOR * compute**BATCH_EXPONENT
    value = numbers.even(max(wanted / seq_len, 1.0), within=ROUND)
    filled.assume(
        "global_batch",
        value,
        f"{format_quantity(value * float(seq_len), 'count')} tokens: 0.292 C^0.327 for C = 6 x active "
        "parameters x 20 tokens per parameter (DeepSeek LLM, arXiv:2401.02954)",
    )
    return value


def precision_on(
    accelerator: Accelerator,
    record: ModelRecord,
    given: str | None,
    filled: Filled,
    tuning: Tuning | None = None,
) -> tuple[str, str | None]:
    """Training precision on a part, and why it cannot be had there.

    Returns
    -------
    (str, str or None)
        The precision; a sentence where the part lacks a precision that was asked for by name.

    Raises
    ------
    InputError
        No such precision.
    """
    own = "bf16" if accelerator.flops.bf16 is not None else "fp16"
    if given is not None:
        wanted = numbers.choice("precision", given, tuple(PRECISION_CLASS))
        if _has(accelerator, wanted):
            return wanted, None
        return wanted, f"{accelerator.name} has no {_NEEDS[wanted]} matrix rate, which {wanted} needs"
    recipe = record.recipe.precision if record.recipe is not None and tuning is None else None
    if recipe in PRECISION_CLASS and _has(accelerator, recipe):
        filled.assume("precision", recipe, f"the published recipe of {record.name}")
        return recipe, None
    if recipe is None:
        why = "the usual training precision" if own == "bf16" else f"{accelerator.name} has no bf16"
    else:
        why = f"{accelerator.name} lacks {recipe}, the precision of the published recipe"
    filled.assume("precision", own, why)
    return own, None


def _has(accelerator: Accelerator, precision: str) -> bool:
    return getattr(accelerator.flops, _NEEDS[precision]) is not None


def precisions_of(accelerator: Accelerator) -> tuple[str, ...]:
    """Training precisions that a part can run."""
    return tuple(name for name in PRECISION_CLASS if _has(accelerator, name))


def software(catalog: Catalog, given: str | None, filled: Filled) -> SoftwareProfile:
    """Find the profile of a stack; the newest where none, or none that is known, was named."""
    if given is not None:
        try:
            return catalog.get(SOFTWARE, given)
        except UnknownNameError as error:
            profile = catalog.get(SOFTWARE, NEWEST)
            hint = did_you_mean(given, error.candidates)
            why = f"no profile is named {given[:60]!r}: the newest takes its place.{hint}"
            filled.assume("software", profile.id, why)
            filled.notes.append(why)
            return profile
    profile = catalog.get(SOFTWARE, NEWEST)
    filled.assume("software", profile.id, f"the newest profile ({profile.date})")
    return profile


def check_precision(given: str | None) -> None:
    """Refuse an unknown precision before any hardware is looked at."""
    if given is not None:
        numbers.choice("precision", given, tuple(PRECISION_CLASS))


if set(_NEEDS) != set(PRECISION_CLASS):  # pragma: no cover
    raise TypeError("every precision of the tables needs a matrix format here, and no other")
