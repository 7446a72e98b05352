"""Step times against papers that publish layout and time, and against published formulas.

The numbers are those of the papers, written down here; the layouts go through the policy that fills what a
paper leaves out (`planner.evidence.fill`), as any measurement does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.catalog import kinds
from planner.catalog.load import Catalog
from planner.evidence.cases import build_cases
from planner.evidence.predict import chosen, constants_by_class, predict
from planner.evidence.runs import parse_runs
from planner.tables import Strategy
from planner.workload.flops import flops
from planner.workload.kinds import MODEL

Tables = Callable[..., tuple[Any, Any, Any]]
Layout = Callable[..., Strategy]
Physics = Callable[..., Any]

CATALOG = Catalog()
HEADER = (
    "id,software,model,accelerator,n_gpus,gpus_per_node,scale_out_gbps_per_gpu,precision,seq_len,global_batch_seqs,"
    "micro_batch,tp,pp,vpp,cp,ep,sharding,recompute,sequence_parallel,step_time_s"
)


def predicted_s(*rows: str) -> dict[str, float]:
    """Step time of each row under the shipped constants."""
    cases = build_cases(parse_runs("\n".join([HEADER, *rows, ""])), CATALOG)
    assert cases.skipped == {}
    prediction = predict(cases, constants_by_class(CATALOG.get(kinds.CALIBRATION, "training")))
    index = chosen(cases, prediction)
    return {cases.runs[cases.run[i]].id: float(prediction.step.step_s[i]) for i in index}


# V. Korthikanti et al., arXiv:2205.05198, table 5: seconds per iteration with full recompute, and with
# sequence parallelism and selective recompute; table 3 has the layouts. A100 80 GB, tensor parallelism of 8.
KORTHIKANTI = {
    # model: accelerators, batch, micro-batch, pipeline, chunks, seconds (full), seconds (selective)
    "megatron-22b": (8, 4, 4, 1, 1, 1.42, 1.10),
    "gpt3-175b": (64, 64, 1, 8, 3, 18.13, 13.75),
    "mt-nlg-530b": (280, 280, 1, 35, 3, 49.05, 37.83),
    "megatron-1t": (512, 512, 1, 64, 1, 94.42, 71.49),
}


def test_reducing_activation_recomputation_table_5() -> None:
    rows, measured = [], {}
    for model, (gpus, batch, micro, pp, vpp, full, selective) in KORTHIKANTI.items():
        for recompute, split, seconds in (("full", "n", full), ("selective", "y", selective)):
            name = f"{model} {recompute}"
            measured[name] = seconds
            rows.append(
                f"{name},megatron-lm-2022,{model},a100-sxm-80gb,{gpus},8,200,fp16,2048,{batch},{micro},8,{pp},"
                f"{vpp},1,,none,{recompute},{split},{seconds}"
            )
    error = {name: seconds / measured[name] - 1.0 for name, seconds in predicted_s(*rows).items()}
    assert max(map(abs, error.values())) <= 0.20, error
    assert np.mean(np.abs(list(error.values()))) <= 0.09, error


def test_selective_recompute_saves_as_much_as_published() -> None:
    """Table 5: 29.0 to 32.1 % more throughput."""
    for model, (gpus, batch, micro, pp, vpp, full, selective) in KORTHIKANTI.items():
        part = f"megatron-lm-2022,{model},a100-sxm-80gb,{gpus},8,200"
        head = f"{part},fp16,2048,{batch},{micro},8,{pp},{vpp},1,,none"
        found = predicted_s(f"full,{head},full,n,1", f"selective,{head},selective,y,1")
        assert found["full"] / found["selective"] == pytest.approx(full / selective, abs=0.12), model


# Llama Team, arXiv:2407.21783, table 4: H100, tensor parallelism 8, pipeline 16, 16M tokens a step.
LLAMA = {8192: (64, 430e12), 16384: (128, 400e12)}  # accelerators: replicas, FLOP/s of each accelerator


@pytest.mark.parametrize("accelerators", LLAMA)
def test_llama_3_table_4(accelerators: int) -> None:
    """The fastest layout that fits, with the micro-batches in flight limited where the stack can."""
    replicas, rate = LLAMA[accelerators]
    batch, seq_len = 2048, 8192
    assert accelerators == 8 * 16 * replicas
    work = flops(CATALOG.get(MODEL, "llama-3.1-405b").architecture, seq_len=seq_len).training * batch
    seconds = work / (accelerators * rate)
    row = (
        f"a,meta-internal-2024,llama-3.1-405b,h100-sxm,{accelerators},8,400,bf16,{seq_len},{batch},,8,16,,1,,zero2,"
        f"none,,{seconds}"
    )
    assert predicted_s(row)["a"] / seconds == pytest.approx(1.0, abs=0.10)


def test_deepseek_v3_needs_2_788_million_hours() -> None:
    """arXiv:2412.19437, table 1: 2.664M H800 hours for 14.8T tokens, 2.788M with the later stages."""
    tokens, batch, seq_len, accelerators = 14.8e12, 15360, 4096, 2048
    row = (
        f"a,hai-llm,deepseek-v3,h800-sxm,{accelerators},8,400,fp8-blockwise,{seq_len},{batch},,1,16,,1,64,zero1,"
        "selective,,1"
    )
    steps = tokens / (batch * seq_len)
    hours = predicted_s(row)["a"] * steps * accelerators / 3600.0
    assert hours / 2.664e6 == pytest.approx(1.0, abs=0.15)
    assert hours / 2.788e6 == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("pp", "vpp", "count"), [(4, 1, 16), (8, 1, 8), (8, 2, 64), (16, 3, 64), (8, 4, 16)])
def test_megatron_bubble(
    tables: Tables, layout: Layout, physics: Physics, pp: int, vpp: int, count: int
) -> None:
    """D. Narayanan et al., arXiv:2104.04473, section 2.2: idle over ideal time is ``(p-1)/(v m)``."""
    hardware, model, software = tables("gpt3-175b")
    even = model.with_values(layers=96.0 * 8, vocab=8.0, embedding_parameters=0.0)  # the ends weigh nothing
    step = physics(
        hardware, even, software, layout(pp=float(pp), vpp=float(vpp), global_batch=float(count))
    ).step
    assert step.bubble_s[0] / step.busy_s[0] == pytest.approx((pp - 1) / (vpp * count), rel=0.02)
