"""Validation of a file of measurements: a result for every row, errors by group, memory, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from planner.catalog.kinds import CALIBRATION
from planner.catalog.load import Catalog
from planner.errors import InputError, OutputError, UnknownNameError
from planner.evidence.memory_check import MemoryCheck, check_memory
from planner.evidence.predict import constants_by_class
from planner.evidence.runs import parse_runs
from planner.evidence.validate import GROUPS, evidence_path, validate_training

HEADER = (
    "id,family,source,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,vpp,"
    "sharding,recompute,other_flags,step_time_s,memory_gb_per_gpu"
)
ROWS = (
    "a,one,paper,megatron-core,llama-3-8b,h100-sxm,8,bf16,8192,128,1,1,1,1,zero1,none,,10.5,70",
    "b,one,paper,megatron-core,llama-3-8b,h100-sxm,16,bf16,8192,128,1,2,1,1,zero1,none,,5.6,",
    "c,two,log,torchtitan,llama-3-70b,h100-sxm,256,bf16,8192,512,1,8,1,1,zero3,none,,30,50",
    "d,two,,megatron-core,no-such-model,h100-sxm,8,bf16,8192,128,1,1,1,1,zero1,none,,10.5,",
    "e,two,,megatron-core,llama-3.1-405b,h100-sxm,8,bf16,8192,64,1,8,1,1,zero1,none,result=OOM,,",
    "f,two,,megatron-core,llama-3-8b,h100-sxm,8,bf16,8192,128,1,1,1,1,zero1,none,,,40",
)
Write = Callable[[str, str], Path]


@pytest.fixture
def mine(write: Write) -> Path:
    return write("runs.csv", "\n".join([HEADER, *ROWS, ""]))


def test_every_row_has_a_result_in_the_order_of_the_file(mine: Path) -> None:
    found = validate_training(mine)
    assert [row.id for row in found.rows] == list("abcdef")
    assert [row.skipped for row in found.rows] == [False, False, False, True, True, True]
    for row in found.rows[:3]:
        assert row.reason is None
        assert row.predicted is not None
        assert row.measured is not None
        assert row.low is not None
        assert row.low < row.predicted
        assert row.error_pct == pytest.approx(100 * (row.predicted / row.measured - 1))
    reasons = [row.reason for row in found.rows[3:]]
    assert ["architecture" in reasons[0], "memory" in reasons[1], "step time" in reasons[2]] == [True] * 3  # type: ignore[operator]


def test_the_summary_is_that_of_the_rows(mine: Path) -> None:
    found = validate_training(mine)
    sizes = [abs(row.error_pct) for row in found.rows if row.error_pct is not None]
    assert found.summary["rows"] == 3
    assert found.summary["median_abs_pct"] == pytest.approx(np.median(sizes))
    assert found.summary["mean_abs_pct"] == pytest.approx(np.mean(sizes))
    inside = [r.low <= r.measured <= r.high for r in found.rows if not r.skipped]  # type: ignore[operator]
    assert found.summary["coverage_80"] == pytest.approx(np.mean(inside))
    assert set(found.groups) == {*GROUPS, "class"}
    assert {k: e.rows for k, e in found.groups["family"].items()} == {"one": 2, "two": 1}
    assert {k: e.rows for k, e in found.groups["class"].items()} == {"dense-tuned": 2, "dense-torch": 1}
    assert {k: e.rows for k, e in found.groups["scale"].items()} == {
        "up to 8 accelerators": 1, "up to 64 accelerators": 1, "up to 512 accelerators": 1
    }  # fmt: skip
    assert sum(e.rows for e in found.groups["source"].values()) == 3


def test_what_was_filled_is_said(write: Write) -> None:
    blank = "a,one,paper,own-stack,llama-3-8b,h100-sxm,8,bf16,8192,128,,1,1,,zero1,,,10.5,"
    (row,) = validate_training(write("runs.csv", f"{HEADER}\n{blank}\n")).rows
    assert any("own-stack" in note for note in row.filled)
    assert {note.split()[0] for note in row.filled} == {"software", "micro_batch", "vpp", "recompute"}


def test_json_has_no_nan_and_names_its_schema(mine: Path) -> None:
    data = json.loads(validate_training(mine).to_json(), parse_constant=pytest.fail)
    assert data["schema"] == "planner.validate-training/1"
    assert data["inputs"] == {"evidence": "runs.csv", "calibration": "training", "cross_validated": False}
    assert [row["id"] for row in data["result"]["rows"]] == list("abcdef")
    assert data["sources"] == ["log", "paper"]


def test_a_frame_of_rows(mine: Path) -> None:
    frame = validate_training(mine).to_frame()
    assert list(frame["id"]) == list("abcdef")
    assert frame["error_pct"].notna().sum() == 3


def test_a_file_that_nothing_predicts_is_an_answer(write: Write) -> None:
    found = validate_training(write("runs.csv", f"{HEADER}\n{ROWS[3]}\n"))
    assert found.summary["rows"] == 0
    assert found.rows[0].skipped
    assert json.loads(found.to_json())["result"]["groups"]["family"] == {}


def test_a_users_own_architectures(write: Write, mine: Path) -> None:
    models = write(
        "models.csv",
        "name,layers,hidden,ffn_hidden,heads,kv_heads,vocab,gated_mlp\nno-such-model,32,4096,14336,32,8,128256,y\n",
    )
    found = {row.id: row for row in validate_training(mine, models=models).rows}
    assert found["d"].predicted == pytest.approx(found["a"].predicted, rel=0.01)


def test_refused_files(tmp_path: Path, write: Write, mine: Path) -> None:
    with pytest.raises(OutputError):
        validate_training(tmp_path / "none.csv")
    with pytest.raises(InputError, match="missing columns"):
        validate_training(write("bad.csv", "a,b\n1,2\n"))
    with pytest.raises(UnknownNameError, match="trainin"):
        validate_training(mine, calibration="trainin")


def test_cross_validation_of_a_users_rows(mine: Path) -> None:
    """Constants fitted without the family that they are tested on are others, and say so."""
    found, plain = validate_training(mine, cross_validate_families=True), validate_training(mine)
    assert found.cross_validated
    assert found.summary["rows"] == 3
    assert found.rows[0].predicted != plain.rows[0].predicted


def test_the_shipped_evidence_is_there() -> None:
    assert evidence_path().is_file()


class TestMemory:
    def check(self, *rows: str, sigma: float = 0.15) -> MemoryCheck:
        catalog = Catalog()
        constants = constants_by_class(catalog.get(CALIBRATION, "training"))
        return check_memory(
            parse_runs("\n".join([HEADER, *rows, ""])), catalog, constants=constants, sigma=sigma
        )

    def test_peaks_by_what_the_stack_counts(self, mine: Path) -> None:
        found = validate_training(mine).memory
        assert {row["id"]: row["view"] for row in found.rows} == {
            "a": "allocated",
            "c": "device",
            "f": "allocated",
        }
        assert {k: e.rows for k, e in found.by_view.items()} == {"allocated": 2, "device": 1}
        for row in found.rows:
            assert row["error_pct"] == pytest.approx(100 * (row["predicted_gb"] / row["measured_gb"] - 1))
            assert 0 <= row["fit_probability"] <= 1

    def test_runs_that_ran_and_runs_that_did_not(self) -> None:
        found = self.check(*ROWS)
        assert (found.ran, found.out_of_memory) == (4, 1)
        assert found.failed_above_nine_tenths == ()
        surprising = self.check(
            ROWS[4].replace("result=OOM,,", ",10,"),
            ROWS[0].replace(",,10.5,70", ",result=OOM,,").replace(",8,bf16", ",512,bf16"),
        )
        assert surprising.ran_below_tenth == ("e",)

    def test_the_score_of_the_probabilities(self) -> None:
        good, bad = self.check(ROWS[4]), self.check(ROWS[4].replace("result=OOM,,", ",10,"))
        assert good.brier < 0.01
        assert bad.brier > 0.99

    def test_nothing_to_check(self) -> None:
        found = self.check(ROWS[3])
        assert (found.rows, found.ran, found.brier) == ((), 0, None)
