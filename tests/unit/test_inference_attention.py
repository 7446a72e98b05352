"""Attention cores of a serving step against their laws written out a second time, in microseconds."""

from __future__ import annotations

from math import ceil, log2
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.inference.attention import (
    context_attention_s,
    context_mla_s,
    decode_attention_s,
    decode_mla_s,
)
from planner.tables import stack
from planner.tables.operators import Operators, operators_of, operators_table

CATALOG = Catalog()
PARTS = ["h100-sxm", "h20-sxm", "b300", "l40s", "mi300x"]


def table(name: str) -> Operators:
    part = CATALOG.get(ACCELERATOR, name)
    return operators_table(part, operators_of(CATALOG, part))


def parameters(name: str, family: str, bits: str) -> dict[str, float]:
    """Law of the record in microseconds and shares, and the datasheet per microsecond."""
    part = CATALOG.get(ACCELERATOR, name)
    laws = operators_of(CATALOG, part)
    law = getattr(getattr(laws, family), bits)
    known = {f: getattr(law, f) for f in type(law).model_fields if f != "cite"}
    values = {
        f: 0.0 if q is None else q.value * (1e6 if q.dimension == "s" else 1.0) for f, q in known.items()
    }
    assert part.flops.bf16 is not None
    values |= {"P16": part.flops.bf16.value / 1e6, "W": part.memory.bandwidth.value / 1e6}
    values |= {"P8": part.flops.fp8.value / 1e6 if part.flops.fp8 else 0.0, "SM": part.compute_units.value}
    values["density"] = 1.0
    if laws.reference is not None:
        reference = laws.reference.bf16.value / laws.reference.compute_units.value
        values["density"] = values["P16"] * 1e6 / values["SM"] / reference
    return values


def join(p: float, *limbs: float) -> float:
    return float(sum(x**p for x in limbs) ** (1 / p))


def us(function: Any, name: str, **sizes: float | bool) -> float:
    given = {
        key: np.array([value if isinstance(value, bool) else float(value)]) for key, value in sizes.items()
    }
    return float(function(operators=table(name), **given)[0] * 1e6)


def pairs(new: int, past: int, window: float) -> float:
    """Keys that each query sees, tiles of 64 counted whole on average, one query after another."""
    return sum(min(past + i + 0.5, window) + 32 for i in range(new))


@pytest.mark.parametrize("kv_bytes", [2, 1])
@pytest.mark.parametrize(("heads", "kv_heads"), [(8, 1), (64, 8), (160, 1), (4, 4)])
@pytest.mark.parametrize("name", PARTS)
def test_decode_over_a_cache(name: str, heads: int, kv_heads: int, kv_bytes: int) -> None:
    b, s, d = 48, 3000, 128
    v = parameters(name, "decode", "bits16" if kv_bytes == 2 else "bits8")
    memory = (2 * b * kv_heads * s * d * kv_bytes + 4 * b * heads * d) / (v["memory"] * v["W"])
    compute = 4 * b * kv_heads * max(heads / kv_heads, 16) * s * d / (v["compute"] * v["P16"])
    start = v["block"] * b * kv_heads * ceil(heads / kv_heads / 64) / v["SM"]
    expected = v["overhead"] + v["doubling"] * log2(1 + s / 256)
    expected += join(v["exponent"], memory, compute, start)
    sizes = {"batch": b, "heads": heads, "kv_heads": kv_heads, "head_dim": d, "context": s}
    assert us(decode_attention_s, name, **sizes, kv_bytes=kv_bytes) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("kv_bytes", [2, 1])
@pytest.mark.parametrize("heads", [4, 128])
@pytest.mark.parametrize("name", [*PARTS, "a100-sxm-80gb"])
def test_decode_over_a_latent_cache(name: str, heads: int, kv_bytes: int) -> None:
    b, s = 48, 3000
    eight = kv_bytes == 1 and name != "a100-sxm-80gb"
    v = parameters(name, "latent_decode", "bits8" if eight else "bits16")
    memory = (b * s * 576 * kv_bytes + 2 * b * heads * (576 + 512)) / (v["memory"] * v["W"])
    compute = 2 * b * max(heads, 16) * s * (576 + 512) / (v["compute"] * v["P8" if eight else "P16"])
    start = v["block"] * b * ceil(heads / 64) / v["SM"]
    expected = v["overhead"] + v["doubling"] * log2(1 + s / 256)
    expected += join(v["exponent"], memory, compute, start)
    sizes = {"batch": b, "heads": heads, "context": s, "kv_bytes": kv_bytes}
    assert us(decode_mla_s, name, **sizes) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("past", "window"), [(0, np.inf), (5000, np.inf), (5000, 1024), (300, 1024), (0, 128)]
)
@pytest.mark.parametrize("eight", [False, True])
@pytest.mark.parametrize("name", PARTS)
def test_a_prompt_attends(name: str, eight: bool, past: int, window: float) -> None:
    b, h, kv, d, new, kv_bytes = 2, 32, 4, 128, 700, 1 if eight else 2
    v = parameters(name, "context", "bits8" if eight else "bits16")
    peak, memory = v["P8" if eight else "P16"], v["memory"] * v["W"]
    flop = 4 * b * h * (d + v["softmax"] * v["density"]) * pairs(new, past, window)
    queries = 2 * 2 * h * d
    kept = 2 * kv * d
    traffic = (
        b * (new * (queries + 2 * kept + kv_bytes * kept) + min(past, window) * kept * kv_bytes) / memory
    )
    tile = v["tile"] * v["density"] * 512 * (min(past + new, window) + 128) * d * v["SM"] / peak
    expected = v["overhead"] + v["block"] * b * kv * ceil(new * (h / kv) / 128) / v["SM"]
    expected += join(v["exponent"], flop / (v["compute"] * peak), traffic, tile)
    sizes = {
        "batch": b,
        "heads": h,
        "kv_heads": kv,
        "head_dim": d,
        "new": new,
        "past": past,
        "window": window,
    }
    found = us(context_attention_s, name, **sizes, kv_bytes=kv_bytes, eight_bit=eight)
    assert found == pytest.approx(expected, rel=1e-3 if window < past + new else 1e-9)


@pytest.mark.parametrize("kv_bytes", [2, 1])
@pytest.mark.parametrize("past", [0, 5000])
@pytest.mark.parametrize("name", [*PARTS, "a100-sxm-80gb"])
def test_a_prompt_attends_to_latents(name: str, past: int, kv_bytes: int) -> None:
    b, h, new = 2, 16, 700
    eight = kv_bytes == 1 and name != "a100-sxm-80gb"
    v = parameters(name, "latent_context", "bits8" if eight else "bits16")
    peak = v["P8" if eight else "P16"]
    flop = 2 * b * h * 320 * pairs(new, past, np.inf)
    queries_and_outputs, keys_and_values = new * h * 320 * 2, (new + past) * h * 320 * 2
    latents = (new + past) * 576 * kv_bytes
    traffic = b * (queries_and_outputs + keys_and_values + latents) / (v["memory"] * v["W"])
    tile = v["tile"] * v["density"] * 512 * (past + new + 128) * 160 * v["SM"] / peak
    expected = v["overhead"] + v["block"] * b * h * ceil(new / 128) / v["SM"]
    expected += join(v["exponent"], flop / (v["compute"] * peak), traffic, tile)
    sizes = {"batch": b, "heads": h, "new": new, "past": past, "qk_dim": 192, "v_dim": 128}
    assert us(context_mla_s, name, **sizes, kv_bytes=kv_bytes) == pytest.approx(expected, rel=1e-9)


def test_chunks_of_a_prompt_attend_to_as_many_keys_as_the_whole() -> None:
    """Work per chunk adds up, so that splitting a prompt costs re-reading and overhead only."""
    v = parameters("h100-sxm", "context", "bits16")
    same = {"batch": 1, "heads": 64, "kv_heads": 8, "head_dim": 128, "window": np.inf, "kv_bytes": 2}
    whole = us(context_attention_s, "h100-sxm", **same, new=32768, past=0, eight_bit=False)
    chunks = [
        us(context_attention_s, "h100-sxm", **same, new=8192, past=8192 * i, eight_bit=False)
        for i in range(4)
    ]
    assert whole < sum(chunks) < 1.1 * whole + 4 * v["overhead"]


@pytest.mark.parametrize("zero", ["batch", "context"])
def test_nothing_to_decode_takes_no_time(zero: str) -> None:
    sizes = {"batch": 4, "heads": 8, "context": 100, "kv_bytes": 2} | {zero: 0}
    assert us(decode_mla_s, "b200", **sizes) == 0.0
    assert us(decode_attention_s, "b200", **sizes, kv_heads=8, head_dim=128) == 0.0


@pytest.mark.parametrize("zero", ["batch", "new"])
def test_no_prompt_takes_no_time(zero: str) -> None:
    sizes: dict[str, float] = {"batch": 1, "heads": 8, "new": 100, "past": 50, "kv_bytes": 2} | {zero: 0}
    assert us(context_mla_s, "b200", **sizes, qk_dim=192, v_dim=128) == 0.0
    more = {"kv_heads": 1, "head_dim": 128, "window": np.inf, "eight_bit": False}
    assert us(context_attention_s, "b200", **sizes, **more) == 0.0


def test_an_8_bit_kernel_needs_8_bit_units() -> None:
    sizes = {"batch": 1, "heads": 8, "kv_heads": 1, "head_dim": 128, "new": 100, "past": 0, "window": np.inf}
    assert np.isnan(us(context_attention_s, "a100-sxm-80gb", **sizes, kv_bytes=1, eight_bit=True))
    assert us(context_attention_s, "a100-sxm-80gb", **sizes, kv_bytes=1, eight_bit=False) > 0


def test_rows_of_both_bits_and_several_parts_give_what_each_gives_alone() -> None:
    names, kv_bytes = ["h100-sxm", "b200", "b200"], [1.0, 2.0, 1.0]
    sizes = {"batch": 16.0, "heads": 16.0, "context": 2000.0}
    alone = [us(decode_mla_s, n, **sizes, kv_bytes=b) for n, b in zip(names, kv_bytes, strict=True)]
    rows = {key: np.full(1, value) for key, value in sizes.items()}
    both = decode_mla_s(operators=stack([table(n) for n in names]), kv_bytes=np.array(kv_bytes), **rows)
    np.testing.assert_allclose(both * 1e6, alone, rtol=1e-12)
