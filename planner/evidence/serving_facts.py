"""Facts about published serving measurements that their columns do not say: a table, with reason and source.

``workloads/evidence/serving_facts.csv``: a fact holds for every row whose columns match all of its patterns
(``*`` and ``?``; case does not matter; blank: any). What it changes stands in ``effect``, as ``key=value``
separated by ``;``:

``layout=attention-data-parallel``
    ``tp`` ranks hold whole attention each and share the experts.
``accelerators=N``
    The concurrency is that of a deployment of N accelerators, of which the row describes one replica.
``requests=I/O:N``
    N requests were sent where prompts had I and answers O tokens; repeatable.
``cores=N``
    Degrees count cores, of which an accelerator has N.
``model=NAME``
    The model that was measured.
``client=NAME``
    How requests really came.
``concurrency=limit``
    The column holds the engine's limit on sequences.
``doubt=METRIC``
    The metric says nothing about the server; it is scored apart.
``state=WORD``
    One of `STATES`.

A fact without effect is an assumption that the reader should know of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final

from planner.errors import InputError, suggest
from planner.evidence.csv_rows import read_rows

__all__ = ["CLIENTS", "METRICS", "STATES", "Effects", "Fact", "effects_on", "parse_facts"]

CLIENTS: Final = ("closed", "offline", "static", "single", "burst", "pool", "rate")
METRICS: Final = ("tpot_ms", "ttft_ms", "throughput")
STATES: Final = {
    "balanced-experts": "tokens were spread evenly over the experts",
    "eager": "kernels were launched one by one",
    "offloaded-weights": "weights were streamed from host memory",
    "two-batches": "the traffic of one half batch hid behind the other",
    "whole-prompts": "long prompts were not split over steps",
}
"""What a row may state of its server, beside its columns."""

_REQUIRED: Final = ("family", "engine", "source", "model", "accelerator", "client", "notes")
PATTERNS: Final = (*_REQUIRED, "engine_version")
_COLUMNS: Final = ("fact", *_REQUIRED, "effect", "reason", "cited", "at")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "layout": ("attention-data-parallel",),
    "client": CLIENTS,
    "concurrency": ("limit",),
    "doubt": METRICS,
    "state": tuple(STATES),
}
_COUNTS: Final = ("cores", "accelerators")
_FREE: Final = ("model", "cores", "accelerators", "requests")
_REQUESTS: Final = re.compile(r"(\d{1,6})/(\d{1,6}):(\d{1,9})")


@dataclass(frozen=True)
class Fact:
    """A fact, what it is about and why it is held to be true."""

    name: str
    patterns: Mapping[str, re.Pattern[str]]
    effect: tuple[tuple[str, str], ...]
    reason: str
    cited: str  # key of a sources.yaml
    at: str

    def holds(self, cells: Mapping[str, str]) -> bool:
        """Whether it is about a row with these cells."""
        return all(
            pattern.match(cells.get(column, "").lower()) is not None
            for column, pattern in self.patterns.items()
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.reason} [{self.cited}, {self.at}]"


@dataclass(frozen=True)
class Effects:
    """What the facts about one row change."""

    attention_data_parallel: bool = False
    cores: int = 1
    accelerators: int | None = None
    requests: Mapping[tuple[float, float], int] = field(default_factory=dict)
    model: str = ""
    client: str = ""
    concurrency_is_limit: bool = False
    doubts: tuple[str, ...] = ()
    states: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


def effects_on(cells: Mapping[str, str], facts: Iterable[Fact]) -> Effects:
    """Return what the facts change in a row; of several entries for one thing, the last counts."""
    held = [fact for fact in facts if fact.holds(cells)]
    entries = [entry for fact in held for entry in fact.effect]
    last = dict(entries)
    return Effects(
        attention_data_parallel="layout" in last,
        cores=int(last.get("cores", "1")),
        requests=dict(_requests(value) for key, value in entries if key == "requests"),
        accelerators=int(last["accelerators"]) if "accelerators" in last else None,
        model=last.get("model", ""),
        client=last.get("client", ""),
        concurrency_is_limit="concurrency" in last,
        doubts=tuple(dict.fromkeys(value for key, value in entries if key == "doubt")),
        states=frozenset(value for key, value in entries if key == "state"),
        reasons=tuple(map(str, held)),
    )


def _requests(value: str) -> tuple[tuple[float, float], int]:
    """Return the lengths and the number of an entry that was checked when it was read."""
    inputs, outputs, number = value.replace(":", "/").split("/")
    return (float(inputs), float(outputs)), int(number)


def parse_facts(text: str, name: str = "<input>") -> tuple[Fact, ...]:
    """Parse the text of a table of facts.

    Raises
    ------
    InputError
        All mistakes at once, each ``name:line: column: message; mend``.
    """
    mistakes: list[str] = []
    facts = tuple(
        _fact(cells, f"{name}:{line}", mistakes)
        for line, cells in read_rows(
            text, name, mistakes, required=_COLUMNS, listed="planner.evidence.serving_facts"
        )
    )
    if mistakes:
        raise InputError.collect(mistakes)
    return facts


def _fact(cells: Mapping[str, str], place: str, mistakes: list[str]) -> Fact:
    for column in ("fact", "reason", "cited", "at"):
        if not cells.get(column):
            mistakes.append(f"{place}: {column}: is blank; every fact needs one")
    given = {column: cells[column] for column in PATTERNS if cells.get(column)}
    if not given:
        mistakes.append(f"{place}: notes: nothing says which rows the fact is about; give a pattern")
    return Fact(
        cells.get("fact", ""),
        {column: re.compile(translate(value.lower()), re.DOTALL) for column, value in given.items()},
        tuple(_entries(cells.get("effect", ""), f"{place}: effect", mistakes)),
        cells.get("reason", ""),
        cells.get("cited", ""),
        cells.get("at", ""),
    )


def _entries(text: str, place: str, mistakes: list[str]) -> Iterable[tuple[str, str]]:
    for part in filter(None, map(str.strip, text.split(";"))):
        key, _, value = part.partition("=")
        keys = (*_CHOICES, *_FREE)
        if key not in keys:
            mend = suggest(key, keys, otherwise=f"there are {', '.join(keys)}")
            mistakes.append(f"{place}: {key!r} is no effect; {mend}")
        elif key in _CHOICES and value not in _CHOICES[key]:
            mend = suggest(value, _CHOICES[key], otherwise=f"there are {', '.join(_CHOICES[key])}")
            mistakes.append(f"{place}: {key} cannot be {value!r}; {mend}")
        elif key in _COUNTS and not re.fullmatch("[1-9][0-9]{0,2}", value):
            mistakes.append(f"{place}: {key} must be a small whole number, not {value[:20]!r}; write {key}=2")
        elif key == "requests" and not _REQUESTS.fullmatch(value):
            mistakes.append(f"{place}: requests cannot be {value[:30]!r}; write requests=1000/2000:1500")
        elif not value:
            mistakes.append(f"{place}: {key} has no value; write {key}=VALUE")
        else:
            yield key, value
