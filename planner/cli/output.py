"""One way out for every command: an `Answer` becomes tables for people or data for programs.

==================  ==================================================================================
(default)           tables, rounded, with units
``--json``          the whole answer as one document, full precision
``--jsonl``         its rows, one JSON object a line
``--csv``           its rows, units in the header
``--format NAME``   its tables as tabulate writes them: github, latex, html, tsv ...
``-o FILE``         to a file, whole or not at all; the ending picks the format where none is named
``-o FILE.svg``     .svg, .png, .pdf: the picture of an answer that has one; data that was asked for by
                    name beside it goes to stdout
==================  ==================================================================================

stdout carries the answer and nothing else; notes and errors go to stderr. JSON never holds NaN or infinity.
"""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from planner.cli.people import plain
from planner.cli.streams import check_writable, to_file, to_stdout
from planner.errors import UsageError, suggest

__all__ = ["Answer", "Choice", "Column", "Table", "document", "emit", "rendered"]

_MACHINE: Final = ("json", "jsonl", "csv")
_PICTURES: Final = {".svg": "svg", ".png": "png", ".pdf": "pdf"}
_NO_PICTURES: Final = (".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".eps", ".ps", ".svgz")
_WIDEST: Final = 64
"""Characters of a cell before it is wrapped."""
_ENDINGS: Final = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".md": "github",
    ".tex": "latex",
    ".html": "html",
    ".rst": "rst",
}


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Attributes
    ----------
    key : str
        Its name in CSV and JSON lines, with the unit spelled out: ``power_megawatts``.
    title : str
        Its header for people.
    show : callable
        Writes a cell for people.
    right : bool
        Whether people see it aligned at the right, as numbers are.
    """

    key: str
    title: str
    show: Callable[[Any], str] = plain
    right: bool = False


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with their columns; a row may hold more than its columns show.

    Attributes
    ----------
    columns : sequence of Column
        From left to right.
    rows : sequence of mapping
        Cells by the key of their column; a missing one is blank.
    title : str
        Stands above it.
    headed : bool
        Whether people see the headers; not needed where the first column names what the second says.
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    title: str = ""
    headed: bool = True


@dataclass(frozen=True, eq=False)
class Answer:
    """What a command has to say.

    Attributes
    ----------
    document : mapping
        The whole of it, for ``--json``; see `document`.
    tables : sequence of Table
        For people, and for ``--format``.
    records : Table, optional
        The rows of ``--csv`` and ``--jsonl``; by default the first table.
    text : str
        Stands below the tables for people; the whole answer where there are no tables.
    notes : sequence of str
        Talk for stderr.
    exit_code : int
        0, or 4 for an answer that says why nothing is feasible, or 3 for a list of mistakes.
    picture : callable, optional
        Takes ``svg``, ``png`` or ``pdf`` and returns the picture; None where there is none to draw.
    """

    document: Mapping[str, Any]
    tables: Sequence[Table] = ()
    records: Table | None = None
    text: str = ""
    notes: Sequence[str] = ()
    exit_code: int = 0
    picture: Callable[[str], bytes] | None = None


@dataclass(frozen=True, eq=False)
class Choice:
    """How the user wants to see the answer: the format, and the file or ``-``.

    Attributes
    ----------
    format, output : str
        Of the text, and where it goes.
    picture, picture_file : str
        Format and file of the picture; empty where none was asked for. There is text beside it only where a
        format was named (``format`` is then not empty).

    Raises
    ------
    UsageError
        Two formats, or an unknown one.
    """

    format: str = "table"
    output: str = "-"
    picture: str = ""
    picture_file: str = ""

    @classmethod
    def of(
        cls,
        *,
        json: bool = False,
        jsonl: bool = False,
        csv: bool = False,
        format: str | None = None,
        output: str | None = None,
    ) -> Choice:
        """Read the options of a command."""
        flags = {"json": json, "jsonl": jsonl, "csv": csv}
        named = [name for name, given in flags.items() if given] + ([format] if format is not None else [])
        if len(set(named)) > 1:
            raise UsageError(f"{' and '.join(named)} are different formats; choose one of them")
        ending = PurePath(output).suffix.lower() if output else ""
        if ending in _NO_PICTURES:
            raise UsageError(f"-o {output}: pictures are written as .svg, .png or .pdf; choose one of these")
        if output and ending in _PICTURES:
            for name in named[:1]:
                _check_format(name)
            check_writable(output)
            return cls(named[0] if named else "", "-", _PICTURES[ending], output)
        chosen = named[0] if named else _ENDINGS.get(ending, "table")
        _check_format(chosen)
        if output is not None and output != "-":
            check_writable(output)
        return cls(chosen, "-" if output is None else output)


def _check_format(name: str) -> None:
    if name in (*_MACHINE, "table"):
        return
    from tabulate import tabulate_formats

    if name not in tabulate_formats:
        known = (*_MACHINE, "table", *tabulate_formats)
        mend = suggest(name, known, otherwise=f"there are {', '.join(known)}")
        raise UsageError(f"--format {name[:40]}: no such format; {mend}")


def document(
    schema: str,
    *,
    result: Any,
    inputs: Mapping[str, Any] | None = None,
    assumptions: Sequence[Any] = (),
    sources: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the JSON document of an answer.

    Parameters
    ----------
    schema : str
        Its name and version, for example ``catalog-list/1``; ``planner schema`` describes it.
    result, inputs, assumptions, sources
        The answer, the request as it was understood, what was filled in, and the sources used.
    """
    return {
        "schema": schema,
        "inputs": dict(inputs or {}),
        "assumptions": list(assumptions),
        "result": result,
        "sources": dict(sources or {}),
    }


def emit(answer: Answer, choice: Choice) -> None:
    """Print an answer, or write it to the file that was asked for.

    Raises
    ------
    UsageError
        The answer has no rows, and a format of rows was asked for.
    OutputError
        It cannot be written.
    """
    if choice.picture and answer.picture is not None:
        to_file(choice.picture_file, answer.picture(choice.picture))
        if not choice.format:
            return
    text = rendered(answer, choice)
    if choice.output == "-":
        to_stdout(text, machine=choice.format in _MACHINE)
    else:
        to_file(choice.output, text)


def rendered(answer: Answer, choice: Choice) -> str:
    """Return an answer as text in the format chosen, with a newline at its end."""
    if choice.format == "json":
        return _json(answer.document, indent=2)
    if choice.format in _MACHINE:
        table = answer.records or next(iter(answer.tables), None)
        if table is None:
            raise UsageError(f"--{choice.format}: this answer is not a table; use --json")
        return _csv(table) if choice.format == "csv" else _lines(table)
    parts = [_tabulated(table, choice.format) for table in answer.tables]
    if answer.text:
        parts.append(answer.text.rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def _tabulated(table: Table, format: str) -> str:
    from tabulate import tabulate

    people = format in ("table", "")
    bare = "simple" if table.headed else "plain"
    cells = [
        [_wrapped(column.show(row.get(column.key)), people=people) for column in table.columns]
        for row in table.rows
    ]
    text = tabulate(
        cells,
        headers=[column.title for column in table.columns] if table.headed or not people else (),
        tablefmt=bare if people else format,
        disable_numparse=True,
        colalign=["right" if column.right else "left" for column in table.columns] if cells else None,
    )
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return "\n\n".join(part for part in (table.title, text) if part)


def _wrapped(cell: str, *, people: bool) -> str:
    """Break a long cell into lines; other formats wrap on their own."""
    if not people or len(cell) <= _WIDEST:
        return cell
    return textwrap.fill(cell, _WIDEST, break_long_words=False, break_on_hyphens=False)


def _csv(table: Table) -> str:
    """Write the rows with the keys as header; an interval fills three columns."""
    import csv
    import io

    if not table.columns:
        return ""
    rows = [_flat({column.key: row.get(column.key) for column in table.columns}) for row in table.rows]
    keys = dict.fromkeys(key for row in rows for key in row) or [column.key for column in table.columns]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(keys)
    writer.writerows([[_cell(row.get(key)) for key in keys] for row in rows])
    return stream.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping) and "value" in value:
            flat |= {key: value["value"]} | {f"{key}_{end}": value.get(end) for end in ("low", "high")}
        else:
            flat[key] = value
    return flat


def _cell(value: Any) -> Any:
    value = _data(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join("" if item is None else str(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _lines(table: Table) -> str:
    rows = [{column.key: row.get(column.key) for column in table.columns} for row in table.rows]
    return "".join(_json(row, indent=None) for row in rows)


def _json(value: Any, *, indent: int | None) -> str:
    return json.dumps(_data(value), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def _data(value: Any) -> Any:
    """Return plain data: arrays as lists, what is not finite as null (nothing is known there)."""
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _data(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _data(value.tolist())
    if isinstance(value, Iterable):
        return [_data(item) for item in value]
    return str(value)
