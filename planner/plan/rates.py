"""The estimator as rates: how fast one model trains, reads or writes on some hardware, and at what price.

Questions that weigh several jobs against each other (distillation, post-training, a budget, a shared cluster)
ask here; each rate is one call of `planner.train` or `planner.serve`, whose whole answer it carries.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from planner.catalog.kinds import ACCELERATOR
from planner.errors import InfeasibleError
from planner.plan.document import Interval
from planner.plan.model_input import read_model_record
from planner.plan.places import Place, places
from planner.plan.serve import serve
from planner.plan.train import train
from planner.units import MEGA
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.results import TrainResult
    from planner.plan.serving.results import ServeResult
    from planner.workload.record import ModelRecord

__all__ = ["Rate", "Where", "generation", "regular", "scoring", "training"]


_REGULAR: Final[ContextVar[bool]] = ContextVar("regular", default=False)


@contextmanager
def regular() -> Iterator[None]:
    """Train by regular layouts inside the block, which are found in a fraction of the time.

    See `planner.plan.regular`; where there is none, the best of all layouts is taken as ever.
    """
    token = _REGULAR.set(True)
    try:
        yield
    finally:
        _REGULAR.reset(token)


@dataclass(frozen=True, kw_only=True)
class Where:
    """Hardware and its surroundings, as `planner.train` and `planner.serve` both take them.

    Attributes
    ----------
    book
        Holds the records.
    cluster, gpu, gpus
        One of the first two; accelerators at most.
    site, price, finance
        As the options of the same name.
    failures
        Of training; a service has its own operations.
    """

    book: Catalog
    cluster: str | None = None
    gpu: str | None = None
    gpus: int | None = None
    site: str | None = None
    price: str | float | None = None
    finance: str | None = None
    failures: str | None = None

    def on(self, gpus: int) -> Self:
        """Return the same with so many accelerators."""
        return replace(self, gpus=gpus)

    def places(self) -> tuple[Place, ...]:
        """Return the kinds of hardware, one for each group of a cluster."""
        return places(self.book, cluster=self.cluster, gpu=self.gpu, gpus=self.gpus)

    def size(self) -> int:
        """Return the accelerators there are."""
        return sum(place.available for place in self.places())

    def options(self) -> dict[str, Any]:
        """Return what both questions take under the same names."""
        return {"site": self.site, "price": self.price, "finance": self.finance, "gpus": self.gpus}


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One model that does one thing on some accelerators.

    Attributes
    ----------
    gpus
        At work in training; in serving with the spares that its policy keeps.
    tokens_per_s
        Of all of them, failures included: trained on, read or written.
    tokens_per_s_per_gpu
        Over `gpus`.
    goodput
        Share of the time, or of the capacity, that is left by failures; already in the rates.
    usd_per_gpu_hour
        At the price of the question.
    watts_per_gpu
        On average, at the meter of the facility.
    flop_per_token
        Of the model: forward and backward in training, forward in serving, attention counted causally.
    utilisation
        Model FLOPs over the dense peak: of the training precision; in serving of bf16, or fp16 without it.
    binds
        Sentence: what keeps it from being faster.
    result
        The whole answer.
    """

    gpus: int
    tokens_per_s: Interval
    tokens_per_s_per_gpu: Interval
    goodput: float
    usd_per_gpu_hour: Interval
    watts_per_gpu: float
    flop_per_token: float
    utilisation: float
    binds: str
    result: TrainResult | ServeResult


def training(where: Where, model: object, *, tokens: Any = None, **options: Any) -> Rate:
    """Train a model: tokens per second with failures.

    Parameters
    ----------
    where
        The hardware.
    model
        As `planner.train` takes it.
    tokens
        Of the run; those of the model's recipe by default. They move the rate only through the price.
    options
        More of `planner.train`: ``seq_len``, ``global_batch``, ``precision``, a layout.

    Raises
    ------
    InfeasibleError
        Nothing fits; the message has the reasons and the nearest changes.
    """
    asked = {"top": 0, "failures": where.failures, **where.options(), **options}
    if _REGULAR.get():
        from planner.plan.regular import regular_layout

        asked |= regular_layout(where.book, model, cluster=where.cluster, gpu=where.gpu, **asked)
    result = train(model, cluster=where.cluster, gpu=where.gpu, tokens=tokens, catalog=where.book, **asked)
    plan = result.plan
    if plan is None:
        raise InfeasibleError(_why("train", result.inputs.model, result.result))
    rate = plan.tokens_per_s.scaled(plan.goodput.value)
    return Rate(
        gpus=plan.gpus_used,
        tokens_per_s=rate,
        tokens_per_s_per_gpu=rate.scaled(1.0 / plan.gpus_used),
        goodput=plan.goodput.value,
        usd_per_gpu_hour=plan.usd_per_gpu_hour,
        watts_per_gpu=plan.power.watts_per_gpu,
        flop_per_token=plan.mfu.model_tflop_per_token * MEGA * MEGA,
        utilisation=plan.mfu.value,
        binds=plan.bottleneck.sentence,
        result=result,
    )


def scoring(where: Where, model: object, *, isl: float, **options: Any) -> Rate:
    """Read sequences of `isl` tokens without writing: log-probabilities, rewards, logits of a teacher.

    Input tokens per second at full load, one output token each, nothing found in a cache.

    Raises
    ------
    InfeasibleError
        Nothing fits.
    """
    record = _record(where, model)
    result = _served(where, record, {"isl": isl, "osl": 1, "prefix_hit": 0, **options})
    each = _forward(record, isl) / isl
    return _rate(where, result, each, reads=True)


def generation(
    where: Where,
    model: object,
    *,
    isl: float,
    osl: float,
    prefix_hit: float = 0.0,
    tpot: Any = "none",
    **options: Any,
) -> Rate:
    """Write `osl` tokens after `isl` in a batch job: output tokens per second at full load.

    Prompts are read by the same accelerators; `prefix_hit` is the share of them found in a cache. There are
    no latency targets unless `tpot` or more of `planner.serve` names one.

    Raises
    ------
    InfeasibleError
        Nothing fits, or nothing meets a target.
    """
    record = _record(where, model)
    asked = {"isl": isl, "osl": osl, "prefix_hit": prefix_hit, "tpot": tpot, **options}
    result = _served(where, record, asked)
    each = (_forward(record, isl + osl) - _forward(record, isl)) / osl
    return _rate(where, result, each, reads=False)


def _record(where: Where, model: object) -> ModelRecord:
    return read_model_record(where.book, model)[0]


def _served(where: Where, record: ModelRecord, asked: dict[str, Any]) -> ServeResult:
    usual = {"ttft": "none", "tpot": "none", "e2e": "none", "peak": "mean", "pareto": False, "top": 0}
    options = {**usual, **where.options(), **asked}
    return serve(record, cluster=where.cluster, accelerator=where.gpu, catalog=where.book, **options)


def _rate(where: Where, result: ServeResult, flop_per_token: float, *, reads: bool) -> Rate:
    plan = result.plan
    if plan is None:
        raise InfeasibleError(_why("serve", result.inputs.model, result.result))
    gpus = plan.gpus.value
    rate = (plan.input_tokens_per_s if reads else plan.output_tokens_per_s).scaled(plan.goodput.value)
    each = rate.scaled(1.0 / gpus)
    dense = where.book.get(ACCELERATOR, result.inputs.accelerator).flops
    matrix = dense.bf16 if dense.bf16 is not None else dense.fp16
    return Rate(
        gpus=gpus,
        tokens_per_s=rate,
        tokens_per_s_per_gpu=each,
        goodput=plan.goodput.value,
        usd_per_gpu_hour=plan.usd_per_gpu_hour,
        watts_per_gpu=plan.power.watts_per_gpu,
        flop_per_token=flop_per_token,
        utilisation=0.0 if matrix is None else each.value * flop_per_token / matrix.value,
        binds=plan.bottleneck.sentence,
        result=result,
    )


def _forward(record: ModelRecord, tokens: float) -> float:
    """FLOPs of a forward pass over one sequence."""
    return float(flops(record.architecture, seq_len=max(round(tokens), 1)).forward)


def _why(verb: str, model: str, answer: Any) -> str:
    """Say why there is no plan, and what would make one."""
    reasons = "; ".join(answer.reasons) or "no layout is feasible"
    mends = "; ".join(near.sentence for near in answer.nearest)
    return f"cannot {verb} {model}: {reasons}" + (f"; feasible with: {mends}" if mends else "")
