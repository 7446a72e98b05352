"""Single operators against arithmetic that is done here by other means."""

from __future__ import annotations

import numpy as np
import pytest

from planner.model.operators import (
    KERNEL_FLOOR_S,
    OPERAND_BYTES,
    STREAM_SHARE,
    UNALIGNED_PENALTY,
    any_true,
    causal_pairs,
    flash_attention_s,
    gemm_s,
    linear_s,
    misalignment,
    stream_s,
    unfused_attention_s,
)

RATE, BANDWIDTH = 7e14, 3e12
BF16, FP8, NVFP4 = (np.array([c]) for c in (0, 1, 3))


def gemm(m: float, n: float, k: float, gemm_class: np.ndarray = BF16, **more: float) -> float:
    sizes = {name: np.array([float(v)]) for name, v in (("m", m), ("n", n), ("k", k))}
    time = gemm_s(
        **sizes,
        gemm_class=gemm_class,
        rate_flop_per_s=np.array([more.pop("rate", RATE)]),
        memory_bytes_per_s=np.array([BANDWIDTH]),
        **more,
    )
    return float(time[0])


@pytest.mark.parametrize("gemm_class", [BF16, FP8, NVFP4])
def test_a_large_product_runs_at_the_rate(gemm_class: np.ndarray) -> None:
    time = gemm(32768, 32768, 32768, gemm_class)
    assert 1.0 <= time / (2 * 32768**3 / RATE) < 1.02


@pytest.mark.parametrize("gemm_class", [BF16, FP8, NVFP4])
def test_a_thin_product_is_bound_by_its_weights(gemm_class: np.ndarray) -> None:
    weights = 16384 * 16384 * OPERAND_BYTES[gemm_class[0]] / BANDWIDTH
    assert weights < gemm(1, 16384, 16384, gemm_class) < 2.0 * weights


@pytest.mark.parametrize("sizes", [(0, 8, 8), (8, 0, 8), (8, 8, 0)])
def test_nothing_takes_no_time(sizes: tuple[float, float, float]) -> None:
    assert gemm(*sizes) == 0.0


def test_a_tiny_product_still_costs_a_launch() -> None:
    assert 2e-6 < gemm(1, 64, 64) < 5e-6


@pytest.mark.parametrize(
    ("n", "k", "factor"), [(4096, 4096, 1.0), (4097, 4096, 1.3), (4096, 1000, 1.3), (500, 30, 1.0)]
)
def test_misaligned_dimensions_waste_tiles(n: float, k: float, factor: float) -> None:
    found = misalignment(n=np.array([n]), k=np.array([k]))
    assert found[0] == factor
    assert UNALIGNED_PENALTY == 1.3


def test_output_bytes_count() -> None:
    assert gemm(8192, 8192, 64, output_bytes=8.0) > 2.0 * gemm(8192, 8192, 64, output_bytes=2.0)


def linear(m: float, n: float, k: float, gradient_bytes: float = 4.0) -> tuple[float, float]:
    forward, backward = linear_s(
        m=np.array([m]), n=np.array([n]), k=np.array([k]), gemm_class=BF16,
        rate_flop_per_s=np.array([RATE]), memory_bytes_per_s=np.array([BANDWIDTH]),
        gradient_bytes=gradient_bytes,
    )  # fmt: skip
    return float(forward[0]), float(backward[0])


def test_backward_is_two_products_with_transposed_shapes() -> None:
    forward, backward = linear(8192.0, 16384.0, 4096.0)
    assert forward == gemm(8192, 16384, 4096)
    weight = gemm(16384, 4096, 8192, output_bytes=8.0)
    assert backward == pytest.approx(gemm(8192, 4096, 16384) + weight, rel=1e-12)


def test_gradients_of_four_bytes_move_more_than_those_of_two() -> None:
    assert linear(64.0, 8192.0, 8192.0, 4.0)[1] > linear(64.0, 8192.0, 8192.0, 2.0)[1]


def test_no_tokens_leave_no_gradient() -> None:
    assert linear(0.0, 8192.0, 8192.0) == (0.0, 0.0)


@pytest.mark.parametrize("seq_len", [64, 256, 4096])
def test_causal_pairs_count_tiles_of_64_keys(seq_len: int) -> None:
    pairs = sum(64 * (query // 64 + 1) for query in range(seq_len))
    full = causal_pairs(seq_len=np.array([float(seq_len)]), window=np.array([np.inf]))
    assert full[0] == pairs


def test_a_window_caps_the_keys() -> None:
    def pairs(window: float) -> float:
        return float(causal_pairs(seq_len=np.array([4096.0]), window=np.array([window]))[0])

    assert pairs(4096) == pairs(1e9) == pairs(np.inf)
    assert pairs(128) < pairs(1024) < pairs(4096)
    exact = sum(min(query + 1, 128) for query in range(4096))
    assert exact < pairs(128) < 4096 * (128 + 64)


def flash(**values: float) -> float:
    given = {
        "batch": 1.0,
        "heads": 32.0,
        "kv_heads": 8.0,
        "qk_dim": 128.0,
        "v_dim": 128.0,
        "query_len": 8192.0,
    }
    given |= {
        "pairs": 8192.0 * 8256.0 / 2.0,
        "rate_flop_per_s": RATE,
        "memory_bytes_per_s": BANDWIDTH,
    } | values
    return float(flash_attention_s(**{k: np.array([v]) for k, v in given.items()})[0])


def test_the_attention_core_costs_its_pairs() -> None:
    compute = 2.0 * 32 * 256 * 8192 * 8256 / 2 / RATE
    assert compute < flash() < 1.1 * compute
    assert flash(heads=64.0) == pytest.approx(2.0 * flash(), rel=0.05)


def test_one_query_reads_its_keys_and_values() -> None:
    """Decoding: the traffic of the keys and values of one query, not its FLOP, sets the time."""
    time = flash(query_len=1.0, pairs=1.0)
    assert 10e-6 < time < 12e-6


def test_unfused_attention_moves_the_scores() -> None:
    def unfused(head_dim: float) -> tuple[float, float]:
        forward, backward = unfused_attention_s(
            batch=np.array([1.0]), heads=np.array([96.0]), head_dim=np.array([head_dim]),
            seq_len=np.array([2048.0]), rate_flop_per_s=np.array([RATE]),
            memory_bytes_per_s=np.array([BANDWIDTH]),
        )  # fmt: skip
        return float(forward[0]), float(backward[0])

    scores = 96 * 2048**2
    forward, backward = unfused(128.0)
    assert forward > 9 * scores / BANDWIDTH
    assert backward > 13 * scores / BANDWIDTH
    assert forward < backward < 3.0 * forward
    assert unfused(156.0)[0] > unfused(160.0)[0], "head sizes that are no multiple of 8 lose the tensor cores"


def test_streams_cost_launches_and_bytes() -> None:
    def stream(moved: float, kernels: float) -> float:
        return float(
            stream_s(
                moved_bytes=np.array([moved]), memory_bytes_per_s=np.array([BANDWIDTH]), kernels=kernels
            )[0]
        )

    assert stream(0.0, 3.0) == 3.0 * KERNEL_FLOOR_S
    assert stream(3e12, 1.0) == pytest.approx(1.0 / STREAM_SHARE + KERNEL_FLOOR_S)


def test_any_true_is_a_python_bool() -> None:
    assert any_true(np.array([False, True])) is True
    assert any_true(np.zeros(0, dtype=bool)) is False
