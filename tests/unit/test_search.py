"""What a search answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from planner.errors import UsageError
from planner.search import BANDS, REASONS, Request, band, evaluate, search
from planner.tables import stack

Tables = Callable[..., tuple[Any, Any, Any]]


def ask(tables: Tables, request: Request, model: str = "llama3.1-405b", **names: Any) -> Any:
    hardware, table, software = tables(model, **names)
    return search(hardware=hardware, model=table, software=software, request=request)


def column(plans: Any, name: str) -> list[float]:
    values = np.broadcast_to(getattr(plans.strategy, name), len(plans))
    return [float(v) for v in values]


@pytest.mark.parametrize("accelerators", [1024, 1009, 16384, 1_000_003])
def test_a_plan_uses_up_to_the_accelerators_available(tables: Tables, accelerators: int) -> None:
    result = ask(tables, Request(accelerators, 8192, 2048))
    plans = result.plans
    assert result.feasible
    assert np.all(plans.accelerators + plans.spares == accelerators)
    assert np.all(plans.spares >= 0)
    used = np.prod([column(plans, n) for n in ("tp", "cp", "pp", "dp")], axis=0)
    assert np.array_equal(used, plans.accelerators)
    assert np.all(plans.fit_probability >= 0.5 - 1e-9)
    assert np.all(np.diff(plans.score) >= 0)


def test_times_are_those_of_the_physics(tables: Tables) -> None:
    hardware, model, software = tables("deepseek-v3", "gb200", "megatron-bridge")
    request = Request(1024, 4096, 2048)
    plans = search(hardware=hardware, model=model, software=software, request=request).plans
    assert plans is not None
    again = evaluate(
        hardware=hardware, model=model, software=software, strategy=plans.strategy, request=request
    )
    assert np.array_equal(again.step.step_s, plans.step.step_s)
    assert np.array_equal(again.score, plans.step.step_s)


def test_plans_differ_in_more_than_schedule(tables: Tables) -> None:
    plans = ask(tables, Request(2048, 8192, 2048, top=20)).plans
    names = ("tp", "cp", "pp", "ep", "etp", "micro_batch")
    rows = list(zip(*(column(plans, n) for n in names), strict=True))
    assert len(rows) == len(set(rows)) == 20


def test_best_of_each_pipeline_size(tables: Tables) -> None:
    result = ask(tables, Request(2048, 8192, 2048))
    sizes = column(result.by_pp, "pp")
    assert sizes == sorted(set(sizes))
    best = float(result.plans.step.step_s[0])
    assert min(result.by_pp.step.step_s) == best
    for pp, step_s in list(zip(sizes, result.by_pp.step.step_s, strict=True))[:3]:
        alone = ask(tables, Request(2048, 8192, 2048, pins={"pp": int(pp)}))
        assert float(alone.best.step.step_s[0]) == step_s


def test_alternatives(tables: Tables) -> None:
    request = Request(1024, 8192, 2048)
    result = ask(tables, request)
    free = ask(tables, request.changed(pins={"recompute": "none"}))
    assert result.alternatives["no_recompute"].step.step_s[0] == free.best.step.step_s[0]
    sure = ask(tables, request.changed(fit=0.9))
    assert result.alternatives["likely"].step.step_s[0] == sure.best.step.step_s[0]
    assert result.alternatives["likely"].fit_probability[0] >= 0.9 - 1e-9
    fewest = int(result.alternatives["fewest_accelerators"].accelerators[0])
    assert ask(tables, request.changed(accelerators=fewest)).feasible
    assert not ask(tables, request.changed(accelerators=fewest - 1)).feasible


def test_goals(tables: Tables) -> None:
    fastest, cheapest, fewest = (
        ask(tables, Request(2048, 8192, 512, goal=goal)).best for goal in ("fastest", "cheapest", "fewest")
    )
    assert fastest.step.step_s[0] <= min(cheapest.step.step_s[0], fewest.step.step_s[0])
    spent = [float(p.step.step_s[0] * p.accelerators[0]) for p in (fastest, cheapest, fewest)]
    assert spent[1] <= min(spent)
    assert fewest.accelerators[0] <= cheapest.accelerators[0] <= fastest.accelerators[0]


@pytest.mark.parametrize("model", ["llama3.1-405b", "deepseek-v3"])
def test_pinning_the_best_finds_it_again(tables: Tables, model: str) -> None:
    request = Request(2048, 4096, 1024)
    best = ask(tables, request, model).best
    names = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp", "micro_batch", "sequence_parallel")
    pins = {n: column(best, n)[0] for n in names}
    again = ask(tables, request.changed(pins=pins), model)
    assert again.best.step.step_s[0] == best.step.step_s[0]
    assert len(again.plans) == 1


def test_counts_add_up(tables: Tables) -> None:
    counts = ask(tables, Request(1024, 8192, 2048)).counts
    assert counts.legal == counts.evaluated + counts.pruned + counts.rejected
    assert 0 < counts.evaluated <= counts.feasible


def test_unsupported_precision(tables: Tables) -> None:
    result = ask(tables, Request(1024, 8192, 2048, gemm_class=3), accelerator="a100-sxm-80gb")
    assert not result.feasible
    assert result.best is None
    assert result.reason.name == REASONS[result.reason.code] == "precision"
    assert {c.value for c in result.nearest} >= {0.0, 1.0}


def test_too_little_memory_says_how_much_is_lacking_and_what_would_do(tables: Tables) -> None:
    request = Request(8, 8192, 2048)
    result = ask(tables, request)
    assert result.reason.name == "memory"
    assert result.reason.lacking_bytes > 0
    changes = {c.field: c.value for c in result.nearest}
    fewest = int(changes["accelerators"])
    assert ask(tables, request.changed(accelerators=fewest)).feasible
    assert not ask(tables, request.changed(accelerators=fewest - 1)).feasible
    hardware, model, software = tables("llama3.1-405b")
    for share, feasible in ((1.001, True), (0.999, False)):
        larger = hardware.with_values(memory_bytes=changes["memory_bytes"] * share)
        tried = search(hardware=larger, model=model, software=software, request=request)
        assert tried.feasible is feasible


def test_pins_that_stand_in_the_way_of_memory(tables: Tables) -> None:
    pins = {"recompute": "none", "micro_batch": 8, "tp": 8, "cp": 1}
    request = Request(2048, 8192, 2048, pins=pins)
    result = ask(tables, request)
    assert result.reason.name == "memory"
    released = [c.field for c in result.nearest if c.value is None]
    for name in released:
        assert ask(tables, request.without(name)).feasible
    for name in set(pins) - set(released):
        assert not ask(tables, request.without(name)).feasible
    assert "recompute" in released
    level = next(c for c in result.nearest if c.field == "recompute" and c.value is not None)
    assert level.text in ("set recompute to selective", "set recompute to full")


@pytest.mark.parametrize(
    ("pins", "field", "values"),
    [
        ({"tp": 7}, "tp", {4.0, 8.0}),
        ({"pp": 200}, "pp", {126.0}),
        ({"ep": 2}, "ep", {1.0}),
        ({"cp": 3}, "cp", {2.0, 4.0}),
    ],
)  # fmt: skip
def test_values_that_are_never_legal(
    tables: Tables, pins: dict[str, int], field: str, values: set[float]
) -> None:
    result = ask(tables, Request(4096, 8192, 2048, pins=pins))
    assert result.reason.name == "value"
    assert {c.value for c in result.nearest if c.field == field} == values


def test_pins_that_need_more_accelerators_or_sequences(tables: Tables) -> None:
    result = ask(tables, Request(1000, 8192, 2048, pins={"tp": 8, "pp": 16, "dp": 8}))
    assert (result.reason.name, result.nearest[0].value) == ("accelerators", 1024.0)
    result = ask(tables, Request(100_000, 8192, 100, pins={"dp": 128}))
    assert (result.reason.name, result.nearest[0].value) == ("batch", 128.0)
    result = ask(tables, Request(1000, 8192, 2048, pins={"vpp": 4, "pp": 1}))
    assert result.reason.name == "pins"
    assert {c.field for c in result.nearest} == {"vpp", "pp"}


def test_offload_makes_room(tables: Tables) -> None:
    pins = {"tp": 8, "cp": 1, "pp": 1, "micro_batch": 1, "recompute": "none"}
    request = Request(512, 8192, 512, pins=pins)
    kept = ask(tables, request)
    moved = ask(tables, request.changed(offloads=(0.0, 0.5, 1.0)))
    if not kept.feasible:
        assert moved.feasible == any(c.field == "offloads" for c in kept.nearest)
    else:
        assert moved.best.step.step_s[0] <= kept.best.step.step_s[0]


def test_bands() -> None:
    assert [BANDS[i] for i in band(np.array([0.05, 0.1, 0.5, 0.9, 1.0]))] == [
        "no", "marginal", "marginal", "fits", "fits",
    ]  # fmt: skip


def test_one_row_of_each(tables: Tables) -> None:
    hardware, model, software = tables("llama3.1-405b")
    with pytest.raises(UsageError, match="hardware has 2 rows"):
        search(
            hardware=stack([hardware, hardware]), model=model, software=software, request=Request(8, 8192, 8)
        )
