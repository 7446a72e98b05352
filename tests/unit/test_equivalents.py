"""H100 equivalents: by a rule that is named, or not at all."""

from __future__ import annotations

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import UsageError
from planner.model.equivalents import PEAK_RULES, RULES, accelerators_for, check_rule, equivalents, ratio
from planner.plan.cluster.equivalents import as_equivalents, group_total, per_accelerator, reference_part
from planner.tables.peaks import Peaks, peaks_table
from planner.tables.samples import Samples

UNIT = Peaks(*(np.array([[value]]) for value in (1000.0, 2000.0, 3.0, 80.0)))
TWO = Peaks(*(np.array([row]) for row in ([2500.0, 500.0], [np.nan, 4000.0], [6.0, 1.5], [40.0, 160.0])))


def test_each_rule_compares_what_it_says() -> None:
    by_rule = {rule: ratio(rule=rule, peaks=TWO, reference=UNIT)[0].tolist() for rule in PEAK_RULES}
    assert by_rule["bf16"] == [2.5, 0.5]
    assert np.isnan(by_rule["8bit"][0])
    assert by_rule["8bit"][1] == 2.0
    assert by_rule["hbm-bandwidth"] == [2.0, 0.5]
    assert by_rule["memory"] == [0.5, 2.0]


def test_groups_count_their_accelerators() -> None:
    counted = equivalents(rule="bf16", accelerators=np.array([10, 4]), peaks=TWO, reference=UNIT)
    assert counted.tolist() == [[25.0, 2.0]]


@pytest.mark.parametrize("call", [ratio, equivalents, accelerators_for])
def test_no_number_without_a_rule(call: object) -> None:
    more = {"accelerators": np.array([1.0])} if call is equivalents else {}
    more |= {"wanted": np.array([1.0])} if call is accelerators_for else {}
    with pytest.raises(UsageError, match="by which rule") as caught:
        call(rule=None, peaks=TWO, reference=UNIT, **more)  # type: ignore[operator]
    assert all(rule in str(caught.value) for rule in PEAK_RULES)


def test_an_unknown_rule_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'bf16'"):
        check_rule("bf61")
    with pytest.raises(UsageError, match="one of bf16, 8bit, hbm-bandwidth, memory, workload"):
        check_rule("vibes")
    assert check_rule("workload") == "workload"
    assert (*PEAK_RULES, "workload") == RULES


def test_peaks_do_not_answer_for_a_workload() -> None:
    with pytest.raises(UsageError, match="no such rule"):
        ratio(rule="workload", peaks=TWO, reference=UNIT)


def test_whole_systems_are_bought() -> None:
    def needed(wanted: float, whole: int) -> list[float]:
        found = accelerators_for(
            rule="bf16", wanted=np.array([wanted]), peaks=TWO, reference=UNIT, whole=whole
        )
        return list(found[0])

    assert needed(25.0, 1) == [10, 50]
    assert needed(25.0, 8) == [16, 56]
    assert needed(25.0000001, 1) == [11, 51]


def test_one_rack_is_not_added_by_rounding() -> None:
    unit = UNIT._replace(dense_16_bit_flop_per_s=np.array([[0.1]]))
    peaks = UNIT._replace(dense_16_bit_flop_per_s=np.array([[0.3]]))
    assert 3 / (0.3 / 0.1) > 1  # the quotient in floating point exceeds what it is
    found = accelerators_for(rule="bf16", wanted=np.array([3.0]), peaks=peaks, reference=unit)
    assert found.item() == 1


def test_estimated_rates_give_an_interval_and_stated_ones_none() -> None:
    book = Catalog()
    parts = [book.get(ACCELERATOR, name) for name in ("h100-sxm", "mi455x")]
    ratios = per_accelerator(book, parts, Samples(63))
    stated, estimated = (as_equivalents(ratios, i).by_bf16 for i in (0, 1))
    assert stated is not None
    assert estimated is not None
    assert (stated.value, stated.low, stated.high) == (1.0, 1.0, 1.0)
    assert estimated.low < 0.9 * estimated.value <= estimated.high


def test_a_part_without_bf16_counts_by_fp16_and_one_without_8_bit_not_at_all() -> None:
    book = Catalog()
    volta = book.get(ACCELERATOR, "v100-sxm2-32gb")
    bare = volta.model_copy(update={"flops": volta.flops.model_copy(update={"int8": None})})
    peaks = peaks_table([volta, bare], Samples(0))
    assert peaks.dense_16_bit_flop_per_s[0].tolist() == [125e12, 125e12]
    assert np.isnan(peaks.dense_8_bit_flop_per_s[0, 1])
    ratios = per_accelerator(book, [volta, bare], Samples(0))
    assert as_equivalents(ratios, 1).by_8bit is None
    total = group_total(ratios, [1, 1])
    assert np.isnan(total["8bit"]).all()
    assert total["bf16"].item() == pytest.approx(2 * 125 / 989.4)


def test_the_unit_is_a_record_and_may_be_overridden() -> None:
    assert reference_part(Catalog()).id == "h100-sxm"
    doubled = Catalog((), ("accelerator.h100-sxm.flops.bf16=*2",))
    part = doubled.get(ACCELERATOR, "gb200")
    assert per_accelerator(doubled, [part], Samples(0))["bf16"].item() == pytest.approx(2500 / 989.4 / 2)
