"""Where levers come from: stated ranges of the records that an answer used, its physics, its estimator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.fields import quantities
from planner.catalog.kinds import RENTAL, kind_named
from planner.errors import InputError
from planner.plan.interval import POOLED
from planner.plan.sensitivity.levers import Lever, held, of_record, path_of
from planner.plan.sensitivity.profiles import keeps_layout
from planner.units import format_quantity, parse

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.catalog.quantity import Quantity

__all__ = ["ESTIMATOR", "Answered", "counted", "estimator_of", "physical", "stated", "width"]

ESTIMATOR: Final = "estimator"
_CALIBRATIONS: Final = ("calibration", "serving-calibration")
"""Kinds of records whose errors are those of the estimator, and belong to its interval."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The answer as asked.

    Attributes
    ----------
    document
        As programs read it.
    used
        Kind and id of every record that it read.
    book
        Where they are.
    """

    document: Mapping[str, Any]
    used: tuple[tuple[str, str], ...]
    book: Catalog

    @property
    def resolved(self) -> Mapping[str, Any]:
        """Inputs as the answer says them."""
        inputs: Mapping[str, Any] = self.document["inputs"]
        return inputs

    def taken(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return inputs as the question takes them: tokens, say, before they are seen again in every epoch.

        An answer may say a number of what it made of an input. What was given, or assumed in its place, is
        what can be given again.
        """
        found = dict(self.resolved)
        assumed = {item["field"]: item["value"] for item in self.document.get("assumptions", ())}
        for name, value in {**assumed, **inputs}.items():
            there, number = found.get(name), counted(value)
            if isinstance(there, int | float) and number is not None and number != there:
                found[name] = number
        return found

    def ids(self, kind: str) -> list[str]:
        """Return the records of a kind that it read."""
        return [record_id for name, record_id in self.used if name == kind]


def counted(value: Any) -> float | None:
    """Return a plain number or one such as ``15.6T``; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse(value, "count")
    except InputError:
        return None


def stated(answered: Answered) -> list[list[Lever]]:
    """Return every number with a stated range, by record.

    Constants of the estimator are left out: their errors are part of its own interval.
    """
    found = []
    for kind, record_id in answered.used:
        if kind in _CALIBRATIONS:
            continue
        record = answered.book.get(kind_named(kind), record_id)
        levers = [
            _ranged(kind, record_id, path, quantity)
            for path, quantity in quantities(record)
            if quantity.low is not None and quantity.high is not None and quantity.low < quantity.high
        ]
        if levers:
            found.append(levers)
    return found


def _ranged(kind: str, record_id: str, path: str, quantity: Quantity) -> Lever:
    name = path_of(kind, record_id, path)
    words = path.replace(".", " ").replace("_", " ")
    lever = Lever(
        name=name,
        label=f"{words} of {kind} {record_id}",
        where="record",
        base=quantity.value,
        base_text=format_quantity(quantity.value, quantity.dimension),
        dimension=quantity.dimension,
        paths=(name,),
    )
    return lever.with_range(*quantity.bounds, f"{quantity.kind}, {quantity.source}")


def width(lever: Lever) -> float:
    """Ratio of the ends of a range, as a logarithm; twice the upper half where it starts at zero."""
    low, high = (one.value or 0.0 for one in (lever.settings[0], lever.settings[-1]))
    base = lever.base or 0.0
    if low > 0:
        return log(high / low)
    return 2.0 * log(high / base) if base > 0 else inf


def physical(answered: Answered, inputs: Mapping[str, Any], takes: Iterable[str]) -> dict[str, Lever]:
    """Return the inputs that anyone would ask about, by name, as far as the answer has them.

    Parameters
    ----------
    answered
        The answer as asked.
    inputs, takes
        Of the question, as given, and those that it takes.
    """
    levers = [*_counts(answered, inputs, frozenset(takes)), *_numbers(answered)]
    return {lever.name: lever for lever in levers}


def _counts(answered: Answered, inputs: Mapping[str, Any], takes: frozenset[str]) -> Iterator[Lever]:
    """Yield accelerators, tokens and loads: numbers of the question itself."""
    labels = {"gpus": "accelerators", "tokens": "tokens", "days": "days", "users": "users",
              "request_rate": "request rate", "usd": "money", "gpu_hours": "GPU-hours"}  # fmt: skip
    taken = answered.taken(inputs)
    for name, label in labels.items():
        value = taken.get(name)
        if name not in takes or isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            continue
        whole = isinstance(value, int)
        yield Lever(
            name=name,
            label=label,
            where="input",
            base=float(value),
            base_text=f"{value:,}" if whole else format_quantity(value, "count"),
            dimension=None if whole and value < _LONG else "count",
            whole=whole,
            keeps=keeps_layout(name),
            basis="as asked" if name in inputs else "as filled in",
        )


_LONG: Final = 10**7
_FORMATS: Final = ("bf16", "fp16", "fp8", "int8", "fp6", "fp4", "tf32", "fp32")
_SUPPLIES: Final = 8


def _numbers(answered: Answered) -> Iterator[Lever]:
    """Yield numbers of the catalog, those that mean the same thing together."""
    told = [answered.resolved.get(name) for name in ("gpu", "accelerator")]
    parts = [part for part in told if part in answered.ids("accelerator")] or answered.ids("accelerator")
    own = [system for system in [answered.resolved.get("system")] if system is not None]
    systems = own or answered.ids("system")
    groups: list[tuple[str, str, list[tuple[str, str, str]]]] = [
        ("peak", "peak FLOP/s", [("accelerator", x, f"flops.{one}") for one in _FORMATS for x in parts]),
        ("hbm-bandwidth", "HBM bandwidth", [("accelerator", x, "memory.bandwidth") for x in parts]),
        ("memory", "memory", [("accelerator", x, "memory.capacity") for x in parts]),
        ("scale-up", "scale-up bandwidth", [("accelerator", x, "scale_up.bandwidth") for x in parts]),
        (
            "scale-out",
            "scale-out bandwidth",
            [
                *(("accelerator", x, "scale_out.bandwidth") for x in parts),
                *(("system", x, "nics.bandwidth") for x in systems),
            ],
        ),
        ("failure-rate", "failure rate", [("failures", x, "rate") for x in answered.ids("failures")]),
        (
            "pue",
            "PUE",
            [("site", x, f"pue.{one}") for one in ("mean", "summer", "winter") for x in answered.ids("site")],
        ),
        (
            "electricity-price",
            "electricity price",
            [("site", x, f"supplies.{at}.price") for at in range(_SUPPLIES) for x in answered.ids("site")],
        ),
        (
            "server-price",
            "price of servers",
            [("purchase", x, "per_accelerator") for x in answered.ids("purchase")],
        ),
        ("rent", "rent", [("price", x, "gpu_hour") for x in _rents(answered, parts)]),
    ]
    for name, label, keys in groups:
        lever = of_record(answered.book, _present(answered, keys), name=name, label=label)
        if lever is not None:
            yield lever


def _present(answered: Answered, keys: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [key for key in keys if key[:2] in answered.used]


def _rents(answered: Answered, parts: Sequence[Any]) -> list[str]:
    """Return the rents of the parts at work, or all that were read, from which theirs may be estimated."""
    ids = answered.ids(RENTAL.name)
    own = [x for x in ids if set(answered.book.get(RENTAL, x).accelerators) & set(parts)]
    return own or ids


def estimator_of(answered: Answered) -> Lever | None:
    """Return the spread of measured over predicted times as a lever: a factor on all times of the estimator.

    It is that of the answer where the answer tells the interval of a step, and that of all classes together
    where it does not; None where the answer used no estimator.
    """
    kinds = [kind for kind in _CALIBRATIONS if answered.ids(kind)]
    if not kinds:
        return None
    low, high, basis = _spread(answered, kinds)
    lever = Lever(
        name=ESTIMATOR,
        label="measured over predicted times",
        where="estimator",
        base=1.0,
        base_text="1",
        paths=tuple(f"{kind}.{answered.ids(kind)[0]}.correction" for kind in kinds),
        written=tuple(_correction(answered, kind) for kind in kinds),
    )
    return lever.with_range(low, high, basis)


def _correction(answered: Answered, kind: str) -> float:
    """Return the factor that a user's own calibration already has."""
    quantity = held(answered.book, kind_named(kind), answered.ids(kind)[0], "correction")
    return 1.0 if quantity is None else quantity.value


def _spread(answered: Answered, kinds: Sequence[str]) -> tuple[float, float, str]:
    told = answered.document["result"].get("plan")
    plan = told if isinstance(told, Mapping) else {}
    name = plan.get("interval_class", "")
    step, rate = plan.get("step_time_s"), plan.get("output_tokens_per_s")
    if name and isinstance(step, Mapping):
        return step["low"] / step["value"], step["high"] / step["value"], f"class {name}"
    if name and isinstance(rate, Mapping):
        return rate["value"] / rate["high"], rate["value"] / rate["low"], f"class {name}"
    record: Any = answered.book.get(kind_named(kinds[0]), answered.ids(kinds[0])[0])
    pool = record.intervals.get(POOLED) or record.intervals.get("throughput")
    if pool is None:
        return 1.0, 1.0, "no interval on record"
    low, high = pool.low.value, pool.high.value
    if kinds[0] != _CALIBRATIONS[0]:
        low, high = 1.0 / high, 1.0 / low
    return min(low, 1.0), max(high, 1.0), "all classes together"
