"""Errors, weighted quantiles, and intervals per class, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.evidence.statistics import (
    LOW,
    MOE_DRIFT,
    SHRINK_ROWS,
    class_quantiles,
    errors,
    errors_by,
    left_out,
    weighted_quantile,
)


def test_errors() -> None:
    found = errors(np.array([0.9, 1.0, 1.2, 1.05]))
    assert found.rows == 4
    assert found.median_abs_pct == pytest.approx(7.5)
    assert found.mean_abs_pct == pytest.approx((10 + 0 + 20 + 5) / 4)
    assert found.p90_abs_pct == pytest.approx(17.0)
    assert found.bias_pct == pytest.approx(2.5)


def test_errors_of_nothing() -> None:
    assert vars(errors(np.zeros(0))) == {
        "rows": 0, "median_abs_pct": 0.0, "mean_abs_pct": 0.0, "p90_abs_pct": 0.0, "bias_pct": 0.0
    }  # fmt: skip


def test_errors_by_key_put_the_largest_group_first() -> None:
    found = errors_by(np.array([1.1, 0.8, 1.1, 1.3]), ["b", "a", "b", "c"])
    assert list(found) == ["b", "a", "c"]
    assert found["b"].bias_pct == pytest.approx(10.0)
    assert found["a"].bias_pct == pytest.approx(-20.0)


def test_weighted_quantiles() -> None:
    values = np.array([3.0, 1.0, 2.0])
    assert weighted_quantile(values, np.ones(3), 0.5) == 2.0
    assert weighted_quantile(values, np.array([1.0, 1.0, 8.0]), 0.5) == 2.0
    heavy = weighted_quantile(values, np.array([8.0, 1.0, 1.0]), 0.5)
    assert 2.5 < heavy <= 3.0
    assert weighted_quantile(values, np.ones(3), 0.0) == 1.0
    assert weighted_quantile(values, np.ones(3), 1.0) == 3.0


@given(values=st.lists(st.floats(-1, 1), min_size=1, max_size=20), q=st.floats(0, 1), times=st.integers(1, 5))
def test_only_the_ratios_of_weights_matter(values: list[float], q: float, times: int) -> None:
    heavy = weighted_quantile(np.array(values), np.full(len(values), float(times)), q)
    assert heavy == pytest.approx(weighted_quantile(np.array(values), np.ones(len(values)), q), abs=1e-12)
    assert min(values) <= heavy <= max(values)


class TestIntervals:
    def found(
        self, ratios: dict[tuple[str, str], list[float]], **more: object
    ) -> dict[str, tuple[float, float, int]]:
        """Quantiles of rows by (class, family)."""
        rows = [(c, f, v) for (c, f), values in ratios.items() for v in values]
        quantiles = class_quantiles(
            np.log([v for *_, v in rows]),
            [c for c, *_ in rows],
            [f for _, f, _ in rows],
            **more,  # type: ignore[arg-type]
        )
        return {name: (q.low, q.high, q.rows) for name, q in quantiles.items()}

    def test_a_spread_that_all_share(self) -> None:
        spread = list(np.exp(np.linspace(-0.1, 0.1, 201)))
        found = self.found({("dense-tuned", f"f{i}"): spread for i in range(10)})
        assert found["pooled"][:2] == pytest.approx((np.exp(-0.08), np.exp(0.08)), rel=1e-3)
        assert found["dense-tuned"] == pytest.approx((*found["pooled"][:2], 2010), rel=1e-9)

    def test_near_copies_do_not_count_each(self) -> None:
        """A hundred rows of one family weigh as ten rows of ten families weigh together."""
        found = self.found({("a", "many"): [1.3] * 100} | {("a", f"f{i}"): [1.0] for i in range(11)})
        assert found["pooled"][0] == pytest.approx(1.0)
        assert found["pooled"][1] == pytest.approx(1.3)
        middle = self.found({("a", "many"): [1.3] * 100} | {("a", f"f{i}"): [1.0] for i in range(200)})
        assert middle["pooled"][1] == pytest.approx(1.0), "two hundred families outweigh it"

    def test_small_classes_lean_on_all(self) -> None:
        wide = list(np.exp(np.linspace(-0.3, 0.3, 101)))
        many = {("dense-tuned", f"f{i}"): wide for i in range(10)}
        narrow = [1.0] * int(SHRINK_ROWS)
        found = self.found(many | {("dense-xla", f"g{i}"): [narrow[i]] for i in range(len(narrow))})
        low, pooled = np.log(found["dense-xla"][0]), np.log(found["pooled"][0])
        assert low == pytest.approx(0.5 * pooled), "twenty rows speak as loudly as all classes together"

    def test_a_class_of_few_families_is_wider(self) -> None:
        spread = list(np.exp(np.linspace(-0.2, 0.2, 101)))
        others = {("dense-tuned", f"f{i}"): spread for i in range(10)}
        one, ten = (
            self.found(others | {("dense-xla", f"g{i}"): spread for i in range(families)})
            for families in (1, 10)
        )
        widths = [np.log(x["dense-xla"][1] / x["dense-xla"][0]) for x in (one, ten)]
        assert widths[0] / widths[1] == pytest.approx(np.sqrt(3.0 / 1.2), rel=0.1)

    def test_mixtures_span_the_drift_of_their_software(self) -> None:
        found = self.found({("moe-tuned", f"f{i}"): [1.0] * 50 for i in range(12)})
        assert found["moe-tuned"][:2] == pytest.approx((1 / MOE_DRIFT, MOE_DRIFT))
        assert found["pooled"][:2] == pytest.approx((1.0, 1.0))

    def test_rows_left_out_are_not_seen(self) -> None:
        rows = {("a", "f"): [1.0, 1.1, 0.9], ("b", "g"): [2.0, 2.2]}
        keep = np.array([True, True, True, False, False])
        found = self.found(rows, keep=keep)
        assert "b" not in found
        assert found == self.found({("a", "f"): [1.0, 1.1, 0.9]})

    def test_low_is_below_high(self) -> None:
        assert LOW == 0.1
        found = self.found({("a", "f"): [1.2], ("b", "g"): [0.8]})
        assert all(low <= high for low, high, _ in found.values())


def test_every_family_is_left_out_once() -> None:
    seen: list[tuple[list[bool], list[bool]]] = []

    def evaluate(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
        seen.append((known.tolist(), asked.tolist()))
        return np.full(int(np.sum(asked)), float(len(seen)))

    found = left_out(["b", "a", "b", "c"], evaluate)
    assert found.tolist() == [2.0, 1.0, 2.0, 3.0]
    assert [asked for _, asked in seen] == [
        [False, True, False, False], [True, False, True, False], [False, False, False, True]
    ]  # fmt: skip
    assert all(k != a for known, asked in seen for k, a in zip(known, asked, strict=True))
