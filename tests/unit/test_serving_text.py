"""Free text of serving measurements: every wording that the shipped evidence holds, and none breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.evidence.serving_text import (
    Notes,
    PoolNote,
    Speculation,
    kv_format,
    length_spread,
    parse_notes,
    speculation,
    statistic,
    weight_format,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bf16", "bf16"),
        ("fp16", "fp16"),
        ("FP8", "fp8"),
        ("fp8 (per tensor)", "fp8"),
        ("fp8-block", "fp8-block"),
        ("int8", "int8"),
        ("int4-g32", "int4"),
        ("int4 (awq)", "int4"),
        ("AWQ", "int4"),
        ("int4 (MoE)", "int4-moe"),
        ("mxfp4", "mxfp4"),
        ("nvfp4", "nvfp4"),
        ("nvfp4-moe", "nvfp4-moe"),
        ("nvfp4 (MoE)", "nvfp4-moe"),
        ("nvfp4 (MoE, o_proj)", "nvfp4-moe"),
        ("nvfp4 (MoE and dense FFN; attention bf16)", "nvfp4-moe"),
        ("", None),
        ("mixed", None),
    ],
)
def test_formats_of_weights(text: str, found: str | None) -> None:
    assert weight_format(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fp8", "fp8"),
        ("fp8_e4m3", "fp8"),
        ("bf16", "fp16"),
        ("fp16", "fp16"),
        ("fp16/bf16", "fp16"),
        ("auto", None),
        ("", None),
    ],
)
def test_formats_of_keys_and_values(text: str, found: str | None) -> None:
    assert kv_format(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (None, None, None)),
        ("none", (None, None, None)),
        ("mtp", ("mtp", None, None)),
        ("mtp (1 draft, mean accepted+bonus length 1.92)", ("mtp", 1, 1.92)),
        ("mtp (2 drafts, 2.58)", ("mtp", 2, 2.58)),
        ("mtp (5 drafts, 3.01)", ("mtp", 5, 3.01)),
        ("mtp (3 draft tokens; acceptance not given)", ("mtp", 3, None)),
        ("eagle (1 draft tokens; acceptance not given)", ("eagle", 1, None)),
        ("eagle3 (4 draft tokens; acceptance not given)", ("eagle3", 4, None)),
    ],
)
def test_speculation(text: str, found: tuple[str | None, int | None, float | None]) -> None:
    assert speculation(text) == Speculation(*found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "nominal 1024/8192; InferenceX client draws lengths uniformly in [0.8,1.0] x nominal, so mean",
            "uniform(0.8-1.0)",
        ),
        ("fixed lengths, random tokens", "fixed"),
        ("fixed, ignore-eos", "fixed"),
        ("random/fixed", "fixed"),
        ("5 token prompt", "fixed"),
        ("ShareGPT-derived; means computed", "sharegpt"),
        ("ShareGPT distribution; means computed from totals", "sharegpt"),
        ("random prompts; output length natural", "unstated"),
        ("nominal lengths, distribution not stated", "unstated"),
        ("", "unstated"),
    ],
)
def test_spread_of_lengths(text: str, found: str) -> None:
    assert length_spread(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mean", "mean"),
        ("mean of runs", "mean"),
        ("median of repeats", "median"),
        ("not stated (InferenceX reports mean and median)", "unstated"),
        ("", "unstated"),
    ],
)
def test_statistic_of_latencies(text: str, found: str) -> None:
    assert statistic(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        (
            "closed loop; prefill 3 worker(s) x TP1 DP8 EP1 (batch 1); decode 1 worker(s)"
            " x TP16 DP2 EP32 (batch 128); tp/ep/dp columns describe a decode worker",
            {"prefill": PoolNote(3, 1, 1, 8, 1, 1), "decode": PoolNote(1, 16, 1, 2, 32, 128)},
        ),
        ("prefill 2 worker(s) x TP4 PP2", {"prefill": PoolNote(2, 4, 2, 1, 1, None)}),
        (
            "client TTFT at concurrency 1 across a 1P1D pair; includes KV transfer 39.14 ms of 6.31 GB; RoCE",
            {"pools": (1, 1), "kv_transfer_ms": 39.14},
        ),
        (
            "500/500 requests completed; same random seed; each worker TP2 on one 8-GPU node",
            {"worker_tp": 2, "requests": 500},
        ),
        ("max batch column of the source 16 per rank; published values", {"max_batch": 16}),
        (
            "max_batch 896 per rank, max_num_tokens 2048; mean request latency 332,827 ms",
            {"max_batch": 896, "chunk_tokens": 2048, "e2e_ms": 332827.0},
        ),
        ("1500 prompts, max_num_seqs 1500; the page says", {"max_batch": 1500, "requests": 1500}),
        ("ITL stated as ~100 ms; batch per GPU not in the text read (256 recalled)", {"max_batch": 256}),
        ("command: vllm serve m -tp 4 --max-num-batched-tokens 16384", {"chunk_tokens": 16384}),
        ("command: trtllm-serve m --max_num_tokens=8192", {"chunk_tokens": 8192}),
        ("1000 requests in 124 s, burst then drain (not steady state)", {"requests": 1000, "span_s": 124.0}),
        ("ShareGPT, 1000 prompts sent at the given rate then drained", {"requests": 1000}),
        ("simulator validation; 300 ShareGPT-derived requests offered at ~10/s", {"requests": 300}),
        ("errors; 10 requests per concurrency slot (prefill-heavy)", {"requests_per_slot": 10}),
        (
            "medians of 5 repeats; end-to-end 6677.4 ms; output tokens/s = batch*osl/e2e computed here",
            {"e2e_ms": 6677.4, "derived_throughput": True},
        ),
        (
            "published figure is end-to-end latency 15.496 s; output tokens/s = b*osl/l computed here",
            {"e2e_ms": 15496.0, "derived_throughput": True},
        ),
        ("output tokens/s computed from elapsed time; eager mode", {"derived_throughput": True}),
        ("throughput computed from the per-request log", {"derived_throughput": True}),
        ("out_tps = output_seqlen*batch/total_latency/tp", {}),
        ("batch 8, engine-level (no server), rounded to whole ms", {}),
    ],
)
def test_notes(text: str, found: dict[str, object]) -> None:
    assert parse_notes(text) == Notes()._replace(**found)


WORDS = st.lists(
    st.sampled_from(
        [
            "prefill", "decode", "worker(s) x TP", "DP", "EP", "(batch", ")", "1P", "D", "requests in", "s",
            "ms", "latency", "end-to-end", "max_num_tokens=", "mtp (", "drafts,", "1.2.3", "9" * 5000, ";",
        ]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


@given(st.one_of(WORDS, st.text(max_size=80)))
def test_no_text_breaks_the_reading(text: str) -> None:
    parse_notes(text)
    speculation(text)
    assert length_spread(text)
    weight_format(text)
    kv_format(text)
    statistic(text)
