"""What `planner.post_train` refuses, and what a recipe of post-training must hold; each with its mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import planner
from planner.catalog.fields import quantities
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError, UsageError
from planner.plan.post_train.results import PostTrainResult
from planner.workload.kinds import POST_TRAINING
from planner.workload.post_training import PostTraining

BOOK = Catalog()
ROOT = Path(__file__).resolve().parents[2]


def asked(**options: Any) -> PostTrainResult:
    usual = {"model": "llama-3-8b", "gpu": "h100-sxm", "gpus": 64, "steps": 100, "catalog": BOOK}
    return planner.post_train(**{**usual, **options})


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "mend"),
        [
            ({"days": 3}, "give one of them"),
            ({"steps": None}, "give one of --steps, --tokens, --days, --gpu-hours"),
            ({"gpus": None}, "Give --gpus N"),
            ({"mode": "sync", "staleness": 2}, "waits for all of its rollouts"),
            ({"mode": "sync", "late": "1 %"}, "waits for all of its rollouts"),
            ({"generation_gpu": "h200-sxm"}, "Give --generation-gpus N"),
            ({"generation_gpus": 8}, "needs --generation-gpu NAME"),
            ({"mode": "sync", "generation_gpu": "h200-sxm", "generation_gpus": 8}, "needs --mode async"),
            ({"model": None}, "names no model"),
            ({"link": "two-sites-1000km"}, "name it with --generation-gpu"),
        ],
    )
    def test_of_usage(self, options: dict[str, Any], mend: str) -> None:
        with pytest.raises(UsageError, match=mend):
            asked(**options)

    @pytest.mark.parametrize(
        ("options", "mend"),
        [
            ({"steps": 0}, "choose one in between"),
            ({"steps": None, "tokens": "-1B"}, "must be positive"),
            ({"steps": None, "gpu_hours": 0}, "must be above 0"),
            ({"mean_tokens": "40k"}, "raise --max-tokens or lower --mean-tokens"),
            ({"p99_tokens": 100}, "below the mean"),
            ({"staleness": 0.5}, "give 1 or more"),
            ({"turns": 0}, "must be above 0"),
            ({"group": 2.5}, "not a whole number"),
            ({"prompts": "-8"}, "choose one in between"),
            ({"late": "60 %"}, "give at most 50 %"),
            ({"mode": "asink"}, "did you mean 'async'"),
            ({"environments": 0}, "choose one in between"),
            ({"tool_time": "-5min"}, "must be between 0 and 30 days; for example 5min"),
            ({"tool_time": "5GB"}, "write for example 5min"),
            ({"tool_time": ""}, "write for example 5min"),
            ({"tool_time": "nan"}, "write for example 5min"),
        ],
    )
    def test_of_values(self, options: dict[str, Any], mend: str) -> None:
        with pytest.raises(InputError, match=mend):
            asked(**options)

    def test_of_names(self) -> None:
        with pytest.raises(UnknownNameError, match="r1-zero"):
            asked(recipe="r1-zer")


class TestRecords:
    @pytest.mark.parametrize("name", ["usual", "r1-zero", "minimax-m1", "scalerl-8b", "composer-like"])
    def test_every_estimate_has_a_range_and_every_number_a_source(self, name: str) -> None:
        record = BOOK.get(POST_TRAINING, name)
        found = dict(quantities(record))
        assert len(found) > 20
        assert all(one.low is not None for one in found.values() if one.kind == "estimate")

    @pytest.mark.parametrize(
        ("change", "mend"),
        [
            ({"mode": "sync"}, "staleness belongs to mode: async, and only to it"),
            ({"staleness": None}, "staleness belongs to mode: async, and only to it"),
            ({"staleness": 0.5}, "write 1 or more, or change the mode"),
            ({"sampled": {"mean": 9000, "cv": 1, "most": 8000}}, "raise most or lower the mean"),
            ({"groups": {"prompts": 2, "size": 2, "updates": 8}}, "updates are more than the rollouts"),
            ({"environment": {"turns": 0.5}}, "without tools a rollout has 1 turn"),
        ],
    )
    def test_mistakes_have_their_mend(self, change: dict[str, Any], mend: str) -> None:
        given = yaml.safe_load((ROOT / "workloads/post_training/usual.yaml").read_text(encoding="utf-8"))
        cite = {"source": "a", "at": "b", "kind": "given"}
        for key, value in change.items():
            inside = {"cite": cite, **given[key], **value} if isinstance(value, dict) else value
            given[key] = {"value": value, **cite} if isinstance(value, float) else inside
        with pytest.raises(ValidationError, match=mend):
            PostTraining.model_validate(given)
