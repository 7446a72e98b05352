"""Measurements as tables: layouts, precisions, states and loads of the rows, and why rows are left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.evidence.serving_calibrate import prior_fit
from planner.evidence.serving_cases import KINDS, Group, ServingCases, build_serving_cases
from planner.evidence.serving_predict import predict_serving
from planner.evidence.serving_row import ServingRun
from planner.evidence.serving_runs import parse_serving_runs
from planner.tables.operators import OPERATOR_CLASSES

CATALOG = Catalog()
ROW = {
    "id": "a", "client": "closed", "engine": "vLLM", "engine_version": "0.11.0", "model": "llama-3-70b",
    "accelerator": "h100-sxm", "n_gpus": "8", "weight_precision": "fp8", "kv_precision": "", "tp": "8",
    "pp": "", "ep": "", "dp_attention": "", "isl": "2000", "osl": "500", "prefix_hit_rate": "",
    "disaggregated": "no", "n_prefill_gpus": "", "n_decode_gpus": "", "concurrency_or_max_batch": "16",
    "metric_kind": "online", "output_tokens_per_s": "900", "tpot_ms": "7.5", "request_rate": "",
    "spec_decode": "", "length_note": "fixed", "notes": "", "chunk_tokens": "", "requests": "",
}  # fmt: skip
POOL = {"client": "pool", "disaggregated": "yes", "metric_kind": "decode-only", "n_decode_gpus": "8"}


def runs(*changes: dict[str, str]) -> list[ServingRun]:
    rows = [ROW | {"id": str(i)} | change for i, change in enumerate(changes)]
    lines = [",".join(f'"{cell}"' for cell in row.values()) for row in rows]
    return parse_serving_runs("\n".join([",".join(ROW), *lines]) + "\n")


def only(*states: str, **cells: str) -> tuple[Group, ServingCases]:
    (run,) = runs(cells)
    cases = build_serving_cases(CATALOG, [replace(run, states=frozenset(states))])
    assert not cases.skipped, cases.skipped
    (group,) = cases.groups
    return group, cases


def layout(**cells: str) -> dict[str, Any]:
    return {name: column[0] for name, column in vars(only(**cells)[0].layout).items()}


class TestLayouts:
    @pytest.mark.parametrize(
        ("cells", "ep"),
        [
            ({"model": "deepseek-v3"}, 1),
            ({"model": "deepseek-v3", "ep": "8"}, 8),
            ({"model": "deepseek-v3", "tp": "1", "dp_attention": "8", "ep": "8"}, 8),
            ({"model": "deepseek-v3", "ep": "64"}, 8),
            ({"model": "qwen3-30b-a3b"}, 8),
            ({"model": "qwen3-30b-a3b", "ep": "2"}, 2),
            ({"model": "qwen3-30b-a3b", "tp": "4", "n_gpus": "4"}, 1),
            ({"ep": "8"}, 1),
        ],
    )
    def test_expert_ranks(self, cells: dict[str, str], ep: float) -> None:
        """Qwen3 30B has experts of 768: eight slices would be of 96 columns, and stay whole instead."""
        assert layout(**cells)["ep"] == ep

    def test_wide_expert_groups_replicate_hot_experts(self) -> None:
        wide = {"model": "deepseek-v3", "tp": "1", "dp_attention": "16", "ep": "16", "n_gpus": "16"}
        found = layout(**wide)
        assert found["balanced"]
        assert found["two_batches"]
        old = {"engine": "TensorRT-LLM", "engine_version": "0.15.0"}
        assert not layout(**wide, **old)["two_batches"], "it cannot"
        assert only("two-batches", **wide, **old)[0].layout.two_batches[0], "but the row says so"
        narrow = layout(**wide | {"dp_attention": "8", "ep": "8", "n_gpus": "8"})
        assert not narrow["balanced"]
        assert not narrow["two_batches"]
        assert layout(**POOL, model="deepseek-v3")["two_batches"], "pools do"

    def test_degrees_and_replicas(self) -> None:
        group, _ = only(tp="2", pp="2", concurrency_or_max_batch="32", requests="200", request_rate="6")
        assert [float(getattr(group.layout, x)[0]) for x in ("tp", "pp", "dp")] == [2, 2, 1]
        assert (group.replicas[0], group.concurrency[0], group.requests[0], group.rate[0]) == (2, 16, 100, 3)


class TestPrecisions:
    @pytest.mark.parametrize(
        ("cells", "classes", "stored"),
        [
            ({}, ("fp8-static",) * 3, 1),
            ({"model": "deepseek-v3"}, ("fp8-block",) * 3, 1),
            ({"accelerator": "a100-sxm-80gb"}, ("bf16",) * 3, 1),
            ({"weight_precision": "fp16"}, ("bf16",) * 3, 2),
            ({"model": "gpt-oss-120b", "weight_precision": "mxfp4"}, ("bf16",) * 3, 0.53125),
            (
                {"model": "gpt-oss-120b", "weight_precision": "mxfp4", "accelerator": "b200"},
                ("bf16", "bf16", "mxfp4"),
                0.53125,
            ),
        ],
    )
    def test_weights_as_the_part_runs_them(
        self, cells: dict[str, str], classes: tuple[str, ...], stored: float
    ) -> None:
        found = layout(**cells)
        groups = ("attention_class", "mlp_class", "expert_class")
        assert tuple(OPERATOR_CLASSES[found[g]] for g in groups) == classes
        assert found["expert_bytes"] == stored

    @pytest.mark.parametrize(
        ("cells", "kv_bytes", "eight", "said"),
        [
            ({}, 2, False, "fp16: what vLLM keeps"),
            ({"engine": "TensorRT-LLM"}, 1, True, "fp8: what TensorRT-LLM"),
            ({"engine": "TensorRT-LLM", "kv_precision": "fp16"}, 2, False, None),
            ({"kv_precision": "fp8"}, 1, False, None),
            ({"engine": "TensorRT-LLM", "model": "deepseek-v3"}, 2, False, "fp16: what TensorRT-LLM"),
            (
                {"engine": "TensorRT-LLM", "kv_precision": "fp8", "accelerator": "a100-sxm-80gb"},
                1,
                False,
                None,
            ),
        ],
    )
    def test_caches(self, cells: dict[str, str], kv_bytes: float, eight: bool, said: str | None) -> None:
        """What the row says, or else the engine's own policy, which is noted."""
        group, cases = only(**cells)
        assert (group.layout.kv_bytes[0], group.layout.eight_bit_attention[0]) == (kv_bytes, eight)
        notes = [note for note in cases.notes["0"] if "keys and values" in note]
        assert len(notes) == (said is not None)
        assert said is None or said in notes[0]

    @pytest.mark.parametrize(
        ("spec", "drafts", "accepted", "layers"),
        [
            ("", 0, 1, 0),
            ("mtp (2 drafts, 2.4)", 2, 2.4, 1),
            ("mtp (3 drafts)", 3, 2.82, 1),
            ("ngram (2 drafts)", 2, 1 + 0.3 + 0.09, 0),
        ],
    )
    def test_speculation(self, spec: str, drafts: float, accepted: float, layers: float) -> None:
        found = layout(spec_decode=spec)
        assert (found["drafts"], found["draft_layers"]) == (drafts, layers)
        assert found["accepted"] == pytest.approx(accepted)


class TestStates:
    def test_kernels_launched_one_by_one(self) -> None:
        _, cases = only("eager")
        assert [(s.engine.id, s.family) for s in cases.setups] == [("vllm", "eager")]
        assert [s.family for s in only()[1].setups] == ["vllm"]

    def test_hosts(self) -> None:
        assert [only(accelerator=a)[1].setups[0].arm_host for a in ("gb200", "b200")] == [True, False]

    def test_rows_of_one_setup_share_it(self) -> None:
        cases = build_serving_cases(CATALOG, runs({}, {"model": "deepseek-v3"}, {"engine": "SGLang"}))
        assert [s.engine.id for s in cases.setups] == ["vllm", "sglang"]
        assert np.concatenate([g.setup for g in cases.groups]).tolist() == [0, 0, 1]

    def test_tokens_spread_evenly_over_experts(self) -> None:
        even = {"model": "deepseek-v3", "tp": "1", "dp_attention": "8", "ep": "8"}
        times = []
        for states in ((), ("balanced-experts",)):
            _, cases = only(*states, **even)
            assert cases.setups[0].balanced_experts is bool(states)
            times.append(predict_serving(cases, prior_fit().constants()).tpot_s[0])
        assert times[1] < times[0]

    @pytest.mark.parametrize(
        ("states", "cells", "chunk"),
        [
            ((), {}, np.nan),
            ((), {"chunk_tokens": "2048"}, 2048),
            (("whole-prompts",), {"isl": "20000"}, 20000),
            (("whole-prompts",), {"isl": "900", "chunk_tokens": "4096"}, 4096),
        ],
    )
    def test_chunks(self, states: tuple[str, ...], cells: dict[str, str], chunk: float) -> None:
        np.testing.assert_array_equal(only(*states, **cells)[0].chunk, [chunk])


class TestLoads:
    def test_lengths(self) -> None:
        group, _ = only(prefix_hit_rate="0.25")
        load = group.load
        assert (load.isl[0], load.osl[0], load.cached[0], load.shared[0]) == (2000, 500, 500, 0)
        assert (load.new[0], group.fixed_lengths[0]) == (1500, True)
        assert not only(length_note="ShareGPT")[0].fixed_lengths[0]

    @pytest.mark.parametrize(
        ("cells", "kind", "concurrency"),
        [
            ({}, "closed", 16),
            ({"client": "offline", "metric_kind": "offline-max-throughput"}, "offline", 16),
            ({"client": "offline", "concurrency_or_max_batch": ""}, "offline", np.inf),
            ({"client": "static"}, "fixed", 16),
            ({"client": "single", "concurrency_or_max_batch": ""}, "fixed", 1),
            ({"client": "burst"}, "burst", np.inf),
            ({"client": "rate", "concurrency_or_max_batch": "", "request_rate": "3"}, "rated", np.nan),
            ({**POOL, "concurrency_or_max_batch": ""}, "single", 768),
            ({"disaggregated": "yes", "n_gpus": "16", "n_prefill_gpus": "8"}, "pools", 16),
        ],
    )
    def test_kinds(self, cells: dict[str, str], kind: str, concurrency: float) -> None:
        group, _ = only(**cells)
        assert group.kind == kind in KINDS
        np.testing.assert_array_equal(group.concurrency, [concurrency])

    def test_what_limits_the_batch(self) -> None:
        """Closed loops by their clients, a server with its defaults by those."""
        batch = {"disaggregated": "yes", "n_gpus": "16", "n_prefill_gpus": "8"}
        note = "prefill 1 worker(s) x TP8 (batch 4); decode 1 worker(s) x TP8 (batch 96)"
        assert only(**batch, notes=note)[0].max_batch[0] == 96
        assert only(client="burst")[0].max_batch[0] == 256
        assert np.isnan(only()[0].max_batch[0])

    def test_workers_of_pools(self) -> None:
        cells = {"disaggregated": "yes", "n_gpus": "20", "n_prefill_gpus": "4", "tp": "8"}
        note = "prefill 2 worker(s) x TP2; decode 2 worker(s) x TP8"
        group, _ = only(**cells, notes=note)
        assert (group.prefill_workers[0], group.decode_workers[0], group.replicas[0]) == (2, 2, 1)
        assert (group.prefill_layout.tp[0], group.layout.tp[0]) == (2, 8)


class TestSkips:
    @pytest.mark.parametrize(
        ("states", "cells", "said"),
        [
            ((), {"model": "nobody-7b"}, "nobody-7b"),
            ((), {"accelerator": "abacus"}, "abacus"),
            ((), {"engine": "Abacus"}, "Abacus"),
            ((), {"tp": "3"}, "do not multiply"),
            ((), {"osl": ""}, "length unknown"),
            ((), {"isl": ""}, "length unknown"),
            ((), {"concurrency_or_max_batch": ""}, "neither a concurrency nor an offline run"),
            (("offloaded-weights",), {}, "streamed from host memory"),
            ((), {"disaggregated": "yes", "n_gpus": "11", "n_prefill_gpus": "3"}, "workers of its pools"),
        ],
    )
    def test_a_reason_for_each(self, states: tuple[str, ...], cells: dict[str, str], said: str) -> None:
        good, bad = runs({}, cells | {"tpot_ms": "8"})
        cases = build_serving_cases(CATALOG, [good, replace(bad, states=frozenset(states))])
        assert list(cases.skipped) == ["1"]
        assert said in cases.skipped["1"]
        found = predict_serving(cases, prior_fit().constants())
        assert np.isfinite(found.tpot_s).tolist() == [True, False], "a row left out has no figures"

    def test_a_lone_prompt_needs_no_answer(self) -> None:
        assert only(client="static", osl="")[0].load.osl[0] == 1


MIXED: tuple[dict[str, str], ...] = (
    {}, {"model": "deepseek-v3"}, {"client": "static"}, {"accelerator": "b200"}, {"isl": "64"},
    {"client": "burst"}, POOL, {"client": "offline", "metric_kind": "offline-max-throughput"},
    {"disaggregated": "yes", "n_gpus": "16", "n_prefill_gpus": "8"}, {"client": "rate", "request_rate": "3"},
    {"engine": "SGLang", "model": "gpt-oss-120b"},
)  # fmt: skip


class TestTables:
    def test_rows_are_predicted_as_if_alone(self) -> None:
        rows = runs(*MIXED)
        constants = prior_fit().constants()
        cases = build_serving_cases(CATALOG, rows)
        together = predict_serving(cases, constants)
        assert sorted(g.kind for g in cases.groups) == sorted(KINDS)
        for i, run in enumerate(rows):
            alone = predict_serving(build_serving_cases(CATALOG, [run]), constants)
            for name, column in vars(alone).items():
                np.testing.assert_allclose(getattr(together, name)[i], column[0], rtol=1e-9, err_msg=name)

    def test_some_rows_only(self) -> None:
        cases = build_serving_cases(CATALOG, runs(*MIXED))
        wanted = np.arange(len(MIXED)) % 3 == 0
        constants = prior_fit().constants()
        some, every = predict_serving(cases.take(wanted), constants), predict_serving(cases, constants)
        np.testing.assert_array_equal(some.tpot_s[wanted], every.tpot_s[wanted])
        assert np.isnan(some.tpot_s[~wanted]).all()

    def test_constants_of_a_family_move_its_rows_only(self) -> None:
        cases = build_serving_cases(CATALOG, runs({}, {"engine": "SGLang"}))
        before = predict_serving(cases, prior_fit().constants()).tpot_s
        slow = {k: dict(v) for k, v in prior_fit().constants().items()}
        slow["sglang"]["host_step"] *= 2
        after = predict_serving(cases, slow).tpot_s
        assert after[0] == before[0]
        assert after[1] > before[1]
