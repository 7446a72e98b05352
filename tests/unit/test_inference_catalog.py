"""Every model of the catalog on three parts in every layout that divides it: all figures exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.catalog.kinds import ACCELERATOR
from planner.catalog.load import Catalog
from planner.model.inference.batching import steady
from planner.model.inference.disaggregated import decode_pool, prefill_pool, transfer_s
from planner.model.inference.memory import memory
from planner.model.inference.replica import Replica
from planner.tables import Model, stack
from planner.tables.engine import deployment_table
from planner.tables.operators import operators_of, operators_table
from planner.tables.serving import Load
from planner.types import FloatArray
from planner.workload.formats import peaks, weight_format
from planner.workload.kinds import MODEL

CATALOG = Catalog()
DENSE: tuple[dict[str, Any], ...] = ({"tp": 1}, {"tp": 8}, {"tp": 2, "pp": 4}, {"tp": 16}, {"tp": 8, "pp": 2})
MIXED: tuple[dict[str, Any], ...] = (
    {"tp": 8, "ep": 8}, {"tp": 1, "dp": 8, "ep": 8}, {"tp": 2, "dp": 4, "ep": 8}, {"tp": 4, "dp": 8, "ep": 8},
    {"tp": 1, "dp": 8, "ep": 8, "pp": 2}, {"tp": 1, "dp": 64, "ep": 64}, {"tp": 1, "dp": 72, "ep": 72},
)  # fmt: skip


def legal(model: Model) -> list[dict[str, Any]]:
    """Layouts whose ranks divide the heads, and the experts inside a domain."""
    heads, experts = model.heads[0], model.experts[0]
    divides = [e for e in MIXED if experts and (experts % e["ep"] == 0 or e["ep"] > 8)]
    return [layout for layout in (*DENSE, *divides) if heads % layout["tp"] == 0]


@pytest.fixture(scope="module", params=["h100-sxm", "b200", "mi300x"])
def everything(request: Any, replica: Callable[..., Replica], shipped: Callable[[str], Model]) -> Replica:
    part = CATALOG.get(ACCELERATOR, request.param)
    models, layouts = [], []
    for name in CATALOG.ids(MODEL):
        form = weight_format(CATALOG, CATALOG.get(MODEL, name)).on(peaks(part.flops))
        for layout in legal(shipped(name)):
            models.append(shipped(name))
            layouts.append(deployment_table(form, kv="fp8", eight_bit_attention=True, **layout))
    operators = operators_table(part, operators_of(CATALOG, part))
    return replica(stack(models), part=vars(operators), **vars(stack(layouts)))


@pytest.mark.parametrize("batch", [0.1, 32.0, 4096.0])
def test_figures_are_finite(everything: Replica, request_of: Callable[..., Load], batch: float) -> None:
    r, load = everything, request_of(4000, 500, cached=1000, shared=500)
    assert len(r.model) > 5 * len(CATALOG.ids(MODEL))
    point = steady(replica=r, load=load, batch=np.full(1, batch))
    first = prefill_pool(replica=r, load=load)
    second = decode_pool(replica=r, load=load, batch=np.full(1, batch))
    fits = memory(memory_bytes=np.full(1, 80e9), model=r.model, engine=r.engine, layout=r.layout, load=load)
    positive: list[FloatArray] = [point.rate, point.tpot_s, point.prefill_s, point.concurrency]
    positive += [first.rate, first.prompt_s, second.rate, second.tpot_s, transfer_s(replica=r, load=load)]
    for column in (*positive, fits.weight_bytes, fits.sequence_bytes):
        assert np.isfinite(column).all()
        assert np.all(column > 0)
    assert np.isfinite(fits.capacity).all()
    assert np.all(fits.capacity >= 0)
