"""One published serving measurement, typed: its columns, and what follows from its text and its source."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ServingRun", "Workers"]

MILLI = 1e-3


@dataclass(frozen=True)
class Workers:
    """Replicas of one layout: a deployment, or one pool of a disaggregated one."""

    count: int
    tp: int
    pp: int
    dp: int
    """Attention data-parallel ranks inside a replica."""
    ep: int
    """Expert-parallel ranks; where 1, experts are split by tensor parallelism over all of `stage`."""
    max_batch: int | None = None
    """Sequences per attention rank that the engine was limited to (prompts of a prefill worker)."""

    @property
    def stage(self) -> int:
        """Accelerators of one pipeline stage."""
        return self.tp * self.dp

    @property
    def gpus_each(self) -> int:
        """Accelerators of one replica."""
        return self.tp * self.pp * self.dp

    @property
    def gpus(self) -> int:
        """Accelerators of all replicas."""
        return self.count * self.gpus_each


@dataclass(frozen=True)
class ServingRun:
    """One measurement; ``None`` is unknown.

    Columns keep their names and units; model, client and parallel degrees are those of the machine where the
    file's are known to be others (`assumptions` says why). Lengths are means. The degrees describe `workers`:
    the replicas of a deployment, the decode workers of a disaggregated one, or a pool measured alone.
    """

    line: int
    id: str
    family: str
    """Rows of one family are not independent; the source, or ``user``, where the file gives none."""
    source: str
    url: str
    date: str
    confidence: str
    client: str
    """How requests came: closed, offline, static, single, burst, pool or rate."""
    engine: str
    engine_version: str
    model: str
    accelerator: str
    n_gpus: int | None
    weight_precision: str
    kv_precision: str
    tp: int | None
    pp: int | None
    ep: int | None
    dp_attention: int | None
    disaggregated: bool
    n_prefill_gpus: int | None
    n_decode_gpus: int | None
    isl: float | None
    osl: float | None
    prefix_hit_rate: float | None
    concurrency_or_max_batch: int | None
    spec_decode: str
    metric_kind: str
    output_tokens_per_s: float | None
    total_tokens_per_s: float | None
    output_tokens_per_s_per_gpu: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    request_rate: float | None
    length_note: str
    latency_stat: str
    balanced: bool
    """In the subset for error statistics; every row of a file that has no such column."""
    notes: str

    weight_format: str | None
    kv_format: str | None
    spec_method: str | None
    spec_tokens: int | None
    spec_accepted: float | None
    length_spread: str
    statistic: str
    """What the latencies are over requests: mean, median or unstated."""
    workers: Workers | None
    """None where the degrees do not multiply to the accelerators."""
    prefill: Workers | None
    """Prefill workers of a disaggregated deployment or a prefill pool; None where unknown or none."""
    decode: Workers | None
    """Likewise decode workers."""
    concurrency: int | None
    """Requests in the whole system at a time, or the batch of a static one."""
    batch_limit: int | None
    """Most sequences of a replica, where the row gives such a limit in place of a concurrency."""
    chunk_tokens: int | None
    """Tokens of a step and attention rank that the engine was limited to."""
    requests: int | None
    """Requests of the whole run."""
    span_s: float | None
    """From the first request to the last answer."""
    e2e_ms: float | None
    """From a request, or a static batch, to its last token."""
    kv_transfer_ms: float | None
    """Part of `ttft_ms` spent on handing keys and values over."""
    derived_throughput: bool
    """Tokens per second were computed from published times."""
    states: frozenset[str]
    """Words of `planner.evidence.serving_facts.STATES`."""
    doubts: tuple[str, ...]
    """Metrics that say nothing about the server."""
    assumptions: tuple[str, ...]
    """What was filled or corrected, each with its reason."""
    flagged: str = ""
    """Why the row contradicts itself, from ``serving_flagged.csv``."""
    repeats: str = ""
    """Id of an earlier row with the same figures."""

    @property
    def pool(self) -> str | None:
        """``prefill`` or ``decode`` where that pool was measured alone, else None."""
        return self.metric_kind.partition("-only")[0] if self.client == "pool" else None

    @property
    def max_batch_per_rank(self) -> int | None:
        """Sequences per attention rank of `workers` that the engine was limited to."""
        return self.workers.max_batch if self.workers else None

    @property
    def ttft_s(self) -> float | None:
        """Seconds to the first token."""
        return None if self.ttft_ms is None else self.ttft_ms * MILLI

    @property
    def tpot_s(self) -> float | None:
        """Seconds per output token after the first."""
        return None if self.tpot_ms is None else self.tpot_ms * MILLI

    @property
    def e2e_s(self) -> float | None:
        """Seconds to the last token."""
        return None if self.e2e_ms is None else self.e2e_ms * MILLI

    @property
    def kv_transfer_s(self) -> float | None:
        """Seconds of `kv_transfer_ms`."""
        return None if self.kv_transfer_ms is None else self.kv_transfer_ms * MILLI

    @property
    def output_rate(self) -> float | None:
        """Output tokens per second of the whole deployment."""
        if self.output_tokens_per_s is not None or self.output_tokens_per_s_per_gpu is None:
            return self.output_tokens_per_s
        return None if self.n_gpus is None else self.output_tokens_per_s_per_gpu * self.n_gpus
