"""A user's own measurements: too few, a factor, intervals; and an overlay that planning uses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.catalog.schema.calibration import TrainingCalibration
from planner.cli.tree import app
from planner.errors import InputError
from planner.evidence.calibrate import prior_constants
from planner.evidence.pairs import Share
from planner.evidence.recalibrate import LEAST_ROWS, RANK_ROWS, calibrate_training
from planner.evidence.statistics import Quantiles
from planner.evidence.training_record import LEAST_SIGMA, corrected_text, fitted_text
from planner.evidence.validate import validate_training

HEADER = (
    "id,family,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,vpp,sharding,"
    "recompute,step_time_s"
)
SLOWER = 1.25
Write = Callable[[str, str], Path]


def table(times: list[float], family: str = "mine") -> str:
    rows = [
        f'{i},"{family}",megatron-core,llama-3-8b,h100-sxm,8,bf16,{1024 * (i + 1)},128,1,1,1,1,zero1,full,{t}'
        for i, t in enumerate(times)
    ]
    return "\n".join([HEADER, *rows, ""])


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Step times that the shipped constants predict for the rows of `table`."""
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    path.write_text(table([1.0] * 15))
    return [row.predicted or np.nan for row in validate_training(path).rows]


@pytest.fixture
def rows(write: Write, predicted: list[float]) -> Callable[..., Path]:
    """Write a file of so many rows, each slower than predicted by a factor of its own."""

    def _rows(many: int, *, factors: list[float] | None = None, family: str = "mine") -> Path:
        used = factors or [SLOWER] * many
        return write("runs.csv", table([p * f for p, f in zip(predicted[:many], used, strict=True)], family))

    return _rows


def overlay(found: Any, folder: Path) -> Catalog:
    found.save(folder)
    return Catalog(overlays=(folder,))


@pytest.mark.parametrize("many", [1, 2])
def test_too_few_rows_for_a_correction(rows: Callable[..., Path], many: int) -> None:
    assert LEAST_ROWS == 3
    with pytest.raises(InputError, match=rf"{many} of {many} rows can be predicted; a correction needs 3"):
        calibrate_training(rows(many))


def test_rows_that_cannot_be_predicted_do_not_count(write: Write, rows: Callable[..., Path]) -> None:
    text = rows(4).read_text().replace('0,"mine",megatron-core,llama-3-8b', '0,"mine",megatron-core,unknown')
    text = text.replace('1,"mine",megatron-core,llama-3-8b', '1,"mine",megatron-core,unknown')
    with pytest.raises(InputError, match="2 of 4 rows can be predicted"):
        calibrate_training(write("runs.csv", text))


def test_three_rows_give_a_factor_and_keep_the_intervals(rows: Callable[..., Path], tmp_path: Path) -> None:
    found = calibrate_training(rows(3), date="2026-01-02")
    assert (found.rows, found.families) == (3, ("mine",))
    assert found.summary["factor"] == pytest.approx(SLOWER)
    shipped = Catalog().get(CALIBRATION, "training")
    record = overlay(found, tmp_path / "mine").get(CALIBRATION, "training")
    assert record.correction is not None
    assert record.correction.value == pytest.approx(SLOWER, rel=1e-4)
    assert record.date == "2026-01-02"
    assert {k: (i.low.value, i.high.value) for k, i in record.intervals.items()} == {
        k: (i.low.value, i.high.value) for k, i in shipped.intervals.items()
    }
    assert record.memory is not None
    assert shipped.memory is not None
    assert record.memory.sigma.value == shipped.memory.sigma.value


def test_the_factor_is_the_median(rows: Callable[..., Path]) -> None:
    found = calibrate_training(rows(5, factors=[0.5, 1.1, 1.2, 1.3, 40.0]))
    assert found.summary["factor"] == pytest.approx(1.2)


def test_twelve_rows_give_intervals_by_rank(rows: Callable[..., Path], tmp_path: Path) -> None:
    factors = [1.0 + 0.01 * i for i in range(12)]
    found = calibrate_training(rows(12, factors=factors))
    record = overlay(found, tmp_path / "mine").get(CALIBRATION, "training")
    assert RANK_ROWS == 12
    assert set(record.intervals) == {"pooled", "dense-tuned"}
    interval, middle = record.intervals["dense-tuned"], np.median(factors)
    # The 80 % of 13 exchangeable rows: from the first of the twelve to the last.
    assert interval.low.value == pytest.approx(factors[0] / middle, abs=1e-3)
    assert interval.high.value == pytest.approx(factors[11] / middle, abs=1e-3)
    assert interval.rows == 12
    wider = calibrate_training(rows(15, factors=[1.0 + 0.01 * i for i in range(15)]))
    assert "intervals by rank" in wider.notes[-1]


def test_the_constants_are_restated(rows: Callable[..., Path], tmp_path: Path) -> None:
    shipped = Catalog().get(CALIBRATION, "training")
    record = overlay(calibrate_training(rows(3)), tmp_path / "mine").get(CALIBRATION, "training")
    for name in type(shipped.constants).model_fields:
        before, after = getattr(shipped.constants, name), getattr(record.constants, name)
        if name != "cite" and before is not None:
            assert after.value == pytest.approx(before.value, rel=1e-12), name


def test_predictions_shift_by_the_factor(rows: Callable[..., Path], tmp_path: Path) -> None:
    path = rows(4)
    catalog = overlay(calibrate_training(path), tmp_path / "mine")
    before, after = validate_training(path), validate_training(path, catalog=catalog)
    for old, new in zip(before.rows, after.rows, strict=True):
        assert new.predicted == pytest.approx((old.predicted or 0.0) * SLOWER, rel=1e-4)
    assert after.summary["median_abs_pct"] < 0.01 < before.summary["median_abs_pct"]


def test_calibrating_again_over_the_overlay_gives_the_same(rows: Callable[..., Path], tmp_path: Path) -> None:
    path = rows(4)
    once = calibrate_training(path, date="2026-01-02")
    again = calibrate_training(path, catalog=overlay(once, tmp_path / "mine"), date="2026-01-02")
    assert again.text == once.text


def test_the_command_line_loads_the_overlay(rows: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    calibrate_training(rows(3)).save(folder)
    question = ["train", "llama-3-8b", "--gpus", "64", "--gpu", "h100-sxm", "--tokens", "1T", "--json"]
    texts = [
        CliRunner().invoke(app, [*before, *question]).stdout for before in ([], ["--catalog", str(folder)])
    ]
    plain, corrected = (json.loads(text)["result"]["plan"]["step_time_s"]["value"] for text in texts)
    assert corrected / plain == pytest.approx(SLOWER, rel=1e-3)


@pytest.mark.parametrize(
    "family",
    [
        "a, b",
        "x: y",
        "[1]",
        "{a: b}",
        "# no",
        "yes",
        "null",
        "é字",
        "a\nb",
        "'",
        "* &",
        "%",
        "- a",
        "1",
        "~" * 300,
    ],
)
def test_any_name_of_a_family_survives(rows: Callable[..., Path], tmp_path: Path, family: str) -> None:
    record = overlay(calibrate_training(rows(3, family=family)), tmp_path / "mine").get(
        CALIBRATION, "training"
    )
    assert record.families == (family.strip(),)


def test_any_name_of_a_file_survives(write: Write, rows: Callable[..., Path], tmp_path: Path) -> None:
    path = write("a: [b]# {c}.csv", rows(3).read_text())
    record = overlay(calibrate_training(path), tmp_path / "mine").get(CALIBRATION, "training")
    assert record.evidence == "a: [b]# {c}.csv"


class TestRecord:
    def test_classes_of_the_record_in_use_are_kept(self, tmp_path: Path) -> None:
        shipped = Catalog().get(CALIBRATION, "training")
        own = type(shipped.constants).model_construct(
            sustained=shipped.constants.sustained, moe_fixed=shipped.constants.moe_fixed
        )
        text = corrected_text(
            shipped.model_copy(update={"classes": {"torch": own}}),
            factor=1.1, quantiles={}, date="2026-01-02", evidence="x", rows=3, families=["f"],
        )  # fmt: skip
        found = self.read(text, tmp_path)
        assert set(found.classes) == {"torch"}
        assert found.classes["torch"].sustained is not None
        assert found.classes["torch"].nic_share is None
        assert found.intervals == {}

    def test_fitted_constants(self, tmp_path: Path) -> None:
        values = prior_constants().base
        text = fitted_text(
            values=values, spread={k: (0.9 * v, 1.1 * v) for k, v in values.items()},
            quantiles={"pooled": Quantiles(0.9, 1.2, 7)}, sigma=0.01, memory_rows=5,
            shared={"layout": Share(0.8, 0.7, 0.9, 9, 3)}, date="2026-01-02",
            evidence="x.csv", rows=7, families=["f", "g"],
        )  # fmt: skip
        found = self.read(text, tmp_path)
        assert found.memory is not None
        assert found.memory.sigma.value == LEAST_SIGMA
        assert (found.shared["layout"].correlation, found.shared["layout"].families) == (0.8, 3)
        assert (found.rows, found.families, found.correction) == (7, ("f", "g"), None)
        for name, value in values.items():
            quantity = getattr(found.constants, name)
            assert quantity.value == pytest.approx(value, rel=1e-3), name
            assert quantity.kind == "derived"
        sustained = found.constants.sustained
        assert sustained is not None
        assert (sustained.low, sustained.high) == pytest.approx((0.828, 1.012))

    def read(self, text: str, folder: Path) -> TrainingCalibration:
        path = folder / "o" / CALIBRATION.folder / "training.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return Catalog(overlays=(folder / "o",)).get(CALIBRATION, "training")
