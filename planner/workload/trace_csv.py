"""Reading a trace of requests: CSV to arrays, strictly, a million rows in a few seconds.

Cells are read as text and turned into numbers column by column, so that every cell that is none is named with
its line. Times may be numbers (seconds, milliseconds, microseconds or nanoseconds) or ISO 8601.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from planner.errors import MOST_MISTAKES, InputError, OutputError
from planner.units import SECONDS_PER_YEAR
from planner.workload.trace_columns import Columns, find_columns
from planner.workload.trace_times import Times, read_times

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MOST_ROWS", "Trace", "read_trace"]

MOST_ROWS: Final = 5_000_000
"""Requests of the longest trace that is read; take a sample of a longer one, whole sessions at a time."""
_CHUNK: Final = 500_000
_LARGEST: Final = 1e9
"""Tokens of the longest request."""
_LONGEST_S: Final = 100 * SECONDS_PER_YEAR


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests in the order of their arrival.

    Attributes
    ----------
    arrival_s : array [N]
        Seconds after the first request.
    input_tokens, output_tokens : array [N]
        Of request and answer.
    cached_tokens : array [N] or None
        Of the input tokens, those found in a prefix cache.
    session, user : array [N] or None
        Numbers that stand for the ids; -1 where a row has none.
    time_unit : str
        ``s``, ``ms``, ``us``, ``ns`` or ``iso``.
    guessed : bool
        Whether neither the header nor the size of the numbers said the unit.
    date : str or None
        Day of the last request, where the times say it.
    """

    arrival_s: NDArray[np.float64]
    input_tokens: NDArray[np.float64]
    output_tokens: NDArray[np.float64]
    cached_tokens: NDArray[np.float64] | None
    session: NDArray[np.int64] | None
    user: NDArray[np.int64] | None
    time_unit: str
    guessed: bool
    date: str | None

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def span_s(self) -> float:
        """Seconds between the first and the last request."""
        return float(self.arrival_s[-1])


def read_trace(path: Path, name: str | None = None, *, time_unit: str | None = None) -> Trace:
    """Read a CSV file of requests.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        What messages call it; its path by default.
    time_unit : str, optional
        ``s``, ``ms``, ``us`` or ``ns`` of times that are numbers, where the file does not say.

    Raises
    ------
    InputError
        Not a trace; every mistake with its line, column and mend, up to a limit.
    OutputError
        It cannot be read.
    """
    name = str(path) if name is None else name
    header, separator = _header(path, name)
    columns = find_columns(header, name)
    table = _Reader(path, name, header, separator, columns)
    return table.trace(table.cells(), time_unit or columns.time_unit)


def _header(path: Path, name: str) -> tuple[list[str], str]:
    """Return the cells of the first line and what separates them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(1 << 20)
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8; save it as UTF-8") from error
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error
    if not first.strip():
        raise InputError(f"{name}:1: empty; a trace has a header and a line for each request")
    if "\0" in first:
        raise InputError(f"{name}:1: holds a NUL byte; it is not a CSV text file")
    separator = max(",;\t", key=first.count)
    return next(csv.reader([first.strip("\r\n")], delimiter=separator)), separator


class _Widened:
    """The text of a file behind a header of more fields, which pandas then expects in every row."""

    def __init__(self, file: TextIO, separator: str, fields: int) -> None:
        self.file = file
        self.header = separator.join(map(str, range(fields))) + "\n"

    def read(self, size: int = -1) -> str:
        """Return the header, and then what the file holds."""
        text, self.header = self.header or self.file.read(size), ""
        return text

    def __iter__(self) -> Iterator[str]:
        yield from self.file


class _Reader:
    """Turns the columns of a file into arrays and collects what is wrong with them."""

    def __init__(self, path: Path, name: str, header: list[str], separator: str, columns: Columns) -> None:
        self.path, self.name, self.header = path, name, header
        self.separator, self.columns = separator, columns
        self.wrong: list[tuple[int, int, str]] = []
        """Row (from 0), column and message of each mistake."""
        self.more = 0
        """Mistakes beyond those."""

    def cells(self) -> Any:
        """Return a frame of text with the columns that mean something, named by their position."""
        import pandas as pd

        columns = self.columns
        places = (columns.time, columns.input, columns.output, columns.cached, columns.session, columns.user)
        # One column beyond the header catches rows with a field too many.
        fields = len(self.header) + 1
        used = sorted({fields - 1, *(place for place in places if place is not None)})
        chunks, rows = [], 0
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                file.readline()
                text: Any = _Widened(file, self.separator, fields)
                for chunk in pd.read_csv(
                    text, sep=self.separator, header=0, names=list(range(fields)), usecols=used,
                    index_col=False, dtype=str, keep_default_na=False, skipinitialspace=True,
                    chunksize=_CHUNK,
                ):  # fmt: skip
                    chunks.append(chunk)
                    rows += len(chunk)
                    if rows > MOST_ROWS:
                        raise InputError(f"{self.name}: more than {MOST_ROWS:,} rows; take a sample of it")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.name}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
        except pd.errors.EmptyDataError:
            pass
        except pd.errors.ParserError as error:
            text = str(error).removeprefix("Error tokenizing data. C error: ").strip()
            raise InputError(f"{self.name}: broken CSV: {text}; check quotes and commas") from error
        except OSError as error:
            raise OutputError(f"cannot read {self.name}: {error.strerror or error}") from error
        if rows < 2:
            some = "one request only" if rows else "no requests below the header"
            raise InputError(
                f"{self.name}:{1 + rows}: {some}; a trace needs two at least, and tells little below 100"
            )
        return pd.concat(chunks, ignore_index=True)

    def trace(self, cells: Any, time_unit: str | None) -> Trace:
        """Return the arrays; raises `InputError` with everything that is wrong."""
        columns, last = self.columns, len(self.header)
        more = "is one field too many; quote cells that hold a separator"
        self._refuse((cells[last].fillna("") != "").to_numpy(), last, cells[last], more)
        times = read_times(cells[columns.time], time_unit)
        self._check_times(cells[columns.time], times)
        entered = self._tokens(cells, columns.input)
        left = self._tokens(cells, columns.output)
        cached = None if columns.cached is None else self._tokens(cells, columns.cached)
        if cached is not None and columns.cached is not None:
            where = self.header[columns.input].strip()
            why = f"is more than {where}; where {where} leaves out what was cached, add the two up"
            self._refuse(cached > entered, columns.cached, cells[columns.cached], why)
        if self.wrong:
            raise self._error()
        session, user = (None if c is None else _codes(cells[c]) for c in (columns.session, columns.user))
        return Trace(
            times.seconds, entered, left, cached, session, user, times.unit, times.guessed, times.date
        )

    def _check_times(self, cells: Any, times: Times) -> None:
        import numpy as np

        seconds, column = times.seconds, self.columns.time
        mend = "write 2026-04-21T12:30:00.5, or seconds" if times.unit == "iso" else "write a number as above"
        self._refuse(np.isnan(seconds), column, cells, f"is no time; {mend}")
        far = np.nan_to_num(np.abs(seconds)) > _LONGEST_S
        self._refuse(far, column, cells, "is a century from the first; check the column, or give --time-unit")
        back = np.flatnonzero(np.diff(seconds) < 0) + 1
        if len(back):
            row = int(back[0])
            more = "" if len(back) == 1 else f", as are {len(back) - 1:,} more rows"
            late = f"is {seconds[row - 1] - seconds[row]:.6g} s earlier than the row above{more}"
            self.wrong.append((row, column, f"{late}; sort the file by its times"))

    def _tokens(self, cells: Any, column: int) -> NDArray[np.float64]:
        """Read numbers of tokens."""
        import numpy as np
        import pandas as pd

        read = pd.to_numeric(cells[column], errors="coerce")
        values: NDArray[np.float64] = read.to_numpy(np.float64, na_value=np.nan)
        for bad, why in (
            (~np.isfinite(values), "is no number of tokens; write digits, as in 2048"),
            (np.isfinite(values) & (values < 0), "is negative; write 0 or more"),
            (np.isfinite(values) & (values > _LARGEST), "is more than a request can have; check the column"),
        ):
            self._refuse(bad, column, cells[column], why)
        return values

    def _refuse(self, bad: NDArray[np.bool_], column: int, cells: Any, why: str) -> None:
        """Note the rows that are bad, the first of them in words."""
        import numpy as np

        rows = np.flatnonzero(bad)
        for row in rows[:MOST_MISTAKES]:
            self.wrong.append((int(row), column, f"{_shown(cells.iloc[row])} {why}"))
        self.more += max(0, len(rows) - MOST_MISTAKES)

    def _error(self) -> InputError:
        """Return all mistakes in the order of the file, each with its line and column."""
        found = sorted(self.wrong)
        lines = dict(_lines(self.path, self.separator, {row for row, _, _ in found[:MOST_MISTAKES]}))
        titles = [*(title.strip() for title in self.header), "after the last"]
        mistakes = [
            f"{self.name}:{lines.get(row, row + 2)}: {titles[column]}: {message}"
            for row, column, message in found
        ]
        return InputError.collect(mistakes + ["and more of the same"] * self.more)


def _lines(path: Path, separator: str, rows: set[int]) -> Iterator[tuple[int, int]]:
    """Yield row and line of some rows: cells may hold line breaks, and blank lines are no rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        next(reader, None)
        row, before = -1, reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not cells:
                continue
            row += 1
            if row in rows:
                yield row, line
            if row >= max(rows):
                return


def _codes(cells: Any) -> NDArray[np.int64]:
    """Return a number for each id, in the order of their first row; -1 for a blank."""
    import numpy as np
    import pandas as pd

    codes, _ = pd.factorize(cells.mask(cells.str.strip() == ""), use_na_sentinel=True)
    return np.asarray(codes, np.int64)


def _shown(cell: object) -> str:
    text = cell.strip() if isinstance(cell, str) else ""
    return repr(text[:40]) if text else "a blank"
