"""The serving measurements that planner ships: complete, resolvable, and read without a guess."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.catalog.paths import data_root
from planner.evidence.csv_rows import read_text
from planner.evidence.serving_facts import Fact, parse_facts
from planner.evidence.serving_runs import ServingRun, parse_flags, read_serving_runs, serving_evidence_path
from planner.evidence.serving_targets import SKIPS, Targets, serving_targets
from planner.workload.engine_names import engine_id
from planner.workload.kinds import FORMAT, MODEL, SPECULATION

FAMILIES = {
    "ai-dynamo/aiconfigurator": 1039, "nvidia/tensorrt-llm": 515, "gpustack/gpustack": 107,
    "mutinifni/splitwise-sim": 80, "dstackai/benchmarks": 49, "rocm/vllm": 38,
    "semianalysisai/inferencex": 30, "meta-pytorch/gpt-fast": 22, "kvcache-ai/mooncake": 12,
    "lmsys-sglang": 7, "ai-hypercomputer/tpu-recipes": 6, "vllm-project/vllm-project.github.io": 3,
    "casys-kaist/llmservingsim": 3,
}  # fmt: skip
DOCS = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"


@pytest.fixture(scope="module")
def runs() -> list[ServingRun]:
    return read_serving_runs()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture(scope="module")
def targets(runs: list[ServingRun], catalog: Catalog) -> Targets:
    return serving_targets(runs, catalog)


@pytest.fixture(scope="module")
def facts() -> tuple[Fact, ...]:
    path = serving_evidence_path().with_name("serving_facts.csv")
    return parse_facts(read_text(path), path.name)


def test_rows_by_family(runs: list[ServingRun]) -> None:
    assert Counter(run.family for run in runs) == FAMILIES
    assert sum(run.balanced for run in runs) == 644
    assert len({run.id for run in runs}) == len(runs) == 1911


def test_every_name_is_in_the_catalog(runs: list[ServingRun], catalog: Catalog) -> None:
    for model in {run.model for run in runs}:
        assert catalog.resolve(MODEL, model)
    for part in {run.accelerator for run in runs}:
        assert catalog.resolve(ACCELERATOR, part)
    for name, version in {(run.engine, run.engine_version) for run in runs}:
        assert engine_id(catalog, name, version)
    for weights in {run.weight_format for run in runs}:
        assert weights is not None
        assert catalog.find(FORMAT, weights) is not None
    for method in {run.spec_method for run in runs if run.spec_method}:
        assert catalog.resolve(SPECULATION, method)


def test_every_row_says_where_it_is_from(runs: list[ServingRun]) -> None:
    assert all(run.source and run.url.startswith("https://") for run in runs)


def test_every_layout_multiplies(runs: list[ServingRun]) -> None:
    for run in runs:
        assert run.workers is not None, run.id
        pools = [pool for pool in (run.prefill, run.decode) if pool is not None]
        if run.disaggregated and run.pool is None:
            assert len(pools) == 2, run.id
            assert sum(pool.gpus for pool in pools) == run.n_gpus, run.id
        elif run.pool is None:
            assert run.workers.gpus == run.n_gpus, run.id
            assert not pools
        assert run.workers.ep <= run.workers.stage, run.id


def test_batches_of_decode_workers_make_up_the_concurrency(runs: list[ServingRun]) -> None:
    """The batch in the notes is per attention rank: all ranks together hold what the clients send."""
    checked = 0
    for run in runs:
        decode = run.decode
        if decode is None or decode.max_batch is None or run.concurrency is None:
            continue
        held = decode.count * decode.dp * decode.max_batch
        assert abs(held - run.concurrency) <= decode.count * decode.dp, run.id
        checked += 1
    assert checked == 86


def test_flags_are_all_used(runs: list[ServingRun]) -> None:
    path = serving_evidence_path().with_name("serving_flagged.csv")
    flags = parse_flags(read_text(path), path.name)
    assert {run.id: run.flagged for run in runs if run.flagged} == {
        id_: flag.why for id_, flag in flags.items()
    }
    assert len(flags) == 38


def test_a_doubt_says_why(runs: list[ServingRun]) -> None:
    doubted = [run for run in runs if run.doubts]
    assert all(run.assumptions for run in doubted)
    assert all(run.flagged or run.client == "burst" for run in doubted)
    assert {run.id: run.repeats for run in runs if run.repeats} == {
        "gpustack-glm-4.5-air-h100-08": "gpustack-glm-4.5-air-a100-07",
        "gpustack-glm-4.x-h200-04": "gpustack-glm-4.x-h200-03",
    }


def test_every_fact_is_about_some_row_and_is_cited(
    runs: list[ServingRun], facts: tuple[Fact, ...], catalog: Catalog
) -> None:
    said = Counter(reason for run in runs for reason in run.assumptions)
    known = catalog.sources()
    for fact in facts:
        assert said[str(fact)], fact.name
        assert fact.cited in known, fact.name
    assert len({fact.name for fact in facts}) == len(facts)


@pytest.mark.parametrize(
    ("fact", "rows"),
    [
        ("expert-split-counted-once", 70),
        ("moe-attention-data-parallel", 74),
        ("no-sliding-window", 29),
        ("burst-latency", 84),
    ],
)
def test_the_known_traps(runs: list[ServingRun], fact: str, rows: int) -> None:
    caught = [run for run in runs if any(said.startswith(f"{fact}:") for said in run.assumptions)]
    assert len(caught) == rows
    for run in caught:
        assert run.workers is not None
        if fact == "expert-split-counted-once":
            assert run.n_gpus is not None
            assert run.n_gpus <= 8
        if fact == "moe-attention-data-parallel":
            assert run.workers.tp == 1
            assert run.workers.ep == run.workers.dp
            assert run.workers.dp * run.workers.pp == run.n_gpus


def test_what_is_scored(targets: Targets) -> None:
    scored = Counter(target.metric for target in targets.targets if target.scored)
    assert scored == {"tpot_ms": 203, "ttft_ms": 222, "throughput": 388}
    assert {one.reason.split(": gpustack")[0] for one in targets.skipped} == {SKIPS["osl"], SKIPS["repeat"]}
    assert len(targets.skipped) == 8


def test_every_figure_is_scored_or_skipped_once(runs: list[ServingRun], targets: Targets) -> None:
    found = Counter((target.run.id, target.metric) for target in targets.targets)
    found += Counter((one.id, one.metric) for one in targets.skipped)
    assert set(found.values()) == {1}
    figures = sum(
        (run.tpot_ms is not None)
        + (run.ttft_ms is not None)
        + (run.output_rate is not None or run.total_tokens_per_s is not None)
        for run in runs
    )
    assert len(found) == figures == 3434


def test_the_page_of_the_evidence_says_the_same(runs: list[ServingRun]) -> None:
    page = DOCS.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([\d,]+) \|", page, re.MULTILINE))
    assert {family: int(rows[family].replace(",", "")) for family in FAMILIES} == FAMILIES
    with (data_root() / "workloads/evidence/serving_runs.csv").open(encoding="utf-8") as file:
        header = next(csv.reader(file))
    for column in header:
        assert f"`{column}`" in page, column
