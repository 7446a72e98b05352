"""Blocks about fine-tuning: the kinds there are, and published figures beside those that come out here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import planner
from planner.catalog.load import Catalog
from planner.plan.results import Plan
from planner.workload.adapters import adapter_counts
from planner.workload.fine_tuning import FineTuning
from planner.workload.kinds import FINE_TUNING, MODEL

__all__ = ["BLOCKS"]

BOOK = Catalog()
Row = tuple[str, str, float, float]
RECOMPUTED = {"micro_batch": 1, "recompute": "full", "recompute_layers": 1}
NEMO = (
    ("llama-2-7b", "sft", 8, 1, 1, 16891), ("llama-2-13b", "sft", 8, 1, 4, 10176),
    ("llama-2-70b", "sft", 16, 4, 4, 1816), ("llama-2-7b", "nemo-lora", 8, 1, 1, 24824),
    ("llama-2-13b", "nemo-lora", 8, 1, 1, 14629), ("llama-2-70b", "nemo-lora", 8, 2, 4, 2621),
)  # fmt: skip
BLACKWELL = (
    (
        "sft", "llama-3-8b", 16384, (("global_batch", 8), ("tp", 1), ("pp", 1)),
        (("bf16", 24690), ("fp8", 33362), ("mxfp8", 31556)),
    ),
    (
        "nemo-lora", "llama-3-70b", 4096, (("global_batch", 32), ("tp", 1), ("pp", 4), ("vpp", 20)),
        (("bf16", 3772), ("fp8", 5919), ("mxfp8", 5675)),
    ),
)  # fmt: skip
QWEN = {
    "7B": (4096, 32, 32, 11008, 151936), "14B": (5120, 40, 40, 13696, 152064),
    "72B": (8192, 80, 64, 24576, 152064),
}  # fmt: skip
PROFILE = (
    ("7B", "lora", 2048, 23.8), ("7B", "lora", 8192, 36.6), ("14B", "lora", 2048, 37.4),
    ("14B", "lora", 8192, 55.2), ("7B", "qlora", 2048, 13.9), ("7B", "qlora", 8192, 23.5),
    ("72B", "qlora", 2048, 64.1), ("72B", "qlora", 8192, 75.6),
)  # fmt: skip


@cache
def planned(model: str, **options: Any) -> Plan:
    """Return the plan of a question."""
    plan = planner.train(model, catalog=BOOK, top=0, **options).plan
    if plan is None:
        raise SystemExit(f"no plan for {model} with {options}")
    return plan


def kinds(_arguments: str, _old: str) -> str:
    """Return a table of the kinds of fine-tuning."""
    rows = [_kind(one) for one in BOOK.all(FINE_TUNING)]
    head = "| `--kind` | learns | held | frozen copy | tokens x epochs | sequence, example, filled |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def _kind(one: FineTuning) -> str:
    adapters, copy, data = one.adapters, one.reference, one.data
    learns = "all" if adapters is None else f"rank {adapters.rank} on {' '.join(adapters.targets)}"
    asked = "" if copy is None else f"{copy.passes.value:g} pass, {'held' if copy.held else 'not held'}"
    usual = f"{data.tokens.text} x {data.epochs.value:g}"
    lengths = f"{data.seq_len:,}, {data.example.value:,.0f}, {data.packing.value:.0%}"
    return f"| `{one.id}` | {learns} | {one.weights.held.text} | {asked} | {usual} | {lengths} |"


def published(_arguments: str, _old: str) -> str:
    """Return published figures with those of planner."""
    lines = ["| figure | source | published | here | difference |", "|---|---|---:|---:|---:|"]
    for what, source, known, here in (*_lora(), *_qlora(), *_profile(), *_speed()):
        lines.append(f"| {what} | {source} | {_number(known)} | {_number(here)} | {here / known - 1:+.1%} |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _lora() -> Iterator[Row]:
    a, source = BOOK.get(MODEL, "gpt3-175b").architecture, "LoRA"
    counts = {rank: adapter_counts(a, rank=rank, targets=("q", "v")).total for rank in (1, 4, 8)}
    for rank, millions in ((1, 4.7), (8, 37.7)):
        yield (
            f"GPT-3, adapters of rank {rank} on q and v, millions",
            f"{source}, table 4",
            millions,
            counts[rank] / 1e6,
        )
    yield "GPT-3, rank 4, checkpoint of the adapters, MB", f"{source}, section 4.2", 35, 2 * counts[4] / 1e6
    layout = {"tp": 8, "pp": 4, "global_batch": 4, "seq_len": 2048, **RECOMPUTED}
    old = {
        "gpu": "v100-sxm2-32gb",
        "software": "megatron-lm-2021",
        "precision": "fp16",
        "kind": "lora",
        "targets": "q,v",
    }
    memory = planned("gpt3-175b", gpus=32, rank=4, **old, **layout).memory_gb_per_gpu
    states = memory.weights + memory.gradients + memory.optimizer
    yield "GPT-3, rank 4, weights and states, GB", f"{source}, section 4.2", 350, 32 * states


def _qlora() -> Iterator[Row]:
    one = {"kind": "qlora", "gpu": "a100-sxm-80gb", "gpus": 1, "software": "hf-peft", **RECOMPUTED}
    for model, name, known in (
        ("llama-2-7b", "7B", 6.9), ("llama-2-13b", "13B", 11.3), ("llama-1-65b", "65B", 45.0),
    ):  # fmt: skip
        allocated = planned(model, **one).memory_gb_per_gpu.allocated
        yield f"LLaMA {name}, rank 64 on all, 4 bit, GB", "QLoRA, figure 6", known, allocated


def _profile() -> Iterator[Row]:
    """Yield memory on a part that holds all of it: it does not depend on the part."""
    for size, kind, length, known in PROFILE:
        hidden, layers, heads, ffn, vocab = QWEN[size]
        config = {
            "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "vocab_size": vocab,
            "num_attention_heads": heads, "num_key_value_heads": heads, "intermediate_size": ffn,
            "tie_word_embeddings": False, "max_position_embeddings": 8192,
        }  # fmt: skip
        plan = planner.train(
            config, kind=kind, rank=64, targets="q,k,v,o,gate,up,down", gpu="b200", gpus=1, seq_len=length,
            global_batch=8, packing=1, tokens="1M", software="hf-peft", precision="bf16", catalog=BOOK, top=0,
            **RECOMPUTED,
        ).plan  # fmt: skip
        if plan is None:
            raise SystemExit(f"no plan for Qwen {size}")
        yield f"Qwen {size}, {kind}, {length:,} tokens, GB", "Qwen", known, plan.memory_gb_per_gpu.device


def _speed() -> Iterator[Row]:
    h100 = {"gpu": "h100-sxm", "precision": "fp8", "software": "nemo"}
    for model, kind, gpus, tp, pp, known in NEMO:
        plan = planned(
            model,
            kind=kind,
            gpus=gpus,
            tp=tp,
            pp=pp,
            seq_len=4096,
            global_batch=32,
            micro_batch=1,
            packing=1,
            **h100,
        )
        what = f"{model}, {kind}, {gpus} H100 in FP8, tokens/s of one"
        yield what, "NeMo 24.12", known, plan.tokens_per_s_per_gpu.value
    for kind, model, length, layout, rates in BLACKWELL:
        for precision, known in rates:
            plan = planned(
                model, kind=kind, gpu="b200", gpus=8, seq_len=length, micro_batch=1, packing=1,
                software="nemo", precision=precision, **dict(layout),
            )  # fmt: skip
            what = f"{model}, {kind}, 8 B200 in {precision}, tokens/s of one"
            yield what, "NeMo on B200", known, plan.tokens_per_s_per_gpu.value
    # Of the kinds with adapters, the one whose examples fill their sequence.
    torch = planned(
        "llama-3-70b", kind="mlperf-lora", targets="q,k,v,o,gate,up,down", gpu="h100-sxm", gpus=8, tp=2, pp=4,
        seq_len=4096, global_batch=32, precision="bf16", software="torchtitan", **RECOMPUTED,
    )  # fmt: skip
    what = "llama-3-70b, lora, 8 H100 in bf16, tokens/s of one"
    yield what, "NeMo AutoModel", 608, torch.tokens_per_s_per_gpu.value
    minutes = planned("llama-2-70b", kind="mlperf-lora", gpus=8, **h100).days.value * 1440
    yield "Llama 2 70B, 8 H100, minutes for 3,072 sequences", "MLPerf Training 4.0", 29.1, minutes


BLOCKS = {"fine-tuning-kinds": kinds, "published-fine-tuning": published}
