"""Figures of training rows from their physics: the same formulas as of a plan, for many at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

import numpy as np

from planner.plan.interval import LARGEST_MEASURED, SHORT_LAYER_S
from planner.plan.sweep.arrays import Distinct
from planner.plan.sweep.frame import Texts, Values
from planner.plan.sweep.training_case import Operated, Shared
from planner.plan.sweep.training_rows import DEGREES, Physics
from planner.search.result import BANDS, band
from planner.tables import RECOMPUTES, SHARDINGS
from planner.types import BoolArray, FloatArray, IntArray
from planner.units import GIGA, SECONDS_PER_DAY, SECONDS_PER_HOUR, TERA

__all__ = ["FIGURES", "Sheet"]

Ends = tuple[Values, ...]
"""Value, low and high of an interval; or a single one."""


class Sheet:
    """Rows with their layouts, tokens and accelerators available; figures are made when they are asked for.

    Arrays are ``[R]``, or ``[1]`` for what all rows share.
    """

    def __init__(
        self,
        shared: Shared,
        physics: Physics,
        layouts: Distinct,
        *,
        tokens: FloatArray,
        available: FloatArray,
    ) -> None:
        self.shared, self.physics, self.layouts = shared, physics, layouts
        self.tokens, self.available = tokens, available
        self._own: dict[str, FloatArray] = {}

    def spread(self, name: str, values: FloatArray) -> FloatArray:
        """Return values of distinct layouts for every row, looked up once for each name."""
        found = self._own.get(name)
        if found is None:
            found = self._own[name] = self.layouts.spread(values)
        return found

    @cached_property
    def wide(self) -> BoolArray:
        """Distinct layouts that lie outside what the evidence covers; see `planner.plan.interval.outside`."""
        if self.shared.outside:
            return np.ones(1, dtype=bool)
        st, physics = self.physics.strategy, self.physics
        wide = (physics.accelerators > LARGEST_MEASURED) | (physics.layer_s < SHORT_LAYER_S)
        return wide | (st.tp > float(self.shared.case.site.table.domain[0])) | (st.offload > 0)

    @cached_property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Ends of measured over predicted step time of every row."""
        inside, outside = self.shared.spreads
        low = np.where(self.wide, outside.low, inside.low)
        high = np.where(self.wide, outside.high, inside.high)
        return self.spread("low", low), self.spread("high", high)

    def of_time(self, seconds: FloatArray) -> Ends:
        """Interval of what grows with the step time."""
        low, high = self.ends
        return seconds, seconds * low, seconds * high

    def of_rate(self, rate: FloatArray) -> Ends:
        """Interval of what shrinks as the step time grows."""
        low, high = self.ends
        return rate, rate / high, rate / low

    @property
    def step_s(self) -> FloatArray:
        """Step time."""
        return self.spread("step_s", self.physics.step.step_s)

    @property
    def used(self) -> FloatArray:
        """Accelerators at work."""
        return self.spread("used", self.physics.accelerators)

    @cached_property
    def batch_tokens(self) -> FloatArray:
        """Tokens of a step."""
        job, st = self.shared.case.job, self.physics.strategy
        positions = st.global_batch * st.seq_len
        return self.spread("batch_tokens", positions if job.packing == 1.0 else positions * job.packing)

    @cached_property
    def rate(self) -> FloatArray:
        """Tokens per second."""
        return self.batch_tokens / self.step_s

    @cached_property
    def seconds(self) -> FloatArray:
        """Of the run without failures."""
        return self.tokens / self.batch_tokens * self.step_s

    @cached_property
    def running(self) -> tuple[Operated, IntArray]:
        """What running takes, and where the rows stand in it."""
        st, physics = self.physics.strategy, self.physics
        same = st.tp * st.cp * st.pp
        of_model = np.maximum(same, st.ep * st.etp * st.pp)
        many = len(physics.reason)
        ok = np.flatnonzero(physics.reason < 0)
        at = np.zeros(many, dtype=np.int64)
        if not len(ok):
            ok = np.zeros(1, dtype=np.int64)

        def some(values: FloatArray) -> FloatArray:
            return np.broadcast_to(values, (many,))[ok]

        step_s = np.nan_to_num(some(physics.step.step_s), nan=0.0, posinf=0.0)
        found, places = self.shared.operated(
            some(physics.accelerators), some(of_model), np.broadcast_to(self.wide, (many,))[ok], step_s
        )
        at[ok] = places
        return found, at if self.layouts.back is None else at[self.layouts.back]

    def operated(self, name: str, times: FloatArray | None = None) -> Ends:
        """Interval of what running takes; `times` multiplies it."""
        found, at = self.running
        ends = tuple(np.asarray(end[name])[at] for end in (found.value, found.low, found.high))
        return ends if times is None else tuple(end * times for end in ends)

    @cached_property
    def mfu(self) -> FloatArray:
        """Model FLOPs utilisation, attention counted causally."""
        return self.shared.work.causal * self.rate / self.used / self.shared.peak


Figure = Callable[[Sheet], Ends]


def _memory(name: str) -> Figure:
    def of(sheet: Sheet) -> Ends:
        values: FloatArray = getattr(sheet.physics.memory, f"{name}_bytes")
        return (sheet.spread(name, values / GIGA),)

    return of


def _strategy(name: str) -> Figure:
    return lambda sheet: (sheet.spread(name, np.asarray(getattr(sheet.physics.strategy, name), dtype=float)),)


def _words(words: tuple[str, ...], name: str) -> Figure:
    def of(sheet: Sheet) -> Ends:
        return (Texts(words, sheet.layouts.spread(getattr(sheet.physics.strategy, name))),)

    return of


def _one_word(of: Callable[[Sheet], str]) -> Figure:
    return lambda sheet: (Texts((of(sheet),), np.zeros(1, dtype=np.int64)),)


def _class(sheet: Sheet) -> Ends:
    names = tuple(spread.name for spread in sheet.shared.spreads)
    return (Texts(names, sheet.layouts.spread(sheet.wide.astype(np.int64))),)


def _policy(sheet: Sheet) -> Ends:
    found, at = sheet.running
    return (Texts(tuple(policy.id for policy in sheet.shared.estate.policies), found.policy[at]),)


def _per_million(sheet: Sheet) -> Ends:
    return sheet.operated("cost", sheet.seconds / sheet.tokens * 1e6)


FIGURES: Final[Mapping[str, Figure]] = {
    "plan.gpus_used": lambda s: (s.used,),
    "plan.gpus_spare": lambda s: (s.available - s.used,),
    "plan.step_time_s": lambda s: s.of_time(s.step_s),
    "plan.tokens_per_s": lambda s: s.of_rate(s.rate),
    "plan.tokens_per_s_per_gpu": lambda s: s.of_rate(s.rate / s.used),
    "plan.mfu": lambda s: s.of_rate(s.mfu),
    "plan.mfu.full": lambda s: (s.mfu * s.shared.work.full / s.shared.work.causal,),
    "plan.mfu.peak_tflop_per_s": lambda s: (np.array([s.shared.peak / TERA]),),
    "plan.mfu.model_tflop_per_token": lambda s: (np.array([s.shared.work.causal / TERA]),),
    "plan.days": lambda s: s.of_time(s.tokens / s.rate / SECONDS_PER_DAY),
    "plan.gpu_hours": lambda s: s.of_time(s.tokens / s.rate / SECONDS_PER_HOUR * s.used),
    "plan.goodput": lambda s: s.operated("goodput"),
    "plan.days_with_failures": lambda s: s.operated("days", s.seconds),
    "plan.power_megawatts": lambda s: s.operated("power"),
    "plan.energy_megawatt_hours": lambda s: s.operated("energy", s.seconds),
    "plan.co2_tonnes": lambda s: s.operated("co2", s.seconds),
    "plan.cost_usd": lambda s: s.operated("cost", s.seconds),
    "plan.usd_per_gpu_hour": lambda s: s.operated("usd_hour"),
    "plan.usd_per_million_tokens": _per_million,
    **{
        f"plan.memory_gb_per_gpu.{name}": _memory(name)
        for name in (
            "weights", "gradients", "optimizer", "activations", "logits", "buffers", "allocated", "device",
        )
    },
    "plan.memory_gb_per_gpu.capacity": lambda s: (s.shared.case.site.table.memory_bytes / GIGA,),
    "plan.memory_gb_per_gpu.fit_probability": lambda s: (s.spread("fit", s.physics.fit),),
    "plan.memory_gb_per_gpu.fit": lambda s: (Texts(BANDS, s.layouts.spread(band(s.physics.fit))),),
    **{f"plan.strategy.{name}": _strategy(name) for name in DEGREES},
    "plan.strategy.sharding": _words(SHARDINGS, "sharding"),
    "plan.strategy.recompute": _words(RECOMPUTES, "recompute"),
    "plan.strategy.recompute_layers": _strategy("recompute_layers"),
    "plan.strategy.sequence_parallel": _strategy("sequence_parallel"),
    "plan.strategy.offload": _strategy("offload"),
    "plan.strategy.global_batch_seqs": _strategy("global_batch"),
    "plan.strategy.seq_len": _strategy("seq_len"),
    "plan.strategy.micro_batches": lambda s: (s.spread("count", s.physics.step.micro_batches),),
    "plan.strategy.precision": _one_word(lambda s: s.shared.case.precision),
    "plan.interval_class": _class,
    "plan.reliability.policy": _policy,
}  # fmt: skip
"""Figures that rows have, by path; others need a question for each row."""
