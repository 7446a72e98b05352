"""The pieces of a plan by themselves: numbers, intervals, what binds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.schema.calibration import Interval
from planner.errors import InputError
from planner.plan import numbers
from planner.plan.bottleneck import AT_WORK, BATCH, RESOURCES, bottleneck, energy_note, grouped
from planner.plan.evaluate import BREAKDOWN
from planner.plan.formulas import FORMULAS
from planner.plan.interval import DRIFT_LOW, WIDENING, Spread, spread_of
from planner.plan.train import train
from planner.workload.kinds import SOFTWARE


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "days"), [(90, 90), ("90", 90), ("2 weeks", 14), ("36 h", 1.5), ("1e2", 100)]
    )
    def test_days(self, text: numbers.Number, days: float) -> None:
        assert numbers.days_of("days", text) == pytest.approx(days)

    @pytest.mark.parametrize("text", ["", "nan", "inf", "5 parsecs", "90GB", "lots", 0, -1, "1e9", None])
    def test_days_that_are_none_get_an_example_of_days(self, text: Any) -> None:
        with pytest.raises(InputError, match=r"--days .*for example 90( or '12 weeks')?$"):
            numbers.days_of("days", text)

    @pytest.mark.parametrize(
        ("text", "seqs"),
        [
            (2048, 2048),
            ("2048", 2048),
            ("2048 sequences", 2048),
            ("2k sequences", 2000),
            ("16777216 tokens", 2048),
            ("16Mi tokens", 2048),
            ("16M tokens", 1920),
        ],
    )
    def test_batches(self, text: numbers.Number, seqs: int) -> None:
        assert numbers.sequences("global_batch", text, seq_len=8192)[0] == seqs

    def test_a_rounded_batch_says_so(self) -> None:
        assert "rounded to 1,920" in numbers.sequences("global_batch", "16M tokens", seq_len=8192)[1]
        assert numbers.sequences("global_batch", "16Mi tokens", seq_len=8192)[1] == ""

    @pytest.mark.parametrize("exact", [1.2, 3.7, 17.1, 1953.125, 123456.7])
    def test_even_stays_near_and_divides_well(self, exact: float) -> None:
        found = numbers.even(exact)
        assert abs(found - exact) <= max(exact / 32, 0.5)
        assert found & -found >= found // 64

    @pytest.mark.parametrize("value", ["1.5", 0, -1, "1e30", "x", None, [1]])
    def test_a_count_is_whole_and_bounded(self, value: Any) -> None:
        with pytest.raises(InputError, match="--gpus"):
            numbers.count("gpus", value, most=100)

    @pytest.mark.parametrize(("value", "share"), [(0.5, 0.5), ("50 %", 0.5), (1, 1.0)])
    def test_fractions(self, value: numbers.Number, share: float) -> None:
        assert numbers.fraction("offload", value) == share


class TestIntervals:
    def calibration(self, **intervals: tuple[float, float]) -> Any:
        record = Catalog().get(CALIBRATION, "training")
        ratio = record.constants.sustained
        assert ratio is not None
        made = {
            name.replace("_", "-"): Interval.model_construct(
                low=replace(ratio, value=low), high=replace(ratio, value=high), rows=50
            )
            for name, (low, high) in intervals.items()
        }
        return record.model_copy(update={"intervals": made})

    def spread(
        self, *, moe: bool = False, reasons: tuple[str, ...] = (), **intervals: tuple[float, float]
    ) -> Spread:
        stack = Catalog().get(SOFTWARE, "newest")
        return spread_of(self.calibration(**intervals), moe=moe, software=stack, reasons=reasons)

    def test_the_class_comes_before_the_pool(self) -> None:
        both = {"dense_tuned": (0.9, 1.1), "pooled": (0.8, 1.3)}
        assert self.spread(**both).name == "dense-tuned"
        assert self.spread(**both).low == 0.9
        assert self.spread(moe=True, **both).name == "pooled"

    def test_without_a_record_the_pool_is_said_to_be_borrowed(self) -> None:
        found = self.spread()
        assert not found.from_record
        assert (found.low, found.high) == (0.86, 1.26)

    def test_outside_the_evidence_it_is_wider(self) -> None:
        found = self.spread(dense_tuned=(0.9, 1.1), reasons=("a new vendor",))
        assert found.low == pytest.approx(0.9**WIDENING)
        assert found.high == pytest.approx(1.1**WIDENING)
        assert found.reasons == ("a new vendor",)

    def test_newer_software_may_be_much_faster_for_experts(self) -> None:
        stack = Catalog().get(SOFTWARE, "newest").model_copy(update={"date": "2099-01-01"})
        calibration = self.calibration(moe_tuned=(0.9, 1.2))
        found = spread_of(calibration, moe=True, software=stack, reasons=())
        assert found.low == DRIFT_LOW
        assert "newer than the calibration" in found.reasons[-1]
        assert spread_of(calibration, moe=False, software=stack, reasons=()).low != DRIFT_LOW

    def test_rates_turn_the_interval_around(self) -> None:
        spread = Spread(low=0.8, high=1.25, name="pooled")
        assert spread.of_time(10).low == 8
        assert spread.of_rate(10).high == 12.5


class TestBottleneck:
    def named(self, parts: dict[str, float], **values: Any) -> Any:
        breakdown = dict.fromkeys(BREAKDOWN, 0.0) | parts
        job = {
            "available": 64, "used": 64, "replica": 8, "replicas": 8, "micro_batches": 32, "stages": 4,
            "global_batch": 256,
        }  # fmt: skip
        return bottleneck(breakdown, step_s=sum(breakdown.values()), **(job | values))

    def test_the_groups_hold_every_part_once(self) -> None:
        parts = [part for group in RESOURCES.values() for part in group]
        assert sorted(parts) == sorted(BREAKDOWN) == sorted(FORMULAS)
        assert sum(grouped(dict.fromkeys(BREAKDOWN, 1.0)).values()) == len(BREAKDOWN)

    @pytest.mark.parametrize(
        ("part", "resource"),
        [
            ("matrix_products", "compute"),
            ("elementwise", "memory bandwidth"),
            ("tensor_parallel", "tensor-parallel communication"),
            ("pipeline_bubble", "pipeline bubble"),
            ("data_parallel", "data-parallel network"),
            ("recompute", "memory capacity"),
        ],
    )
    def test_the_largest_part_binds(self, part: str, resource: str) -> None:
        found = self.named({"attention": 1.0, part: 3.0})
        assert found.resource == resource
        assert found.share >= 0.75
        assert found.sentence.endswith(".")

    def test_the_batch_binds_where_replicas_have_room_and_no_work(self) -> None:
        found = self.named({"matrix_products": 1.0}, available=128)
        assert found.resource == BATCH
        assert "64 of 128 accelerators find no work" in found.sentence

    def test_spares_that_hold_no_replica_are_no_fault_of_the_batch(self) -> None:
        assert self.named({"matrix_products": 1.0}, available=70).resource == "compute"

    def test_spares_may_be_wanted(self) -> None:
        found = self.named({"matrix_products": 1.0}, available=128, spare_on_purpose=True)
        assert found.resource == "compute"

    def test_the_batch_binds_where_pipelines_are_filled_once_and_little_is_compute(self) -> None:
        parts = {"matrix_products": 1.0, "tensor_parallel": 1.2}
        found = self.named(parts, micro_batches=4)
        assert found.resource == BATCH
        assert "4 micro-batches for 4 pipeline stages" in found.sentence


def test_every_part_of_the_step_has_words() -> None:
    assert all(BREAKDOWN.values())
    assert all(formula.words and formula.uses for formula in FORMULAS.values())


class TestEnergyNote:
    @pytest.mark.parametrize(
        ("share", "recompute", "noted"), [(0.61, 0.0, False), (0.59, 0.0, True), (0.41, 0.2, False)]
    )
    def test_little_compute_is_said(self, share: float, recompute: float, noted: bool) -> None:
        breakdown = dict.fromkeys(BREAKDOWN, 0.0)
        breakdown |= {"matrix_products": share, "recompute": recompute}
        breakdown["pipeline_bubble"] = 1.0 - share - recompute
        note = energy_note(breakdown)
        assert (note is not None) == noted == (share + recompute < AT_WORK)
        assert note is None or ("59% of the step" in note and "upper estimates" in note)

    def test_a_plan_says_so(self) -> None:
        few = train("llama-3-8b", gpu="h100", gpus=8, global_batch=1024, top=0)
        waits = train("llama-3-8b", gpu="h100", gpus=4096, global_batch=1024, pp=8, top=0)
        said = [any("upper estimates" in note for note in one.result.notes) for one in (few, waits)]
        assert said == [False, True]
