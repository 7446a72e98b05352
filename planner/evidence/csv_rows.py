"""Strict reading of the CSV files of evidence: every mistake with its line and column, all at once."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from planner.errors import InputError, OutputError, did_you_mean, suggest

__all__ = ["LARGEST_FILE_BYTES", "Cells", "number", "positive", "read_rows", "read_text", "whole"]

LARGEST_FILE_BYTES: Final = 64 * 2**20
_LARGEST_NUMBER: Final = 1e15
_BLANK: Final = "leave blank if unknown"


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises
    ------
    InputError
        It is too large or not UTF-8.
    OutputError
        It cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path}: larger than {LARGEST_FILE_BYTES // 2**20} MiB; split it")
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error


def read_rows(
    text: str,
    name: str,
    mistakes: list[str],
    *,
    required: Sequence[str],
    one_of: Sequence[str] = (),
    listed: str,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and stripped cells by column, for every row below the header.

    Parameters
    ----------
    text, name
        The CSV text, and what to call it in messages.
    mistakes
        Receives ``name:line: message`` of rows that do not fit the header.
    required, one_of
        Columns that must be there, and columns of which one must be.
    listed
        Where the columns are described.

    Raises
    ------
    InputError
        The text is no CSV table, or lacks columns or rows.
    """
    if "\0" in text:
        raise InputError(f"{name}: holds a NUL byte; it is not a CSV text file")
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        _check_header(list(reader.fieldnames or []), name, required, one_of, listed)
        line = 0
        for row in reader:
            line = reader.line_num
            if None in row or None in row.values():
                mistakes.append(
                    f"{name}:{line}: has a different number of fields than the header; "
                    "check its commas and quotes"
                )
            yield line, {str(k): v.strip() for k, v in row.items() if isinstance(v, str)}
    except csv.Error as error:
        where = f"{name}:{reader.reader.line_num}"
        raise InputError(f"{where}: broken CSV: {error}; check quotes and line ends") from error
    if not line:
        raise InputError(f"{name}: no rows below the header; add measurements")


def _check_header(
    header: list[str], name: str, required: Sequence[str], one_of: Sequence[str], listed: str
) -> None:
    missing = [column for column in required if column not in header]
    if one_of and not set(one_of) & set(header):
        missing.append(one_of[0])
    if missing:
        hints = "".join(did_you_mean(column, header) for column in missing)
        columns = ", ".join(missing)
        raise InputError(f"{name}:1: missing columns {columns}.{hints} Columns are listed in {listed}")
    doubled = sorted({column for column in header if header.count(column) > 1})
    if doubled:
        raise InputError(f"{name}:1: columns {', '.join(doubled)} stand twice; remove one")


def positive(value: str, place: str, mistakes: list[str], *, mend: str) -> float | None:
    """Return a positive, finite number; None where there is none, with the mistake noted.

    Parameters
    ----------
    place
        ``name:line: column``.
    mend
        The end of the message.
    """
    found = _parsed(value, place, mistakes, mend)
    if found is not None and not 0 < found <= _LARGEST_NUMBER:
        mistakes.append(f"{place}: {value[:40]} must be positive and finite; {mend}")
        return None
    return found


def number(
    value: str,
    place: str,
    mistakes: list[str],
    *,
    mend: str,
    least: float = 0.0,
    most: float = _LARGEST_NUMBER,
) -> float | None:
    """Return a number from `least` to `most`; otherwise as `positive`."""
    found = _parsed(value, place, mistakes, mend)
    if found is not None and not least <= found <= most:
        mistakes.append(f"{place}: {value[:40]} must be from {least:g} to {most:g}; {mend}")
        return None
    return found


def whole(value: str, place: str, mistakes: list[str], *, mend: str, least: int = 1) -> int | None:
    """Return a whole number from `least` up, also where it is written ``8.0``; otherwise as `positive`."""
    found = _parsed(value, place, mistakes, mend)
    if found is None:
        return None
    if not least <= found <= _LARGEST_NUMBER or found != int(found):
        mistakes.append(f"{place}: {value[:40]} must be a whole number from {least} up; {mend}")
        return None
    return int(found)


def _parsed(value: str, place: str, mistakes: list[str], mend: str) -> float | None:
    """Return a number, perhaps infinite; NaN is none."""
    try:
        found = float("" if "_" in value else value)
    except ValueError:
        found = math.nan
        mistakes.append(f"{place}: {value[:40]!r} is not a number; {mend}")
    else:
        if math.isnan(found):
            mistakes.append(f"{place}: {value[:40]} must be positive and finite; {mend}")
    return None if math.isnan(found) else found


class Cells:
    """The cells of a row as types; a blank is None, and what is wrong with a cell is noted.

    Parameters
    ----------
    cells
        Stripped text by column.
    place
        ``name:line``.
    mistakes
        Receives ``name:line: column: message; mend``.
    """

    def __init__(self, cells: Mapping[str, str], place: str, mistakes: list[str]) -> None:
        self._cells, self._place, self._mistakes = cells, place, mistakes

    def text(self, column: str) -> str:
        """Return the text, empty where there is none."""
        return self._cells.get(column, "")

    def name(self, column: str) -> str:
        """Return text that must not be blank."""
        value = self.text(column)
        if not value:
            self.wrong(column, "is blank; every row needs one")
        return value

    def positive(self, column: str) -> float | None:
        """Return a positive number."""
        value = self.text(column)
        return positive(value, self._at(column), self._mistakes, mend=_BLANK) if value else None

    def share(self, column: str) -> float | None:
        """Return a number from 0 to 1."""
        value = self.text(column)
        return number(value, self._at(column), self._mistakes, mend=_BLANK, most=1.0) if value else None

    def count(self, column: str, *, least: int = 1) -> int | None:
        """Return a whole number."""
        value = self.text(column)
        return whole(value, self._at(column), self._mistakes, mend=_BLANK, least=least) if value else None

    def choice(self, column: str, allowed: Sequence[str], blank: str) -> str:
        """Return one of the allowed words, or `blank` where there is none."""
        value = self.text(column)
        if value and value not in allowed:
            mend = suggest(value, allowed, otherwise=f"it is one of {', '.join(allowed)}, or blank")
            self.wrong(column, f"{value[:40]!r} is none of its words; {mend}")
        return value if value in allowed else blank

    def wrong(self, column: str, message: str) -> None:
        """Note a mistake."""
        self._mistakes.append(f"{self._at(column)}: {message}")

    def _at(self, column: str) -> str:
        return f"{self._place}: {column}"
