"""Model FLOPs per token, against figures that were published or follow from published shapes."""

import pytest

from planner.catalog.load import Catalog
from planner.workload.counts import parameters
from planner.workload.flops import attention_flops, double_pairs, flops
from planner.workload.kinds import MODEL

CATALOG = Catalog()


def training_per_token(name: str, seq_len: int, convention: str = "causal") -> float:
    architecture = CATALOG.get(MODEL, name).architecture
    return flops(architecture, seq_len=seq_len, convention=convention).training_per_token  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "seq_len", "gigaflop", "tolerance"),
    [
        ("deepseek-v3", 4096, 250.0, 0.01),  # FL-v3: arXiv:2505.09343, table 2
        ("llama-3.1-405b", 4096, 2448.0, 0.02),  # FL-l405: the same
        ("llama-3.1-405b", 8192, 2524.0, 1e-3),  # FL-l405-8k: derived
        ("llama-3-70b", 8192, 449.22, 1e-4),  # FL-l70: derived
        ("llama-3-8b", 8192, 51.470, 1e-4),  # FL-l8: derived
        ("kimi-k2", 4096, 205.47, 1e-3),  # FL-k2: shape of arXiv:2507.20534, recalled
    ],
)
def test_training_flop_per_token(name: str, seq_len: int, gigaflop: float, tolerance: float) -> None:
    assert training_per_token(name, seq_len) == pytest.approx(gigaflop * 1e9, rel=tolerance)


@pytest.mark.parametrize(
    ("name", "parameters_used", "tolerance"),
    [
        ("deepseek-v3", 36.6246e9, 1e-4),  # FL-v3-act
        ("llama-3.1-405b", 403.748e9, 1e-5),  # FL-l405-mm
        ("llama-3-70b", 69.5017e9, 1e-4),  # FL-l70
        ("llama-3-8b", 7.50466e9, 1e-4),  # FL-l8
        ("kimi-k2", 31.686e9, 1e-3),  # FL-k2
    ],
)
def test_parameters_that_multiply(name: str, parameters_used: float, tolerance: float) -> None:
    parts = parameters(CATALOG.get(MODEL, name).architecture)
    multiplied = parts.active - parts.embedding - parts.norms - parts.biases
    assert multiplied == pytest.approx(parameters_used, rel=tolerance)


def test_compute_of_kimi_k2() -> None:
    """FL-k2: 15.5T tokens are 3.18e24 FLOP."""
    assert training_per_token("kimi-k2", 4096) * 15.5e12 == pytest.approx(3.1847e24, rel=1e-3)


def test_doubling_the_heads_of_kimi_k2() -> None:
    """FL-k2-heads: 83 % more to write the token at 128k (arXiv:2507.20534, 2.3), all of it in the scores."""
    a = CATALOG.get(MODEL, "kimi-k2").architecture
    all_of_it = flops(a, seq_len=131_072, convention="full")
    assert (all_of_it.forward + all_of_it.attention) / all_of_it.forward - 1 == pytest.approx(0.83, abs=0.02)
    assert a.attention is not None
    twice = a.attention.model_copy(update={"heads": 2 * a.attention.heads})
    one, two = (
        attention_flops(attention, seq_len=131_072, window=None, convention="causal")
        for attention in (a.attention, twice)
    )
    assert two == 2 * one


def test_utilisation_of_palm() -> None:
    """FL-palm: 238,300 tokens/s on 6,144 TPU v4, all pairs counted, are 46.2 % (arXiv:2204.02311, app. B)."""
    rate = 238.3e3 * training_per_token("palm-540b", 2048, "full")
    assert rate / (6144 * 275e12) == pytest.approx(0.462, abs=2e-3)


@pytest.mark.parametrize(
    ("gpus", "step_s", "published"),
    [(2240, 60.1, 126), (2800, 50.2, 121), (3360, 44.4, 113)],  # FL-mtnlg-*: arXiv:2201.11990, 2.4
)
def test_rate_of_mt_nlg(gpus: int, step_s: float, published: float) -> None:
    """Hardware FLOPs, recomputation counted: 4/3 of those of the model, the logits aside."""
    a = CATALOG.get(MODEL, "mt-nlg-530b").architecture
    counted = flops(a, seq_len=2048, convention="full")
    logits = 3 * counted.logits
    sequence = (counted.training - logits) * 4 / 3 + logits
    assert 1920 * sequence / step_s / gpus == pytest.approx(published * 1e12, rel=0.01)


def test_compute_of_gpt3() -> None:
    """FL-gpt3: 3.14e23 FLOP for 300e9 tokens (arXiv:2005.14165, table D.1), 6 a parameter."""
    assert 6 * parameters(CATALOG.get(MODEL, "gpt3-175b").architecture).total * 300e9 == pytest.approx(
        3.14e23, rel=5e-3
    )


@pytest.mark.parametrize(("window", "seq_len", "mean"), [(4096, 131_072, 4032.016), (1024, 8192, 960.0625)])
def test_mean_context_of_a_sliding_window(window: int, seq_len: int, mean: float) -> None:
    """FL-swa: W - W (W - 1) / (2 T), as in Megatron-Bridge; ours halves the diagonal: half a token less."""
    pairs = double_pairs(seq_len=seq_len, window=window, chunked=False, convention="causal") / 2
    assert pairs / seq_len == pytest.approx(mean, abs=0.51)
