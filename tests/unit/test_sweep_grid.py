"""Grids: what a file may say, and how it is told what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError
from planner.plan.scenario.questions import QUESTIONS
from planner.plan.sweep.axes import Continuous, Finite, read_axis
from planner.plan.sweep.check import read_grid
from planner.plan.sweep.columns import figures_of, wanted
from planner.plan.sweep.grid import Drawn, Range
from planner.plan.sweep.question import Sweep

A: dict[str, Any] = {"axes": {"gpus": [64]}}
BASE: dict[str, Any] = {"command": "train", "inputs": {"model": "llama-3.1-8b", "gpu": "h100-sxm"}}


def read(**more: Any) -> Sweep:
    return read_grid({**BASE, **more}, catalog=Catalog())


def refused(**more: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(**more)
    return str(caught.value)


def of_file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_grid(path, catalog=Catalog())
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_axes_are_columns_in_their_order_and_the_last_is_fastest() -> None:
    sweep = read(axes={"gpus": [64, 128], "tokens": ["1T", "2T", "3T"]})
    rows = sweep.rows
    assert (rows.size, rows.names) == (6, ("gpus", "tokens"))
    columns = rows.columns(0, 6)
    assert [columns["gpus"].at(i) for i in range(6)] == [64, 64, 64, 128, 128, 128]
    assert [columns["tokens"].at(i) for i in range(6)] == ["1T", "2T", "3T"] * 2


def test_blocks_multiply_and_zipped_axes_go_together() -> None:
    zipped = {"kind": "zipped", "axes": {"tp": [1, 2], "pp": [4, 8]}}
    tokens = {"distribution": "loguniform", "low": "1T", "high": "30T"}
    drawn = {"kind": "random", "n": 5, "seed": 3, "axes": {"tokens": tokens}}
    sweep = read(axes={"gpus": [64, 128, 256]}, blocks=[zipped, drawn])
    columns = sweep.rows.columns(0, sweep.rows.size)
    assert sweep.rows.size == 30
    assert {(columns["tp"].at(i), columns["pp"].at(i)) for i in range(30)} == {(1, 4), (2, 8)}
    assert all(1e12 <= columns["tokens"].at(i) <= 30e12 for i in range(30))


def test_a_scenario_is_a_question_and_its_inputs_can_be_replaced() -> None:
    grid = {
        "scenario": "million-h100-llama",
        "inputs": {"days": 30},
        "axes": {"global_batch": ["16M tokens"]},
    }
    sweep = read_grid(grid, catalog=Catalog())
    assert (sweep.command, sweep.inputs["model"], sweep.inputs["days"]) == ("train", "llama-3.1-405b", 30)
    assert "global_batch" not in sweep.inputs


def test_all_mistakes_are_listed_by_line(tmp_path: Path) -> None:
    said = of_file(
        tmp_path,
        """command: train
inputs:
  model: llama-3.1-8b
  gpu: h100-sxm
  seqlen: 4096
axes:
  gpus: [64, -3]
  tokns: [1T]
  days: {from: 9, to: 3, points: 4}
  accelerator.memory.bandwith: [3 TB/s]
columns: [plan.days, plan.dayz]
""",
    )
    assert said.splitlines() == [
        "grid.yaml:5: inputs.seqlen: unknown input; did you mean 'seq_len'?",
        "grid.yaml:7: axes.gpus: -3 is outside 1 to 10,000,000; choose one in between",
        "grid.yaml:8: axes.tokns: unknown axis; did you mean 'tokens'?",
        "grid.yaml:9: axes.days: 'from' 9 is above 3; exchange them",
        "grid.yaml:10: axes.accelerator.memory.bandwith: accelerator.memory has no field 'bandwith'. Did you "
        "mean 'bandwidth'?",
        "grid.yaml:11: columns.1: train has no figure 'plan.dayz'; did you mean 'plan.days'?",
    ]


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({}, "the grid is empty; add axes, as in axes: {gpus: [1024, 2048, 4096]}"),
        ({"axes": {}}, "the grid is empty"),
        ({"axes": {"gpus": []}}, "axes.gpus: there are no values; list at least one"),
        ({"axes": {"gpus": [8, 8]}}, "axes.gpus: a value is there twice; list each once"),
        ({"axes": {"gpus": 64}}, "axes.gpus: expected a list ([a, b] or lines with '- '), found 64"),
        ({"axes": {"tokens": {"from": 1, "to": 2, "points": 1}}}, "points"),
        ({"axes": {"tokens": {"from": "1T", "to": "inf", "points": 3}}}, "'to' 'inf' is not finite"),
        ({"axes": {"tokens": {"from": 1e400, "to": 5, "points": 3}}}, "finite"),
        ({"axes": {"tokens": {"from": 0, "to": 5, "points": 3, "scale": "log"}}},
         "a log range starts above 0"),
        ({"axes": {"tokens": {"from": 5, "to": 5, "points": 3}}}, "both ends are equal; make a list"),
        ({"axes": {"gpus": [64], "explain": [True]}}, "explain changes what is printed, not the answer"),
        ({"axes": {"accelerator.memory.bandwidth": {"from": "3 TB/s", "to": "4 GB", "points": 2}}},
         "'from' is in TB/s and 'to' in GB; write both in the same unit"),
        ({"axes": {"tokens": {"distribution": "uniform", "low": 1, "high": 2}}},
         "tokens is a distribution, which a cartesian block cannot list; make it a range"),
        ({"axes": {"gpus": [64], "warp": [1]}}, "axes.warp: unknown axis; the inputs of train are"),
        ({"axes": {"gpus": {"from": 8, "to": 11, "points": 3}}},
         "axes.gpus: it takes whole numbers; add whole: true"),
        ({"axes": {"GPUs": [64]}}, "axes.GPUs: unknown axis; did you mean 'gpus'?"),
        ({"axes": {"model": ["llama-3.1-9b"]}}, "unknown model 'llama-3.1-9b'"),
        ({**A, "inputs": {**BASE["inputs"], "gpus": 3}}, "gpus is an axis, too; leave it out"),
        ({**A, "blocks": [{"axes": {"gpus": [8]}}]}, "gpus is an axis of another block, too"),
        ({"blocks": [{"kind": "random", "axes": {"gpus": [8]}}]}, "random draws rows: say how many"),
        ({"blocks": [{"n": 4, "axes": {"gpus": [8]}}]}, "a cartesian block has the rows of its axes"),
        ({"blocks": [{"kind": "zipped", "axes": {"tp": [1, 2], "pp": [1]}}]},
         "zipped axes have equally many values, and here tp has 2, pp has 1; even them out"),
        ({"blocks": [{"kind": "zippered", "axes": {"tp": [1]}}]}, "did you mean 'zipped'?"),
        ({"blocks": [{"kind": "random", "n": 10**12, "axes": {"tp": [1]}},
                     {"kind": "random", "n": 2, "axes": {"pp": [1]}}]}, "rows are more than"),
        ({**A, "engine": "quick"}, "is not one of auto, fast, full"),
        ({**A, "command": "trian"}, "unknown command 'trian'; did you mean 'train'?"),
        ({**A, "command": None}, "required field missing; add it, as in command: train"),
        ({**A, "scenario": "colossus-1-train"}, "scenario and command exclude each other"),
        ({**A, "columns": ["plan.search.seconds"]}, "train has no figure"),
        ({**A, "columns": ["plan.days", "plan.days"]}, "'plan.days' is there twice; keep one"),
        ({**A, "colums": []}, "unknown field; did you mean 'columns'?"),
    ],
)  # fmt: skip
def test_mistakes_have_a_mend(grid: dict[str, Any], said: str) -> None:
    given = {name: value for name, value in {**BASE, **grid}.items() if value is not None}
    with pytest.raises(InputError) as caught:
        read_grid(given, catalog=Catalog())
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"missing\.yaml"):
        read_grid(tmp_path / "missing.yaml", catalog=Catalog())
    with pytest.raises(InputError, match="a grid is the path of a file or a mapping, not int"):
        read_grid(3, catalog=Catalog())


class TestAxes:
    def test_ranges_have_their_ends_and_equal_steps_or_ratios(self) -> None:
        linear = read_axis(Range.model_validate({"from": "1T", "to": "4T", "points": 4}))
        log = read_axis(Range.model_validate({"from": 1, "to": 1000, "points": 4, "scale": "log"}))
        assert isinstance(linear, Finite)
        assert isinstance(log, Finite)
        assert linear.values == (10**12, 2 * 10**12, 3 * 10**12, 4 * 10**12)
        assert log.values == pytest.approx((1, 10, 100, 1000))

    def test_units_stay_and_whole_numbers_are_rounded(self) -> None:
        wide = read_axis(Range.model_validate({"from": "3 TB/s", "to": "4 TB/s", "points": 3}))
        whole = read_axis(
            Range.model_validate({"from": 8, "to": 64, "points": 5, "scale": "log", "whole": True})
        )
        assert isinstance(wide, Finite)
        assert isinstance(whole, Finite)
        assert wide.values == ("3 TB/s", "3.5 TB/s", "4 TB/s")
        assert whole.values == (8, 13, 23, 38, 64)

    @pytest.mark.parametrize("kind", ["uniform", "loguniform", "normal", "lognormal", "triangular"])
    def test_distributions_have_their_quantiles(self, kind: str) -> None:
        more = {"mode": 4} if kind == "triangular" else {}
        axis = read_axis(Drawn.model_validate({"distribution": kind, "low": 2, "high": 8, **more}))
        assert isinstance(axis, Continuous)
        low, high = (0.1, 0.9) if "normal" in kind else (1e-12, 1 - 1e-12)
        assert axis.at(np.array([low, high])) == pytest.approx([2, 8], rel=1e-5)
        middle = {"uniform": 5, "loguniform": 4, "normal": 5, "lognormal": 4, "triangular": 8 - 12**0.5}
        assert axis.at(np.array([0.5])) == pytest.approx([middle[kind]], rel=1e-9)

    def test_a_mode_belongs_to_triangles_and_between_their_ends(self) -> None:
        for more, said in (
            ({"distribution": "triangular"}, "add it"),
            ({"distribution": "normal", "mode": 3}, "leave"),
        ):
            with pytest.raises(InputError, match=said):
                read_axis(Drawn.model_validate({"low": 1, "high": 4, **more}))
        with pytest.raises(InputError, match="'mode' 9 is above 'high' 4; lower it"):
            read_axis(Drawn.model_validate({"distribution": "triangular", "low": 1, "high": 4, "mode": 9}))


class TestColumns:
    def test_intervals_take_three_columns_and_plain_figures_one(self) -> None:
        found, wrong = wanted(
            QUESTIONS["train"], ("plan.days", "result.plan.gpus_used", "plan.time_breakdown_s.host")
        )
        assert not wrong
        assert [name for figure in found for name in figure.columns] == [
            "plan.days", "plan.days.low", "plan.days.high", "plan.gpus_used", "plan.time_breakdown_s.host",
        ]  # fmt: skip
        assert [figure.kind for figure in found] == ["number", "whole", "number"]

    def test_every_question_has_usual_columns(self) -> None:
        for question in QUESTIONS.values():
            assert not wanted(question, ())[1]
        assert len(wanted(QUESTIONS["budget"], ())[0]) > 5

    def test_items_of_lists_are_figures_and_how_long_a_search_took_is_none(self) -> None:
        found, wrong = wanted(QUESTIONS["frontier"], ("points.0.loss",))
        assert (len(found), wrong) == (1, {})
        assert not any(path.startswith("search") for path in figures_of(QUESTIONS["train"]))
        assert wanted(QUESTIONS["train"], ("search.seconds",))[1]
