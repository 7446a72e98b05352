"""Serving engines: what a profile refuses, its policy for keys and values, and the names it answers to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.workload.engine import EngineLabel, EngineProfile, KvRule, numbers_of
from planner.workload.engine_names import engine_id, usual_engine
from planner.workload.kinds import ENGINE, FORMAT

CATALOG = Catalog()
HOPPER = frozenset({"bf16", "fp8"})
BLACKWELL = HOPPER | {"fp4"}
AMPERE = frozenset({"bf16"})
CITE = {"source": "vllm-docs", "at": "test", "kind": "recalled"}


def profile(**changes: Any) -> EngineProfile:
    given: dict[str, Any] = {
        "id": "mine", "name": "Mine", "cite": CITE, "date": "2026-01-01", "family": "vllm",
        "scheduling": "mixed", "chunk": 4096, "chunk_options": [2048, 4096], "max_batch": 256,
        "memory": {"usable": "90 %", "workspace": "2 GB"}, "admission": "preempt", "features": {},
    } | changes  # fmt: skip
    return EngineProfile.model_validate(given)


# The policy of the published recipes: engine, weights, attention, part -> keys and values.
POLICY = [
    ("trtllm", "fp8", "gqa", HOPPER, "fp8"),
    ("trtllm", "fp8-block", "gqa", BLACKWELL, "fp8"),
    ("trtllm", "fp8-block", "mla", HOPPER, "fp16"),
    ("trtllm", "fp8-block", "mla", BLACKWELL, "fp8"),
    ("trtllm", "nvfp4", "gqa", BLACKWELL, "fp8"),
    ("trtllm", "nvfp4-moe", "mla", BLACKWELL, "fp8"),
    ("trtllm", "mxfp4", "gqa", BLACKWELL, "fp8"),
    ("trtllm", "mxfp4", "gqa", HOPPER, "fp16"),
    ("trtllm", "bf16", "gqa", BLACKWELL, "fp16"),
    ("trtllm", "int4", "gqa", HOPPER, "fp16"),
    ("trtllm-cpp", "fp8", "gqa", HOPPER, "fp8"),
    ("trtllm-cpp", "fp16", "gqa", AMPERE, "fp16"),
    ("vllm", "fp8", "gqa", HOPPER, "fp16"),
    ("vllm", "fp8-block", "mla", BLACKWELL, "fp16"),
    ("vllm", "nvfp4", "gqa", BLACKWELL, "fp8"),
    ("vllm", "mxfp4", "gqa", BLACKWELL, "fp8"),
    ("vllm", "mxfp4", "gqa", HOPPER, "fp16"),
    ("sglang", "fp8-block", "mla", HOPPER, "fp16"),
    ("sglang", "nvfp4-moe", "mla", BLACKWELL, "fp8"),
    ("gpt-fast", "int8", "gqa", AMPERE, "fp16"),
    ("splitwise-vllm", "fp16", "gqa", HOPPER, "fp16"),
]


@pytest.mark.parametrize(("engine", "weights", "attention", "available", "kv"), POLICY)
def test_keys_and_values_follow_the_policy(
    engine: str, weights: str, attention: str, available: frozenset[str], kv: str
) -> None:
    found = CATALOG.get(ENGINE, engine).kv_precision(
        weights=weights, attention=attention, available=available
    )
    assert found == kv


def test_only_tensorrt_llm_attends_in_eight_bit() -> None:
    eight = {engine for engine in CATALOG.ids(ENGINE) if CATALOG.get(ENGINE, engine).eight_bit_attention}
    assert eight == {"trtllm", "trtllm-cpp"}


def test_the_first_rule_that_fits_holds() -> None:
    first = profile(kv_policy=[{"weights": ["fp8"], "kv": "fp8"}, {"kv": "fp16"}, {"kv": "fp8"}])
    assert first.kv_precision(weights="fp8", attention="mla", available=AMPERE) == "fp8"
    assert first.kv_precision(weights="bf16", attention="mla", available=BLACKWELL) == "fp16"
    assert profile().kv_precision(weights="fp8", attention="gqa", available=BLACKWELL) == "fp16"


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"weights": ["fp8", "nvfp4"]}, True),
        ({"weights": ["nvfp4"]}, False),
        ({"attention": "gqa"}, True),
        ({"attention": "mla"}, False),
        ({"native": "fp8"}, True),
        ({"native": "fp4"}, False),
        ({"weights": ["fp8"], "attention": "gqa", "native": "fp4"}, False),
    ],
)
def test_a_rule_fits_where_all_its_conditions_do(rule: dict[str, Any], fits: bool) -> None:
    read = KvRule.model_validate({"kv": "fp8", **rule})
    assert read.fits(weights="fp8", attention="gqa", available=HOPPER) is fits


def test_a_default_chunk_must_be_an_option() -> None:
    with pytest.raises(ValidationError, match=r"chunk \(8192\) is none of chunk_options; add it there"):
        profile(chunk=8192)


def test_rules_name_formats_that_exist() -> None:
    for engine in CATALOG.all(ENGINE):
        for rule in engine.kv_policy:
            assert [CATALOG.resolve(FORMAT, weights) for weights in rule.weights] == list(rule.weights)


# Every engine and version of the published measurements, as they are written there.
PUBLISHED = [
    ("TensorRT-LLM", "1.0.0rc3", "trtllm"),
    ("TensorRT-LLM", "", "trtllm"),
    ("TensorRT-LLM", "gpt-oss-dev", "trtllm"),
    ("TensorRT-LLM", "1.3.0rc5", "trtllm"),
    ("TensorRT-LLM", "0.16.0", "trtllm"),
    ("TensorRT-LLM", "0.15.0", "trtllm-cpp"),
    ("TensorRT-LLM (engine)", "0.15.0", "trtllm-cpp"),
    ("TensorRT-LLM (static batch gptSessionBenchmark)", "0.5.0", "trtllm-cpp"),
    ("TensorRT-LLM (static batch)", "0.7a", "trtllm-cpp"),
    ("TensorRT-LLM (PyTorch backend)", "0.19-0.20 era", "trtllm"),
    ("TensorRT-LLM (PyTorch backend)", "main, between 1.1 and 1.2 (commit 03e27c7d)", "trtllm"),
    ("TensorRT-LLM under Dynamo", "0.8.1.post1", "trtllm"),
    ("vLLM", "0.18.0", "vllm"),
    ("vLLM", "nightly 2026-02", "vllm"),
    ("vLLM", "0.6.3 era", "vllm"),
    ("vLLM", "0.6.x ROCm (EmbeddedLLM image cb3b2b9)", "vllm"),
    ("vLLM", "v0.4.2", "vllm-eager"),
    ("vLLM (ROCm fork)", "0.9.0.1", "vllm-rocm"),
    ("vLLM (TPU)", "", "vllm-tpu"),
    ("vLLM-based (Splitwise authors)", "late 2023", "splitwise-vllm"),
    ("SGLang", "latest of 2025-09 (NIXL transfer)", "sglang"),
    ("SGLang", "0.5.6.post2", "sglang"),
    ("gpt-fast (PyTorch torch.compile)", "", "gpt-fast"),
    ("sglang", "", "sglang"),
    ("TENSORRT-LLM", "0.9", "trtllm-cpp"),
    ("trt-llm", "", "trtllm"),
]


@pytest.mark.parametrize(("label", "version", "engine"), PUBLISHED)
def test_published_names_find_their_engine(label: str, version: str, engine: str) -> None:
    assert engine_id(CATALOG, label, version) == engine


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("vLM", r"no engine is published as 'vLM'; did you mean 'vLLM'"),
        ("TensorRTLLM", "did you mean 'TensorRT-LLM'"),
        ("x" * 500, "see planner catalog list engine"),
        ("", "see planner catalog list engine"),
    ],
)
def test_an_unknown_name_is_answered_with_the_closest(label: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        engine_id(CATALOG, label)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0.6.3.post2.dev308", (0, 6, 3)), ("v1.2", (1, 2)), ("0.7a", (0, 7)), (" 2 ", (2,)), ("main", ())],
)
def test_a_version_is_read_up_to_its_suffix(text: str, numbers: tuple[int, ...]) -> None:
    assert numbers_of(text) == numbers


def test_a_bound_excludes_its_own_release() -> None:
    label = EngineLabel.model_validate({"engine": "x", "before": "0.16"})
    assert [label.holds(v) for v in ("0.15.9", "0.16", "0.16.1", "0.9", "", "nightly")] == [
        True, False, False, True, False, False,
    ]  # fmt: skip


def test_two_engines_never_claim_one_label() -> None:
    claimed = [
        (label.engine.casefold(), label.before) for engine in CATALOG.all(ENGINE) for label in engine.labels
    ]
    assert len(claimed) == len(set(claimed))


@pytest.mark.parametrize(
    ("vendor", "engine"),
    [("NVIDIA", "trtllm"), ("AMD", "vllm-rocm"), ("Google", "vllm-tpu"), ("AWS", "vllm")],
)
def test_each_maker_has_a_usual_engine(vendor: str, engine: str) -> None:
    assert usual_engine(CATALOG, vendor).id == engine


def test_every_accelerator_has_an_engine() -> None:
    for part in CATALOG.all(ACCELERATOR):
        assert usual_engine(CATALOG, part.vendor).runs_on(part.vendor)


def test_a_maker_without_an_engine_is_told_how_to_add_one() -> None:
    with pytest.raises(InputError, match=r"no engine of the catalog runs on parts of Acme.*vendors"):
        usual_engine(CATALOG, "Acme")


def test_an_engine_is_usual_only_where_it_runs() -> None:
    with pytest.raises(ValidationError, match="usual_on names AMD, which vendors does not"):
        profile(vendors=["NVIDIA"], usual_on=["NVIDIA", "AMD"])
    assert profile().runs_on("Acme")
    assert not profile(vendors=["NVIDIA"]).runs_on("AMD")
