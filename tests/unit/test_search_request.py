"""Requests: what may be asked, and how mistakes are answered."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from planner.errors import InputError, UsageError
from planner.search import GOALS, PINNABLE, Request


def test_pins_become_sorted_numbers_and_back() -> None:
    request = Request(64, 4096, 256, pins={"tp": [8, 4, 8], "sharding": "zero3", "sequence_parallel": True})
    assert request.pinned("tp") == (4.0, 8.0)
    assert request.pinned("sharding") == (3.0,)
    assert request.pinned("sequence_parallel") == (1.0,)
    assert request.pinned("pp") is None
    assert request.words() == {"tp": (4.0, 8.0), "sharding": ("zero3",), "sequence_parallel": (1.0,)}


def test_changes_keep_the_pins() -> None:
    request = Request(64, 4096, 256, pins={"recompute": ("none", "full"), "pp": np.int64(4)})
    assert request.changed(accelerators=65).pins == request.pins
    assert request.without("pp").pins == {"recompute": (0.0, 2.0)}
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301


def test_unknown_field_and_goal_have_a_suggestion() -> None:
    with pytest.raises(UsageError, match="did you mean 'micro_batch'"):
        Request(64, 4096, 256, pins={"microbatch": 1})
    with pytest.raises(UsageError, match="did you mean 'fastest'"):
        Request(64, 4096, 256, goal="fast")


def test_all_mistakes_at_once() -> None:
    with pytest.raises(InputError) as error:
        Request(
            accelerators=0,
            seq_len=4096.5,  # type: ignore[arg-type]
            global_batch=256,
            gemm_class=9,
            fit=0.95,
            sigma=0.0,
            offloads=(2.0,),
            zero_bubble=-1,
            top=0,
            in_flight=0,
            pins={
                "tp": 0,
                "sharding": "zero9",
                "offload": 1.5,
                "cp": (),
                "pp": "two",
                "sequence_parallel": 3,
            },
        )
    found = "\n".join(error.value.mistakes)
    fields = "accelerators seq_len gemm_class fit sigma offloads zero_bubble top in_flight"
    pins = "tp: sharding offload: cp: pp: sequence_parallel"
    for name in (fields + " " + pins).split():
        assert name in found


@pytest.mark.parametrize("field", PINNABLE)
def test_every_field_may_be_pinned(field: str) -> None:
    value = {"sharding": "zero1", "recompute": "full"}.get(field, 1)
    assert Request(64, 4096, 256, pins={field: value}).pinned(field) is not None


def test_goals_are_data() -> None:
    assert set(GOALS) == {"fastest", "cheapest", "fewest"}
    assert GOALS["cheapest"].power == 1.0
