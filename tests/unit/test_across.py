"""Training across unlike groups, end to end on small mixed clusters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.model.groups import growth_across_s
from planner.plan.across.groups import LOST, across_groups
from planner.plan.across.results import Across
from planner.plan.across.table import ACROSS_HEAD, across_lost_rows, across_rows
from planner.plan.assemble import work_of
from planner.plan.defaults import Filled
from planner.plan.job import case_on, resolve
from planner.plan.site import sites
from planner.plan.solve import Effort, Found, find

CLUSTER = """\
id: mixed
name: A mixed test cluster
date: 2026-01-02
owner: Test
status: hypothetical
cite: {{source: catalog, at: test, kind: derived}}
groups:
{groups}
"""
H100, H200 = "system: hgx-h100, fabric: infiniband-ndr", "system: hgx-h200, fabric: infiniband-ndr"
A100 = "system: hgx-a100, fabric: infiniband-hdr"

QUESTION: dict[str, Any] = dict.fromkeys(
    ["gpu", "gpus", "tokens", "days", "seq_len", "precision", "software", "in_flight", "zero_bubble"]
)


@pytest.fixture
def tried(tmp_path: Path) -> Callable[..., list[Found]]:
    """Return the searches of each group of a small cluster for the whole batch."""

    def _tried(*groups: tuple[str, int], layout: dict[str, Any] | None = None, **options: Any) -> list[Found]:
        folder = tmp_path / "hardware" / "clusters"
        folder.mkdir(parents=True, exist_ok=True)
        lines = "\n".join(f"  - {{{group}, accelerators: {count}}}" for group, count in groups)
        (folder / "mixed.yaml").write_text(CLUSTER.format(groups=lines))
        book, filled = Catalog((tmp_path,)), Filled()
        question = {"model": "llama-3-8b", "global_batch": 256, "goal": "fastest", "top": 2}
        given = QUESTION | question | options
        job = resolve(book, filled, cluster="mixed", layout=layout or {}, **given)
        places = sites(book, cluster="mixed", gpu=None, gpus=job.gpus)
        return [find(case_on(job, place, filled), place.available, Effort()) for place in places]

    return _tried


def across(tried: list[Found], effort: Effort | None = None) -> Across:
    found = across_groups(tried, Filled(), effort)
    assert found is not None
    return found


class TestAcross:
    def test_groups_share_the_batch_and_the_step(self, tried: Callable[..., list[Found]]) -> None:
        searches = tried((H100, 32), (A100, 32))
        effort = Effort()
        found = across(searches, effort)
        assert sum(one.strategy.global_batch_seqs for one in found.groups) == 256
        assert sum(one.share_of_batch for one in found.groups) == pytest.approx(1)
        for one, search in zip(found.groups, searches, strict=True):
            s = one.strategy
            assert s.tp * s.cp * s.pp * s.dp == one.gpus_used == 32 - one.gpus_spare
            assert s.micro_batches * s.micro_batch * s.dp >= s.global_batch_seqs
            assert one.alone_step_time_s == search.step_s
            assert one.waits_s >= 0
        assert effort.searches == 4
        assert min(one.waits_s for one in found.groups) == 0
        step = found.step_time_s
        assert step.low < step.value < step.high
        assert found.tokens_per_s.value == pytest.approx(256 * 8192 / step.value)
        assert found.days is not None
        assert found.gpu_hours.value == pytest.approx(found.days.value * 24 * found.gpus_used)
        assert found.gain > 0
        assert found.gain == pytest.approx(min(one.step_s for one in searches) / step.value - 1)

    def test_the_faster_group_takes_more(self, tried: Callable[..., list[Found]]) -> None:
        fast, slow = across(tried((H100, 32), (A100, 32), global_batch=2048)).groups
        # the ratio of what they do, not of their peaks (989 to 312)
        ratio = slow.alone_step_time_s / fast.alone_step_time_s
        assert fast.share_of_batch / slow.share_of_batch == pytest.approx(ratio, rel=0.05)

    def test_like_groups_are_twice_as_fast_less_what_is_lost(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 16), (H200, 16), global_batch=512))
        assert 0.95 < found.efficiency < 1.05
        assert set(found.lost) == set(LOST)
        assert all(0 <= share < 0.05 for share in found.lost.values())

    def test_the_order_of_groups_changes_nothing(self, tried: Callable[..., list[Found]]) -> None:
        searches = tried((H100, 24), (A100, 16), (H200, 8))
        one, other = across(searches), across(searches[::-1])
        assert other.step_time_s.value == pytest.approx(one.step_time_s.value)
        assert sorted(g.gpu for g in other.groups) == sorted(g.gpu for g in one.groups)

    def test_a_group_of_no_worth_is_left_out(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 128), (H200, 64), ("system: hgx-v100, fabric: infiniband-edr", 8)))
        assert [one.gpu for one in found.groups] == ["h100-sxm", "h200-sxm"]
        assert found.left_out == ("v100-sxm2-32gb (hgx-v100, infiniband-edr)",)
        rows = across_rows(found)
        assert all(len(row) == len(ACROSS_HEAD) for row in rows)
        assert rows[-1][0] == found.left_out[0]

    def test_accelerators_in_all_are_limited(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 32), (A100, 32), gpus=48))
        assert found.gpus_used <= 48
        assert {one.gpu: one.gpus_used + one.gpus_spare for one in found.groups} == {
            "h100-sxm": 32,
            "a100-sxm-80gb": 16,
        }

    def test_tokens_in_the_days_allowed(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 32), (A100, 32), days=3, tokens=None))
        assert found.days is None
        assert found.tokens is not None
        assert found.tokens.value == pytest.approx(found.tokens_per_s.value * 3 * 86400)
        assert found.gpu_hours.value == pytest.approx(72 * found.gpus_used)

    def test_pinned_fields_hold_in_every_group(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 32), (A100, 32), layout={"tp": 2, "dp": 8}))
        assert {(one.strategy.tp, one.strategy.dp) for one in found.groups} == {(2, 8)}

    def test_the_result_is_plain_and_finite(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 32), (A100, 32)))
        assert Across.model_validate_json(found.model_dump_json()) == found
        assert "NaN" not in json.dumps(found.model_dump(mode="json"), allow_nan=False)
        assert sum(float(row[1].rstrip("%")) for row in across_lost_rows(found)) < 100

    def test_utilisation_counts_each_part_in_its_own_precision(
        self, tried: Callable[..., list[Found]]
    ) -> None:
        """Dense 16-bit peaks: 989.4 TFLOP/s in bf16 and 125 in fp16 (data sheets), of those used."""
        searches = tried((H100, 16), ("system: hgx-v100, fabric: infiniband-edr", 64))
        found = across(searches)
        peaks = {"h100-sxm": 989.4e12, "v100-sxm2-32gb": 125e12}
        assert {one.strategy.precision for one in found.groups} == {"bf16", "fp16"}
        work = work_of(searches[0].case).causal * found.tokens_per_s.value
        peak = sum(peaks[one.gpu] * one.gpus_used for one in found.groups)
        assert found.mfu == pytest.approx(work / peak, rel=1e-3)


class TestWords:
    def test_shares_are_an_assumption(self, tried: Callable[..., list[Found]]) -> None:
        filled = Filled()
        assert across_groups(tried((H100, 32), (A100, 32)), filled) is not None
        (one,) = [a for a in filled.assumptions if a.field == "shares"]
        assert "in proportion to its speed" in one.why
        assert str(one.value).startswith("h100-sxm ")

    def test_the_gain_is_named(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 32), (A100, 32)))
        assert f"{1 + found.gain:.2f} times as fast as on h100-sxm alone" in found.sentence

    def test_a_small_batch_gains_nothing_and_says_why(self, tried: Callable[..., list[Found]]) -> None:
        found = across(tried((H100, 2048), (H200, 64), global_batch=16))
        assert found.gain < 0.01
        assert "a batch of 16 sequences does not divide into rounds" in found.sentence
        assert "--global-batch" in found.sentence

    def test_fabrics_and_precisions_that_differ_are_noted(self, tried: Callable[..., list[Found]]) -> None:
        same = across(tried((H100, 32), (H200, 32), precision=None))
        assert same.notes == ()
        fabrics, precisions = across(
            tried((H100, 16), ("system: hgx-v100, fabric: infiniband-edr", 64))
        ).notes
        assert "infiniband-edr, infiniband-ndr" in fabrics
        assert "bf16 and fp16" in precisions


class TestWithoutAnswer:
    @pytest.mark.parametrize(
        "options",
        [
            {"tokens": "1T", "days": 10},
            {"goal": "cheapest"},
            {"goal": "fewest"},
            {"global_batch": 1},
            {"gpus": 8},
        ],
        ids=["accelerators asked for", "cheapest", "fewest", "one sequence", "all in one group"],
    )
    def test_questions_that_are_not_about_time(
        self, tried: Callable[..., list[Found]], options: dict[str, Any]
    ) -> None:
        assert across_groups(tried((H100, 32), (A100, 32), **options), Filled()) is None

    def test_one_group_that_can(self, tried: Callable[..., list[Found]]) -> None:
        searches = tried((H100, 32), (A100, 32), precision="fp8")
        assert searches[1].case.impossible
        assert across_groups(searches, Filled()) is None

    def test_nothing_tried(self) -> None:
        assert across_groups([], Filled()) is None


class TestGrowth:
    def test_growth_goes_on_over_all_accelerators(
        self, tables: Callable[..., Any], layout: Callable[..., Any], physics: Callable[..., Any]
    ) -> None:
        """Twice the accelerators and replicas grow as a group of that size does; its own no more."""
        hardware, model, software = tables("llama-3-8b")
        strategy = layout(tp=2.0, dp=32.0, sharding=1, sequence_parallel=True)
        step = physics(hardware, model, software, strategy).step

        def more(ranks: float, dp: float) -> float:
            found = growth_across_s(
                software=software, strategy=strategy, step=step, ranks=np.array([ranks]), dp=np.array([dp])
            )
            return float(found[0])

        assert more(64.0, 32.0) == 0
        plain = float((step.step_s / software.correction - step.growth_s - step.fixed_s)[0])
        assert more(128.0, 64.0) == pytest.approx(
            plain * float(software.growth[0]) * float(software.correction[0])
        )


def test_unlike_layouts_may_differ(tried: Callable[..., list[Found]]) -> None:
    """A smaller memory needs another layout than a larger one; each group keeps its own."""
    searches = tried((H100, 64), (H200, 64), model="llama3.1-70b")
    found = across(searches)
    assert {one.gpu for one in found.groups} == {"h100-sxm", "h200-sxm"}
    assert found.gain > 0.5
    failed = [searches[0], replace(searches[1], failed="too late")]
    assert across_groups(failed, Filled()) is None
