"""Rows of a sweep as columns of arrays, and how they are written: as CSV, and as pieces of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.plan.sweep.columns import Kind
from planner.types import FloatArray, IntArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Field", "Frame", "Texts", "csv_bytes", "csv_header", "one_table", "texts_of", "to_frame"]

_QUOTED: Final = frozenset(',"\n\r')
_FLAGS: Final = ("false", "true")
_SHARED: Final = 0.5
"""Distinct numbers over rows below which each is written once and the others are looked up."""


@dataclass(frozen=True)
class Field:
    """A column: its header and what it holds."""

    name: str
    kind: Kind


@dataclass(frozen=True, eq=False)
class Texts:
    """Text by place in a table; a place of -1 is missing."""

    table: tuple[str, ...]
    index: IntArray

    def __len__(self) -> int:
        return len(self.index)


Values = FloatArray | Texts
"""Numbers, whole numbers and flags are floats, nan where they are missing."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Some rows: their fields, and the values of each."""

    fields: tuple[Field, ...]
    values: tuple[Values, ...]

    def __len__(self) -> int:
        return len(self.values[0])


def texts_of(values: Sequence[str | None]) -> Texts:
    """Return text with a table of what differs."""
    places: dict[str, int] = {}
    index = [-1 if text is None else places.setdefault(text, len(places)) for text in values]
    return Texts(tuple(places), np.array(index, dtype=np.int64))


def one_table(pieces: Sequence[Texts]) -> Texts:
    """Return text of several parts, one after the other, with one table."""
    places: dict[str, int] = {}
    index = []
    for one in pieces:
        moved = np.array([*(places.setdefault(text, len(places)) for text in one.table), -1], dtype=np.int64)
        index.append(moved[one.index])
    return Texts(tuple(places), np.concatenate(index))


def csv_header(fields: Iterable[Field]) -> bytes:
    """Return the first line of a CSV."""
    return (",".join(_quoted(one.name) for one in fields) + "\n").encode()


def csv_bytes(frame: Frame) -> bytes:
    """Return the lines of some rows: numbers in the fewest digits that say them exactly, blank for none."""
    columns = [_written(one.kind, values) for one, values in zip(frame.fields, frame.values, strict=True)]
    return ("\n".join(map(",".join, zip(*columns, strict=True))) + "\n").encode() if len(frame) else b""


def _written(kind: Kind, values: Values) -> list[str]:
    if isinstance(values, Texts):
        table = np.array([*map(_quoted, values.table), ""], dtype=object)
        return table[values.index].tolist()  # type: ignore[no-any-return]
    if not len(values):
        return []
    if values[0] == values[-1] and np.all(values == values[0]):
        return [_number(kind, float(values[0]))] * len(values)
    distinct, back = np.unique(values, return_inverse=True)
    if len(distinct) > _SHARED * len(values):
        return [_number(kind, one) for one in values.tolist()]
    table = np.array([_number(kind, one) for one in distinct.tolist()], dtype=object)
    return table[back].tolist()  # type: ignore[no-any-return]


def _number(kind: Kind, value: float) -> str:
    if value != value:
        return ""
    if kind == "flag":
        return _FLAGS[int(value)]
    return str(int(value)) if kind == "whole" else repr(value)


def _quoted(text: str) -> str:
    if _QUOTED.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def to_frame(frame: Frame) -> pd.DataFrame:
    """Return the rows as a pandas ``DataFrame``; whole numbers and flags are nullable."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for one, values in zip(frame.fields, frame.values, strict=True):
        if isinstance(values, Texts):
            table = np.array([*values.table, None], dtype=object)
            columns[one.name] = pd.Series(table[values.index], dtype="object")
        elif one.kind == "number":
            columns[one.name] = values
        elif one.kind == "whole":
            columns[one.name] = pd.Series(values).astype("Int64")
        else:
            columns[one.name] = pd.Series(values).map({0.0: False, 1.0: True}).astype("boolean")
    return pd.DataFrame(columns)


def arrow_schema(fields: Iterable[Field]) -> Any:
    """Return the schema of a Parquet file."""
    import pyarrow as pa

    kinds: Mapping[Kind, Any] = {
        "number": pa.float64(), "whole": pa.int64(), "flag": pa.bool_(), "text": pa.string(),
    }  # fmt: skip
    return pa.schema([(one.name, kinds[one.kind]) for one in fields])


def arrow_batch(frame: Frame) -> Any:
    """Return the rows as a record batch of Arrow."""
    import pyarrow as pa

    schema = arrow_schema(frame.fields)
    arrays = []
    for kind, values in zip(schema.types, frame.values, strict=True):
        if isinstance(values, Texts):
            if values.table:
                index = pa.array(values.index, mask=values.index < 0)
                arrays.append(pa.array(values.table, type=kind).take(index))
            else:
                arrays.append(pa.nulls(len(values), kind))
            continue
        missing = np.isnan(values)
        plain = np.where(missing, 0.0, values) if np.any(missing) else values
        numbers = plain if pa.types.is_floating(kind) else plain.astype(np.int64)
        made = pa.array(numbers.astype(bool) if pa.types.is_boolean(kind) else numbers, mask=missing)
        arrays.append(made)
    return pa.record_batch(arrays, schema=schema)
