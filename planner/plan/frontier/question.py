"""A frontier question resolved against the catalog, and the setting that all its runs share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from planner.errors import InputError, UsageError
from planner.plan import numbers
from planner.plan.frontier.setting import Setting
from planner.plan.job import resolve
from planner.plan.operating.asked import Asked
from planner.plan.places import check_place
from planner.plan.site import Site, sites
from planner.tables import PRECISION_CLASS
from planner.workload.kinds import SHAPE, TRAFFIC
from planner.workload.shape import shaped

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number

__all__ = [
    "DEFAULT_DAYS",
    "GOALS",
    "USUAL_PRECISION",
    "Served",
    "days_asked",
    "dense_peak",
    "setting_of",
    "unique_of",
]

GOALS: Final = ("loss", "size", "cost")
DEFAULT_SHAPE: Final = "dense"
DEFAULT_TRAFFIC: Final = "chat"
USUAL_PRECISION: Final = "bf16"
DEFAULT_DAYS: Final = 90.0
_MOST_TIMES: Final = 12
_ANY_SIZE: Final = 1e10
"""Parameters of the model with which the job is resolved before it is replaced."""

_KEPT: Final = 5
"""Plans that a search keeps beside the best: failures may turn their order."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """What is written in the model's life, for the goal `cost`."""

    tokens: float
    isl: float
    osl: float
    hit: float

    @classmethod
    def read(
        cls, book: Catalog, filled: Filled, goal: str, tokens: Number | None, traffic: str | None
    ) -> Served | None:
        """Read the serving of the goal `cost`; None for the others.

        Raises
        ------
        UsageError
            The goal without tokens, or tokens without the goal.
        """
        if goal != "cost":
            if tokens is not None or traffic is not None:
                name = "--serve-tokens" if tokens is not None else "--traffic"
                raise UsageError(f"{name} weighs serving against training: add --goal cost, or leave it out")
            return None
        if tokens is None:
            raise UsageError(
                "--goal cost weighs training against serving: add --serve-tokens, as in --serve-tokens 100T"
            )
        profile = book.get(TRAFFIC, traffic or DEFAULT_TRAFFIC)
        if traffic is None:
            filled.assume(
                "traffic", profile.id, "lengths of requests and answers, and what a cache has of them"
            )
        return cls(
            tokens=numbers.token_count("serve_tokens", tokens),
            isl=profile.isl,
            osl=profile.osl,
            hit=profile.hit,
        )


def days_asked(days: Number | Sequence[Number] | None, filled: Filled) -> tuple[float, ...]:
    """Read the times: one, several, or text with commas.

    Raises
    ------
    InputError
        None at all, too many, or one that is no time.
    """
    if days is None:
        filled.assume("days", DEFAULT_DAYS, "a quarter of a year")
        return (DEFAULT_DAYS,)
    listed: list[Number] = []
    for one in days if isinstance(days, Sequence) and not isinstance(days, str) else [days]:
        listed += [part.strip() for part in one.split(",")] if isinstance(one, str) else [one]
    if not listed or len(listed) > _MOST_TIMES:
        raise InputError(f"--days takes 1 to {_MOST_TIMES} times, found {len(listed)}; for example 30,90,365")
    return tuple(numbers.days_of("days", one) for one in listed)


def unique_of(unique_tokens: Number | None) -> float | None:
    """Read the unique tokens."""
    return None if unique_tokens is None else numbers.token_count("unique_tokens", unique_tokens)


def setting_of(
    book: Catalog,
    filled: Filled,
    *,
    cluster: str | None,
    gpu: str | None,
    gpus: Number | None,
    shape: str | None,
    seq_len: Number | None,
    precision: str | None,
    software: str | None,
    surroundings: dict[str, Any],
) -> Setting:
    """Choose the hardware and resolve what all runs share.

    Of a cluster of unlike hardware the group with the highest dense peak trains; `planner.train` says what
    training across groups would bring.

    Raises
    ------
    UsageError
        Neither cluster nor accelerators, or both; an accelerator without how many.
    InputError, UnknownNameError
        A value or a name that is wrong.
    """
    check_place(cluster, gpu)
    if gpu is not None and gpus is None:
        raise UsageError(f"how many {gpu}? Add --gpus N; the frontier depends on it")
    family = book.get(SHAPE, shape or DEFAULT_SHAPE)
    if shape is None:
        filled.assume("shape", family.id, "a dense model; --shape moe plans a mixture of experts")
    job = resolve(
        book,
        filled,
        model=shaped(family, parameters=_ANY_SIZE),
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        tokens=None,
        days=DEFAULT_DAYS,
        seq_len=seq_len,
        global_batch=1,
        precision=precision,
        software=software,
        goal="fastest",
        top=_KEPT,
        in_flight=None,
        zero_bubble=None,
        layout={},
    )
    asked = Asked.read(book, **surroundings)
    found = sites(book, cluster=cluster, gpu=gpu, gpus=job.gpus)
    site = max(found, key=lambda one: _peak(one, precision))
    if len(found) > 1:
        idle = ", ".join(f"{one.available:,} {one.short}" for one in found if one is not site)
        filled.assume(
            "group",
            site.label,
            f"the group of unlike hardware with the highest dense peak; idle: {idle}. Name one as "
            f"{site.cluster}/SYSTEM, or ask planner train for training across groups",
        )
    elif site.why:
        filled.assume("system", site.system.id if site.system else None, site.why)
    return Setting(book=book, asked=asked, shape=family, site=site, job=job)


def _peak(site: Site, precision: str | None) -> float:
    return site.available * float(
        site.table.peak_flop_per_s[0, PRECISION_CLASS[precision or USUAL_PRECISION]]
    )


def dense_peak(setting: Setting, precision: str | None) -> float:
    """Dense peak of all accelerators, FLOP/s."""
    return _peak(setting.site, precision)
