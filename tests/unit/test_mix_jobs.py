"""Files of jobs: all mistakes at once, by line, and jobs that make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import planner


def test_all_mistakes_of_a_file_come_at_once_by_line(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(
        "days: -3\n"
        "power: {cap: 300 kk, windows: [{hours: 16-25}]}\n"
        "jobs:\n"
        "- {name: a, kind: pretrainin, model: x, tokens: 1T}\n"
        "- {name: b, kind: pretraining, model: x, tokens: -1T, deadlin: 3}\n"
        "- {name: c, kind: service, model: llama-3-8b}\n"
        "- {name: d, kind: reserve, share: 120 %}\n"
        "- {name: e, kind: batch, model: llama-3-8b, tokens: 1T, start: 5, deadline: 4}\n",
        encoding="utf-8",
    )
    with pytest.raises(planner.InputError) as caught:
        planner.mix("hgx-h100:4", jobs=file)
    lines = {sentence.split(":")[1] for sentence in caught.value.mistakes}
    assert lines == {"1", "2", "4", "5", "6", "7", "8"}
    text = str(caught.value)
    for said in ("did you mean 'pretraining'", "did you mean 'deadline'", "users or request_rate",
                 "is no share", "is not after the start", "unknown unit 'kk'"):  # fmt: skip
        assert said in text


def test_unknown_names_come_at_once_by_line(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text(
        "jobs:\n"
        "- {name: a, kind: pretraining, model: lama-3-8b, tokens: 1T}\n"
        "- {name: b, kind: service, model: llama-3-8b, users: 1M, traffic: chatt, diurnal: offices}\n",
        encoding="utf-8",
    )
    with pytest.raises(planner.InputError) as caught:
        planner.mix("hgx-h100:4", jobs=str(file))
    assert [sentence.split(":")[1] for sentence in caught.value.mistakes] == ["2", "3", "3"]


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ([{"name": "r", "kind": "reserve", "share": 0.5}], "there is nothing to share"),
        (
            [{"name": "r", "kind": "batch", "model": "llama-3-8b", "tokens": 0}],
            r"jobs\.0\.tokens: 0 must be above",
        ),
        (
            [
                {
                    "name": "r",
                    "kind": "batch",
                    "model": "llama-3-8b",
                    "tokens": "1T",
                    "most": 0.1,
                    "least": 0.2,
                }
            ],
            "least 20% is more than most 10%",
        ),
        (
            [{"name": "r", "kind": "service", "model": "llama-3-8b", "users": 5, "traffic": "offline-batch"}],
            "job 'r': requests of 'offline-batch' wait in a queue",
        ),
        (
            [{"name": "r", "kind": "service", "model": "llama-3-8b", "users": 5, "traffic": "azure-code"}],
            "job 'r': traffic 'azure-2023-code' says nothing of its users",
        ),
        ([{"name": "r", "kind": "service", "model": "llama-3-8b", "users": -5}], "must be above 0"),
    ],
)
def test_jobs_that_make_no_sense_are_refused(jobs: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(planner.InputError, match=said):
        planner.mix("hgx-h100:4", jobs={"jobs": jobs}, objective="cost")


def test_all_reserved_leaves_nothing_and_giving_it_up_mends_it() -> None:
    jobs = [
        {"name": "chat", "kind": "service", "model": "llama-3-8b", "users": 1000},
        {"name": "all", "kind": "reserve", "share": 1},
    ]
    answer = planner.mix("hgx-h100:4", jobs={"jobs": jobs}).result
    assert answer.plan is None
    assert "give up the reserve" in {near.sentence for near in answer.nearest}
