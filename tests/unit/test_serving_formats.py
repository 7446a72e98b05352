"""Weight formats and speculative decoding: sizes, fallbacks, and the published tables."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pydantic import ValidationError

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.workload.formats import GROUPS, needed_peak, peaks, weight_format
from planner.workload.kinds import FORMAT, MODEL, SPECULATION
from planner.workload.speculation import Speculation

CATALOG = Catalog()
CITE = {"source": "arxiv-2211.17192", "at": "test", "kind": "recalled"}

# bits per weight from the definition of each format: element bits and scale bits over the block.
BITS = {
    "bf16": 16, "fp16": 16, "fp8": 8, "fp8-dynamic": 8, "fp8-block": 8, "int8": 8,
    "int4": 4 + 16 / 32, "nvfp4": 4 + 8 / 16, "mxfp4": 4 + 8 / 32,
}  # fmt: skip


@pytest.mark.parametrize(("name", "bits"), BITS.items())
def test_bytes_per_weight_follow_from_the_definition(name: str, bits: float) -> None:
    assert CATALOG.get(FORMAT, name).experts.weight.value == bits / 8


@pytest.mark.parametrize(
    ("name", "quantised"),
    [
        ("nvfp4", {"attention", "mlp", "experts"}),
        ("nvfp4-moe", {"mlp", "experts"}),
        ("mxfp4", {"experts"}),
        ("int4-moe", {"experts"}),
        ("fp8-block", {"attention", "mlp", "experts"}),
        ("bf16", set()),
    ],
)
def test_the_groups_that_are_quantised(name: str, quantised: set[str]) -> None:
    found = CATALOG.get(FORMAT, name)
    assert {group for group in GROUPS if getattr(found, group).weight.value < 2} == quantised


@pytest.mark.parametrize(
    ("name", "native"),
    [("bf16", "bf16"), ("int8", "bf16"), ("int4", "bf16"), ("fp8", "fp8"), ("fp8-block", "fp8"),
     ("nvfp4-moe", "fp4"), ("mxfp4", "fp4"), ("fp8-block-mxfp4", "fp4")],
)  # fmt: skip
def test_the_arithmetic_a_format_needs(name: str, native: str) -> None:
    assert CATALOG.get(FORMAT, name).native == native


@pytest.mark.parametrize(
    ("accelerator", "found"),
    [
        ("a100-sxm-80gb", {"bf16"}),
        ("h100-sxm", {"bf16", "fp8"}),
        ("mi300x", {"bf16", "fp8"}),
        ("b200", {"bf16", "fp8", "fp4"}),
    ],
)
def test_the_arithmetic_of_parts(accelerator: str, found: set[str]) -> None:
    assert peaks(CATALOG.get(ACCELERATOR, accelerator).flops) == found


def test_a_part_without_the_arithmetic_keeps_the_small_weights() -> None:
    asked = CATALOG.get(FORMAT, "fp8-block-mxfp4")
    hopper = asked.on({"bf16", "fp8"})
    assert (hopper.attention, hopper.mlp) == (asked.attention, asked.mlp)
    assert (hopper.experts.operator, hopper.experts.weight) == ("bf16", asked.experts.weight)
    assert hopper.native == "fp8"
    ampere = asked.on({"bf16"})
    assert {getattr(ampere, group).operator for group in GROUPS} == {"bf16"}
    assert asked.on({"bf16", "fp8", "fp4"}) == asked
    assert needed_peak(asked.experts.operator) == "fp4"


@pytest.mark.parametrize(
    ("model", "precision", "found"),
    [
        ("llama-3-70b", "fp8", "fp8"),
        ("deepseek-v3", "fp8", "fp8-block"),
        ("qwen3-32b", "fp8", "fp8-block"),
        ("minimax-m2.5", "FP8", "fp8-block"),
        ("deepseek-r1", "nvfp4", "nvfp4-moe"),
        ("deepseek-r1", "fp4", "nvfp4-moe"),
        ("llama-3-70b", "fp4", "nvfp4"),
        ("gpt-oss-120b", "fp4", "mxfp4"),
        ("kimi-k2.5", "int4", "int4-moe"),
        ("llama-2-7b", "int4-g32", "int4"),
        ("llama-2-7b", "awq", "int4"),
        ("deepseek-v3", "nvfp4 (MoE, o_proj)", "nvfp4-moe"),
        ("llama-3-70b", None, "bf16"),
        ("deepseek-v3", None, "fp8-block"),
        ("gpt-oss-20b", None, "mxfp4"),
    ],
)
def test_what_a_precision_means_for_a_model(model: str, precision: str | None, found: str) -> None:
    assert weight_format(CATALOG, CATALOG.get(MODEL, model), precision).id == found


def test_an_unknown_precision_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown format 'nvpf4'\. Did you mean 'nvfp4'"):
        weight_format(CATALOG, CATALOG.get(MODEL, "llama-3-8b"), "nvpf4")


def test_the_formats_of_models_are_asked_for_by_id() -> None:
    """An alias as a key would never be found."""
    ids = set(CATALOG.ids(FORMAT))
    wrong = {m.id: m.formats for m in CATALOG.all(MODEL) if not ids >= {*m.formats, *m.formats.values()}}
    assert wrong == {}


def test_mtp_has_the_published_table() -> None:
    mtp = CATALOG.get(SPECULATION, "mtp")
    published = [1, 1.92, 2.58, 2.82, 2.99, 3.01]
    assert [mtp.tokens_per_step(drafts).value for drafts in range(6)] == published
    assert mtp.tokens_per_step(0) == (1, 1, 1)


@pytest.mark.parametrize("name", CATALOG.ids(SPECULATION))
def test_tokens_per_step_grow_ever_slower_within_their_range(name: str) -> None:
    way = CATALOG.get(SPECULATION, name)
    found = [way.tokens_per_step(drafts) for drafts in range(way.most_drafts + 1)]
    for tokens in found:
        assert tokens.low <= tokens.value <= tokens.high
    gains = [after.value - before.value for before, after in itertools.pairwise(found)]
    assert all(0 < gain <= 1 for gain in gains)
    if way.acceptance is not None:
        assert gains == sorted(gains, reverse=True)


@pytest.mark.parametrize("drafts", [1, 2, 4])
def test_a_rate_gives_the_closed_form(drafts: int) -> None:
    """1 + a (1 - a^g) / (1 - a) with a = 0.6, which is independent of the sum in the code."""
    found = CATALOG.get(SPECULATION, "eagle3").tokens_per_step(drafts).value
    assert found == pytest.approx(1 + 0.6 * (1 - 0.6**drafts) / 0.4, rel=1e-12)


@pytest.mark.parametrize("drafts", [-1, 6])
def test_drafts_out_of_range_are_refused(drafts: int) -> None:
    with pytest.raises(InputError, match=f"{drafts} draft tokens with .*; give 0 to 5"):
        CATALOG.get(SPECULATION, "mtp").tokens_per_step(drafts)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"acceptance": None}, "give either accepted"),
        ({"accepted": [1.0, 1.5, 2.0]}, "give either accepted"),
        ({"acceptance": None, "accepted": [1.0, 1.5]}, "accepted has 2 entries; it needs one for each of"),
        ({"acceptance": None, "accepted": [1.0, 2.5, 3.0]}, "accepted.1 must lie within 1 and 2"),
        ({"drafts": 3}, r"drafts \(3\) is more than most_drafts \(2\); lower it"),
        ({"draft": {"cost": "model"}}, "share belongs to cost: model"),
        ({"draft": {"cost": "none", "share": "5 %"}}, "share belongs to cost: model"),
    ],
)
def test_what_a_way_of_speculation_refuses(changes: dict[str, Any], said: str) -> None:
    given: dict[str, Any] = {
        "id": "mine", "name": "Mine", "cite": CITE, "method": "eagle", "drafts": 1, "most_drafts": 2,
        "acceptance": "60 %", "draft": {"cost": "module"},
    } | changes  # fmt: skip
    with pytest.raises(ValidationError, match=said):
        Speculation.model_validate({key: value for key, value in given.items() if value is not None})
