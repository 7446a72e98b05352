"""Laws of distillation: inverses, who repays a teacher, and the split of accelerators against brute force."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.catalog.load import Catalog
from planner.errors import InfeasibleError
from planner.model.scaling.distilling import (
    distillation_flop,
    plain_tokens,
    student_loss,
    students_to_repay,
    supervised_loss,
)
from planner.plan.distill import split
from planner.plan.distill.speeds import Doing, Speeds
from planner.plan.distill.split import Need, divide
from planner.plan.rates import Rate
from planner.tables.laws import DistillationLaw
from planner.tables.samples import Samples
from planner.tables.scaling import law_named
from planner.workload.kinds import MODEL

CATALOG = Catalog()
LAW = law_named(CATALOG, "busbridge", Samples(0), DistillationLaw)
RECORD = CATALOG.get(MODEL, "qwen3-0.6b")
sizes, tokens = st.floats(1.43e8, 1.26e10), st.floats(2e9, 5.12e11)


@given(size=sizes, data=tokens)
def test_tokens_of_a_loss_are_those_that_gave_it(size: float, data: float) -> None:
    loss = supervised_loss(law=LAW, parameters=size, tokens=data)
    assert plain_tokens(law=LAW, parameters=size, loss=loss).item() == pytest.approx(data, rel=1e-6)


@given(size=sizes)
def test_no_number_of_tokens_reaches_below_what_the_size_allows(size: float) -> None:
    best = supervised_loss(law=LAW, parameters=size, tokens=1e30).item()
    assert plain_tokens(law=LAW, parameters=size, loss=best - 1e-3).item() == np.inf


@given(size=sizes, data=tokens, teacher=st.floats(1.9, 2.5))
def test_a_better_student_is_worth_more_plain_tokens(size: float, data: float, teacher: float) -> None:
    taught = student_loss(law=LAW, parameters=size, tokens=data, teacher_loss=teacher)
    equal = plain_tokens(law=LAW, parameters=size, loss=taught).item()
    plain = supervised_loss(law=LAW, parameters=size, tokens=data).item()
    assert (equal > data) == (taught.item() < plain)


@given(
    student=st.floats(1e8, 1e11),
    larger=st.floats(1.0, 100.0),
    data=tokens,
    worth=st.floats(1.01, 1000.0),
    teacher_tokens=st.floats(1e10, 1e13),
)
def test_so_many_students_break_even(
    student: float, larger: float, data: float, worth: float, teacher_tokens: float
) -> None:
    """With the number that is returned the compute of both is the same, by the accounting of Eq. 9."""
    asked = {"student_forward": student, "teacher_forward": student * larger, "tokens": data}
    many = students_to_repay(equal_tokens=data * worth, teacher_tokens=teacher_tokens, **asked).item()
    assume(np.isfinite(many) and many > 1e-6)
    with_teacher = distillation_flop(teacher_tokens=teacher_tokens / many, pretraining=True, **asked).item()
    assert with_teacher == pytest.approx(3.0 * student * data * worth, rel=1e-6)


def rate(gpus: int, each: float) -> Rate:
    return cast(Rate, SimpleNamespace(gpus=gpus, tokens_per_s=SimpleNamespace(value=gpus * each),
                                      tokens_per_s_per_gpu=SimpleNamespace(value=each)))  # fmt: skip


class Even:
    """Hardware on which every accelerator does the same, and training stops taking more at `batch`."""

    peak_flop_per_s = 1e15
    most = None

    def __init__(self, size: int, trained: float, served: float, batch: int) -> None:
        self.size, self.trained, self.served, self.batch = size, trained, served, batch

    def train(self, record: object, gpus: int, **_: Any) -> Rate:
        return rate(min(gpus, self.batch), self.trained)

    def serve(self, doing: Doing, gpus: float) -> Rate:
        return rate(self.size, self.served)


@given(
    size=st.integers(16, 100_000),
    trained=st.floats(10.0, 1e4),
    served=st.floats(10.0, 1e4),
    per_token=st.floats(0.05, 5.0),
    batch=st.integers(8, 200_000),
)
def test_the_split_is_within_a_few_percent_of_the_best(
    size: int, trained: float, served: float, per_token: float, batch: int
) -> None:
    speeds = cast(Speeds, Even(size, trained, served, batch))
    trains, reads = (
        Doing(role=role, record=RECORD, isl=4096.0) for role in ("student-trains", "teacher-reads")
    )
    original, split.replica_gpus = split.replica_gpus, lambda _: 1
    try:
        found = divide(speeds, trains, [Need(doing=reads, per_token=per_token)], tokens=1e12)
    except InfeasibleError:
        found = None
    finally:
        split.replica_gpus = original
    gpus = np.arange(1, min(size - 1, batch) + 1)
    speed = np.minimum(gpus * trained, (size - gpus) * served / per_token)
    best = speed.max()
    fastest = gpus[speed.argmax()]
    assume(30 < fastest < size - 30)  # else one accelerator is more than a few percent
    assert found is not None
    assert found.gpus <= size
    assert 0.95 * best <= found.tokens_per_s <= best * (1 + 1e-9)
    assert found.shares[1].tokens_per_s >= found.tokens_per_s * per_token * (1 - 1e-9)
