"""What the free text of a serving measurement says: formats, speculation, lengths, notes on the deployment.

Text that nothing here knows is no mistake: it gives None or ``unstated``, so that files with notes of their
own are read as well.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = [
    "Notes",
    "PoolNote",
    "Speculation",
    "kv_format",
    "length_spread",
    "parse_notes",
    "speculation",
    "statistic",
    "weight_format",
]

WEIGHT_FORMATS: Final = {
    "bf16": "bf16", "bfloat16": "bf16", "fp16": "fp16", "float16": "fp16", "half": "fp16",
    "fp8": "fp8", "w8a8": "fp8", "e4m3": "fp8", "mxfp8": "mxfp8", "int8": "int8",
    "nvfp4": "nvfp4", "fp4": "nvfp4", "mxfp4": "mxfp4",
    "int4": "int4", "awq": "int4", "gptq": "int4", "w4a16": "int4",
    "fp8-block": "fp8-block", "fp8-dynamic": "fp8-dynamic", "fp8-block-mxfp4": "fp8-block-mxfp4",
}  # fmt: skip
"""The whole ``weight_precision``, or its first word, to the format of the weights."""

_KV_FORMATS: Final = {"fp8": "fp8", "e4m3": "fp8", "bf16": "fp16", "fp16": "fp16", "bfloat16": "fp16"}
_WORD: Final = re.compile(r"[a-z0-9]+")
_EXPERTS_ONLY: Final = re.compile(r"[-(].*\bmoe\b")


def weight_format(text: str) -> str | None:
    """Return the format of the weights; None where it is unknown.

    ``nvfp4-moe`` and ``int4-moe`` are checkpoints whose experts alone, or with the dense MLP or the output
    projection, are in 4 bits, and whose attention is in 16. Group sizes and quantisation methods are dropped.

    >>> weight_format("nvfp4 (MoE and dense FFN; attention bf16)"), weight_format("int4-g32")
    ('nvfp4-moe', 'int4')
    """
    low = text.lower()
    word = _WORD.search(low)
    found = WEIGHT_FORMATS.get(low) or (WEIGHT_FORMATS.get(word[0]) if word else None)
    return f"{found}-moe" if found in {"nvfp4", "int4"} and _EXPERTS_ONLY.search(low) else found


def kv_format(text: str) -> str | None:
    """Return ``fp8`` or ``fp16`` (any 16-bit format); None where it is unknown or left to the checkpoint."""
    word = _WORD.search(text.lower())
    return _KV_FORMATS.get(word[0]) if word else None


class Speculation(NamedTuple):
    """Speculative decoding: the method, drafted tokens per step, and tokens gained per step.

    ``accepted`` is the mean with the token that the target model adds itself, hence from 1 to drafts + 1.
    """

    method: str | None
    tokens: int | None
    accepted: float | None


_SPECULATION: Final = re.compile(
    r"(?P<method>[a-z][a-z0-9_-]*)(?:[^\d(]*\(?\s*(?P<tokens>\d{1,9})\s*(?:drafts?)?(?P<rest>[^)]*))?"
)
_DECIMAL: Final = re.compile(r"\d+\.\d+")


def speculation(text: str) -> Speculation:
    """Return what ``spec_decode`` says.

    >>> speculation("mtp (2 drafts, 2.58)")
    Speculation(method='mtp', tokens=2, accepted=2.58)
    """
    found = _SPECULATION.match(text.lower())
    if found is None or found["method"] in {"none", "no", "off"}:
        return Speculation(None, None, None)
    tokens = int(found["tokens"]) if found["tokens"] else None
    gained = _DECIMAL.search(found["rest"] or "")
    return Speculation(found["method"], tokens, float(gained[0]) if gained else None)


_UNIFORM: Final = re.compile(r"uniform\w*\s*(?:in\s*)?[\[(]([\d.]+)\s*[,-]\s*([\d.]+)[\])]")
_FIXED: Final = re.compile(r"\bfixed\b|token prompt")


def length_spread(text: str) -> str:
    """Return ``fixed``, ``uniform(0.8-1.0)``, ``sharegpt`` or ``unstated``: how lengths vary about the mean.

    The range of a uniform law is relative to the nominal length, of which the mean is the middle.
    """
    low = text.lower()
    uniform = _UNIFORM.search(low)
    if uniform is not None:
        return f"uniform({uniform[1]}-{uniform[2]})"
    if "sharegpt" in low:
        return "sharegpt"
    return "fixed" if _FIXED.search(low) else "unstated"


def statistic(text: str) -> str:
    """Return ``mean``, ``median`` or ``unstated``: what the published latency is over requests."""
    low = text.lower()
    if "not stated" in low:
        return "unstated"
    return next((name for name in ("median", "mean") if name in low), "unstated")


class PoolNote(NamedTuple):
    """Workers of a pool as the notes give them; the batch is per attention rank."""

    workers: int
    tp: int
    pp: int
    dp: int
    ep: int
    max_batch: int | None


class Notes(NamedTuple):
    """What the notes of a row say in words that several sources share; None where they do not."""

    prefill: PoolNote | None = None
    decode: PoolNote | None = None
    pools: tuple[int, int] | None = None
    """Prefill and decode workers, of the layout that the row's columns give."""
    worker_tp: int | None = None
    """Tensor-parallel degree that the notes give to every worker."""
    max_batch: int | None = None
    """Sequences per attention rank that the engine was limited to."""
    chunk_tokens: int | None = None
    """Tokens of a step that the engine was limited to, per attention rank."""
    requests: int | None = None
    requests_per_slot: int | None = None
    span_s: float | None = None
    """From the first request to the last answer."""
    e2e_ms: float | None = None
    kv_transfer_ms: float | None = None
    derived_throughput: bool = False
    """Tokens per second computed from times of the source rather than published."""


_N: Final = r"(\d{1,9})"
_REAL: Final = r"(\d{1,9}(?:\.\d{1,9})?)"
_SIZES: Final = rf"TP{_N}(?: PP{_N})?(?: DP{_N})?(?: EP{_N})?(?: \(batch {_N}\))?"
_POOL: Final = {
    pool: re.compile(rf"{pool} {_N} worker\(s\) x {_SIZES}", re.IGNORECASE) for pool in ("prefill", "decode")
}
_PAIR: Final = re.compile(rf"\b{_N}P{_N}D\b")
_EACH: Final = re.compile(rf"each worker TP{_N}")
_BATCH: Final = re.compile(
    rf"max batch column of the source {_N} per rank|max_batch {_N} per rank|max_num_seqs[ =]{_N}"
    rf"|batch per GPU not in the text read \({_N} recalled\)"
)
_CHUNK: Final = re.compile(rf"max[-_]num[-_](?:batched[-_])?tokens[ =]{_N}")
_REQUESTS: Final = re.compile(
    rf"^{_N} requests in|^{_N} prompts|, {_N} prompts sent|/{_N} requests completed|; {_N} \S+ requests "
)
_PER_SLOT: Final = re.compile(rf"{_N} requests per concurrency slot")
_SPAN: Final = re.compile(rf"^\d+ requests in {_REAL} s\b")
_END_TO_END: Final = re.compile(r"(?:end-to-end|latency) (\d[\d,]{0,12}(?:\.\d{1,9})?) (ms|s)\b")
_TRANSFER: Final = re.compile(rf"KV transfer {_REAL} ms")
_DERIVED: Final = re.compile(r"tokens/s[^;]*\bcomputed\b|throughput computed")


def parse_notes(text: str) -> Notes:
    """Return what the notes of a row say."""
    pair = _PAIR.search(text)
    requests = _count(_REQUESTS, text)
    return Notes(
        prefill=_pool("prefill", text),
        decode=_pool("decode", text),
        pools=(int(pair[1]), int(pair[2])) if pair else None,
        worker_tp=_count(_EACH, text),
        max_batch=_count(_BATCH, text),
        chunk_tokens=_count(_CHUNK, text),
        requests=requests,
        requests_per_slot=_count(_PER_SLOT, text),
        span_s=_figure(_SPAN, text),
        e2e_ms=_end_to_end_ms(text),
        kv_transfer_ms=_figure(_TRANSFER, text),
        derived_throughput=_DERIVED.search(text) is not None,
    )


def _pool(name: str, text: str) -> PoolNote | None:
    found = _POOL[name].search(text)
    if found is None:
        return None
    count, tp, pp, dp, ep, batch = found.groups()
    return PoolNote(
        int(count), int(tp), int(pp or 1), int(dp or 1), int(ep or 1), int(batch) if batch else None
    )


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(next(group for group in found.groups() if group)) if found else None


def _figure(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return float(found[1]) if found else None


def _end_to_end_ms(text: str) -> float | None:
    found = _END_TO_END.search(text)
    if found is None:
        return None
    return float(found[1].replace(",", "")) * (1.0 if found[2] == "ms" else 1e3)
