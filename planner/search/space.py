"""The space of layouts, level by level, so that nothing is computed twice and nothing loops over strategies.

==========  ================================================  ===========================================
level       fields                                            cost
==========  ================================================  ===========================================
tuple       tp cp ep etp micro_batch sequence_parallel        `layer_costs`, `activation_costs`
group       tuple, pp, dp                                     lower bounds of time and memory
base        group, vpp                                        memory of each sharding and recompute
row         base, sharding, recompute, offload                `step_costs`
==========  ================================================  ===========================================

Axis letters: ``T`` tuples, ``P`` pipeline sizes, ``G`` groups, ``B`` bases, ``N`` rows, ``Z`` shardings,
``L`` recompute levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from planner.search import legality
from planner.search.request import GOALS, Request
from planner.tables import Hardware, Model, Strategy
from planner.types import BoolArray, FloatArray, IntArray

__all__ = [
    "Bases",
    "Columns",
    "Groups",
    "Space",
    "bases",
    "build_space",
    "groups",
    "legal_layouts",
    "legal_shardings",
    "replicas",
]

CHUNK_GROUPS = 1 << 14
"""Pairs of tuple and pipeline size enumerated at a time."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Arrays of one length; unlike `planner.tables.Rows`, one row does not stand for many."""

    t: IntArray  # index into the tuples
    p: IntArray  # index into `Space.pp`

    def __len__(self) -> int:
        return len(self.t)

    def take(self, index: IntArray | slice) -> Self:
        """Rows at `index`."""
        return type(self)(**{name: column[index] for name, column in vars(self).items()})

    def joined(self, *others: Self) -> Self:
        """All rows of several tables."""
        tables = (self, *others)
        return type(self)(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in vars(self)})


@dataclass(frozen=True, eq=False)
class Space:
    """Values of all axes and the tables that index them."""

    request: Request
    tuples: Strategy  # [T]; pp, vpp, dp and what follows from them are 1 or 0
    replica_step: FloatArray  # [T] dp is a multiple of it (rule 6 of `legality`)
    hybrid: FloatArray  # [T] ranks of an HSDP group
    pp: FloatArray  # [P]
    vpp: FloatArray  # all pairs of pp and vpp, grouped by pp, ascending
    first_pair: IntArray  # [P] where the pairs of a pipeline size start
    pairs: IntArray  # [P] how many there are
    most_vpp: FloatArray  # [P]
    plain: BoolArray  # [P] whether vpp = 1 is among them
    shardings: IntArray  # [Z] ascending
    recompute: IntArray  # [L] lightest first
    recompute_layers: FloatArray  # [L]
    offloads: FloatArray  # [O]


@dataclass(frozen=True, eq=False)
class Groups(Columns):
    """Tuple, pipeline size and replicas, each of shape ``[G]``."""

    dp: FloatArray
    count: FloatArray  # micro-batches per step
    ranks: FloatArray  # accelerators used


@dataclass(frozen=True, eq=False)
class Bases(Columns):
    """Everything but sharding, recompute and offload, each of shape ``[B]``."""

    vpp: FloatArray
    dp: FloatArray
    count: FloatArray
    ranks: FloatArray


def build_space(*, hardware: Hardware, model: Model, request: Request) -> Space:
    """Legal tuples and the values of the other axes; some of them may be empty."""
    tp = legality.tensor_sizes(hardware=hardware, model=model, request=request)
    pp = legality.pipeline_sizes(model=model, request=request)
    pair, vpp = legality.interleavings(model=model, request=request, pp=pp)
    kept, first, pairs = np.unique(pair, return_index=True, return_counts=True)
    pp = pp[kept]
    kinds, shares = legality.recompute_levels(request=request)
    shardings = request.pinned("sharding") or range(5)
    tuples = _tuples(tp, model=model, request=request)
    return Space(
        request=request,
        tuples=tuples,
        replica_step=tuples.ep
        * tuples.etp
        / np.gcd((tuples.ep * tuples.etp).astype(np.int64), (tuples.tp * tuples.cp).astype(np.int64)),
        hybrid=legality.hybrid_group(hardware=hardware, tp=tuples.tp),
        pp=pp,
        vpp=vpp,
        first_pair=first.astype(np.int64),
        pairs=pairs.astype(np.int64),
        most_vpp=np.maximum.reduceat(vpp, first) if len(first) else np.zeros(0),
        plain=vpp[first] == 1 if len(first) else np.zeros(0, dtype=bool),
        shardings=np.array([int(z) for z in shardings], dtype=np.int64),
        recompute=kinds,
        recompute_layers=shares,
        offloads=np.array(request.pinned("offload") or request.offloads),
    )


def _tuples(tp: FloatArray, *, model: Model, request: Request) -> Strategy:
    """Every legal layer tuple; the order is that of preference between equals."""
    etp = np.array(request.pinned("etp") or (1.0, 0.0))  # 0 stands for tp
    parallel = np.array(request.pinned("sequence_parallel") or (0.0, 1.0))
    axes = np.meshgrid(
        tp,
        legality.context_sizes(request=request),
        legality.expert_sizes(model=model, request=request),
        etp,
        legality.micro_batch_sizes(request=request),
        parallel,
        indexing="ij",
    )
    tp_, cp, ep, etp_, mb, sp = (a.ravel() for a in axes)
    distinct = ~((etp_ == 0) & (tp_ == 1))
    pinned_on = len(parallel) == 1
    one = np.ones(1)
    tuples = Strategy(
        seq_len=one * request.seq_len,
        global_batch=one * request.global_batch,
        micro_batch=mb,
        tp=tp_,
        cp=cp,
        pp=one,
        vpp=one,
        ep=ep,
        etp=np.where(etp_ == 0, tp_, etp_),
        dp=one,
        sharding=np.zeros(1, dtype=np.int64),
        recompute=np.zeros(1, dtype=np.int64),
        recompute_layers=np.zeros(1),
        # A pin to "on" asks for nothing where there is no tensor parallelism.
        sequence_parallel=(sp > 0) & ((tp_ > 1) | (not pinned_on)),
        gemm_class=np.full(1, request.gemm_class, dtype=np.int64),
        zero_bubble=one * request.zero_bubble,
        in_flight=np.full(1, np.nan if request.in_flight is None else request.in_flight),
        offload=np.zeros(1),
        shard_group=np.full(1, np.inf),
    )
    legal = distinct & legality.tuple_rules(model=model, request=request, tuples=tuples)
    varying = ("micro_batch", "tp", "cp", "ep", "etp", "sequence_parallel")
    return tuples.with_values(**{name: getattr(tuples, name)[legal] for name in varying})


def groups(
    space: Space, accelerators: float | None = None, useful: BoolArray | None = None
) -> Iterator[Groups]:
    """Legal groups in the order of the tuples, some tens of thousands at a time.

    `accelerators` replaces those of the request where fewer are to be used; of the pairs of tuple and
    pipeline size only those that are `useful` are looked at, ``[T, P]``.
    """
    available = space.request.accelerators if accelerators is None else accelerators
    many, sizes = len(space.tuples.tp), len(space.pp)
    step = max(CHUNK_GROUPS // max(sizes, 1), 1)
    for start in range(0, many if sizes else 0, step):
        t, p = np.divmod(np.arange(start * sizes, min(start + step, many) * sizes), sizes)
        if useful is not None:
            kept = np.flatnonzero(useful[t[0] : t[-1] + 1].ravel())
            t, p = t[kept], p[kept]
        room = np.floor(available / (space.tuples.tp * space.tuples.cp)[t] / space.pp[p])
        keep = np.flatnonzero(room >= space.replica_step[t])
        if len(keep):
            yield _groups(space, t[keep], p[keep], room[keep])


def _groups(space: Space, t: IntArray, p: IntArray, room: FloatArray) -> Groups:
    """All candidates of dp for pairs of tuple and pipeline size."""
    dp, legal = replicas(space, t, p, room)
    d, i = np.nonzero(legal)
    order = np.argsort(i, kind="stable")  # candidates of one pair side by side
    d, i = d[order], i[order]
    t, p, dp = t[i], p[i], dp[d, i]
    tuples = space.tuples
    count = np.ceil(space.request.global_batch / (dp * tuples.micro_batch[t]) - 1e-9)
    ranks = (tuples.tp * tuples.cp)[t] * space.pp[p] * dp
    found = Groups(t=t, p=p, dp=dp, count=count, ranks=ranks)
    enough = (count >= space.pp[p]) | (space.pp[p] == 1)
    return found.take(np.flatnonzero(enough | (space.plain[p] & (space.request.zero_bubble == 0))))


def replicas(space: Space, t: IntArray, p: IntArray, room: FloatArray) -> tuple[FloatArray, BoolArray]:
    """List useful data-parallel sizes, ``[candidates, pairs]``, and say which of them are legal and new.

    Only these differ in more than idle slots or wasted replicas: (a) the largest that has room; (b) the
    fewest replicas with the same number of micro-batches; (c) the largest that divides the batch; (d) the
    fewest replicas whose micro-batches come in whole groups of ``pp``, for interleaving; (e) for goals
    that spare accelerators, (a) halved again and again. All are multiples of ``replica_step``.
    """
    request, step = space.request, space.replica_step[t]
    pinned = request.pinned("dp")
    batches = request.global_batch / space.tuples.micro_batch[t]  # micro-batches in the whole step
    most = np.minimum(room, np.ceil(batches))
    if pinned:
        dp = np.broadcast_to(np.array(pinned)[:, None], (len(pinned), len(t)))
        return dp, (dp % step == 0) & (dp <= most)
    largest = np.floor(most / step) * step

    def fewest(count: FloatArray) -> FloatArray:
        return np.ceil(np.ceil(batches / np.maximum(count, 1.0) - 1e-9) / step) * step

    count = np.ceil(batches / np.maximum(largest, 1.0) - 1e-9)
    grouped = np.ceil(count / space.pp[p]) * space.pp[p]
    candidates = [
        largest,
        fewest(count),
        _largest_divisor(space, t, largest),
        np.where(space.most_vpp[p] > 1, fewest(grouped), 0.0),
    ]
    if GOALS[request.goal].ladder:
        halvings = range(1, int(np.log2(np.max(largest, initial=1.0))) + 1)
        candidates += [np.ceil(largest / 2.0**k / step) * step for k in halvings]
    dp = np.stack(candidates)
    legal = (dp >= 1) & (dp <= largest)
    for d in range(1, len(candidates)):
        for earlier in range(d):
            legal[d] &= dp[d] != dp[earlier]
    return dp, legal


def _largest_divisor(space: Space, t: IntArray, limit: FloatArray) -> FloatArray:
    """Largest ``dp`` up to `limit` that divides the micro-batches of a step, or 0 where none does."""
    whole = space.request.global_batch / (space.tuples.micro_batch * space.replica_step)
    exact = whole == np.floor(whole)
    values, which = np.unique(whole[exact], return_inverse=True)
    if not len(values):
        return np.zeros(len(t))
    tables = [legality.divisors(int(v)) for v in values]
    stride = float(np.max(values)) + 1.0
    keys = np.concatenate([k * stride + table for k, table in enumerate(tables)])
    table = np.concatenate(tables).astype(float)
    index = np.zeros(len(whole))
    index[exact] = which
    wanted = np.minimum(np.floor(limit / space.replica_step[t]), whole[t])
    found = np.searchsorted(keys, index[t] * stride + wanted, side="right") - 1
    divisor = table[np.maximum(found, 0)] * space.replica_step[t]
    return np.where(exact[t] & (wanted >= 1), divisor, 0.0)


def bases(space: Space, g: Groups) -> Bases:
    """Every legal ``vpp`` of some groups."""
    many = space.pairs[g.p]
    i = np.repeat(np.arange(len(g.t)), many)
    start = np.cumsum(many) - many
    pair = np.arange(len(i)) - start[i] + space.first_pair[g.p[i]]
    vpp = space.vpp[pair]
    keep = np.flatnonzero((vpp == 1) | (g.count[i] >= space.pp[g.p[i]]))
    i, vpp = i[keep], vpp[keep]
    return Bases(t=g.t[i], p=g.p[i], vpp=vpp, dp=g.dp[i], count=g.count[i], ranks=g.ranks[i])


def legal_shardings(space: Space, *, t: IntArray, dp: FloatArray) -> BoolArray:
    """Whether each sharding is legal (rule 9), shape ``[Z, len(t)]``."""
    same = dp * space.tuples.cp[t]
    hybrid = space.hybrid[t]
    shares = same / hybrid
    rows = {0: np.ones(len(t), dtype=bool), 4: (hybrid > 1) & (shares > 1) & (shares == np.floor(shares))}
    return np.stack([rows.get(int(z), same > 1) for z in space.shardings])


def legal_layouts(space: Space, g: Groups) -> int:
    """How many layouts the groups stand for."""
    interleaved = (g.count >= space.pp[g.p]) & (space.pp[g.p] > 1)
    schedules = np.where(interleaved | ~space.plain[g.p], space.pairs[g.p], 1)
    shardings = np.sum(legal_shardings(space, t=g.t, dp=g.dp), axis=0)
    return int(np.sum(schedules * shardings)) * len(space.recompute) * len(space.offloads)
