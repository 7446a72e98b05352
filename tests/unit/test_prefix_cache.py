"""Prefix caches: published vectors, the laws of Little and Che, a cache played through event by event."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

from planner.errors import InputError
from planner.model.prefix_cache import (
    Gaps,
    Hits,
    Sessions,
    Tiers,
    cache_hits,
    characteristic_time_s,
    prompts,
)

ONE = np.ones(1)


def gaps(mean_s: float, cv: float) -> Gaps:
    return Gaps(ONE[:, None], ONE[:, None] * mean_s, ONE[:, None] * cv)


def sessions(rate: float, calls: float, mean_s: float, cv: float, kept: float = 1.0) -> Sessions:
    return Sessions(ONE * rate, ONE * calls, gaps(mean_s, cv), ONE * kept)


def tiers(*capacities: float, bytes_per_s: float = np.inf) -> Tiers:
    sizes = np.array([capacities], float)
    return Tiers(sizes, np.full_like(sizes, bytes_per_s), np.zeros_like(sizes))


def played(
    *, starts_per_s: float, calls: int, mean_s: float, cv: float, places: int, replicas: int = 1
) -> tuple[float, float]:
    """Hit share and mean calls since the hit context, of caches that hold `places` sessions each."""
    rng = np.random.default_rng(0)
    span = 10_000.0
    sigma = np.sqrt(np.log1p(cv**2))
    events = []
    for i, start in enumerate(rng.uniform(0.0, span, int(starts_per_s * span))):
        waits = mean_s * np.exp(sigma * rng.standard_normal(calls - 1) - 0.5 * sigma**2)
        events += [(t, i, j) for j, t in enumerate(start + np.concatenate([[0.0], np.cumsum(waits)]))]
    caches: list[OrderedDict[int, int]] = [OrderedDict() for _ in range(replicas)]
    hits, since, count = 0, 0, 0
    for t, i, j in sorted(events):
        cache = caches[rng.integers(replicas)]
        before = cache.pop(i, None)
        cache[i] = j
        if len(cache) > places:
            cache.popitem(last=False)
        if 0.3 * span < t < span:
            count += 1
            if before is not None:
                hits += 1
                since += j - before
    return hits / count, since / max(hits, 1)


@pytest.mark.parametrize(
    ("calls", "mean_s", "cv", "places"), [(10, 30.0, 1.0, 60), (10, 30.0, 2.0, 200), (40, 20.0, 1.5, 120)]
)
def test_sessions_hit_as_often_as_in_a_cache_played_through(
    calls: int, mean_s: float, cv: float, places: int
) -> None:
    found, _ = played(starts_per_s=0.3, calls=calls, mean_s=mean_s, cv=cv, places=places)
    hits = cache_hits(sessions=sessions(0.3 * calls, calls, mean_s, cv), tiers=tiers(places), replicas=ONE)
    assert hits.share[0, 0] == pytest.approx(found, abs=0.02)
    assert hits.calls_since[0] == 1.0


def test_random_routing_divides_what_replicas_know() -> None:
    demand = sessions(6.0, 20, 30.0, 1.0)
    found, since = played(starts_per_s=0.3, calls=20, mean_s=30.0, cv=1.0, places=120, replicas=4)
    spread = cache_hits(sessions=demand, tiers=tiers(120), replicas=4.0 * ONE, affinity=False)
    kept = cache_hits(sessions=demand, tiers=tiers(120), replicas=4.0 * ONE)
    assert spread.share[0, 0] == pytest.approx(found, abs=0.02)
    assert spread.calls_since[0] == pytest.approx(since, rel=0.05)
    assert kept.share[0, 0] > 1.3 * spread.share[0, 0]


def test_random_routing_returns_by_counting() -> None:
    # 5 calls on 3 replicas: the 2nd to 5th call find their replica with 1 - (2/3)^(j - 1)
    endless = cache_hits(
        sessions=sessions(1.0, 5, 1.0, 1.0), tiers=tiers(1e15), replicas=3.0 * ONE, affinity=False
    )
    assert endless.share.sum() == pytest.approx(np.mean([1.0 - (2.0 / 3.0) ** j for j in range(5)]))
    weights = [(k, (5 - k) / 5 / 3 * (2.0 / 3.0) ** (k - 1)) for k in range(1, 5)]
    expected = sum(k * w for k, w in weights) / sum(w for _, w in weights)
    assert endless.calls_since[0] == pytest.approx(expected)


def test_a_cache_without_limit_misses_only_first_calls() -> None:
    hits = cache_hits(sessions=sessions(3.0, 84, 60.0, 2.0), tiers=tiers(1e15), replicas=ONE)
    assert hits.share.sum() == pytest.approx(1.0 - 1.0 / 84.0)


def test_no_cache_hits_nothing() -> None:
    hits = cache_hits(sessions=sessions(3.0, 84, 60.0, 2.0), tiers=tiers(0.0, 0.0), replicas=ONE)
    assert hits.share.sum() == 0.0
    assert (hits.life_s == 0.0).all()


def test_residents_follow_little() -> None:
    # sessions that pause a fixed 60 s and never end: 2 calls/s leave 120 contexts between calls
    demand = sessions(2.0, 1e9, 60.0, 0.0)
    full = [cache_hits(sessions=demand, tiers=tiers(n), replicas=ONE).share.sum() for n in (119.0, 121.0)]
    assert full == pytest.approx([0.0, 1.0], abs=1e-6)


def test_tiers_split_what_one_cache_of_their_size_finds() -> None:
    demand = sessions(1.0, 10, 30.0, 1.5)
    parts = cache_hits(sessions=demand, tiers=tiers(5.0, 10.0, 20.0), replicas=ONE)
    whole = cache_hits(sessions=demand, tiers=tiers(35.0), replicas=ONE)
    assert parts.share.sum() == pytest.approx(whole.share.sum())
    assert (np.diff(parts.life_s, axis=1) > 0.0).all()


def test_che_time_fills_the_cache() -> None:
    rate, size, count = (
        np.array([[1.0, 0.1, 0.01]]),
        np.array([[1.0, 2.0, 4.0]]),
        np.array([[10.0, 100.0, 1000.0]]),
    )
    life = characteristic_time_s(rate=rate, size=size, count=count, capacity=np.array([500.0]))
    assert (count * size * (1.0 - np.exp(-rate * life))).sum() == pytest.approx(500.0)
    assert np.isinf(characteristic_time_s(rate=rate, size=size, count=count, capacity=np.array([4211.0])))


def test_equal_items_hit_by_their_share_of_the_cache() -> None:
    rate = np.full((1, 1), 0.5)
    life = characteristic_time_s(rate=rate, size=np.ones((1, 1)), count=1000.0, capacity=np.array([250.0]))
    assert 1.0 - np.exp(-0.5 * life[0]) == pytest.approx(0.25)


def test_a_coding_agent_reloads_much_faster_than_it_computes() -> None:
    # 153,712 tokens of context, 95.8 % reused: TraceLab's coding agents; 35,136 bytes a token in 8 bit
    memory = Tiers(np.array([[0.0, 1e15]]), np.array([[np.inf, 50e9]]), np.zeros((1, 2)))
    hits = cache_hits(sessions=sessions(1.0, 83.7, 60.0, 2.0, 5.4e9), tiers=memory, replicas=ONE)
    left = prompts(
        hits=hits, tiers=memory, tokens=153_712.0 * ONE, fresh=6_440.0 * ONE, token_bytes=35_136.0 * ONE
    )
    assert left.computed[0] == pytest.approx(6_440 + 147_272 / 83.7)
    assert left.reload_hit_s[0].tolist() == pytest.approx([0.0, 147_272 * 35_136 / 50e9])
    assert left.reload_s[0] == pytest.approx((1.0 - 1.0 / 83.7) * 0.1035, rel=1e-3)


def test_a_shared_prefix_is_found_by_all() -> None:
    nothing = Hits(np.zeros((1, 1)), np.zeros((1, 1)), ONE)
    left = prompts(
        hits=nothing, tiers=tiers(1.0), tokens=5000.0 * ONE, fresh=100.0 * ONE, token_bytes=ONE, shared=2000.0
    )
    assert (left.computed[0], left.cached[0]) == (3000.0, 2000.0)


def test_deepseek_day_by_littles_law() -> None:
    # open-infra-index, 202502OpenSourceWeek, day 6: 168e9 output tokens a day at 20 to 22 tokens/s
    sequences = 168e9 / 86_400 / 21.0
    assert sequences == pytest.approx(92_593, rel=1e-4)
    decode_gpus = 168e9 / 86_400 / 14.8e3 * 8
    per_gpu = sequences / decode_gpus
    assert per_gpu == pytest.approx(88.1, abs=0.05)
    # 4,989 tokens at 70,272 bytes each: the contexts of 60 s pauses would need this much again per call/s
    kept = per_gpu * 4_989 * 70_272
    assert kept == pytest.approx(30.89e9, rel=1e-3)
    # the same count from the model: sequences are alive for their decoding, 1,211 tokens at 21 tokens/s
    calls_per_s = 168e9 / 86_400 / 1_211 / decode_gpus
    life = cache_hits(
        sessions=Sessions(calls_per_s * ONE, ONE, gaps(1.0, 1.0), 4_989.0 * 70_272 * ONE),
        tiers=tiers(kept),
        replicas=ONE,
    ).life_s
    assert life[0, 0] == pytest.approx(1_211 / 21.0, rel=1e-3)


def test_refuses_gaps_that_are_no_law() -> None:
    with pytest.raises(InputError, match="sum to 1"):
        Gaps(2.0 * ONE[:, None], ONE[:, None], ONE[:, None])
    with pytest.raises(InputError, match="must be positive"):
        gaps(0.0, 1.0)
