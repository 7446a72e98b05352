"""Evidence is predicted by the code that answers questions; unknown settings are chosen by policy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from planner.catalog import kinds
from planner.catalog.load import Catalog
from planner.evidence.cases import Cases, build_cases
from planner.evidence.fill import CAPACITY_SHARE
from planner.evidence.predict import (
    FAMILIES,
    chosen,
    constants_by_class,
    predict,
    software_of,
    step_time_s,
)
from planner.evidence.runs import parse_runs
from planner.tables import constants_of
from planner.workload.kinds import SOFTWARE

CATALOG = Catalog()
RECORD = CATALOG.get(kinds.CALIBRATION, "training")
CONSTANTS = constants_by_class(RECORD)
HEADER = (
    "id,software,model,accelerator,n_gpus,precision,seq_len,global_batch_seqs,micro_batch,tp,pp,vpp,recompute,"
    "step_time_s"
)
ROWS = (
    "a,megatron-core,llama-3-8b,h100-sxm,8,bf16,8192,128,1,1,1,1,none,10",
    "b,megatron-core,llama-3-70b,h100-sxm,64,bf16,8192,128,,4,4,,,22",
    "c,torchtitan,llama-3-8b,h100-sxm,64,bf16,8192,128,,,,,,2",
    "d,megatron-bridge,deepseek-v3,gb200,256,fp8,4096,4096,,1,4,,,20",
)


def cases(*rows: str) -> Cases:
    return build_cases(parse_runs("\n".join([HEADER, *(rows or ROWS), ""])), CATALOG)


def test_constants_of_every_class() -> None:
    assert set(CONSTANTS) == set(FAMILIES) == {CATALOG.get(SOFTWARE, s).family for s in CATALOG.ids(SOFTWARE)}
    assert CONSTANTS["torch"] == constants_of(RECORD, "torch")


def test_each_candidate_has_the_software_of_its_run() -> None:
    found = cases()
    software = software_of(found, CONSTANTS)
    assert len(software) == len(found.run)
    torch = software.selects_operators > 0
    assert set(found.run[torch]) == {2}


def test_a_row_costs_what_the_same_question_costs(tables: Any, layout: Any, physics: Any) -> None:
    found = cases(ROWS[0])
    prediction = predict(found, CONSTANTS)
    strategy = layout(
        seq_len=8192.0, global_batch=128.0, dp=8.0, sharding=1, recompute_layers=1.0, sequence_parallel=False
    )
    same = physics(*tables("llama-3-8b", "h100-sxm", "megatron-core"), strategy)
    assert prediction.step.step_s[0] == same.step.step_s[0]
    assert prediction.memory.device_bytes[0] == same.memory.device_bytes[0]
    assert step_time_s(found, CONSTANTS)[0] == prediction.step.step_s[0]


def test_rows_do_not_know_of_each_other() -> None:
    together = cases()
    whole = predict(together, CONSTANTS)
    for i, row in enumerate(ROWS):
        alone = predict(cases(row), CONSTANTS)
        mine = together.run == i
        assert np.allclose(whole.step.step_s[mine], alone.step.step_s, rtol=1e-12)
        assert np.allclose(whole.memory.allocated_bytes[mine], alone.memory.allocated_bytes, rtol=1e-12)


class TestChoice:
    def test_one_candidate_for_every_run(self) -> None:
        found = cases()
        index = chosen(found, predict(found, CONSTANTS))
        assert found.run[index].tolist() == [0, 1, 2, 3]

    def test_the_fastest_that_fits(self) -> None:
        found = cases()
        prediction = predict(found, CONSTANTS)
        fits = prediction.memory.allocated_bytes <= CAPACITY_SHARE * found.hardware.memory_bytes
        for pick, run in zip(chosen(found, prediction), range(4), strict=True):
            mine = found.run == run
            assert fits[pick] or not np.any(fits & mine)
            if fits[pick]:
                assert prediction.step.step_s[pick] == np.min(prediction.step.step_s[mine & fits])

    def test_where_none_fits_the_smallest(self) -> None:
        found = cases(ROWS[1])
        small = replace(found, hardware=found.hardware.with_values(memory_bytes=np.full(len(found.run), 1e9)))
        prediction = predict(small, CONSTANTS)
        (pick,) = chosen(small, prediction)
        assert prediction.memory.allocated_bytes[pick] == np.min(prediction.memory.allocated_bytes)

    def test_more_memory_never_slows_the_choice(self) -> None:
        found = cases(ROWS[1])
        times = []
        for memory in (40e9, 80e9, 160e9):
            other = replace(
                found, hardware=found.hardware.with_values(memory_bytes=np.full(len(found.run), memory))
            )
            prediction = predict(other, CONSTANTS)
            times.append(float(prediction.step.step_s[chosen(other, prediction)][0]))
        assert times == sorted(times, reverse=True)
        assert times[0] > times[-1]

    def test_order_of_rows_changes_nothing(self) -> None:
        forward, backward = (cases(*rows) for rows in (ROWS, ROWS[::-1]))
        times = []
        for found in (forward, backward):
            prediction = predict(found, CONSTANTS)
            index = chosen(found, prediction)
            times.append({found.runs[found.run[i]].id: float(prediction.step.step_s[i]) for i in index})
        assert times[0] == pytest.approx(times[1])
