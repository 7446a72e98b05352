"""Which figures are scored, under which labels, and why the others are not."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.serving_runs import ServingRun, parse_serving_runs
from planner.evidence.serving_targets import APART, LABELS, SKIPS, Target, error_tables, serving_targets

CATALOG = Catalog()
ROW = {
    "id": "a", "client": "closed", "engine": "vLLM", "engine_version": "0.11.0", "model": "llama-3-8b",
    "accelerator": "h100-sxm", "n_gpus": "1", "weight_precision": "fp8", "tp": "1", "isl": "999", "osl": "9",
    "disaggregated": "no", "n_prefill_gpus": "", "n_decode_gpus": "", "concurrency_or_max_batch": "16",
    "metric_kind": "online", "output_tokens_per_s": "900", "total_tokens_per_s": "", "ttft_ms": "120",
    "tpot_ms": "7.5", "request_rate": "", "balanced": "1", "spec_decode": "", "notes": "",
}  # fmt: skip


def runs(*changes: dict[str, str]) -> list[ServingRun]:
    lines = [",".join(f'"{cell}"' for cell in (ROW | change).values()) for change in changes]
    return parse_serving_runs("\n".join([",".join(ROW), *lines]) + "\n")


def scored(**cells: str) -> dict[str, Target]:
    found = serving_targets(runs(cells), CATALOG)
    return {target.metric: target for target in found.targets}


def test_every_figure_of_a_row() -> None:
    found = scored()
    assert {metric: target.measured for metric, target in found.items()} == {
        "tpot_ms": 7.5,
        "ttft_ms": 120.0,
        "throughput": 900.0,
    }
    assert found["throughput"].counts == "output"
    assert all(target.scored for target in found.values())


def test_what_a_rate_counts() -> None:
    total = scored(output_tokens_per_s="", total_tokens_per_s="5000")["throughput"]
    assert (total.measured, total.counts) == (5000.0, "total")
    pool = {"client": "pool", "disaggregated": "yes", "n_prefill_gpus": "1", "metric_kind": "prefill-only"}
    prefill = scored(**pool, output_tokens_per_s="", total_tokens_per_s="5000", osl="")["throughput"]
    assert (prefill.measured, prefill.counts) == (5000.0, "input")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"model": "nobody-7b"}, "model"),
        ({"accelerator": "abacus"}, "accelerator"),
        ({"weight_precision": "ternary"}, "precision"),
        ({"n_gpus": ""}, "gpus"),
        ({"tp": "3", "n_gpus": "8"}, "layout"),
        ({"isl": ""}, "isl"),
        ({"osl": ""}, "osl"),
        ({"concurrency_or_max_batch": ""}, "concurrency"),
        ({"client": "static", "concurrency_or_max_batch": ""}, "concurrency"),
        ({"client": "burst", "concurrency_or_max_batch": ""}, "requests"),
        ({"client": "rate"}, "rate"),
        ({"disaggregated": "yes", "n_gpus": "4", "n_prefill_gpus": "3", "tp": "2"}, "layout"),
        ({"disaggregated": "yes", "n_gpus": "5", "n_prefill_gpus": "3", "tp": "2"}, "prefill"),
    ],
)
def test_what_cannot_be_predicted_is_listed_for_every_figure(cells: dict[str, str], reason: str) -> None:
    found = serving_targets(runs(cells), CATALOG)
    assert not found.targets
    assert {(one.metric, one.measured, one.reason) for one in found.skipped} == {
        ("tpot_ms", 7.5, SKIPS[reason]),
        ("ttft_ms", 120.0, SKIPS[reason]),
        ("throughput", 900.0, SKIPS[reason]),
    }


def test_a_row_without_figures_is_listed_once() -> None:
    found = serving_targets(runs({"tpot_ms": "", "ttft_ms": "", "output_tokens_per_s": ""}), CATALOG)
    (one,) = found.skipped
    assert (one.id, one.measured, one.reason) == ("a", None, SKIPS["figure"])


def test_the_same_figures_again() -> None:
    found = serving_targets(runs({}, {"id": "b"}), CATALOG)
    assert {target.run.id for target in found.targets} == {"a"}
    assert {one.reason for one in found.skipped} == {f"{SKIPS['repeat']}: a"}


def test_reasons_of_the_model_come_after_those_of_the_row() -> None:
    pair = runs({}, {"id": "b", "isl": "", "tpot_ms": "8"}, {"id": "c", "tpot_ms": "9"})
    found = serving_targets(pair, CATALOG, unpredicted={"a": "no such kernel", "b": "no such kernel"})
    reasons = {one.id: one.reason for one in found.skipped}
    assert reasons == {"a": "no such kernel", "b": SKIPS["isl"]}
    assert {target.run.id for target in found.targets} == {"c"}


def test_a_first_token_of_a_static_batch_needs_no_outputs() -> None:
    found = serving_targets(runs({"client": "static", "osl": ""}), CATALOG)
    assert [target.metric for target in found.targets] == ["ttft_ms"]
    assert {(one.metric, one.reason) for one in found.skipped} == {
        ("tpot_ms", SKIPS["osl"]),
        ("throughput", SKIPS["osl"]),
    }


@pytest.mark.parametrize(
    ("cells", "apart"),
    [({"balanced": "0"}, {"unbalanced"}), ({"client": "burst", "notes": "9 requests in 3 s"}, {"burst"})],
)
def test_what_is_counted_apart_is_kept(cells: dict[str, str], apart: set[str]) -> None:
    for target in scored(**cells).values():
        assert set(target.apart) == apart <= set(APART)
        assert not target.scored


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        ({}, {"engine": "vllm", "accelerator": "h100-sxm", "weights": "fp8", "load": "closed loop"}),
        ({"engine": "TensorRT-LLM (engine)", "engine_version": "0.15.0"}, {"engine": "trtllm-cpp"}),
        ({"engine": "Abacus"}, {"engine": "Abacus"}),
        ({"engine": ""}, {"engine": "not given"}),
        ({"model": "llama-3-70b"}, {"architecture": "dense"}),
        ({"model": "mixtral-8x7b"}, {"architecture": "moe"}),
        ({"spec_decode": "mtp (2 drafts, 2.58)"}, {"speculation": "yes"}),
        ({"concurrency_or_max_batch": "1"}, {"concurrency": "1"}),
        ({"concurrency_or_max_batch": "8"}, {"concurrency": "2-8"}),
        ({"concurrency_or_max_batch": "9"}, {"concurrency": "9-32"}),
        ({"concurrency_or_max_batch": "128"}, {"concurrency": "33-128"}),
        ({"concurrency_or_max_batch": "129"}, {"concurrency": "above 128"}),
        (
            {"client": "offline", "metric_kind": "offline-max-throughput"},
            {"concurrency": "not given", "load": "offline"},
        ),
        (
            {"disaggregated": "yes", "n_gpus": "4", "n_prefill_gpus": "2", "tp": "2"},
            {"load": "disaggregated", "disaggregated": "yes", "client": "closed"},
        ),
        (
            {"client": "pool", "disaggregated": "yes", "n_decode_gpus": "1", "metric_kind": "decode-only"},
            {"load": "decode pool"},
        ),
    ],
)
def test_labels(cells: dict[str, str], labels: dict[str, str]) -> None:
    found = scored(**cells)["tpot_ms"].labels
    assert found.items() >= labels.items()
    assert set(found) <= set(LABELS)


def test_a_computed_rate_says_so() -> None:
    computed = scored(notes="output tokens/s computed from elapsed time")
    assert computed["throughput"].labels["throughput"] == "computed"
    assert "throughput" not in computed["tpot_ms"].labels
    assert scored()["throughput"].labels["throughput"] == "published"


def test_tables_of_errors() -> None:
    rows = runs(
        {}, {"id": "b", "model": "mixtral-8x7b", "tpot_ms": "9"}, {"id": "c", "balanced": "0", "tpot_ms": "8"}
    )
    targets = serving_targets(rows, CATALOG).targets
    error = {"a": 1.1, "b": 0.8, "c": 9.0}
    ratio = np.array([error[target.run.id] for target in targets])
    tables = error_tables(targets, ratio)
    assert set(tables) == {"tpot_ms", "ttft_ms", "throughput"}
    assert (tables["tpot_ms"]["all"]["all"].rows, tables["tpot_ms"]["all"]["all"].bias_pct) == (
        2,
        pytest.approx(-5.0),
    )
    assert tables["ttft_ms"]["architecture"]["moe"].median_abs_pct == pytest.approx(20.0)
    assert "throughput" not in tables["tpot_ms"]
    apart = error_tables(targets, ratio, keep=np.array([not target.scored for target in targets]))
    assert apart["throughput"]["throughput"]["published"].median_abs_pct == pytest.approx(800.0)
    assert error_tables([], np.zeros(0)) == {}
