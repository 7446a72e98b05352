"""Times of a trace: numbers or ISO 8601, in seconds after the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["UNITS", "Times", "read_times"]

UNITS: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of times that are numbers, by how many of them make a second."""
_SINCE_1970: Final = (("s", 1e8, 1e11), ("ms", 1e11, 1e14), ("us", 1e14, 1e17), ("ns", 1e17, 1e20))
"""Numbers that can only be times since 1970, between 1973 and 5138, by their unit."""
_SLOW: Final = 60.0
"""Mean gap from which whole numbers are taken for milliseconds: few services have so few requests."""


class Times(NamedTuple):
    """Arrivals in seconds.

    Attributes
    ----------
    seconds : array [N]
        After the first; NaN where a cell is no time.
    unit : str
        A key of `UNITS`, or ``iso``.
    guessed : bool
        Whether nothing but the size of the gaps told the unit.
    date : str or None
        Day of the last, where they are dates.
    """

    seconds: NDArray[np.float64]
    unit: str
    guessed: bool
    date: str | None


def read_times(cells: Any, unit: str | None) -> Times:
    """Read the cells of a column; they are numbers if at least half of them look so.

    Parameters
    ----------
    cells : Series of str
        As they stand in the file.
    unit : str, optional
        Of numbers; by default what their size tells.
    """
    import numpy as np
    import pandas as pd

    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = numbers[np.isfinite(numbers)]
    if len(known) < len(cells) / 2:
        return _from_iso(cells)
    unit, guessed = (unit, False) if unit else _unit_of(known)
    seconds = np.where(np.isfinite(numbers), (numbers - known[0]) / UNITS[unit], np.nan)
    last = float(known[-1]) / UNITS[unit]
    _, low, high = _SINCE_1970[0]
    date = str(np.datetime64(int(last), "s"))[:10] if low <= last < high else None
    return Times(seconds, unit, guessed, date)


def _from_iso(cells: Any) -> Times:
    import numpy as np
    import pandas as pd

    stamps = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    known = stamps.dropna()
    if known.empty:
        return Times(np.full(len(cells), np.nan), "iso", False, None)
    seconds = (stamps - known.iloc[0]).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    return Times(seconds, "iso", False, known.iloc[-1].date().isoformat())


def _unit_of(times: NDArray[np.float64]) -> tuple[str, bool]:
    """Return the unit of times that are numbers, and whether it is a guess."""
    import numpy as np

    first, last = float(times[0]), float(times[-1])
    for unit, low, high in _SINCE_1970:
        if low <= first < high and low <= last < high:
            return unit, False
    gap = (last - first) / max(1, len(times) - 1)
    whole = bool(np.all(times == np.floor(times)))
    return ("ms" if whole and gap >= _SLOW else "s"), True
