"""Reading a file of serving measurements: what is taken, and what is refused with its place and mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import InputError, OutputError
from planner.evidence.serving_facts import parse_facts
from planner.evidence.serving_runs import (
    MEASURED,
    REQUIRED,
    ServingRun,
    parse_flags,
    parse_serving_runs,
    read_serving_runs,
)

LEAST = "id,model,accelerator,n_gpus,weight_precision,isl,tpot_ms\na,llama-3-8b,h100-sxm,1,fp8,1024,7.5\n"
ROW = {
    "id": "a", "source": "src", "family": "fam", "client": "closed", "engine": "vLLM", "engine_version": "1",
    "model": "llama-3-8b", "accelerator": "h100-sxm", "n_gpus": "8", "weight_precision": "fp8",
    "kv_precision": "fp8", "tp": "2", "pp": "1", "ep": "", "dp_attention": "", "disaggregated": "no",
    "n_prefill_gpus": "", "n_decode_gpus": "", "isl": "921.6", "osl": "100", "prefix_hit_rate": "0",
    "concurrency_or_max_batch": "16", "spec_decode": "", "metric_kind": "online", "output_tokens_per_s": "",
    "total_tokens_per_s": "", "output_tokens_per_s_per_gpu": "", "ttft_ms": "120", "tpot_ms": "7.5",
    "request_rate": "", "length_note": "fixed", "latency_stat": "mean", "balanced": "1", "notes": "",
}  # fmt: skip


def text(*changes: dict[str, str]) -> str:
    rows = [ROW | change for change in changes or ({},)]
    lines = [",".join(f'"{cell}"' for cell in row.values()) for row in rows]
    return "\n".join([",".join({**ROW, **rows[0]}), *lines]) + "\n"


def only(**cells: str) -> ServingRun:
    (run,) = parse_serving_runs(text(cells))
    return run


def mistakes(content: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_serving_runs(content, "runs.csv")
    return caught.value.mistakes


class TestGoodFiles:
    def test_a_row(self) -> None:
        run = only()
        assert (run.id, run.family, run.line, run.n_gpus, run.isl) == ("a", "fam", 2, 8, 921.6)
        assert (run.ttft_s, run.tpot_s) == (0.12, 0.0075)
        assert (run.weight_format, run.kv_format, run.length_spread) == ("fp8", "fp8", "fixed")
        assert (run.concurrency, run.batch_limit, run.prefix_hit_rate) == (16, None, 0.0)
        assert run.workers is not None
        assert (run.workers.count, run.workers.gpus_each, run.workers.gpus) == (4, 2, 8)
        assert (run.ep, run.workers.ep) == (None, 1), "what a column leaves open is known to be open"
        assert run.prefill is run.decode is run.pool is None
        assert run.balanced
        assert not run.disaggregated

    def test_the_least_that_a_file_must_hold(self) -> None:
        (run,) = parse_serving_runs(LEAST)
        assert (run.family, run.client, run.engine, run.osl) == ("user", "closed", "", None)
        assert run.balanced, "without the column every row counts"
        assert run.workers is not None
        assert run.workers.gpus == 1
        assert any("tensor-parallel degree not stated" in said for said in run.assumptions)

    @pytest.mark.parametrize(
        ("cells", "client"),
        [
            ({}, "closed"),
            ({"metric_kind": "offline-max-throughput"}, "offline"),
            ({"metric_kind": "", "concurrency_or_max_batch": "", "request_rate": "3"}, "rate"),
            ({"metric_kind": "batch1-latency", "concurrency_or_max_batch": ""}, "single"),
            ({"metric_kind": "decode-only", "disaggregated": "yes", "n_decode_gpus": "8"}, "pool"),
        ],
    )
    def test_a_blank_client_follows_from_the_load(self, cells: dict[str, str], client: str) -> None:
        assert only(client="", **cells).client == client

    def test_what_the_column_of_the_concurrency_means_depends_on_the_client(self) -> None:
        offline = only(client="offline", metric_kind="offline-max-throughput")
        assert (offline.concurrency, offline.batch_limit) == (None, 16)
        assert only(client="single", concurrency_or_max_batch="").concurrency == 1

    def test_a_rate_per_accelerator_stands_in_for_that_of_all(self) -> None:
        assert only(output_tokens_per_s_per_gpu="10").output_rate == 80.0
        assert only(output_tokens_per_s="75", output_tokens_per_s_per_gpu="10").output_rate == 75.0
        assert only().output_rate is None

    def test_whole_numbers_may_have_a_point(self) -> None:
        assert only(tp="2.0").tp == 2

    def test_a_default_in_words(self) -> None:
        assert only(dp_attention="sglang default (dp-size 1)").dp_attention == 1

    def test_requests_per_client(self) -> None:
        assert only(notes="x; 10 requests per concurrency slot").requests == 160
        assert only(requests="40", notes="x; 10 requests per concurrency slot").requests == 40


class TestLayouts:
    def test_a_layout_that_does_not_multiply_is_none(self) -> None:
        assert only(tp="3").workers is None
        assert only(tp="16").workers is None
        assert only(n_gpus="").workers is None
        assert only(tp="", n_gpus="64").workers is None, "no more than one server is filled"

    def test_workers_from_the_notes(self) -> None:
        note = "prefill 2 worker(s) x TP1 DP4 EP4 (batch 1); decode 1 worker(s) x TP1 DP16 EP16 (batch 64)"
        cells = {"disaggregated": "yes", "n_gpus": "24", "n_prefill_gpus": "8", "n_decode_gpus": "16"}
        run = only(**cells, tp="1", dp_attention="16", ep="16", notes=note)
        assert run.prefill is not None
        assert run.decode is not None
        assert (run.prefill.count, run.prefill.dp, run.prefill.ep, run.prefill.max_batch) == (2, 4, 4, 1)
        assert (run.decode.count, run.decode.dp, run.decode.max_batch) == (1, 16, 64)
        assert run.decode is run.workers
        assert run.max_batch_per_rank == 64
        assert not run.assumptions
        assert only(**cells | {"n_prefill_gpus": "4"}, tp="1", dp_attention="16", notes=note).prefill is None

    def test_workers_from_columns_go_before_the_notes(self) -> None:
        note = "prefill 2 worker(s) x TP1 DP4 EP4"
        cells = {"n_gpus": "16", "n_prefill_gpus": "8", "n_decode_gpus": "8", "disaggregated": ""}
        run = only(**cells, tp="8", notes=note, prefill_tp="4", prefill_dp="2")
        assert run.disaggregated, "two pools are two pools"
        assert run.prefill is not None
        assert (run.prefill.count, run.prefill.tp, run.prefill.dp) == (1, 4, 2)

    def test_prefill_workers_that_nobody_describes_are_laid_out_like_the_others(self) -> None:
        run = only(disaggregated="yes", n_gpus="12", n_prefill_gpus="8", n_decode_gpus="", tp="4")
        assert run.prefill is not None
        assert run.decode is not None
        assert (run.prefill.count, run.prefill.tp, run.decode.count) == (2, 4, 1)
        assert run.assumptions == ("prefill workers not described: laid out like the decode workers",)

    @pytest.mark.parametrize("pool", ["prefill", "decode"])
    def test_a_pool_alone(self, pool: str) -> None:
        gpus = {f"n_{pool}_gpus": "8", f"n_{'decode' if pool == 'prefill' else 'prefill'}_gpus": "0"}
        run = only(**gpus, client="pool", disaggregated="yes", metric_kind=f"{pool}-only", tp="8")
        assert run.pool == pool
        assert (run.prefill is not None, run.decode is not None) == (pool == "prefill", pool == "decode")
        assert getattr(run, pool) is run.workers


class TestFactsAndFlags:
    HEADER = "fact,family,engine,source,model,accelerator,client,notes,effect,reason,cited,at\n"

    def with_effect(self, effect: str, **cells: str) -> ServingRun:
        facts = parse_facts(f"{self.HEADER}f,fam,,,,,,,{effect},why,book,p. 1\n")
        (run,) = parse_serving_runs(text(cells), facts=facts)
        assert "f: why [book, p. 1]" in run.assumptions
        return run

    def test_attention_data_parallel(self) -> None:
        run = self.with_effect("layout=attention-data-parallel", tp="8")
        assert (run.tp, run.dp_attention, run.ep) == (1, 8, 8)
        stated = self.with_effect("layout=attention-data-parallel", tp="4", dp_attention="2", ep="8")
        assert (stated.tp, stated.dp_attention, stated.ep) == (4, 2, 8), "what is stated stands"

    def test_cores(self) -> None:
        run = self.with_effect("cores=2", tp="8", ep="8", n_gpus="4")
        assert (run.tp, run.ep) == (4, 4)
        assert run.workers is not None
        assert run.workers.gpus == 4

    def test_corrections(self) -> None:
        run = self.with_effect("client=rate; concurrency=limit; model=qwen3-8b; state=eager; doubt=ttft_ms")
        assert (run.client, run.concurrency, run.batch_limit) == ("rate", None, 16)
        assert (run.model, run.states, run.doubts) == ("qwen3-8b", {"eager"}, ("ttft_ms",))

    def test_a_flag_belongs_to_the_figures_and_not_to_the_name_alone(self) -> None:
        flags = parse_flags("id,ttft_ms,tpot_ms,flag\na,120.0,7.50,TPOT falls with load;KV does not fit;\n")
        flagged, other = (
            parse_serving_runs(text({"tpot_ms": tpot}), flags=flags)[0] for tpot in ("7.5", "7.6")
        )
        assert flagged.flagged == "TPOT falls with load; KV does not fit"
        assert other.flagged == ""

    def test_figures_that_stand_twice(self) -> None:
        figures = {"output_tokens_per_s": "50"}
        same = {"id": "b", **figures}
        first, again = parse_serving_runs(text(figures, same))
        assert (first.repeats, again.repeats, again.doubts) == ("", "a", ())
        first, elsewhere = parse_serving_runs(text(figures, same | {"accelerator": "a100-sxm-80gb"}))
        assert first.doubts == elsewhere.doubts == ("tpot_ms", "ttft_ms", "throughput")
        _, two = parse_serving_runs(text({}, {"id": "b"}))
        assert two.repeats == "", "two figures may agree by chance"


class TestBadFiles:
    @pytest.mark.parametrize("column", REQUIRED)
    def test_a_missing_column(self, column: str) -> None:
        content = LEAST.replace(f"{column},", f"{column}_x,", 1)
        with pytest.raises(InputError, match=rf"^runs.csv:1: missing columns {column}\..*docs/evidence.md"):
            parse_serving_runs(content, "runs.csv")

    def test_nothing_measured(self) -> None:
        with pytest.raises(InputError, match=f"missing columns {MEASURED[0]}"):
            parse_serving_runs(LEAST.replace("tpot_ms", "tpot"), "runs.csv")

    @pytest.mark.parametrize(
        ("cells", "message"),
        [
            ({"id": ""}, "id: is blank; every row needs one"),
            ({"model": ""}, "model: is blank; every row needs one"),
            ({"isl": "long"}, "isl: 'long' is not a number; leave blank if unknown"),
            ({"isl": "-1"}, "isl: -1 must be positive and finite; leave blank if unknown"),
            ({"tpot_ms": "nan"}, "tpot_ms: nan must be positive and finite; leave blank if unknown"),
            ({"tpot_ms": "0"}, "tpot_ms: 0 must be positive and finite; leave blank if unknown"),
            ({"tp": "2.5"}, "tp: 2.5 must be a whole number from 1 up; leave blank if unknown"),
            ({"n_gpus": "inf"}, "n_gpus: inf must be a whole number from 1 up; leave blank if unknown"),
            ({"n_decode_gpus": "-8"}, "n_decode_gpus: -8 must be a whole number from 0 up; leave blank"),
            ({"prefix_hit_rate": "56"}, "prefix_hit_rate: 56 must be from 0 to 1; leave blank if unknown"),
            ({"client": "close"}, "client: 'close' is none of its words; did you mean 'closed'?"),
            ({"client": "x"}, "client: 'x' is none of its words; it is one of closed, offline, static"),
            ({"disaggregated": "true"}, "disaggregated: 'true' is none of its words; it is one of yes, no"),
            ({"metric_kind": "onlin"}, "metric_kind: 'onlin' is none of its words; did you mean 'online'?"),
            ({"client": "pool"}, "metric_kind: a pool measured alone is prefill-only or decode-only"),
            ({"dp_attention": "some"}, "dp_attention: 'some' is not a number; leave blank if unknown"),
        ],
    )
    def test_a_wrong_cell(self, cells: dict[str, str], message: str) -> None:
        (found,) = mistakes(text(cells))
        assert found.startswith(f"runs.csv:2: {message}")

    def test_all_mistakes_come_at_once(self) -> None:
        found = mistakes(text({"tp": "x", "isl": "0"}, {"id": "a", "client": "y"}))
        assert sorted(one.split(": ")[1] for one in found) == ["client", "id", "isl", "tp"]
        assert "runs.csv:3: id: 'a' stands already on line 2; rename it" in found

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="cannot read"):
            read_serving_runs(tmp_path / "none.csv")


CELLS = st.sampled_from(
    ["", "0", "1", "8", "-1", "1e400", "nan", "x", "yes", "pool", "prefill-only", "1P1D", "9" * 400]
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), CELLS, max_size=6))
def test_every_row_is_read_or_refused(cells: dict[str, str]) -> None:
    refused: tuple[str, ...] = ()
    found: list[ServingRun] = []
    try:
        found = parse_serving_runs(text(cells))
    except InputError as error:
        refused = error.mistakes
    assert all(mistake.startswith("<input>:2: ") for mistake in refused)
    assert bool(found) is not bool(refused)
