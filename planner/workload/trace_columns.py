"""Which column of a trace means what: the names that services and published traces give them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from planner.errors import InputError

__all__ = ["KNOWN", "Columns", "find_columns"]

KNOWN: Final = {
    "time": "timestamp arrivaltime arrivaltimestamp arrivedat arrival requesttimestamp requesttime "
    "starttimestamp starttime startedat createdat sentat receivedat submittime datetime time date ts",
    "input": "inputtokens prompttokens contexttokens requesttokens inputlength inputlen promptlength "
    "promptlen contextlength prefilltokens numinputtokens numprompttokens numprefilltokens inputtokencount "
    "prompttokencount totalinputtokens tokensin isl input prompt",
    "output": "outputtokens completiontokens generatedtokens responsetokens outputlength outputlen "
    "responselength generationtokens decodetokens numoutputtokens numcompletiontokens numdecodetokens "
    "outputtokencount completiontokencount totaloutputtokens tokensout osl output completion",
    "cached": "cachedtokens cachedinputtokens cachedprompttokens cachereadtokens cachereadinputtokens "
    "cachehittokens prefixhittokens numcachedtokens cached",
    "session": "sessionid conversationid chatid threadid dialogid session conversation chat thread",
    "user": "userid useridhash customerid user customer",
}
"""What a column may be called, by its meaning: lower case, letters and digits only, the likeliest first."""
_REQUIRED: Final = ("time", "input", "output")
_WRITTEN: Final = {
    "time": "timestamp, arrival_time, created_at",
    "input": "input_tokens, prompt_tokens, context_tokens",
    "output": "output_tokens, completion_tokens, generated_tokens",
}
"""How a missing column could be called, as a person would write it."""
_UNITS: Final = {
    "s": "s sec secs second seconds epoch unix",
    "ms": "ms msec millis milliseconds epochms unixms",
    "us": "us usec micros microseconds",
    "ns": "ns nsec nanos nanoseconds",
}
"""Unit of time by what a header may end in."""


class Columns(NamedTuple):
    """Where a trace keeps what; positions count from 0, None is a column that is not there."""

    time: int
    input: int
    output: int
    cached: int | None
    session: int | None
    user: int | None
    time_unit: str | None
    """s, ms, us or ns where the header of the times says it."""


def find_columns(header: Sequence[str], name: str) -> Columns:
    """Find the columns of a trace by their headers.

    Parameters
    ----------
    header : sequence of str
        The first line's cells.
    name : str
        What messages call the file.

    Raises
    ------
    InputError
        A column that is needed is missing, or stands twice; all of them at once.
    """
    plain = [re.sub(r"[^a-z0-9]", "", cell.casefold()) for cell in header]
    units = [_without_unit(cell) for cell in plain]
    found: dict[str, int | None] = {}
    mistakes = []
    for meaning, names in KNOWN.items():
        cells = [base for base, _ in units] if meaning == "time" else plain
        found[meaning] = next((cells.index(known) for known in names.split() if known in cells), None)
        place = found[meaning]
        if place is None and meaning in _REQUIRED:
            mistakes.append(
                f"{name}:1: no column for {'the ' if meaning == 'time' else ''}{meaning}"
                f"{'' if meaning == 'time' else ' tokens'}; call one of them {_WRITTEN[meaning]} "
                f"(there are {_listed(header)})"
            )
        elif place is not None and plain.count(plain[place]) > 1:
            mistakes.append(f"{name}:1: {header[place].strip()}: stands twice; remove one")
    if mistakes:
        raise InputError.collect(mistakes)
    time, entered, left = (found[meaning] or 0 for meaning in _REQUIRED)
    unit = units[time][1]
    return Columns(time, entered, left, found["cached"], found["session"], found["user"], unit)


def _without_unit(cell: str) -> tuple[str, str | None]:
    """Split ``timestampms`` into what it is and its unit; a name that is known whole has none."""
    known = KNOWN["time"].split()
    if cell in known:
        return cell, None
    for unit, endings in _UNITS.items():
        for ending in endings.split():
            base = cell.removesuffix(ending)
            if base != cell and base in known:
                return base, unit
    return cell, None


def _listed(header: Sequence[str]) -> str:
    """Name the columns there are, not all of a file that is something else."""
    names = [cell.strip()[:30] or "''" for cell in header[:12]]
    return ", ".join(names) + (" ..." if len(header) > len(names) else "")
