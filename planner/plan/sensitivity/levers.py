"""Levers: inputs of a question and numbers of the catalog that can be moved, and how moving them is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from planner.catalog.fields import Node
from planner.catalog.kinds import Kind, kind_named
from planner.catalog.quantity import Quantity
from planner.plan.sensitivity.asking import Ask
from planner.plan.sensitivity.results import Where
from planner.units import format_quantity, short_number

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["Lever", "Setting", "held", "of_record", "path_of"]

_DIGITS: Final = 15


@dataclass(frozen=True)
class Setting:
    """A lever at one place.

    Attributes
    ----------
    value : float or None
        In the base unit of the lever; None for a word.
    text : str
        For people.
    ask : Ask
    """

    value: float | None
    text: str
    ask: Ask


@dataclass(frozen=True, kw_only=True)
class Lever:
    """Something that can be moved.

    Attributes
    ----------
    name : str
        As ``--vary`` takes it.
    label : str
        For people.
    where : str
        An input of the question, a record of the catalog, or the estimator.
    base : float or None
        In the base unit; None for a word.
    base_text : str
    dimension : str or None
        A key of `planner.units.DIMENSIONS`; None for plain numbers and words.
    paths : tuple of str
        ``KIND.ID.PATH`` of the numbers of the catalog that it scales together.
    written : tuple of float
        For numbers that are written, not scaled, since the record may lack them: what 1 stands for.
    whole : bool
        Whether only whole numbers are taken.
    keeps : bool
        Whether the layout stays when it is moved.
    settings : tuple of Setting
        Where a tornado puts it: both ends of a range, or several values; empty without a range.
    ranged : bool
        Whether the settings are a range.
    basis : str
        Where they come from.
    """

    name: str
    label: str
    where: Where
    base: float | None
    base_text: str
    dimension: str | None = None
    paths: tuple[str, ...] = ()
    written: tuple[float, ...] = ()
    whole: bool = False
    keeps: bool = True
    settings: tuple[Setting, ...] = ()
    ranged: bool = False
    basis: str = ""

    @property
    def stated(self) -> tuple[float, ...]:
        """Ends of its range; none where it has none."""
        return tuple(one.value for one in self.settings if self.ranged and one.value is not None)

    def show(self, value: float) -> str:
        """Write a value of it for people."""
        if self.dimension is None:
            return short_number(value)
        return format_quantity(value, self.dimension, digits=4)

    def at(self, value: float) -> Setting:
        """Return it at some value, a number in its base unit."""
        if self.where == "input":
            given: float | int = round(value) if self.whole else value
            return Setting(float(given), self.show(given), Ask(((self.name, given),), (), self.keeps))
        return Setting(value, self.show(value), Ask((), self._overrides(value), self.keeps))

    def scaled(self, factor: float) -> Setting:
        """Return it at so many times its base."""
        return self.at((self.base or 0.0) * factor)

    def with_range(self, low: float, high: float, basis: str) -> Lever:
        """Return it with the ends of a range."""
        return replace(self, settings=(self.at(low), self.at(high)), ranged=True, basis=basis)

    def _overrides(self, value: float) -> tuple[str, ...]:
        if self.written:
            pairs = zip(self.paths, self.written, strict=True)
            return tuple(f"{path}={value * one!r}" for path, one in pairs)
        if self.base:
            return tuple(f"{path}=*{value / self.base!r}" for path in self.paths)
        written = format_quantity(value, self.dimension or "ratio", digits=_DIGITS)
        return tuple(f"{path}={written}" for path in self.paths)


def held(book: Catalog, kind: Kind[Any], record_id: str, path: str) -> Quantity | None:
    """Return the quantity at a path of a record; None where there is none."""
    value: Any = book.get(kind, record_id)
    for step in path.split("."):
        if isinstance(value, tuple | list):
            value = value[int(step)] if step.isdecimal() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else getattr(value, step, None)
    return value if isinstance(value, Quantity) else None


def path_of(kind: str, record_id: str, path: str) -> str:
    """Write a number of the catalog as ``--set`` takes it.

    A record whose id is also a field of its kind cannot be named there; all records of the kind are.
    """
    named = Node.of(kind_named(kind).schema).child(record_id) is None
    return f"{kind}.{record_id}.{path}" if named else f"{kind}.{path}"


def of_record(book: Catalog, keys: Sequence[tuple[str, str, str]], *, name: str, label: str) -> Lever | None:
    """Return one lever for numbers of the catalog that belong together; None where none of them is there.

    Parameters
    ----------
    keys
        Kind, id and path of each; its base is the first.
    """
    found = [
        (path_of(kind, record_id, path), quantity)
        for kind, record_id, path in keys
        if (quantity := held(book, kind_named(kind), record_id, path)) is not None and quantity.value > 0
    ]
    if not found:
        return None
    quantity = found[0][1]
    return Lever(
        name=name,
        label=label,
        where="record",
        base=quantity.value,
        base_text=str(quantity),
        dimension=quantity.dimension,
        paths=tuple(path for path, _ in found),
    )
