"""Facts of a training plan, as its launcher takes them."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from planner.model.pipeline import split_layers
from planner.plan.export.hosts import spread
from planner.plan.export.shape import shape_facts
from planner.workload.kinds import SOFTWARE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.export.said import Facts
    from planner.plan.results import Plan, Strategy, TrainResult
    from planner.workload.record import ModelRecord

__all__ = ["chunk_layers", "layout_text", "training_facts"]


def training_facts(
    result: TrainResult, plan: Plan, record: ModelRecord, catalog: Catalog, *, host: int
) -> Facts:
    """Return the facts of a plan.

    Parameters
    ----------
    result, plan
        The answer and its plan.
    record
        The model.
    host
        Accelerators of one host.
    """
    st, asked, layers = plan.strategy, result.inputs, record.architecture.depth
    nodes, local = spread(plan.gpus_used, host)
    mixture = record.architecture.moe is not None
    tokens = asked.tokens if result.result.tokens is None else result.result.tokens.value
    return {
        "model": record.id,
        "accelerator": result.inputs.gpu,
        "gpus": plan.gpus_used,
        "nodes": nodes,
        "gpus_per_node": local,
        "tp": st.tp,
        "cp": st.cp,
        "ep": st.ep if mixture else None,
        "etp": st.etp if mixture else None,
        "dispatch": catalog.get(SOFTWARE, asked.software).experts.dispatch if mixture and st.ep > 1 else None,
        "dp": st.dp,
        "micro_batch": st.micro_batch,
        "local_batch": st.micro_batch * (st.micro_batches if st.pp > 1 else 1),
        "global_batch": st.global_batch_seqs,
        "seq_len": st.seq_len,
        "steps": None if tokens is None else math.ceil(tokens / asked.global_batch_tokens),
        "sequence_parallel": st.sequence_parallel if st.tp > 1 else None,
        "in_flight": st.in_flight,
        "offload": st.offload or None,
        "precision": st.precision,
        "kind": asked.kind,
        "rank": asked.rank,
        "targets": ", ".join(asked.targets) or None,
        "packing": None if asked.packing == 1.0 else asked.packing,
        **_pipeline(st, record),
        **_sharding(st),
        **_recompute(st, record, layers),
        **shape_facts(record.architecture),
    }


def chunk_layers(*, layers: int, pp: int, vpp: int) -> list[int]:
    """Return the layers of each chunk, in the order in which a token visits them.

    Stages hold what `planner.model.pipeline.split_layers` gives them: what is missing is taken from the last
    chunk, which holds the head, and from the first, which holds the embedding.
    """
    as_row: Any = {"layers": layers, "pp": pp, "vpp": vpp}
    split = split_layers(**{name: np.array([float(value)]) for name, value in as_row.items()})
    first, last = int(split.first[0]), int(split.last[0])
    if pp == 1:
        stages = [layers]
    else:
        rest, inner = layers - first - last, max(pp - 2, 1)
        between = [rest // inner + (place < rest % inner) for place in range(pp - 2)]
        stages = [first, *between, last]
    chunks = [[0] * pp for _ in range(vpp)]
    for stage, held in enumerate(stages):
        for place in range(vpp):
            late = vpp - 1 - place if stage == 0 else place
            chunks[place][stage] = held // vpp + (late < held % vpp)
    return [count for row in chunks for count in row]


def layout_text(chunks: list[int], *, mtp: int = 0) -> str:
    """Write chunks in Megatron's letters: ``Et|(tt|)*62tL``; E embedding, t layer, m prediction, L loss."""
    texts = ["t" * count for count in chunks]
    texts[0] = "E" + texts[0]
    texts[-1] += "m" * mtp + "L"
    parts = []
    for text, run in groupby(texts[:-1]):
        times = len([*run])
        parts.append(f"{text}|" if times == 1 else f"({text}|)*{times}")
    return "".join(parts) + texts[-1]


def _pipeline(st: Strategy, record: ModelRecord) -> Facts:
    layers, mtp = record.architecture.depth, record.architecture.mtp
    even = layers % (st.pp * st.vpp) == 0
    kind = "zero-bubble" if st.zero_bubble else "1f1b"
    looped = "interleaved-zero-bubble" if st.zero_bubble else "interleaved"
    chunks = chunk_layers(layers=layers, pp=st.pp, vpp=st.vpp)
    text = None if even or st.pp == 1 else layout_text(chunks, mtp=mtp)
    return {
        "pp": st.pp,
        "vpp": st.vpp,
        "chunks": st.vpp if st.vpp > 1 and even else None,
        "schedule": None if st.pp == 1 else looped if st.vpp > 1 else kind,
        "stage_layers": None if st.pp == 1 else math.ceil(layers / (st.pp * st.vpp)),
        "stage_layout": text,
    }


def _sharding(st: Strategy) -> Facts:
    ranks = st.dp * st.cp
    group = min(st.shard_group or ranks, ranks) if st.sharding != "none" else None
    copies = None if group is None else ranks // group
    return {
        "sharding": st.sharding,
        "shard_ranks": group,
        "shard_data_ranks": None if group is None else max(group // st.cp, 1),
        "copies": copies if copies is not None and copies > 1 else None,
    }


def _recompute(st: Strategy, record: ModelRecord, layers: int) -> Facts:
    a = record.architecture
    modules = ["layernorm", *(["moe_act"] if a.moe is not None else [])]
    if a.attention is not None and a.attention.kind == "mla":
        modules.append("mla_up_proj")
    share, full = st.recompute_layers, st.recompute == "full"
    return {
        "recompute": st.recompute,
        "recompute_modules": tuple(modules) if st.recompute == "selective" else None,
        "recompute_dense": "activations" if st.recompute == "selective" and a.mlp is not None else None,
        "recompute_layers": math.ceil(share * layers / (st.pp * st.vpp)) if full else None,
        "recompute_share": share if full and share < 1.0 else None,
    }
