"""What rows of a training sweep share besides their layout: model, hardware, software and surroundings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from planner.errors import InputError
from planner.model.power import carbon_kg, energy_kwh
from planner.plan.assemble import Work, state_bytes, work_of
from planner.plan.defaults import Filled
from planner.plan.interval import spread_of
from planner.plan.job import Case, case_on, resolve
from planner.plan.operating.asked import Asked
from planner.plan.operating.estate import Estate, estate_of
from planner.plan.operating.training import LEAST, followed, outcomes, spare_accelerators
from planner.plan.site import sites
from planner.tables import GEMM_CLASSES, approximations
from planner.tables.samples import interval
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import KILO, MEGA, SECONDS_PER_DAY, SECONDS_PER_HOUR

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.interval import Spread

__all__ = ["OPERATED", "Operated", "Shared", "read_case"]

OPERATED: Final = ("goodput", "power", "usd_hour", "days", "cost", "energy", "co2")
"""Figures by number of accelerators, each with its interval; the last four are per second of the run."""
_AT_ONCE: Final = 128
"""Numbers of accelerators whose samples are held at a time."""
_MOST_KEPT: Final = 65536


@dataclass(frozen=True, eq=False)
class Operated:
    """What running costs and suffers on some numbers of accelerators, ``[K]``.

    Attributes
    ----------
    value, low, high
        By `OPERATED`, ``[K]`` each.
    policy
        Place among the policies of the estate.
    longest_step_s
        Step time up to which nothing here depends on it.
    """

    value: Mapping[str, FloatArray]
    low: Mapping[str, FloatArray]
    high: Mapping[str, FloatArray]
    policy: IntArray
    longest_step_s: FloatArray


@dataclass(eq=False)
class Shared:
    """A case of rows, with what is known of it so far.

    Attributes
    ----------
    case
        The job on its hardware; layout and tokens of the rows are not in it.
    spreads
        Intervals of the step time within what the evidence covers, and outside.
    outside
        Whether the case itself lies outside.
    """

    case: Case
    estate: Estate
    asked: Asked
    book: Catalog
    work: Work
    state_bytes: float
    spreads: tuple[Spread, Spread]
    outside: bool
    tokens: float
    seen: float
    cluster: bool
    tables: dict[str, Any] = field(default_factory=dict)
    """Kept by who evaluates rows."""
    _places: dict[tuple[float, float, bool], int] = field(default_factory=dict)
    _known: list[Operated] = field(default_factory=list)
    _joined: Operated | None = None

    @property
    def peak(self) -> float:
        """Dense peak of the precision in FLOP/s."""
        return float(self.case.site.table.peak_flop_per_s[0, self.case.gemm_class])

    def operated(
        self, accelerators: FloatArray, model_accelerators: FloatArray, wide: BoolArray, step_s: FloatArray
    ) -> tuple[Operated, IntArray]:
        """Return what running layouts takes, and the place of each row in it.

        Parameters
        ----------
        accelerators, model_accelerators
            At work, and of those that hold one copy of the model, ``[R]``.
        wide
            Whether the intervals are the wide ones.
        step_s
            Time of a step.
        """
        most = 2.0**24
        code = ((accelerators * most + model_accelerators) * 2.0 + wide).astype(np.int64)
        _, first, back = np.unique(code, return_index=True, return_inverse=True)
        keys = list(
            zip(
                accelerators[first].tolist(),
                model_accelerators[first].tolist(),
                wide[first].tolist(),
                strict=True,
            )
        )
        if len(self._places) > _MOST_KEPT:
            self._places.clear()
            self._known.clear()
            self._joined = None
        fresh = [key for key in keys if key not in self._places]
        for start in range(0, len(fresh), _AT_ONCE):
            some = fresh[start : start + _AT_ONCE]
            self._known.append(self._evaluated(some, np.zeros(len(some))))
            self._places.update({key: len(self._places) + place for place, key in enumerate(some)})
        if fresh or self._joined is None:
            self._joined = _joined(self._known)
            self._known = [self._joined]
        found = self._joined
        at = np.array([self._places[key] for key in keys])[back]
        late = np.flatnonzero(step_s > found.longest_step_s[at])
        if not len(late):
            return found, at
        parts = [found]
        at = at.copy()
        for start in range(0, len(late), _AT_ONCE):
            rows = late[start : start + _AT_ONCE]
            some = [
                (float(accelerators[r]), float(model_accelerators[r]), bool(wide[r])) for r in rows.tolist()
            ]
            at[rows] = sum(len(part.policy) for part in parts) + np.arange(len(rows))
            parts.append(self._evaluated(some, step_s[rows]))
        return _joined(parts), at

    def _evaluated(self, keys: list[tuple[float, float, bool]], step_s: FloatArray) -> Operated:
        """Evaluate numbers of accelerators with all samples at once, ``[S, K]``."""
        estate = replace(self.estate, _built={})
        n, of_model = (np.array([key[i] for key in keys]) for i in (0, 1))
        found = outcomes(estate, n, self.state_bytes, of_model, step_s)
        shape = (estate.samples.count + 1, len(n))
        values = np.stack([_first(np.where(one.valid, one.goodput, 0.0), len(n)) for one in found])
        policy = followed(estate, self.asked, values)
        every = np.stack([np.broadcast_to(one.goodput, shape) for one in found])
        own = np.take_along_axis(every, policy[None, None, :], axis=0)[0]
        longest = np.min(
            [
                np.min(np.broadcast_to(part, shape), axis=0)
                for one in found
                for part in (one.interval_s, one.storage_interval_s)
            ],
            axis=0,
        )
        slower = np.stack([self._slower(key[2]) for key in keys], axis=1)
        second = slower / np.maximum(own, LEAST)
        paid = n + spare_accelerators(estate, n)
        power = estate.watts(n, "training")
        price = estate.gpu_hour(n, self.asked.price, "training", catalog=self.book)
        kwh = energy_kwh(watts=power.mean * paid, seconds=second)
        carried = estate.supplied(power.mean * paid)
        samples = {
            "goodput": own,
            "power": power.mean * paid / MEGA,
            "usd_hour": price.total,
            "days": second / SECONDS_PER_DAY,
            "cost": price.total * (second * paid / SECONDS_PER_HOUR),
            "energy": kwh / KILO,
            "co2": carbon_kg(kwh=kwh, kg_per_kwh=carried.kg_per_kwh) / KILO,
        }
        ends = {name: _interval(one, len(n)) for name, one in samples.items()}
        value, low, high = ({name: three[i] for name, three in ends.items()} for i in range(3))
        return Operated(value, low, high, policy, longest)

    def _slower(self, wide: bool) -> FloatArray:
        spread = self.spreads[wide]
        drawn = self.estate.samples.ranged(1.0, min(spread.low, 1.0), max(spread.high, 1.0), "step_time")
        return np.asarray(np.broadcast_to(drawn[:, 0], (self.estate.samples.count + 1,)))


def _first(samples: FloatArray, many: int) -> FloatArray:
    return np.asarray(np.broadcast_to(np.asarray(samples), (np.shape(samples)[0], many))[0])


def _interval(samples: FloatArray, many: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    found = interval(np.asarray(samples))
    return tuple(np.broadcast_to(np.asarray(one), (many,)).copy() for one in found)  # type: ignore[return-value]


def _joined(parts: list[Operated]) -> Operated:
    if len(parts) == 1:
        return parts[0]
    value, low, high = (
        {name: np.concatenate([getattr(part, end)[name] for part in parts]) for name in OPERATED}
        for end in ("value", "low", "high")
    )
    return Operated(
        value=value,
        low=low,
        high=high,
        policy=np.concatenate([part.policy for part in parts]),
        longest_step_s=np.concatenate([part.longest_step_s for part in parts]),
    )


def read_case(book: Catalog, inputs: Mapping[str, Any], filled: Filled | None = None) -> Shared | str:
    """Resolve what rows share as `planner.train` resolves it; a sentence where that cannot be had.

    Parameters
    ----------
    book
        The catalog.
    inputs
        Of `planner.plan.train.train`, without the layout, tokens and accelerators.
    filled
        Receives what was left open.
    """
    filled = Filled() if filled is None else filled
    given = dict(inputs)
    cluster, gpu = given.pop("cluster", None), given.pop("gpu", None)
    around = ("site", "price", "finance", "failures", "availability", "checkpoint")
    surroundings = {name: given.pop(name) for name in around if name in given}
    usual: dict[str, Any] = dict.fromkeys(
        ("tokens", "days", "seq_len", "global_batch", "precision", "software", "in_flight", "zero_bubble")
    )
    try:
        job = resolve(
            book,
            filled,
            **{**usual, "goal": "fastest", "top": 0, **given},
            cluster=cluster,
            gpu=gpu,
            gpus=1 if cluster is None else None,
            layout={},
        )
        places = sites(book, cluster=cluster, gpu=gpu, gpus=None)
        case = case_on(job, places[0], filled)
        asked = Asked.read(book, **surroundings)
        estate = estate_of(book, places[0], asked, filled)
    except InputError as error:
        return str(error)
    if case.impossible is not None:
        return case.impossible
    reasons: tuple[str, ...] = approximations(job.record.architecture)
    if job.tuning is not None:
        reasons = (*reasons, *job.tuning.unmeasured())
    rate = getattr(case.site.kernels.gemm, GEMM_CLASSES[case.gemm_class])
    outside = bool(reasons) or not case.site.has_kernels or rate.kind == "estimate"
    inside, wide = (
        spread_of(job.calibration, moe=job.moe, software=job.software, reasons=why)
        for why in ((), ("outside",))
    )
    return Shared(
        case=case,
        estate=estate,
        asked=asked,
        book=book,
        work=work_of(case),
        state_bytes=state_bytes(case),
        spreads=(inside, wide),
        outside=outside,
        tokens=(job.tokens or 0.0),
        seen=job.epochs,
        cluster=cluster is not None,
    )
