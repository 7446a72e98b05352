"""The kind of a training job: pre-training, or one of the kinds of fine-tuning on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.errors import InputError, UnknownNameError, UsageError, did_you_mean
from planner.plan import numbers
from planner.tables import ADAPTED, model_table
from planner.workload.kinds import FINE_TUNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.tables import Model
    from planner.workload.adapters import AdapterCounts
    from planner.workload.counts import ParameterCounts
    from planner.workload.fine_tuning import Data, FineTuning, Target
    from planner.workload.record import ModelRecord

__all__ = ["PRETRAIN", "Tuning", "read_tuning", "share_filled", "times_seen"]

PRETRAIN: Final = "pretrain"
"""The kind that is no record: all weights learn from text that fills every sequence."""
MOST_RANK: Final = 1 << 16
MOST_EPOCHS: Final = 1000.0


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A kind of fine-tuning of one model.

    Attributes
    ----------
    record
        What learns, and what data it usually takes.
    rank, adapters, targets
        Of the adapters, their parameters, and the matrices that have them; None or empty without.
    learning
        Parameters that learn.
    table
        The model, with what of it learns; one row.
    """

    record: FineTuning
    rank: int | None
    adapters: AdapterCounts | None
    learning: int
    targets: tuple[Target, ...]
    table: Model

    @property
    def frozen(self) -> bool:
        """Whether the model's own weights stay as they are."""
        return not self.record.weights.learn

    @property
    def reference_passes(self) -> float:
        """Forward passes of a frozen copy for each token."""
        return self.record.reference.passes.value if self.record.reference is not None else 0.0

    def usual(self, quantity: Quantity) -> str:
        """Say where a usual number comes from, with its range."""
        low, high = quantity.bounds
        span = "" if low == high else f", between {_short(low, quantity)} and {_short(high, quantity)}"
        return f"usual in {self.record.name}{span} ({quantity.source}: {quantity.at})"

    def unmeasured(self) -> tuple[str, ...]:
        """Why a prediction lies outside the evidence, which is of pre-training."""
        found = []
        if self.frozen:
            held = self.record.weights.held
            narrow = f" held in {held.text}" if held.value < 2.0 else ""
            found.append(f"adapters beside frozen weights{narrow}: the measured runs are pre-training")
        if self.reference_passes:
            found.append("a frozen copy is asked beside the model: the measured runs are pre-training")
        return tuple(found)


def _short(value: float, quantity: Quantity) -> str:
    from planner.units import format_quantity

    return format_quantity(value, quantity.dimension)


def read_tuning(
    catalog: Catalog,
    kind: str,
    record: ModelRecord,
    counts: ParameterCounts,
    *,
    rank: Number | None,
    targets: str | Iterable[str] | None,
    filled: Filled,
) -> Tuning | None:
    """Return what a kind makes of a model; None for pre-training.

    Raises
    ------
    InputError
        An unknown kind; a rank that is none; adapters for matrices that the model lacks.
    UsageError
        A rank or targets without adapters.
    """
    if kind == PRETRAIN:
        _refuse_adapters(rank, targets, "pre-training has none of")
        return None
    found = _record(catalog, kind)
    if found.adapters is None:
        _refuse_adapters(rank, targets, f"--kind {kind} has none of")
    from planner.tables.tuning import tuned

    low, high = found.data.loss.bounds
    filled.notes.append(
        f"The loss counts on some {found.data.loss.value:.0%} of the tokens ({low:.0%} to {high:.0%}), those "
        "of answers; the others cost as much."
    )
    each, names, adapters = _adapters(found, record, rank, targets, filled)
    if record.architecture.mtp:
        filled.notes.append("Modules that predict several tokens are left out of fine-tuning.")
    return Tuning(
        record=found,
        rank=each,
        adapters=adapters,
        learning=adapters.total if adapters is not None else counts.total,
        targets=names,
        table=tuned(
            model_table(record.architecture), tuning=found, rank=each, targets=names, adapters=adapters
        ),
    )


def _adapters(
    found: FineTuning,
    record: ModelRecord,
    rank: Number | None,
    targets: str | Iterable[str] | None,
    filled: Filled,
) -> tuple[int | None, tuple[Target, ...], AdapterCounts | None]:
    """Return rank, targets that the model has, and parameters of adapters; nothing of a kind without."""
    from planner.workload.adapters import adapter_counts

    if found.adapters is None:
        return None, (), None
    each = found.adapters.rank if rank is None else numbers.count("rank", rank, most=MOST_RANK)
    if rank is None:
        filled.assume("rank", each, f"usual in {found.name}")
    asked = found.adapters.targets if targets is None else _targets(targets)
    counted = {one: adapter_counts(record.architecture, rank=each, targets=(one,)) for one in asked}
    names = tuple(one for one in asked if counted[one].total)
    if not names:
        raise InputError(
            f"{record.name} has none of the matrices {', '.join(asked)} to adapt; name others with "
            f"--targets, of {', '.join(ADAPTED)}"
        )
    if targets is None:
        filled.assume("targets", " ".join(names), f"matrices with adapters, as usual in {found.name}")
    return each, names, adapter_counts(record.architecture, rank=each, targets=names)


def _refuse_adapters(rank: object, targets: object, who: str) -> None:
    for name, given in (("rank", rank), ("targets", targets)):
        if given is not None:
            raise UsageError(
                f"--{name} belongs to adapters, which {who}: use a kind with them, as --kind lora"
            )


def _targets(given: str | Iterable[str]) -> tuple[Target, ...]:
    """Read names of matrices, in the order of the records."""
    words = given.replace(",", " ").split() if isinstance(given, str) else list(given)
    chosen = {numbers.choice("targets", word, ADAPTED) for word in words}
    if not chosen:
        raise InputError(f"--targets names no matrix; give some of {', '.join(ADAPTED)}, as in q,k,v,o")
    return tuple(name for name in ADAPTED if name in chosen)


def _record(catalog: Catalog, kind: str) -> FineTuning:
    try:
        return catalog.get(FINE_TUNING, kind)
    except UnknownNameError as error:
        names = [PRETRAIN, *(one.id for one in catalog.all(FINE_TUNING))]
        hint = did_you_mean(kind, [PRETRAIN, *error.candidates])
        raise InputError(
            f"--kind {kind[:60]!r} is unknown.{hint} The kinds are {', '.join(sorted(set(names)))}"
        ) from None


def times_seen(given: Number | None, data: Data | None, filled: Filled) -> float:
    """Return how often the data is seen: once in pre-training, else as usual."""
    if given is not None:
        return numbers.positive("epochs", given, most=MOST_EPOCHS, example="3")
    if data is None:
        return 1.0
    low, high = data.epochs.bounds
    span = "" if low == high else f", between {low:g} and {high:g}"
    filled.assume("epochs", data.epochs.value, f"times that the data is seen{span} ({data.epochs.source})")
    return data.epochs.value


def share_filled(given: Number | None, data: Data | None, filled: Filled) -> float:
    """Return the share of the positions that hold tokens: all in pre-training, else as usual."""
    if given is not None:
        share = numbers.fraction("packing", given)
        if share <= 0.0:
            raise InputError("--packing 0 leaves no tokens in a sequence; give a share above 0, as in 0.9")
        return share
    if data is None:
        return 1.0
    low, high = data.packing.bounds
    span = "" if low == high else f", between {low:.0%} and {high:.0%}"
    filled.assume(
        "packing",
        data.packing.value,
        f"share of the positions that hold tokens{span} ({data.packing.source})",
    )
    return data.packing.value
