"""What users ask, against what was published: the rows on demand that `tests/catalog` does not hold yet."""

import pytest

from planner.catalog.load import Catalog
from planner.workload.cache import kv_bytes_per_token
from planner.workload.kinds import MODEL, TRAFFIC

CATALOG = Catalog()


@pytest.mark.parametrize(
    ("name", "quantiles_in", "quantiles_out", "minute"),
    [
        # SV-az-code, SV-az-conv: Azure/AzurePublicDataset, AzureLLMInferenceTrace_*.csv of 2023, computed.
        (
            "azure-2023-code",
            {"p50": 1469, "p90": 5186, "p99": 7436},
            {"p50": 13, "p90": 55, "p99": 249},
            4.10,
        ),
        (
            "azure-2023-conversation",
            {"p50": 1020, "p90": 2734, "p99": 4142},
            {"p50": 129, "p90": 424, "p99": 601},
            1.53,
        ),
        # SV-mo-conv: kvcache-ai/Mooncake, FAST25-release/traces, computed.
        ("mooncake-conversation", {"p50": 6909}, {"p50": 350}, None),
    ],
)
def test_quantiles_and_peaks_of_traces(
    name: str, quantiles_in: dict[str, float], quantiles_out: dict[str, float], minute: float | None
) -> None:
    """Quantiles within 1 %: between two ranks the reading of a quantile differs."""
    profile = CATALOG.get(TRAFFIC, name)
    for lengths, published in ((profile.input, quantiles_in), (profile.output, quantiles_out)):
        for level, tokens in published.items():
            assert lengths.quantiles[level].value == pytest.approx(tokens, rel=0.01), level
    if minute is not None:
        assert profile.peak.minute.value == pytest.approx(minute, rel=0.02)


def test_an_agent_reads_294_tokens_for_each_it_writes() -> None:
    """SV-tl-step: 54.9e9 input over 186.9e6 output tokens (TraceLab, arXiv:2606.30560)."""
    agent = CATALOG.get(TRAFFIC, "coding-agent")
    assert agent.isl / agent.osl == pytest.approx(293.7, rel=0.01)


def test_sequences_of_a_day_by_littles_law() -> None:
    """SV-little and SV-kv: DeepSeek's day, 168e9 tokens at 21 tokens/s a user, 4,989 tokens of cache each."""
    concurrent = 168e9 / 86_400 * (1 / 21)
    decode_gpus = 168e9 / 86_400 / 14.8e3 * 8
    each = concurrent / decode_gpus
    assert concurrent == pytest.approx(92_593, rel=1e-3)
    assert each == pytest.approx(88.1, rel=1e-3)
    kept = kv_bytes_per_token(CATALOG.get(MODEL, "deepseek-v3").architecture)
    assert each * 4_989 * kept == pytest.approx(30.89e9, rel=0.01)
