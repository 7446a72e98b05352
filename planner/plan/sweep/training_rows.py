"""Layouts of a training sweep as rows: which are legal, what they cost, and why others have no figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from planner.model.activations import kept_bytes
from planner.model.data_parallel import Traffic
from planner.model.memory import MemoryCosts, fit_probability, memory_costs
from planner.model.pipeline import alike
from planner.model.training import StepCosts, micro_batches, step_costs
from planner.plan.solve import FITS, request_of
from planner.plan.sweep.arrays import Distinct
from planner.plan.sweep.training_case import Shared
from planner.plan.sweep.training_layers import HYBRID, Layers
from planner.search import legality
from planner.search.reasons import RULES
from planner.search.request import MOST_ACCELERATORS
from planner.tables import Hardware, Strategy
from planner.types import BoolArray, FloatArray, IntArray

__all__ = ["DEGREES", "REASONS", "Physics", "evaluated", "strategy_of", "too_many"]

DEGREES: Final = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch")
SIZED: Final = ("tp", "ep")
"""Degrees whose legal values are looked up; the others follow from arithmetic."""
_RULE: Final = ("tp", "cp", "pp", "vpp", "ep", "etp", "micro_batch", "sequence_parallel")

REASONS: Final = (
    *(RULES[name] for name in _RULE),
    "experts do not fold over the ranks of a stage: ep * etp must divide tp * cp * dp",
    "a step has fewer micro-batches than replicas; use a larger global batch or a smaller dp",
    "interleaving needs at least as many micro-batches as stages; use a larger global batch or vpp 1",
    "this sharding needs more than one rank with the same weights, and hsdp more than a scale-up domain",
    "the model has no cost on this accelerator in this layout",
    "the layout needs more memory than an accelerator has",
    "the layout needs more accelerators than there are",
)
"""Why a row has no figures, in the order in which they are looked at."""
_FOLD, _WORK, _SCHEDULE, _SHARD, _COST, _MEMORY, _SIZE = range(len(_RULE), len(REASONS))


@dataclass(frozen=True, eq=False)
class Physics:
    """Everything that layouts cost, and the place in `REASONS` of why one cannot be had; -1 for none."""

    strategy: Strategy
    step: StepCosts
    memory: MemoryCosts
    layer_s: FloatArray
    accelerators: FloatArray
    fit: FloatArray
    reason: IntArray


def strategy_of(shared: Shared, inputs: Mapping[str, FloatArray]) -> Strategy:
    """Return layouts as the search would have them."""
    case, one = shared.case, np.ones(1)
    tp, sharding = inputs["tp"], inputs["sharding"].astype(np.int64)
    recompute = inputs["recompute"].astype(np.int64)
    hybrid = np.full(1, np.inf)
    if np.any(sharding == HYBRID):
        hybrid = np.where(sharding == HYBRID, legality.hybrid_group(hardware=case.site.table, tp=tp), np.inf)
    request = request_of(case, MOST_ACCELERATORS)
    return Strategy(
        seq_len=one * request.seq_len,
        global_batch=inputs["global_batch"],
        **{name: inputs[name] for name in DEGREES},
        sharding=sharding,
        recompute=recompute,
        recompute_layers=np.where(recompute == 2, inputs["recompute_layers"], 0.0),
        # A pin to "on" asks for nothing where there is no tensor parallelism.
        sequence_parallel=(inputs["sequence_parallel"] > 0) & (tp > 1),
        gemm_class=np.full(1, request.gemm_class, dtype=np.int64),
        zero_bubble=one * request.zero_bubble,
        in_flight=np.full(1, np.nan if request.in_flight is None else request.in_flight),
        offload=inputs["offload"],
        shard_group=hybrid,
    )


def illegal(shared: Shared, st: Strategy, tuples: Distinct) -> IntArray:
    """Return the rule that each layout breaks first, as a place in `REASONS`; -1 for none.

    The rules are those of `planner.search.legality` and `planner.search.space`, by row.
    """
    case = shared.case
    model, request = case.job.model, request_of(case, MOST_ACCELERATORS)
    layers, experts = float(model.layers[0]), float(model.n_moe[0]) > 0
    sizes = {}
    for name in SIZED:
        values = getattr(st, name)
        if tuples.first is not None and values.shape[0] > 1:
            values = values[tuples.first]
        asked = request.changed(pins={name: tuple(np.unique(values).tolist())})
        legal = (
            legality.tensor_sizes(hardware=case.site.table, model=model, request=asked)
            if name == "tp"
            else legality.expert_sizes(model=model, request=asked)
        )
        sizes[name] = tuples.spread(np.isin(values, legal))
    width = float(model.expert_ffn[0])
    split = st.seq_len / st.cp % st.tp == 0
    batches = st.global_batch / st.micro_batch
    count = np.ceil(st.global_batch / (st.dp * st.micro_batch) - 1e-9)
    same, full = st.dp * st.cp, count >= st.pp
    hybrid = legality.hybrid_group(hardware=case.site.table, tp=st.tp)
    shares = same / hybrid
    folds = st.dp % (st.ep * st.etp / _common(st.ep * st.etp, st.tp * st.cp)) == 0
    plain = (st.vpp == 1) & ((st.pp == 1) | full | (st.zero_bubble == 0))
    rules: tuple[BoolArray, ...] = (
        sizes["tp"],
        (st.cp == 1) | (st.seq_len % (2.0 * st.cp) == 0),
        (st.pp <= layers) & alike(layers=model.layers, pp=st.pp, vpp=np.ones(1)),
        ((st.vpp == 1) | ((st.pp > 1) & (st.pp * st.vpp <= layers)))
        & alike(layers=model.layers, pp=st.pp, vpp=st.vpp),
        sizes["ep"] if experts else st.ep == 1,
        width % st.etp == 0 if experts else st.etp == 1,
        st.micro_batch <= st.global_batch,
        ~st.sequence_parallel | split,
        folds,
        st.dp <= np.ceil(batches),
        plain | ((st.vpp > 1) & full),
        (st.sharding == 0)
        | np.where(
            st.sharding == HYBRID, (hybrid > 1) & (shares > 1) & (shares == np.floor(shares)), same > 1
        ),
    )
    found = np.full(max(len(st), *(np.size(rule) for rule in rules)), -1)
    for place in reversed(range(len(rules))):
        found = np.where(rules[place], found, place)
    return found


def _common(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.gcd(a.astype(np.int64), b.astype(np.int64)).astype(float)


def evaluated(
    shared: Shared,
    hardware: Hardware,
    st: Strategy,
    *,
    tuples: Distinct,
    layers: Layers,
    traffic: Traffic | None,
    many: int,
) -> Physics:
    """Return what layouts cost, legal or not; ``[many]`` or ``[1]``.

    Parameters
    ----------
    hardware
        One row, or as many as there are layouts.
    tuples
        Layouts whose layers cost the same, which have `SIZED` in common.
    layers
        From `planner.plan.sweep.training_layers.layers_of`.
    traffic
        From `planner.plan.sweep.training_layers.traffic_of`.
    """
    case = shared.case
    model, software = case.job.model, case.software
    step = step_costs(
        hardware=hardware,
        model=model,
        software=software,
        strategy=st,
        layer=layers.layer,
        kept=kept_bytes(st, layers.activations),
        traffic=traffic,
    )
    memory = memory_costs(
        model=model,
        software=software,
        strategy=st,
        activations=layers.activations,
        micro_batches=micro_batches(st),
    )
    request = request_of(case, MOST_ACCELERATORS)
    fit = fit_probability(
        device_bytes=memory.device_bytes, capacity_bytes=hardware.memory_bytes, sigma=request.sigma
    )
    reason = illegal(shared, st, tuples)
    missing = ~(np.isfinite(step.step_s) & (step.step_s > 0) & np.isfinite(memory.device_bytes))
    reason = np.where((reason < 0) & missing, _COST, reason)
    reason = np.where((reason < 0) & (fit < FITS[-1]), _MEMORY, reason)
    return Physics(
        strategy=st,
        step=step,
        memory=memory,
        layer_s=layers.layer.forward_s + layers.layer.backward_s,
        accelerators=st.tp * st.cp * st.pp * st.dp,
        fit=fit,
        reason=np.broadcast_to(reason, (many,)),
    )


def too_many() -> int:
    """Return the place in `REASONS` of layouts that need more accelerators than there are."""
    return _SIZE
