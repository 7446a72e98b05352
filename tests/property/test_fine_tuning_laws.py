"""Laws of fine-tuning, through the public call: what it shares with pre-training, and what it spares."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.plan.results import TrainResult
from planner.plan.train import train
from planner.workload.adapters import adapter_counts
from planner.workload.fine_tuning import TARGETS
from planner.workload.kinds import MODEL

MODELS = ("llama-3.2-1b", "llama-3-8b", "olmoe-1b-7b", "nemotron-h-8b", "deepseek-v2-lite")
KINDS = ("sft", "lora", "qlora", "dpo", "dpo-lora")
BOOK = Catalog()
few = settings(max_examples=10)

jobs = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "gpu": st.sampled_from(("h100", "a100", "mi300x")),
        "gpus": st.sampled_from((8, 16, 48, 64)),
        "seq_len": st.sampled_from((512, 2048)),
        "global_batch": st.sampled_from((16, 64)),
    }
)
layouts = st.fixed_dictionaries({"micro_batch": st.sampled_from((1, 2)), "tp": st.sampled_from((1, 2))})


@cache
def asked(options: tuple[tuple[str, Any], ...]) -> TrainResult:
    return train(**dict(options), catalog=BOOK)


def ask(**options: Any) -> TrainResult:
    fixed = {"tokens": "1B", "epochs": 1, "packing": 1, "top": 0, "precision": "bf16"}
    return asked(tuple(sorted({**fixed, **options}.items())))


def step_s(result: TrainResult) -> float:
    return result.plan.step_time_s.value if result.plan is not None else float("inf")


def least_gb(result: TrainResult) -> float:
    return result.plan.memory_gb_per_gpu.device if result.plan is not None else float("inf")


@few
@given(job=jobs)
def test_all_weights_on_examples_that_fill_their_sequence_are_pre_training(job: dict[str, Any]) -> None:
    """But for the modules that predict several tokens, which none of these models has."""
    length = min(int(job["seq_len"]), 650)  # the usual example of `sft`
    pre, sft = (ask(**(job | {"seq_len": length}), kind=kind) for kind in ("pretrain", "sft"))
    assert step_s(pre) == step_s(sft)
    assert (pre.plan is None) == (sft.plan is None)
    if pre.plan is not None and sft.plan is not None:
        assert pre.plan.strategy == sft.plan.strategy
        assert pre.plan.memory_gb_per_gpu == sft.plan.memory_gb_per_gpu


@few
@given(job=jobs, layout=layouts)
def test_adapters_of_a_low_rank_take_less_memory_and_a_copy_more_time(
    job: dict[str, Any], layout: dict[str, Any]
) -> None:
    options = job | layout | {"sharding": "zero1", "recompute": "full", "recompute_layers": 1, "seq_len": 512}
    sft, lora, dpo, dpo_lora = (ask(**options, kind=kind) for kind in ("sft", "lora", "dpo", "dpo-lora"))
    if sft.plan is None or dpo.plan is None:
        return
    same = {name: getattr(sft.plan.strategy, name) for name in ("ep", "pp", "cp", "etp", "vpp")}
    few_learn, all_learn = (ask(**options, **same, kind=kind) for kind in ("lora", "sft"))
    assert least_gb(few_learn) < least_gb(all_learn)
    assert step_s(dpo_lora) >= step_s(lora) * (1.0 - 1e-9)
    assert step_s(dpo) >= step_s(sft) * (1.0 - 1e-9)


@few
@given(job=jobs, kind=st.sampled_from(("lora", "qlora", "dpo-lora")), rank=st.sampled_from((1, 4, 16)))
def test_a_higher_rank_learns_more_and_is_never_faster(job: dict[str, Any], kind: str, rank: int) -> None:
    low, high = (ask(**job, kind=kind, rank=one) for one in (rank, 8 * rank))
    assert high.inputs.learning_parameters == 8 * (low.inputs.learning_parameters or 0)
    assert step_s(high) >= step_s(low) * (1.0 - 1e-9)


@few
@given(job=jobs, kind=st.sampled_from(KINDS))
def test_pruning_never_changes_the_plan(job: dict[str, Any], kind: str) -> None:
    pruned, whole = (ask(**job, kind=kind, exhaustive=exhaustive) for exhaustive in (False, True))
    assert step_s(pruned) == step_s(whole)


@few
@given(job=jobs, kind=st.sampled_from(KINDS), more=st.sampled_from((2.0, 3.5)))
def test_time_grows_with_epochs_and_with_padding(job: dict[str, Any], kind: str, more: float) -> None:
    once = ask(**job, kind=kind)
    often, padded = ask(**job, kind=kind, epochs=more), ask(**job, kind=kind, packing=1 / more)
    if once.plan is None or often.plan is None or padded.plan is None:
        return
    for longer in (often, padded):
        assert abs(longer.plan.days.value / once.plan.days.value / more - 1.0) < 1e-9
        assert longer.plan.step_time_s == once.plan.step_time_s
    assert abs(padded.plan.mfu.value * more / once.plan.mfu.value - 1.0) < 1e-9


@given(
    model=st.sampled_from(BOOK.ids(MODEL)),
    rank=st.integers(1, 512),
    targets=st.sets(st.sampled_from(TARGETS)),
    more=st.sampled_from(TARGETS),
)
def test_counts_of_adapters_add_up_and_grow_with_rank(
    model: str, rank: int, targets: set[str], more: str
) -> None:
    a = BOOK.get(MODEL, model).architecture
    found, one = (adapter_counts(a, rank=each, targets=targets) for each in (rank, 1))
    assert found.total == rank * one.total
    alone = sum(adapter_counts(a, rank=rank, targets={name}).total for name in targets)
    both = adapter_counts(a, rank=rank, targets={"k", "v"} & targets).total
    joint = sum(adapter_counts(a, rank=rank, targets={name}).total for name in {"k", "v"} & targets)
    assert found.total == alone - joint + both  # latent attention has its keys and values in one product
    assert adapter_counts(a, rank=rank, targets=targets | {more}).total >= found.total
    assert found.active <= found.experts
