"""Records as a pandas data frame whose columns each have one type, whatever the rows leave out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["flat", "frame_of", "typed"]


def frame_of(records: Iterable[Mapping[str, Any]]) -> Any:
    """Return a pandas ``DataFrame`` with one row for each record.

    Numbers are ``float64``, counts ``Int64``, flags ``boolean`` and everything else text (``string``); what
    a row leaves out is missing in each of them, and a column that all rows leave out holds numbers. Several
    values in one cell are joined by ``;``. Columns stand in the order in which the records first name them,
    with the unit in the name.
    """
    import pandas as pd

    rows = [flat(record) for record in records]
    keys = dict.fromkeys(key for row in rows for key in row)
    return pd.DataFrame({key: _column([row.get(key) for row in rows]) for key in keys}, columns=list(keys))


def typed(frame: Any) -> Any:
    """Return a frame that was read from a file with the types of `frame_of`."""
    kinds = {"b": "boolean", "i": "Int64", "u": "Int64", "f": "float64"}
    return frame.astype({name: kinds.get(kind.kind, "string") for name, kind in frame.dtypes.items()})


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose intervals fill three columns: ``days``, ``days_low``, ``days_high``."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping) and "value" in value:
            found |= {key: value["value"]} | {f"{key}_{end}": value.get(end) for end in ("low", "high")}
        else:
            found[key] = value
    return found


def _column(cells: Sequence[Any]) -> Any:
    import pandas as pd

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return pd.array(cells, dtype="boolean")
    if kinds == {int}:
        return pd.array(cells, dtype="Int64")
    if kinds <= {int, float}:
        return pd.Series(cells, dtype="float64")
    return pd.array([None if cell is None else _text(cell) for cell in cells], dtype="string")


def _text(cell: Any) -> str:
    if isinstance(cell, list | tuple):
        return ";".join("" if one is None else str(one) for one in cell)
    return str(cell)
