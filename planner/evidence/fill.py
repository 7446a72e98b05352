"""One policy for what a measurement leaves out: candidate settings, of which the fastest that fits is taken.

Unknown settings of a published run are filled as its authors would have chosen them:

* micro-batch: 1, 2, 4, 8 or 16 sequences; interleaving: chunk counts that divide the layers (or the layers
  and the two ends), where the stack can interleave;
* recompute: none, selective, a part or all of the layers in full, or activations offloaded to host memory;
* micro-batches in flight: as the schedule has it, or one per stage where the stack can limit them;
* sharding ZeRO-1; sequence parallelism and expert-tensor parallelism as the stack's default;
* no layout at all: fully sharded data parallelism over all accelerators;
* network: the accelerator's usual NIC, without oversubscription; hosts of 8, or as stated.

Among the candidates the fastest is taken whose predicted peak memory is at most `CAPACITY_SHARE` of the
device: the run is known to have run, and the memory model has an error of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from planner.evidence.runs import Run
from planner.tables import PRECISION_CLASS, RECOMPUTES, SHARDINGS, Model
from planner.workload.software import SoftwareProfile

__all__ = ["CAPACITY_SHARE", "LARGEST_NODE", "strategies"]

CAPACITY_SHARE = 1.02

MICRO_BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0)
MOST_CHUNKS = 12
RECOMPUTE_SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
OFFLOADS = (0.0, 0.5, 1.0)
LARGEST_NODE = 8

PROJECTIONS = 0.2
"""Share of query, key and value projections in a layer: 6 of 34 activation bytes, a fifth of the products."""


def strategies(
    run: Run, model: Model, profile: SoftwareProfile, notes: list[str]
) -> Iterator[dict[str, float | int | bool]]:
    """Every candidate setting of a run: one value for each column of `planner.tables.Strategy`.

    Parameters
    ----------
    model
        One row.
    notes
        Receives what was filled.
    """
    n, c = run.number, run.choice
    gpus, batch = n["n_gpus"] or 1.0, n["global_batch_seqs"] or 1.0
    tp, pp, cp, ep = (n[name] or 1.0 for name in ("tp", "pp", "cp", "ep"))
    dp = gpus / (tp * pp * cp)
    for name, given in (("micro_batch", n["micro_batch"]), ("vpp", n["vpp"]), ("recompute", c["recompute"])):
        if not given:
            notes.append(f"{name} unknown: the fastest that fits")
    parallel = (
        c["sequence_parallel"] == "y" if c["sequence_parallel"] else profile.sequence_parallel and tp > 1
    )
    split_backward = profile.zero_bubble or run.flags.get("schedule", "").startswith(("zb", "v-"))
    known: dict[str, float | int | bool] = {
        "seq_len": n["seq_len"] or 1.0,
        "global_batch": batch,
        "tp": tp,
        "cp": cp,
        "pp": pp,
        "ep": ep,
        "etp": n["etp"] or _expert_tensor(model, profile, tp=tp, ep=ep, ranks=tp * cp * dp),
        "dp": dp,
        "sharding": SHARDINGS.index(c["sharding"] or ("zero1" if n["tp"] or n["pp"] else "zero3")),
        "sequence_parallel": parallel,
        "gemm_class": PRECISION_CLASS[run.text["precision"]],
        "zero_bubble": float(split_backward),
        "shard_group": _shard_group(run.flags, gpus, tp),
    }
    for micro_batch, vpp, in_flight, (recompute, share, offload) in product(
        _micro_batches(n["micro_batch"], max(batch / dp, 1.0), profile),
        _chunks(n["vpp"], float(model.layers[0]), pp, profile),
        (np.nan, pp) if profile.limits_in_flight and pp > 1 else (np.nan,),
        _recomputes(c["recompute"], run.flags),
    ):
        free = {
            "micro_batch": micro_batch,
            "vpp": vpp,
            "in_flight": in_flight,
            "recompute": recompute,
            "recompute_layers": share,
            "offload": offload,
        }
        yield known | free


def _micro_batches(given: float | None, per_rank: float, profile: SoftwareProfile) -> tuple[float, ...]:
    if not profile.gradient_accumulation:
        return (per_rank,)
    return (given,) if given else tuple(b for b in MICRO_BATCHES if b <= per_rank)


def _expert_tensor(model: Model, profile: SoftwareProfile, *, tp: float, ep: float, ranks: float) -> float:
    """Default expert-tensor parallelism: that of the stack, halved until it fits beside the experts."""
    if profile.experts.tensor == "one" or model.experts[0] == 0:
        return 1.0
    while tp > 1 and tp * ep > ranks:
        tp /= 2.0
    return tp


def _chunks(given: float | None, layers: float, pp: float, profile: SoftwareProfile) -> tuple[float, ...]:
    if given or pp <= 1 or not profile.interleaving:
        return (given or 1.0,)
    counts = [float(v) for v in range(1, MOST_CHUNKS + 1)]
    return tuple(v for v in counts if layers % (pp * v) == 0 or (layers + 2) % (pp * v) == 0) or (1.0,)


def _recomputes(given: str | None, flags: dict[str, str]) -> list[tuple[int, float, float]]:
    """(recompute, share of layers, offload) triples."""
    if given is not None:
        if flags.get("remat") == "qkv_proj_offloaded":  # keeps them on the host, recomputes the rest
            return [(RECOMPUTES.index("full"), 1.0 - PROJECTIONS, PROJECTIONS)]
        return [(RECOMPUTES.index(given), 1.0, 0.0)]
    choices = [(0, 1.0, offload) for offload in OFFLOADS] + [(1, 1.0, 0.0)]
    choices += [(2, share, 0.0) for share in RECOMPUTE_SHARES]
    return choices + [(2, share, 1.0) for share in RECOMPUTE_SHARES[1:-1]]


def _shard_group(flags: dict[str, str], gpus: float, tp: float) -> float:
    """Ranks over which states are sharded, where a run says that it is not all of them."""
    for key in ("zero1_group", "fsdp", "ici_fsdp"):
        if flags.get(key, "").isdigit():
            return float(flags[key])
    if flags.get("slices", "").isdigit():
        return gpus / float(flags["slices"]) / tp
    return np.inf
