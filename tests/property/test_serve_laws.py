"""Laws of the serving question, through the public call; and of its spares."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planner.plan.serve import serve
from planner.plan.serving.fleet import Spares, serving_within, spare_gpus
from planner.plan.serving.results import Plan, ServeResult

few = settings(max_examples=5)
MODELS = st.sampled_from(("llama-3.2-1b", "llama-3-8b", "qwen3-30b-a3b"))
PARTS = st.sampled_from(("h100", "gb200", "mi300x"))
WHOLE = 1e-9

laws = st.builds(
    Spares,
    mtbf_hours=st.floats(500, 20_000),
    repair_hours=st.floats(0.1, 48),
    upgrading=st.floats(0, 0.1),
    node=st.sampled_from((1, 4, 8, 16)),
    domain=st.sampled_from((8, 16, 72)),
    fixed=st.none() | st.integers(0, 5),
)


@given(law=laws, gpus=st.integers(1, 100_000), more=st.integers(1, 1000))
def test_more_serving_never_need_fewer_spares(law: Spares, gpus: int, more: int) -> None:
    assert spare_gpus(law, gpus + more) >= spare_gpus(law, gpus)


@given(law=laws, available=st.integers(1, 100_000), more=st.integers(1, 1000))
def test_more_available_never_serve_with_fewer(law: Spares, available: int, more: int) -> None:
    assume(available > law.domain)
    assert serving_within(law, available + more) >= serving_within(law, available)
    serving = serving_within(law, available)
    assert serving + spare_gpus(law, serving) <= available or serving == 0


@cache
def asked(options: tuple[tuple[str, Any], ...]) -> ServeResult:
    return serve(**dict(options))


def ask(**options: Any) -> Plan | None:
    return asked(tuple(sorted({"prefix_hit": 0.5, "top": 0, "pareto": False, **options}.items()))).plan


@few
@given(model=MODELS, part=PARTS, users=st.floats(1e2, 1e7), factor=st.floats(1.1, 100))
def test_more_users_never_need_fewer_accelerators(model: str, part: str, users: float, factor: float) -> None:
    some, more = (ask(model=model, accelerator=part, users=u) for u in (users, users * factor))
    assume(some is not None and more is not None)
    assert some is not None
    assert more is not None
    assert more.fleet.gpus_serving >= some.fleet.gpus_serving
    assert more.gpus.value >= some.gpus.value


@few
@given(
    model=MODELS,
    part=PARTS,
    name=st.sampled_from(("ttft", "tpot")),
    target=st.floats(20, 2000),
    looser=st.floats(1.2, 10),
)
def test_looser_targets_never_need_more(
    model: str, part: str, name: str, target: float, looser: float
) -> None:
    tight, loose = (
        ask(model=model, accelerator=part, users=1e6, **{name: ms}) for ms in (target, target * looser)
    )
    if loose is None:
        assert tight is None
    elif tight is not None:
        assert loose.fleet.gpus_serving <= tight.fleet.gpus_serving


@few
@given(model=MODELS, part=PARTS, gpus=st.integers(8, 5000), factor=st.integers(2, 50))
def test_more_accelerators_never_serve_less(model: str, part: str, gpus: int, factor: int) -> None:
    some, more = (ask(model=model, accelerator=part, gpus=n) for n in (gpus, gpus * factor))
    assume(some is not None)
    assert some is not None
    assert more is not None
    assert more.requests_per_s.value >= some.requests_per_s.value * (1 - WHOLE)


@few
@given(model=MODELS, part=PARTS, users=st.floats(1e2, 1e7))
def test_a_fleet_serves_its_demand_within_its_targets(model: str, part: str, users: float) -> None:
    plan = ask(model=model, accelerator=part, users=users)
    assume(plan is not None)
    assert plan is not None
    assert plan.users is not None
    assert plan.users.value >= users * (1 - 1e-6)
    for latency in (plan.ttft_ms, plan.tpot_ms):
        assert latency is not None
        assert latency.at_percentile is not None
        assert latency.target is not None
        assert latency.at_percentile <= latency.target * (1 + 1e-6)
    assert plan.gpus.low <= plan.gpus.value <= (plan.gpus.high or math.inf)
    assert sum(layout.replicas * layout.gpus for layout in plan.deployment.layouts) == plan.fleet.gpus_serving
