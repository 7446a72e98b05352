"""Laws of dividing a batch among groups, and of exchanging gradients between them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.model.groups import exchange_costs, piece_bytes
from planner.plan.across.shares import Offers, by_speed, divided

speeds = st.lists(st.floats(0.01, 1e4), min_size=2, max_size=5)


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[Offers], int]:
    """Groups whose layouts take whole rounds of replicas: ``fixed + rounds * each`` seconds."""
    batch = draw(st.integers(5, 60))
    found = []
    for _ in range(draw(st.integers(2, 4))):
        sequences, seconds = [], []
        for _ in range(draw(st.integers(1, 3))):
            replicas = draw(st.integers(1, 12))
            fixed, each = draw(st.floats(0.0, 3.0)), draw(st.floats(0.1, 5.0))
            rounds = np.arange(1, -(-batch // replicas) + 1)
            sequences.append(np.minimum(rounds * replicas, batch))
            seconds.append(fixed + rounds * each)
        found.append(Offers(np.concatenate(sequences).astype(float), np.concatenate(seconds)))
    return found, batch


def time_of(offers: Offers, sequences: int) -> float:
    """Earliest time at which a group has done so many sequences."""
    return float(np.min(offers.step_s[offers.sequences >= sequences]))


@given(speed=speeds, batch=st.integers(5, 10**7))
def test_parts_add_up_and_follow_speed(speed: list[float], batch: int) -> None:
    values = np.array(speed)
    parts = by_speed(values, batch)
    exact = batch * values / values.sum()
    assert parts.sum() == batch
    assert parts.min() >= 1
    assert np.all(parts <= np.maximum(np.ceil(exact * (1 + 1e-12)), 1))
    short = np.maximum(1.0 - exact, 0.0).sum()  # what the slowest get beyond their part
    assert np.all(parts >= np.floor(exact * (1 - 1e-12)) - np.ceil(short))


@given(case=groups())
def test_shares_add_up_and_nobody_is_late(case: tuple[list[Offers], int]) -> None:
    offers, batch = case
    found = divided(offers, batch)
    assert found is not None
    assert found.sequences.sum() == batch
    for one, share in zip(offers, found.sequences, strict=True):
        assert time_of(one, int(share)) <= found.within_s


@given(case=groups())
def test_never_slower_than_the_best_group_alone(case: tuple[list[Offers], int]) -> None:
    """Where the exchange is free, unless a group is slower with one sequence than the best with all."""
    offers, batch = case
    found = divided(offers, batch)
    assert found is not None
    alone = min(time_of(one, batch) for one in offers)
    assert found.within_s <= max(alone, *(float(np.min(one.step_s)) for one in offers))


@given(case=groups(), data=st.data())
def test_the_order_of_groups_changes_nothing(case: tuple[list[Offers], int], data: st.DataObject) -> None:
    offers, batch = case
    order = data.draw(st.permutations(range(len(offers))))
    found, other = divided(offers, batch), divided([offers[i] for i in order], batch)
    assert found is not None
    assert other is not None
    assert other.within_s == found.within_s
    assert np.all(np.abs(other.sequences - found.sequences[list(order)]) <= 1)  # ties of remainders


@given(case=groups(), more=st.integers(1, 20))
def test_a_larger_batch_is_never_done_earlier(case: tuple[list[Offers], int], more: int) -> None:
    offers, batch = case
    small, large = divided(offers, max(batch - more, len(offers))), divided(offers, batch)
    assert small is not None
    assert large is not None
    assert small.within_s <= large.within_s


@given(case=groups())
def test_no_other_division_is_done_earlier(case: tuple[list[Offers], int]) -> None:
    offers, batch = case
    offers, batch = offers[:2], min(batch, 30)
    found = divided(offers, batch)
    assert found is not None
    best = min(max(time_of(offers[0], n), time_of(offers[1], batch - n)) for n in range(1, batch))
    assert found.within_s <= best


sizes = st.sampled_from((8.0, 64.0, 1024.0))


@given(dp=st.sampled_from((1.0, 4.0, 32.0)), tp=st.sampled_from((1.0, 8.0)), sharding=st.integers(0, 3))
def test_pieces_add_up_to_the_gradient(
    tables: Callable[..., Any], layout: Callable[..., Any], dp: float, tp: float, sharding: int
) -> None:
    """Without a pipeline, whatever the sharding: every accelerator holds an equal part."""
    _, model, software = tables("llama-3-8b")
    strategy = layout(tp=tp, dp=dp, sharding=sharding, sequence_parallel=tp > 1)
    whole = sum(
        float(getattr(model, f"{part}_parameters")[0])
        for part in ("mixer", "dense", "expert", "embedding", "embedding")  # head and input table
    )
    piece = piece_bytes(model=model, software=software, strategy=strategy)
    assert np.allclose(piece * tp * dp, software.gradient_bytes * whole)


@given(groups=st.integers(2, 6), ranks=sizes, data_window=st.sampled_from((0.0, 0.5, 1.0)))
def test_an_exchange_is_at_most_exposed_and_grows_with_the_groups(
    tables: Callable[..., Any],
    layout: Callable[..., Any],
    physics: Callable[..., Any],
    groups: int,
    ranks: float,
    data_window: float,
) -> None:
    hardware, model, software = tables("llama-3-8b")
    software = software.with_values(data_window=data_window)
    strategy = layout(dp=8.0, sharding=1)
    layer = physics(hardware, model, software, strategy).layer
    costs = [
        exchange_costs(
            hardware=hardware, model=model, software=software, strategy=strategy, layer=layer,
            groups=np.array([float(n)]), ranks=np.array([ranks * n]),
        )
        for n in (1, groups, groups + 1)
    ]  # fmt: skip
    assert costs[0].seconds == costs[0].exposed_s == costs[0].moved_bytes == 0
    for one in costs[1:]:
        assert 0 < one.exposed_s <= one.seconds * float(software.correction[0]) * (1 + 1e-9)
    assert costs[1].moved_bytes < costs[2].moved_bytes
    assert costs[1].seconds <= costs[2].seconds
    if data_window == 0:
        assert np.allclose(costs[1].exposed_s, costs[1].seconds * software.correction)


def test_all_pairs_of_equal_groups_split_evenly() -> None:
    for batch, speed in product((2, 10, 64), (0.5, 3.0)):
        counts = np.arange(1.0, batch + 1)
        one = Offers(counts, counts / speed)
        found = divided([one, one], batch)
        assert found is not None
        assert list(found.sequences) == [batch // 2, batch // 2]
