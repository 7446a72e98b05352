"""Fine-tuning against published figures; docs/fine_tuning.md has the table with the differences."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import planner
import planner.workload.kinds
from planner.catalog.load import Catalog
from planner.plan.results import Plan
from planner.units import GIGA
from planner.workload.adapters import adapter_counts
from planner.workload.counts import parameters
from planner.workload.kinds import MODEL

BOOK = Catalog()
FULL_RECOMPUTE = {"micro_batch": 1, "recompute": "full", "recompute_layers": 1}


@cache
def planned(model: str, **options: Any) -> Plan:
    plan = planner.train(model, catalog=BOOK, top=0, **options).plan
    assert plan is not None
    return plan


class TestLora:
    """E. Hu et al., arXiv:2106.09685: GPT-3 with adapters on queries and values."""

    @pytest.mark.parametrize(("rank", "millions"), [(1, 4.7), (8, 37.7)])
    def test_adapters_of_table_4(self, rank: int, millions: float) -> None:
        count = adapter_counts(BOOK.get(MODEL, "gpt3-175b").architecture, rank=rank, targets=("q", "v"))
        assert count.total / 1e6 == pytest.approx(millions, rel=0.005)

    def test_memory_of_section_4_2(self) -> None:
        """350 GB instead of 1.2 TB: the weights in 16 bit, and next to nothing beside them."""
        total = parameters(BOOK.get(MODEL, "gpt3-175b").architecture).total
        options = {"gpu": "v100-sxm2-32gb", "gpus": 32, "software": "megatron-lm-2021", "precision": "fp16"}
        layout = {"tp": 8, "pp": 4, "global_batch": 4, "seq_len": 2048, **FULL_RECOMPUTE}
        lora = planned("gpt3-175b", kind="lora", rank=4, targets="q,v", **options, **layout)
        memory = lora.memory_gb_per_gpu
        assert 2 * total / GIGA == pytest.approx(350, rel=0.005)
        assert memory.weights * 32 == pytest.approx(350, rel=0.06)  # of the fullest stage
        assert memory.gradients + memory.optimizer < 0.01 * memory.weights

    def test_a_checkpoint_of_rank_4_is_ten_thousand_times_smaller(self) -> None:
        """Of 350 GB, 35 MB: section 4.2."""
        count = adapter_counts(BOOK.get(MODEL, "gpt3-175b").architecture, rank=4, targets=("q", "v"))
        assert 2 * count.total / 1e6 == pytest.approx(35, rel=0.1)

    def test_speed_over_training_all_weights(self) -> None:
        """43.1 instead of 32.5 tokens/s on a V100, at the same shards: between full and little recompute."""
        options = {
            "gpu": "v100-sxm2-32gb", "gpus": 256, "software": "megatron-lm-2021", "precision": "fp16",
            "seq_len": 2048, "global_batch": 256, "packing": 1, "tp": 8, "pp": 16, "vpp": 1, "micro_batch": 1,
        }  # fmt: skip
        ratios = []
        for recompute in ("full", "selective"):
            share = {"recompute_layers": 1} if recompute == "full" else {}
            all_, few = (
                planned("gpt3-175b", kind=kind, recompute=recompute, **share, **options, **more)
                for kind, more in (("sft", {}), ("lora", {"rank": 8, "targets": "q,v"}))
            )
            ratios.append(few.tokens_per_s.value / all_.tokens_per_s.value)
        assert ratios[0] < 43.1 / 32.5 < ratios[1]


class TestQlora:
    """T. Dettmers et al., arXiv:2305.14314, figure 6: GB in all, batches of one sequence of 512 tokens."""

    @pytest.mark.parametrize(
        ("model", "gigabytes"), [("llama-2-7b", 6.9), ("llama-2-13b", 11.3), ("llama-1-65b", 45.0)]
    )
    def test_memory(self, model: str, gigabytes: float) -> None:
        plan = planned(model, kind="qlora", gpu="a100-sxm-80gb", gpus=1, software="hf-peft", **FULL_RECOMPUTE)
        assert plan.memory_gb_per_gpu.allocated == pytest.approx(gigabytes, rel=0.08)

    def test_a_model_of_65b_on_one_accelerator_of_48_gb(self) -> None:
        plan = planned("llama-1-65b", kind="qlora", gpu="l40s", gpus=1, software="hf-peft", **FULL_RECOMPUTE)
        assert plan.memory_gb_per_gpu.fit in ("marginal", "fits")

    def test_all_weights_need_sixteen_times_as_much(self) -> None:
        """More than 780 GB: 12 bytes for each parameter."""
        total = parameters(BOOK.get(MODEL, "llama-1-65b").architecture).total
        software = planner.workload.kinds.SOFTWARE
        states = BOOK.get(software, "hf-peft").states
        held = 2 + states.gradient.value + states.optimizer.value
        assert held * total / GIGA == pytest.approx(780, rel=0.01)


QWEN = {
    "7b": (4096, 32, 32, 11008, 151936),
    "14b": (5120, 40, 40, 13696, 152064),
    "72b": (8192, 80, 64, 24576, 152064),
}
PROFILE = {
    ("7b", "lora"): {512: 20.4, 2048: 23.8, 4096: 29.7, 8192: 36.6},
    ("14b", "lora"): {512: 35.1, 2048: 37.4, 4096: 42.5, 8192: 55.2},
    ("7b", "qlora"): {512: 11.5, 2048: 13.9, 4096: 16.9},
    ("14b", "qlora"): {512: 18.4, 2048: 19.9, 4096: 23.0},
    ("72b", "qlora"): {512: 61.4, 2048: 64.1, 4096: 68.0},
}
"""Qwen, README, "Profiling of Memory and Speed": GB on one A100, 8 sequences a step, one at a time."""


def qwen(size: str) -> dict[str, Any]:
    hidden, layers, heads, ffn, vocab = QWEN[size]
    return {
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "vocab_size": vocab,
        "num_attention_heads": heads, "num_key_value_heads": heads, "intermediate_size": ffn,
        "tie_word_embeddings": False, "max_position_embeddings": 8192,
    }  # fmt: skip


@pytest.mark.parametrize(("size", "kind"), PROFILE)
def test_memory_of_qwen_by_length(size: str, kind: str) -> None:
    tolerance = 0.06 if kind == "lora" else 0.15
    for length, gigabytes in PROFILE[size, kind].items():
        plan = planner.train(
            qwen(size), kind=kind, rank=64, targets="q,k,v,o,gate,up,down", gpu="a100-sxm-80gb", gpus=1,
            seq_len=length, global_batch=8, packing=1, tokens="1M", software="hf-peft", precision="bf16",
            catalog=BOOK, top=0, **FULL_RECOMPUTE,
        ).plan  # fmt: skip
        assert plan is not None
        assert plan.memory_gb_per_gpu.device == pytest.approx(gigabytes, rel=tolerance), length


@pytest.mark.parametrize(
    ("model", "kind", "gpus", "tp", "pp", "rate"),
    [
        ("llama-2-7b", "sft", 8, 1, 1, 16891),
        ("llama-2-13b", "sft", 8, 1, 4, 10176),
        ("llama-2-7b", "nemo-lora", 8, 1, 1, 24824),
        ("llama-2-13b", "nemo-lora", 8, 1, 1, 14629),
        ("llama-2-70b", "nemo-lora", 8, 2, 4, 2621),
    ],
)
def test_speed_of_nemo(model: str, kind: str, gpus: int, tp: int, pp: int, rate: float) -> None:
    """NeMo 24.12, performance benchmarks, fine-tuning on H100 in FP8: tokens/s of one."""
    plan = planned(
        model, kind=kind, gpu="h100-sxm", gpus=gpus, tp=tp, pp=pp, seq_len=4096, global_batch=32,
        micro_batch=1, packing=1, precision="fp8", software="nemo",
    )  # fmt: skip
    assert plan.tokens_per_s_per_gpu.value == pytest.approx(rate, rel=0.1)


@pytest.mark.parametrize(("precision", "rate"), [("bf16", 24690), ("fp8", 33362), ("mxfp8", 31556)])
def test_speed_of_examples_on_blackwell(precision: str, rate: float) -> None:
    """vuiseng9, "Benchmark NVFP4 Training Performance on Blackwell 8xB200 with NeMo": packed to 16,384."""
    plan = planned(
        "llama-3-8b", kind="sft", gpu="b200", gpus=8, tp=1, pp=1, seq_len=16384, global_batch=8,
        micro_batch=1, packing=1, precision=precision, software="nemo",
    )  # fmt: skip
    assert plan.tokens_per_s_per_gpu.value == pytest.approx(rate, rel=0.12)


@pytest.mark.parametrize(("precision", "rate"), [("bf16", 3772), ("fp8", 5919), ("mxfp8", 5675)])
def test_speed_of_adapters_on_blackwell(precision: str, rate: float) -> None:
    """The same page: Llama 3 70B, packed to 4,096."""
    plan = planned(
        "llama-3-70b", kind="nemo-lora", gpu="b200", gpus=8, tp=1, pp=4, vpp=20, seq_len=4096,
        global_batch=32, micro_batch=1, packing=1, precision=precision, software="nemo",
    )  # fmt: skip
    assert plan.tokens_per_s_per_gpu.value == pytest.approx(rate, rel=0.12)


def test_minutes_of_mlperf() -> None:
    """29.1 minutes on eight H100 (MLPerf Training 4.0), for some 3,072 sequences, evaluation included."""
    plan = planned(
        "llama-2-70b", kind="mlperf-lora", gpu="h100-sxm", gpus=8, precision="fp8", software="nemo"
    )
    assert plan.days.value * 1440 == pytest.approx(29.1, rel=0.2)
