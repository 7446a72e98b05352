"""From rows of the physics to the plan and its alternatives, as results carry them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from planner.plan import results
from planner.plan.bottleneck import bottleneck
from planner.plan.evaluate import Costs, time_breakdown
from planner.plan.interval import Spread, outside, spread_of
from planner.plan.operating.training import LEAST, Run
from planner.search.result import BANDS, band
from planner.tables import RECOMPUTES, SHARDINGS, approximations
from planner.units import GIGA, SECONDS_PER_DAY, SECONDS_PER_HOUR, TERA
from planner.workload.adapters import tuning_flops_per_token
from planner.workload.flops import flops

if TYPE_CHECKING:
    from planner.plan.job import Case
    from planner.search import Plans
    from planner.workload.counts import Convention

__all__ = [
    "CONVENTION", "Work", "alternative_of", "costs_of", "plan_of", "run_of", "spread_at", "state_bytes",
    "work_of",
]  # fmt: skip

CONVENTIONS: Final[tuple[Convention, Convention]] = ("causal", "full")
CONVENTION: Final = (
    "model FLOPs (3 x forward; recomputation, embedding look-up and norms not counted; logits and "
    "multi-token prediction counted; attention causal, half of all pairs) over the dense peak of the "
    "training precision"
)

TUNING_CONVENTION: Final = (
    "model FLOPs of fine-tuning (3 x forward, 2 x of products with frozen weights, 6 x adapters, and forward "
    "of a frozen copy where there is one; recomputation and padding not counted; attention causal, half of "
    "all pairs) over the dense peak of the training precision"
)

WEIGHT_BYTES: Final = 2.0
"""Of a weight in a checkpoint, beside the states of the optimizer."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Model FLOPs per token, forward and backward, under both attention conventions."""

    causal: float
    full: float


def work_of(case: Case) -> Work:
    """Count the model FLOPs of a job."""
    a, length, tuning = case.job.record.architecture, case.job.seq_len, case.job.tuning
    if tuning is not None:
        causal, full = (
            tuning_flops_per_token(
                a,
                seq_len=length,
                example=tuning.record.data.example.value,
                convention=c,
                adapters=tuning.adapters,
                reference_passes=tuning.reference_passes,
            )
            for c in CONVENTIONS
        )
        return Work(causal=causal, full=full)
    both = {
        c: flops(a, seq_len=length, convention=c, include_mtp=True).training_per_token for c in CONVENTIONS
    }
    return Work(causal=both["causal"], full=both["full"])


def costs_of(case: Case, plans: Plans, row: int = 0) -> Costs:
    """Everything that the physics says of one of some plans."""
    one = np.array([row])
    return Costs(
        hardware=case.site.table,
        model=case.job.model,
        software=case.software,
        strategy=plans.strategy.take(one),
        layer=plans.layer.take(one),
        step=plans.step.take(one),
        memory=plans.memory.take(one),
    )


def spread_at(case: Case, costs: Costs) -> Spread:
    """Interval of the step time of one layout."""
    job = case.job
    reasons = (*outside(case.site, case.precision, costs), *approximations(job.record.architecture))
    if job.tuning is not None:
        reasons = (*reasons, *job.tuning.unmeasured())
    return spread_of(job.calibration, moe=job.moe, software=job.software, reasons=reasons)


def plan_of(
    case: Case,
    costs: Costs,
    *,
    fit_probability: float,
    available: int,
    tokens: float,
    spread: Spread,
    operated: Callable[[Run], dict[str, Any]],
) -> results.Plan:
    """Return a layout in full.

    Parameters
    ----------
    fit_probability
        Of its fitting into memory.
    available
        Accelerators of which the plan uses some.
    tokens
        To train on, which makes the days.
    spread
        From `spread_at`.
    operated
        What running it takes, as fields of the plan.
    """
    job = case.job
    step = costs.step_s
    used = round(costs.gpus)
    rate = job.batch_tokens / step
    days = tokens / rate / SECONDS_PER_DAY
    parts = time_breakdown(costs)
    strategy = strategy_of(case, costs)
    work, peak = work_of(case), float(case.site.table.peak_flop_per_s[0, case.gemm_class])
    mfu = spread.of_rate(work.causal * rate / used / peak)
    return results.Plan(
        strategy=strategy,
        gpus_used=used,
        gpus_spare=available - used,
        step_time_s=spread.of_time(step),
        tokens_per_s=spread.of_rate(rate),
        tokens_per_s_per_gpu=spread.of_rate(rate / used),
        mfu=results.Mfu(
            value=mfu.value,
            low=mfu.low,
            high=mfu.high,
            full=mfu.value * work.full / work.causal,
            convention=CONVENTION if job.tuning is None else TUNING_CONVENTION,
            peak_tflop_per_s=peak / TERA,
            model_tflop_per_token=work.causal / TERA,
        ),
        days=spread.of_time(days),
        gpu_hours=spread.of_time(days * SECONDS_PER_DAY / SECONDS_PER_HOUR * used),
        **operated(run_of(case, costs, tokens=tokens, spread=spread)),
        memory_gb_per_gpu=memory_of(case, costs, fit_probability),
        time_breakdown_s=parts,
        bottleneck=bottleneck(
            parts,
            step_s=step,
            available=available,
            used=used,
            replicas=strategy.dp,
            micro_batches=strategy.micro_batches,
            stages=strategy.pp,
            replica=round(used / strategy.dp),
            global_batch=job.global_batch,
            spare_on_purpose=job.goal != "fastest",
        ),
        interval_class=spread.name,
        interval_widened=spread.reasons,
    )


def run_of(case: Case, costs: Costs, *, tokens: float, spread: Spread) -> Run:
    """Describe a layout's run by what failures, power and cost depend on."""
    st = costs.strategy
    same = float(st.tp[0]) * float(st.cp[0]) * float(st.pp[0])
    experts = float(st.ep[0]) * float(st.etp[0]) * float(st.pp[0])
    return Run(
        accelerators=round(costs.gpus),
        model_accelerators=round(max(same, experts)),
        state_bytes=state_bytes(case),
        step_s=costs.step_s,
        seconds=tokens / case.job.batch_tokens * costs.step_s,
        tokens=tokens,
        low=spread.low,
        high=spread.high,
    )


def state_bytes(case: Case) -> float:
    """Bytes of one checkpoint of what learns: weights in 16 bit, master weights, states of the optimizer."""
    return case.job.learning * (WEIGHT_BYTES + float(case.software.state_bytes[0]))


def alternative_of(case: Case, plans: Plans, row: int, *, why: str, tokens: float) -> results.Alternative:
    """Return one of some plans in brief."""
    job = case.job
    costs = costs_of(case, plans, row)
    spread = spread_at(case, costs)
    step = costs.step_s
    used = round(costs.gpus)
    rate = job.batch_tokens / step
    days = tokens / rate / SECONDS_PER_DAY
    n = np.array([float(used)])
    share = max(float(case.goodput(n)[0]), LEAST)
    peak = float(case.site.table.peak_flop_per_s[0, case.gemm_class])
    return results.Alternative(
        why=why,
        gpu=case.site.accelerator.id,
        strategy=strategy_of(case, costs),
        gpus_used=used,
        step_time_s=spread.of_time(step),
        tokens_per_s_per_gpu=rate / used,
        mfu=work_of(case).causal * rate / used / peak,
        days=spread.of_time(days),
        days_with_failures=spread.of_time(days / share),
        cost_usd=days / share * SECONDS_PER_DAY / SECONDS_PER_HOUR * used * float(case.hourly(n)[0]),
        memory_gb_per_gpu=float(costs.memory.device_bytes[0]) / GIGA,
        fit_probability=float(plans.fit_probability[row]),
    )


def strategy_of(case: Case, costs: Costs) -> results.Strategy:
    """Return the layout as a result."""
    st = costs.strategy
    group = float(st.shard_group[0])
    flight = float(st.in_flight[0])
    recompute = RECOMPUTES[int(st.recompute[0])]
    return results.Strategy(
        tp=int(st.tp[0]),
        cp=int(st.cp[0]),
        pp=int(st.pp[0]),
        vpp=int(st.vpp[0]),
        ep=int(st.ep[0]),
        etp=int(st.etp[0]),
        dp=int(st.dp[0]),
        micro_batch=int(st.micro_batch[0]),
        global_batch_seqs=case.job.global_batch,
        seq_len=case.job.seq_len,
        micro_batches=int(costs.step.micro_batches[0]),
        sharding=SHARDINGS[int(st.sharding[0])],  # type: ignore[arg-type]
        shard_group=int(group) if np.isfinite(group) else None,
        recompute=recompute,  # type: ignore[arg-type]
        recompute_layers=float(st.recompute_layers[0]) if recompute == "full" else 0.0,
        sequence_parallel=bool(float(st.sequence_parallel[0])),
        zero_bubble=float(st.zero_bubble[0]) > 0,
        in_flight=int(flight) if np.isfinite(flight) else None,
        offload=float(st.offload[0]),
        precision=case.precision,
    )


def memory_of(case: Case, costs: Costs, probability: float) -> results.Memory:
    """Return the peak memory in GB."""
    m = costs.memory
    parts = {
        name: float(getattr(m, f"{name}_bytes")[0]) / GIGA
        for name in (
            "weights",
            "gradients",
            "optimizer",
            "activations",
            "logits",
            "buffers",
            "allocated",
            "device",
        )
    }
    fit: Literal["fits", "marginal", "no"] = BANDS[int(band(np.array([probability]))[0])]  # type: ignore[assignment]
    capacity = float(case.site.table.memory_bytes[0]) / GIGA
    return results.Memory(**parts, capacity=capacity, fit_probability=probability, fit=fit)
