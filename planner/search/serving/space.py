"""Which replicas are legal, in one place; and which degrees are tried where a request leaves them free.

Rules (a pinned field must obey them too)
-----------------------------------------
1. ``tp`` divides the attention heads and the widths that it cuts; key/value heads divide by ``tp`` or
   ``tp`` by them, since beyond one head per rank they are replicated [1]_.
2. ``pp`` is at most the layers, and more than one needs an engine that can.
3. ``dp`` (attention data parallelism inside a replica) needs routed experts to share and an engine that
   can; dense replicas are simply repeated [2]_.
4. ``ep`` divides the experts and ``tp * dp``; what is left of the stage cuts each expert, whose width it
   must divide. More than one needs an engine that can. Beyond a scale-up domain a pinned one need not
   divide the experts: some are then kept twice, as published deployments do.
5. ``tp * pp * dp`` is at most the accelerators of the part.

Degrees tried where a field is free
-----------------------------------
``tp``: powers of two, and divisors of a node, up to a scale-up domain (two where domains are small) and
`MOST_TENSOR`; up to a node beside ``dp > 1``. ``pp``: powers of two up to `MOST_STAGES`, only without
attention data parallelism. ``dp``: powers of two, alone and times the odd part of the experts, up to
`MOST_STAGE` accelerators per stage. ``ep``: the whole stage; inside a domain also none, and the attention
ranks.

References
----------
.. [1] N. Shazeer, arXiv:1911.02150 (few key/value heads); M. Shoeybi et al., arXiv:1909.08053, section 3.
.. [2] DeepSeek-AI, "DeepSeek-V3 technical report", arXiv:2412.19437, section 3.4: attention data
   parallelism with experts over 32 accelerators for prompts and 320 for decoding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from planner.search.legality import divisors
from planner.search.serving.points import Columns
from planner.search.serving.request import Option, ServingRequest
from planner.tables.arrays import Model
from planner.types import FloatArray

__all__ = ["Layouts", "layouts"]

MOST_TENSOR: Final = 64
MOST_STAGES: Final = 8
MOST_STAGE: Final = 320
SMALL_DOMAIN: Final = 8


@dataclass(frozen=True, eq=False)
class Layouts(Columns):
    """Parallel degrees of replicas, one per row."""

    tp: FloatArray
    pp: FloatArray
    dp: FloatArray
    ep: FloatArray

    @property
    def gpus(self) -> FloatArray:
        """Accelerators of a replica."""
        return self.tp * self.pp * self.dp


def layouts(request: ServingRequest, option: Option) -> tuple[Layouts, Counter[str]]:
    """Enumerate the legal replicas of an option, and count the others by the rule they break.

    Memory is not looked at.
    """
    rejected: Counter[str] = Counter()
    legal: list[tuple[int, int, int, int]] = []
    for degrees in _tried(request, option):
        broken = _broken_rule(request, option, *degrees)
        if broken:
            rejected[broken] += 1
        else:
            legal.append(degrees)
    columns = np.array(legal, dtype=float).reshape(-1, 4).T
    return Layouts(*columns), rejected


def _tried(request: ServingRequest, option: Option) -> Iterator[tuple[int, int, int, int]]:
    """Every combination of pinned degrees and of those worth trying, once."""
    model, part = request.model, request.parts[option.part]
    domain, node = int(part.operators.domain[0]), int(part.operators.node[0])
    pinned = {name: request.pinned(name) for name in ("tp", "pp", "dp", "ep")}
    reach = min(2 * domain if domain <= SMALL_DOMAIN else domain, MOST_TENSOR)
    tensor = _pinned_or(pinned["tp"], {*_powers(reach), *divisors(node).tolist()})
    stages = _pinned_or(pinned["pp"], set(_powers(MOST_STAGES)) if option.can.pipeline else {1})
    ranks = _pinned_or(pinned["dp"], _rank_counts(model) if option.can.attention_data else {1})
    seen = set()
    for tp, pp, dp in product(tensor, stages, ranks):
        stage = tp * dp
        if dp > 1 and (
            (pp > 1 and not pinned["pp"])
            or (tp > node and not pinned["tp"])
            or (stage > MOST_STAGE and not pinned["dp"])
        ):
            continue
        for ep in _pinned_or(pinned["ep"], _expert_counts(model, option, tp=tp, dp=dp, domain=domain)):
            if (tp, pp, dp, ep) not in seen:
                seen.add((tp, pp, dp, ep))
                yield tp, pp, dp, ep


def _pinned_or(pinned: tuple[float, ...] | None, free: set[int]) -> list[int]:
    return sorted(free if pinned is None else {int(value) for value in pinned})


def _powers(most: int) -> list[int]:
    return [1 << i for i in range(max(most, 1).bit_length())]


def _rank_counts(model: Model) -> set[int]:
    """Attention ranks that spread the experts evenly."""
    experts = int(model.experts[0])
    if experts < 2:
        return {1}
    odd = experts // (experts & -experts)
    return {dp for power in _powers(MOST_STAGE) for dp in (power, power * odd) if dp <= MOST_STAGE}


def _expert_counts(model: Model, option: Option, *, tp: int, dp: int, domain: int) -> set[int]:
    stage = tp * dp
    if int(model.experts[0]) < 2 or not option.can.experts:
        return {1}
    return {stage} if stage > domain else {1, dp, stage}


def _broken_rule(request: ServingRequest, option: Option, tp: int, pp: int, dp: int, ep: int) -> str:
    """Name of the first rule that degrees break; empty where they are legal."""
    model, can = request.model, option.can
    experts, width = int(model.experts[0]), int(model.expert_ffn[0])
    if not _splits(model, tp):
        return "heads"
    if pp > int(model.layers[0]) or (pp > 1 and not can.pipeline):
        return "pipeline"
    if dp > 1 and (experts < 2 or not can.attention_data):
        return "attention-data"
    if ep > 1 and (experts < 2 or not can.experts):
        return "experts"
    wide = ep > int(request.parts[option.part].operators.domain[0])
    twice = wide and ep < experts and request.pinned("ep") is not None
    if (tp * dp) % ep or (experts > 1 and ((experts % ep and not twice) or width % (tp * dp // ep))):
        return "experts"
    if tp * pp * dp > request.parts[option.part].gpus:
        return "size"
    return ""


def _splits(model: Model, tp: int) -> bool:
    """Whether heads and widths divide over `tp` ranks."""
    attends = float(model.n_full[0] + model.n_window[0]) > 0
    kv = max(int(model.kv_heads[0]), 1)
    if attends and int(model.heads[0]) % tp:
        return False
    if attends and not model.mla[0] and kv % tp and tp % kv:
        return False
    widths = (
        (model.n_linear, model.linear_inner), (model.n_dense, model.ffn), (model.n_moe, model.shared_ffn),
    )  # fmt: skip
    return not any(float(layers[0]) > 0 and int(columns[0]) % tp for layers, columns in widths)
