"""What a question of sharing asks: the jobs by name, file or mapping, and the options, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from planner.catalog.load import validated
from planner.catalog.strict_yaml import Document, Location, Part, parse_yaml, read_yaml
from planner.errors import InputError, UnknownNameError, UsageError
from planner.model.sharing.program import Objective
from planner.plan import numbers
from planner.workload.jobs import JobSet, Reserve, Service
from planner.workload.kinds import DIURNAL, JOBS, MODEL, POST_TRAINING, TRAFFIC

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.types import FloatArray

__all__ = ["Question", "jobs_of"]

MOST_PERIODS: Final = 96
"""Of a day: quarters of an hour."""
MOST_DAYS: Final = 3660.0
USUAL_DAYS: Final = 30.0
_HOURS: Final = 24.0
Rates = Literal["middle", "low"]
_OBJECTIVES: Final[tuple[str, ...]] = get_args(Objective)


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of sharing, read.

    Attributes
    ----------
    jobs : JobSet
        Who shares.
    objective : str
        ``value``, ``cost`` or ``finish``.
    days : float
        Of the plan.
    periods : int
        Of a day.
    rates : str
        ``middle`` or ``low``: where in their intervals the rates are taken.
    whole : bool
        Give out whole systems only.
    cap_watts, price : array
        Cap on power (infinite without one) and price of electricity in USD per kWh (NaN: that of the site)
        in each period, ``[T]``.
    """

    jobs: JobSet
    objective: Objective
    days: float
    periods: int
    rates: Rates
    whole: bool
    cap_watts: FloatArray
    price: FloatArray

    @classmethod
    def read(
        cls,
        jobs: JobSet,
        filled: Filled,
        *,
        objective: str | None,
        days: Number | None,
        periods: Number,
        power_cap: Number | None,
        rates: str,
        whole: bool,
    ) -> Question:
        """Read the options.

        Raises
        ------
        InputError
            A value that is wrong, or a plan that ends before a deadline.
        UsageError
            Whole systems with an objective that cannot have them.
        """
        chosen = _objective(jobs, objective, filled)
        count = numbers.count("periods", periods, most=MOST_PERIODS)
        if whole and chosen == "finish":
            raise UsageError(
                "--whole gives out whole systems in phases of known length, which --objective finish does "
                "not have; leave one of them out"
            )
        cap = jobs.power.cap if power_cap is None else numbers.watts("power_cap", power_cap)
        caps, price = _windows(jobs, count, np.inf if cap is None else cap)
        return cls(
            jobs=jobs,
            objective=chosen,  # type: ignore[arg-type]  # `choice` returns one of them
            days=_days(jobs, days, filled),
            periods=count,
            rates=numbers.choice("rates", rates, get_args(Rates)),  # type: ignore[arg-type]
            whole=whole,
            cap_watts=caps,
            price=price,
        )


def _objective(jobs: JobSet, given: str | None, filled: Filled) -> str:
    if given is not None:
        return numbers.choice("objective", given, _OBJECTIVES)
    named = [job.name for job in jobs.jobs if _worth(job) > 0.0]
    why = f"{named[0]} names what it is worth" if named else "no job names what it is worth"
    chosen = "value" if named else "cost"
    filled.assume("objective", chosen, why)
    return chosen


def _worth(job: object) -> float:
    return sum(float(getattr(job, field, 0.0)) for field in ("run_usd", "mtoken_usd", "request_usd"))


def jobs_of(catalog: Catalog, given: object) -> JobSet:
    """Return the jobs that a name, a path, a mapping or a `JobSet` stands for.

    Raises
    ------
    InputError
        All mistakes of a file at once, each with its line.
    OutputError
        The file cannot be read.
    UnknownNameError
        Neither a set of jobs nor a file.
    """
    if isinstance(given, JobSet):
        return given
    if isinstance(given, Mapping):
        whole = Document("jobs", dict(given), _places(given))
        document = given.document if isinstance(given, Part) else whole
        return _checked(catalog, document, "given")
    if isinstance(given, bytes):
        return _checked(catalog, parse_yaml(given, "standard input"), "standard-input")
    text = str(given)
    path = Path(text)
    if isinstance(given, Path) or path.suffix in (".yaml", ".yml") or "/" in text:
        return _checked(catalog, read_yaml(path), path.stem)
    try:
        return catalog.get(JOBS, text)
    except UnknownNameError:
        if path.is_file():
            return _checked(catalog, read_yaml(path), path.stem)
        raise


def _places(data: object, above: Location = ()) -> dict[Location, int]:
    """Return the places of values that come from no file, so that mistakes name them."""
    if isinstance(data, Mapping):
        steps: list[tuple[Any, Any]] = list(data.items())
    elif isinstance(data, (list, tuple)):
        steps = list(enumerate(data))
    else:
        return {}
    found: dict[Location, int] = {}
    for step, value in steps:
        found |= {(*above, step): 1} | _places(value, (*above, step))
    return found


def _checked(catalog: Catalog, document: Document, stem: str) -> JobSet:
    """Check a file of the user's own, which needs no id and no name."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in stem.casefold()).strip("-")
    ascii_only = plain.encode("ascii", "ignore").decode() or "jobs"
    document.data.setdefault("id", ascii_only)
    document.data.setdefault("name", stem)
    jobs = validated(document, JobSet)
    mistakes = list(_unknown(catalog, document, jobs))
    if mistakes:
        raise InputError.collect(mistakes)
    return jobs


_KINDS: Final = (("model", MODEL), ("traffic", TRAFFIC), ("diurnal", DIURNAL), ("recipe", POST_TRAINING))


def _unknown(catalog: Catalog, document: Document, jobs: JobSet) -> Iterator[str]:
    """Yield a sentence for each name in the file that no record has."""
    for place, job in enumerate(jobs.jobs):
        for field, kind in _KINDS:
            name = getattr(job, field, None)
            if name is None or (kind is MODEL and Path(name).is_file()):
                continue
            try:
                catalog.resolve(kind, name)
            except UnknownNameError as error:
                yield document.mistake(("jobs", place, field), str(error))


def _days(jobs: JobSet, given: Number | None, filled: Filled) -> float:
    deadlines = {
        job.name: job.deadline
        for job in jobs.jobs
        if not isinstance(job, (Service, Reserve)) and job.deadline is not None
    }
    last = max(deadlines, key=lambda name: deadlines[name], default=None)
    if given is not None:
        days = numbers.days_of("days", given)
    elif jobs.days is not None:
        days = jobs.days
    else:
        days = USUAL_DAYS if last is None else deadlines[last]
        why = "no job has a deadline" if last is None else f"the deadline of {last}, the last"
        filled.assume("days", days, why)
    if not 0.0 < days <= MOST_DAYS:
        raise InputError(f"--days {days:g} must be above 0 and at most {MOST_DAYS:,.0f}; for example 30")
    if last is not None and deadlines[last] > days:
        raise InputError(
            f"the plan ends on day {days:g}, before the deadline of {last!r} on day {deadlines[last]:g}; "
            f"write --days {deadlines[last]:g}, or an earlier deadline"
        )
    late = [job.name for job in jobs.jobs if getattr(job, "start", 0.0) >= days]
    if late:
        raise InputError(f"{late[0]!r} starts after the last day, {days:g}; write more --days")
    return days


def coverage(hours: tuple[float, float], periods: int) -> FloatArray:
    """Share of each period of the day that lies in a window of hours, ``[T]``; it may pass midnight."""
    start, end = hours
    edges = np.arange(periods + 1) * _HOURS / periods
    pieces = [(start, end)] if start < end else [(start, _HOURS), (0.0, end)]
    inside = sum(
        (np.clip(np.minimum(edges[1:], b) - np.maximum(edges[:-1], a), 0.0, None) for a, b in pieces),
        np.zeros(periods),
    )
    return np.asarray(inside * periods / _HOURS)


def _windows(jobs: JobSet, periods: int, cap: float) -> tuple[FloatArray, FloatArray]:
    """Caps and prices by period: the lowest cap that holds at any time of it, the mean price."""
    caps, price = np.full(periods, cap), np.full(periods, np.nan)
    for window in jobs.power.windows:
        share = coverage(window.hours, periods)
        if window.cap is not None:
            caps = np.where(share > 0.0, np.minimum(caps, window.cap), caps)
        if window.price is not None:
            price = np.where(share >= 0.5, window.price, price)
    return caps, price
