"""Kinds of fine-tuning: records, counts of adapters, FLOPs, and how a question names and changes them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.catalog.kinds import LINK
from planner.catalog.load import Catalog
from planner.errors import InputError, UsageError
from planner.plan.results import TrainResult
from planner.workload.adapters import AdapterCounts, adapter_counts, tuning_flops_per_token
from planner.workload.counts import parameters
from planner.workload.fine_tuning import METHODS, TARGETS
from planner.workload.flops import flops
from planner.workload.kinds import FINE_TUNING, MODEL, SOFTWARE

BOOK = Catalog()
NODE = {"gpu": "h100-sxm", "gpus": 8, "top": 0}
RECORD = """\
id: mine
name: Mine
cite: {{source: planner-assumption, at: here, kind: given}}
method: {method}
weights: {{learn: {learn}, held: {held}{more}}}
{parts}data:
  {{tokens: 1M, epochs: 1, seq_len: 512, global_batch: 8, example: 512, packing: 100 %, loss: 50 %}}
"""
ADAPTERS = "adapters: {rank: 8, targets: [q, v]}\n"
REFERENCE = "reference: {passes: 1, held: true}\n"


def adapters_of(model: str, targets: tuple[str, ...], rank: int = 1) -> AdapterCounts:
    return adapter_counts(BOOK.get(MODEL, model).architecture, rank=rank, targets=targets)


@cache
def trained(model: str, **options: Any) -> TrainResult:
    return planner.train(model, **NODE, catalog=BOOK, **options)


class TestRecords:
    def test_every_method_ships(self) -> None:
        assert {one.method for one in BOOK.all(FINE_TUNING)} == set(METHODS)

    @pytest.mark.parametrize(
        ("method", "learn", "held", "parts", "mend"),
        [
            ("lora", "true", "2 B", ADAPTERS, "set weights.learn to false and give adapters"),
            ("lora", "false", "2 B", "", "method: lora needs adapters"),
            ("sft", "true", "1 B", "", "weights that learn is 2 B"),
            ("sft", "false", "2 B", ADAPTERS, "remove them, or call it lora"),
            ("sft", "true", "2 B", REFERENCE, "reference belongs to method: preference"),
            ("lora", "false", "4 b", ADAPTERS, "weights.widening belongs to weights held in less"),
        ],
    )
    def test_contradictions_are_refused_with_the_mend(
        self, tmp_path: Path, method: str, learn: str, held: str, parts: str, mend: str
    ) -> None:
        folder = tmp_path / FINE_TUNING.folder
        folder.mkdir(parents=True)
        text = RECORD.format(method=method, learn=learn, held=held, parts=parts, more="")
        (folder / "mine.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=mend):
            Catalog((tmp_path,)).get(FINE_TUNING, "mine")

    def test_a_record_of_an_overlay_is_a_kind(self, tmp_path: Path) -> None:
        folder = tmp_path / FINE_TUNING.folder
        folder.mkdir(parents=True)
        text = RECORD.format(method="preference", learn="true", held="2 B", parts=REFERENCE, more="")
        (folder / "mine.yaml").write_text(text, encoding="utf-8")
        result = planner.train("llama-3.2-1b", kind="mine", **NODE, catalog=tmp_path)
        assert (result.inputs.kind, result.inputs.tokens, result.inputs.packing) == ("mine", 1e6, 1.0)


class TestAdapters:
    def test_of_grouped_queries(self) -> None:
        """Llama 3 8B: 32 layers of 4,096, 8 of 32 heads for keys and values, blocks of 14,336."""
        sizes = {"q": 8192, "k": 5120, "v": 5120, "o": 8192, "gate": 18432, "up": 18432, "down": 18432}
        for name, size in sizes.items():
            assert adapters_of("llama-3-8b", (name,), rank=3).total == 3 * 32 * size, name
        assert adapters_of("llama-3-8b", ("experts", "linear")).total == 0
        assert adapters_of("llama-3-8b", TARGETS).total == 32 * sum(sizes.values())

    def test_of_latent_attention_and_experts(self) -> None:
        """DeepSeek-V3: queries through 1,536, keys and values through 512 + 64, 128 heads of 192 and 128."""
        q = 7168 + 1536 + 1536 + 128 * 192
        kv = 7168 + 576 + 512 + 128 * 256
        assert adapters_of("deepseek-v3", ("q",)).total == 61 * q
        assert (
            adapters_of("deepseek-v3", ("k",)).total
            == adapters_of("deepseek-v3", ("k", "v")).total
            == 61 * kv
        )
        experts = adapters_of("deepseek-v3", ("experts",))
        assert experts.experts == 58 * 256 * 3 * (7168 + 2048)
        assert experts.active == experts.experts * 8 // 256
        shared = adapters_of("deepseek-v3", ("up",)).total
        assert shared == 3 * (7168 + 18432) + 58 * (7168 + 2048)

    def test_of_mixers_without_softmax(self) -> None:
        counts = adapters_of("nemotron-h-8b", ("linear",))
        a = BOOK.get(MODEL, "nemotron-h-8b").architecture
        assert a.linear_attention is not None
        inner = a.linear_attention.value_heads * a.linear_attention.value_dim
        assert counts.split % a.count(mixer="linear") == 0
        assert counts.whole == 2 * a.hidden * a.count(mixer="linear")
        assert counts.split > 2 * inner * a.count(mixer="linear")


class TestFlops:
    @pytest.mark.parametrize(("kind", "each"), [("sft", 6), ("lora", 4), ("dpo", 8), ("dpo-lora", 6)])
    def test_per_parameter_and_token(self, kind: str, each: int) -> None:
        """Of a large model at a short length, where attention and adapters are little."""
        architecture = BOOK.get(MODEL, "llama-3.1-405b").architecture
        record = BOOK.get(FINE_TUNING, kind)
        adapters = None if record.adapters is None else adapters_of("llama-3.1-405b", ("q",))
        count = parameters(architecture)
        found = tuning_flops_per_token(
            architecture,
            seq_len=256,
            example=1e9,
            convention="causal",
            adapters=adapters,
            reference_passes=0.0 if record.reference is None else record.reference.passes.value,
        )
        assert found / (count.total - count.embedding) == pytest.approx(each, rel=5e-3)

    def test_what_learns_entirely_is_pre_training(self) -> None:
        architecture = BOOK.get(MODEL, "qwen3-next-80b-a3b").architecture
        found = tuning_flops_per_token(
            architecture, seq_len=4096, example=4096.0, convention="full", adapters=None, reference_passes=0.0
        )
        assert found == flops(architecture, seq_len=4096, convention="full").training_per_token

    def test_recurrences_have_no_frozen_weights(self) -> None:
        """Frozen or not, a recurrence runs forward once and backward twice."""
        architecture = BOOK.get(MODEL, "nemotron-h-8b").architecture
        count = flops(architecture, seq_len=1024)
        nothing = AdapterCounts(whole=0, split=0, experts=0, active=0)
        found = tuning_flops_per_token(
            architecture,
            seq_len=1024,
            example=1e9,
            convention="causal",
            adapters=nothing,
            reference_passes=0.0,
        )
        assert 2.0 * count.forward_per_token < found < 2.1 * count.forward_per_token


class TestQuestions:
    def test_usual_data_is_filled_in_and_said(self) -> None:
        result = trained("llama-3-8b", kind="sft")
        data = BOOK.get(FINE_TUNING, "sft").data
        assert result.inputs.tokens == data.tokens.value * data.epochs.value
        assert result.inputs.global_batch_tokens == round(128 * 4096 * data.packing.value)
        assert {"tokens", "epochs", "packing", "seq_len", "global_batch"} <= {
            a.field for a in result.assumptions
        }
        assert "arxiv-2411.15124" in result.sources

    def test_tokens_are_those_of_the_data(self) -> None:
        result = trained("llama-3-8b", kind="lora", tokens="10M", epochs=2, packing="50%")
        plan = result.plan
        assert plan is not None
        assert result.inputs.tokens == 20e6
        positions = 32 * 4096 / plan.step_time_s.value
        assert plan.tokens_per_s.value == pytest.approx(0.5 * positions)
        assert plan.days.value * 86400 == pytest.approx(20e6 / (0.5 * positions))

    def test_padding_is_no_work(self) -> None:
        full, half = (trained("llama-3-8b", kind="lora", packing=share).plan for share in (1.0, 0.5))
        assert full is not None
        assert half is not None
        assert half.mfu.value == pytest.approx(0.5 * full.mfu.value)
        assert half.step_time_s.value == full.step_time_s.value

    def test_days_give_tokens_and_need_gives_accelerators(self) -> None:
        asked = planner.train("llama-3-8b", kind="sft", days=1, **NODE, catalog=BOOK)
        assert asked.result.tokens is not None
        assert asked.inputs.tokens is None
        need = planner.train("llama-3-8b", kind="sft", gpu="h100-sxm", days=1, top=0, catalog=BOOK)
        assert need.result.gpus is not None
        assert 1 <= need.result.gpus.value <= 8

    def test_precision_is_not_that_of_the_recipe_of_pre_training(self) -> None:
        result = planner.train("deepseek-v3", kind="lora", gpu="h200-sxm", gpus=64, top=0, catalog=BOOK)
        assert result.inputs.precision == "bf16"
        assert any("left out of fine-tuning" in note for note in result.result.notes)

    def test_the_interval_says_that_the_evidence_is_of_pre_training(self) -> None:
        for kind, word in (("lora", "frozen weights"), ("qlora", "4.127 b"), ("dpo", "frozen copy")):
            plan = trained("llama-3-8b", kind=kind).plan
            assert plan is not None
            assert any(word in reason for reason in plan.interval_widened)

    def test_checkpoints_hold_what_learns(self) -> None:
        result = trained("llama-3-8b", kind="lora")
        assert result.plan is not None
        assert result.inputs.learning_parameters is not None
        saved = result.plan.storage.checkpoint_terabytes * 1e12
        assert saved == pytest.approx(14 * result.inputs.learning_parameters)

    @pytest.mark.parametrize(
        ("asked", "gpu", "gpus", "kind"),
        [
            ("sft", "l40s", 8, "lora"),
            ("dpo", "h100-sxm", 8, "dpo-lora"),
            ("lora", "a100-sxm-80gb", 1, "qlora"),
            ("qlora", "rtx-4090", 1, None),
        ],
    )
    def test_a_lighter_kind_is_named_where_nothing_fits(
        self, asked: str, gpu: str, gpus: int, kind: str | None
    ) -> None:
        result = planner.train("llama-1-65b", kind=asked, gpu=gpu, gpus=gpus, top=0, catalog=BOOK)
        assert result.plan is None
        assert [one.value for one in result.result.nearest if one.field == "kind"] == ([kind] if kind else [])
        if kind is not None:
            assert planner.train("llama-1-65b", kind=kind, gpu=gpu, gpus=gpus, top=0, catalog=BOOK).plan

    def test_sites_exchange_what_learns(self) -> None:
        result = planner.train(
            "llama-3-8b",
            kind="lora",
            gpu="h100-sxm",
            gpus=64,
            dp=32,
            link=BOOK.ids(LINK)[0],
            top=0,
            catalog=BOOK,
        )
        across = result.result.multisite
        assert across is not None
        each = BOOK.get(SOFTWARE, result.inputs.software).states.gradient.value
        assert across.gradient_gigabytes * 1e9 == pytest.approx(
            each * 32 * 16 * (8192 + 5120 * 2 + 8192 + 18432 * 3)
        )

    @pytest.mark.parametrize(
        ("options", "error", "mend"),
        [
            ({"kind": "lorra"}, InputError, "Did you mean 'lora'"),
            ({"kind": "pretraining"}, InputError, "Did you mean 'pretrain'"),
            ({"kind": "sft", "rank": 8}, UsageError, "use a kind with them, as --kind lora"),
            ({"rank": 8}, UsageError, "pre-training has none of"),
            ({"kind": "dpo", "targets": "q"}, UsageError, "--targets belongs to adapters"),
            ({"kind": "lora", "targets": "experts"}, InputError, "has none of the matrices experts"),
            ({"kind": "lora", "targets": "query"}, InputError, "--targets 'query' is unknown"),
            ({"kind": "lora", "targets": " , "}, InputError, "as in q,k,v,o"),
            ({"kind": "lora", "rank": 0}, InputError, "--rank 0"),
            ({"kind": "lora", "packing": 0}, InputError, "give a share above 0"),
            ({"kind": "lora", "epochs": -1}, InputError, "--epochs -1"),
            ({"kind": "lora", "tokens": -5}, InputError, "--tokens -5"),
        ],
    )
    def test_mistakes_are_sentences_with_a_mend(
        self, options: dict[str, Any], error: type[Exception], mend: str
    ) -> None:
        with pytest.raises(error, match=mend):
            planner.train("llama-3-8b", **NODE, catalog=BOOK, **options)
