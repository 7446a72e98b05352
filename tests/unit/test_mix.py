"""`planner.mix` on a small cluster of two groups: sums, refusals, what fails and what mends it."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

import planner
from planner.plan.mix import setup as setting
from planner.plan.mix.measured import curve_of
from planner.plan.mix.results import MixResult

CLUSTER = """
id: mixed
name: Two groups
owner: nobody
location: nowhere
date: 2026-11-24
status: hypothetical
cite: {source: catalog, at: a test, kind: derived}
groups:
  - {system: hgx-h100, accelerators: 512, fabric: infiniband-ndr}
  - {system: hgx-h200, accelerators: 256, fabric: infiniband-ndr}
"""
JOBS: dict[str, Any] = {
    "days": 20,
    "power": {"windows": [{"hours": "17-21", "price": "0.3 USD/kWh"}]},
    "jobs": [
        {"name": "run", "kind": "pretraining", "model": "llama-3-8b", "tokens": "2T", "deadline": 15,
         "run_usd": "$1M"},
        {"name": "rl", "kind": "post-training", "model": "llama-3-8b", "tokens": "50B", "prompts": 1024,
         "deadline": 20, "run_usd": "$200k"},
        {"name": "chat", "kind": "service", "model": "llama-3-8b", "users": "20M", "mtoken_usd": "$0.2",
         "must": True, "share_least": 0.8},
        {"name": "batch", "kind": "batch", "model": "llama-3-8b", "tokens": "500B", "mtoken_usd": "$0.02"},
        {"name": "research", "kind": "reserve", "share": "10 %", "groups": ["hgx-h100"]},
    ],
}  # fmt: skip
_CURVES: dict[Any, Any] = {}


@pytest.fixture(scope="module", autouse=True)
def kept_curves() -> Iterator[None]:
    """Ask the estimator once for each job and group of this module: it does not see deadlines."""

    def kept(catalog: Any, job: Any, group: Any) -> Any:
        same = job.model_dump_json(
            exclude={"deadline", "start", "must", "run_usd", "mtoken_usd", "users", "elastic", "share_least",
                     "least", "most", "weight", "tokens"}
        )  # fmt: skip
        key = (same, group.name, group.number, group.rented)
        if key not in _CURVES:
            _CURVES[key] = curve_of(catalog, job, group)
        return _CURVES[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setting, "curve_of", kept)
        yield


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> planner.Catalog:
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "hardware" / "clusters").mkdir(parents=True)
    (folder / "hardware" / "clusters" / "mixed.yaml").write_text(CLUSTER, encoding="utf-8")
    return planner.Catalog((folder,))


def ask(book: planner.Catalog, jobs: dict[str, Any] | None = None, **options: Any) -> MixResult:
    return planner.mix("mixed", jobs=copy.deepcopy(jobs or JOBS), catalog=book, **options)


def changed(name: str, **fields: Any) -> dict[str, Any]:
    jobs = copy.deepcopy(JOBS)
    job = next(job for job in jobs["jobs"] if job["name"] == name)
    job |= fields
    for field in [field for field, value in job.items() if value is None]:
        del job[field]
    return jobs


@pytest.fixture(scope="module")
def best(book: planner.Catalog) -> MixResult:
    return ask(book)


def test_the_optimum_is_proven_and_adds_up(best: MixResult) -> None:
    answer = best.result
    totals = answer.totals
    assert answer.plan == "feasible"
    assert (answer.solver.status, answer.solver.gap) == ("optimal", 0.0)
    assert totals is not None
    assert totals.objective == pytest.approx(totals.worth_usd - totals.cost_usd, rel=1e-6)
    jobs = {job.name: job for job in answer.jobs}
    assert sum(job.cost_usd for job in answer.jobs if job.kind != "reserve") == pytest.approx(totals.cost_usd)
    assert sum(job.worth_usd for job in answer.jobs) == pytest.approx(totals.worth_usd)
    assert sum(job.gpu_hours for job in jobs.values()) == pytest.approx(
        sum(group.used + group.reserved for group in answer.groups) * 20 * 24
    )
    assert jobs["research"].gpus == pytest.approx(51.2)
    assert jobs["chat"].least_share is not None
    assert jobs["chat"].least_share >= 0.8 - 1e-6
    assumed = {assumption.field for assumption in best.assumptions}
    assert assumed >= {"objective", "run elastic", "chat diurnal"}
    assert best.sources


def test_no_group_and_no_hour_is_given_out_twice(best: MixResult) -> None:
    for period in best.result.periods:
        for group, number in (("hgx-h100", 512 * 0.9), ("hgx-h200", 256.0)):
            used = sum(own.get(group, 0.0) for own in period.gpus.values())
            assert used + period.idle[group] == pytest.approx(number)
            assert period.idle[group] >= 0.0


def test_a_run_keeps_its_accelerators_and_its_group_all_day(best: MixResult) -> None:
    for name in ("run", "rl"):
        own = [period for period in best.result.periods if name in period.gpus]
        assert len({group for period in own for group in period.gpus[name]}) == 1
        for phase in {period.phase for period in own}:
            gpus = [sum(period.gpus[name].values()) for period in own if period.phase == phase]
            assert len(gpus) == 24
            assert max(gpus) == pytest.approx(min(gpus))


def test_what_may_wait_avoids_the_dear_hours(best: MixResult) -> None:
    batch = {True: 0.0, False: 0.0}
    for period in best.result.periods:
        batch[17 <= period.from_hour < 21] += sum(period.gpus.get("batch", {}).values())
    assert batch[False] > 0.0
    assert batch[True] == pytest.approx(0.0, abs=1e-6)


def test_more_of_what_is_scarce_is_worth_what_is_said(book: planner.Catalog) -> None:
    """With power short, the price of a megawatt is the difference that a little more makes."""
    jobs = changed("batch", tokens="50T")
    caps = (0.7, 0.7001)
    low, high = (ask(book, jobs, power_cap=f"{cap} MW") for cap in caps)
    worth = next(worth for worth in low.result.worths if worth.what == "megawatt")
    assert low.result.totals is not None
    assert high.result.totals is not None
    assert low.result.totals.peak_megawatts <= 0.7 + 1e-9
    gain = (high.result.totals.objective or 0.0) - (low.result.totals.objective or 0.0)
    assert worth.amount > 0.0
    assert gain == pytest.approx(worth.amount * (caps[1] - caps[0]), rel=0.02)
    assert low.result.bottleneck is not None
    assert low.result.bottleneck.resource == "power"


def test_objectives_order_as_they_should(book: planner.Catalog, best: MixResult) -> None:
    cost, finish = ask(book, objective="cost"), ask(book, objective="finish")
    assert cost.result.totals is not None
    assert finish.result.totals is not None
    assert best.result.totals is not None
    assert cost.result.totals.cost_usd <= finish.result.totals.cost_usd + 1e-6
    ends = {job.name: job.ends_day.value for job in finish.result.jobs if job.ends_day is not None}
    assert sum(ends.values()) == pytest.approx(finish.result.totals.objective, rel=1e-4)
    assert set(ends) == {"run", "rl", "batch"}
    assert max(ends.values()) <= 20.0
    assert {worth.unit for worth in finish.result.worths} == {"days"}


def test_low_rates_cost_more_and_keep_deadlines(book: planner.Catalog) -> None:
    middle, low = (ask(book, objective="cost", rates=rates) for rates in ("middle", "low"))
    assert middle.result.totals is not None
    assert low.result.totals is not None
    assert low.result.totals.cost_usd > middle.result.totals.cost_usd
    assert low.result.totals.objective == pytest.approx(middle.result.totals.objective_at_low)
    kept = {job.name: job.kept_at_low for job in low.result.jobs if job.ends_day is not None}
    assert kept == {"run": True, "rl": True, "batch": True}


def test_whole_systems_are_whole(book: planner.Catalog) -> None:
    jobs = copy.deepcopy(JOBS)
    jobs["jobs"] = [job for job in jobs["jobs"] if job["name"] in ("run", "chat")]
    answer = ask(book, jobs, objective="cost", whole=True, periods=4).result
    for period in answer.periods:
        for own in period.gpus.values():
            for gpus in own.values():
                assert gpus / 8.0 == pytest.approx(round(gpus / 8.0), abs=1e-4)


def test_what_is_rented_costs_rent_while_it_is_used(book: planner.Catalog) -> None:
    jobs = JOBS | {"jobs": [job for job in JOBS["jobs"] if job["name"] in ("chat", "batch")]}
    rented = ask(book, jobs, objective="cost", price="$2.00/h").result
    for job in rented.jobs:
        assert job.gpu_hours > 0.0
        assert job.cost_usd > 2.0 * job.gpu_hours


@pytest.mark.parametrize(
    ("name", "fields", "said", "field"),
    [
        ("run", {"tokens": "40T", "run_usd": None}, r"run: \d+\.\d% of its tokens", "jobs.run.deadline"),
        ("chat", {"users": "600M"}, r"chat: \d+\.\d% of the demand", "jobs.chat.share_least"),
        ("rl", {"tokens": "20T", "run_usd": None}, r"rl: \d+\.\d% of its tokens", "jobs.rl.tokens"),
    ],
)
def test_what_cannot_be_done_says_by_how_much_and_what_would_mend_it(
    book: planner.Catalog, name: str, fields: dict[str, Any], said: str, field: str
) -> None:
    answer = ask(book, changed(name, **fields)).result
    assert answer.plan is None
    assert answer.solver.status == "infeasible"
    assert any(re.match(said, reason) for reason in answer.reasons)
    assert field in {near.field for near in answer.nearest}


def test_a_later_deadline_is_just_late_enough(book: planner.Catalog) -> None:
    jobs = changed("run", tokens="40T", run_usd=None)
    near = next(n for n in ask(book, jobs).result.nearest if n.field == "jobs.run.deadline")
    day = float(near.value or 0.0)
    assert day > 15.0
    for moved, feasible in ((day, True), (day * 0.99, False)):
        own = changed("run", tokens="40T", run_usd=None, deadline=moved)
        plan = ask(book, own, days=max(moved, 20.0)).plan
        assert (plan is not None) is feasible


def test_a_cap_below_what_is_reserved_is_said(book: planner.Catalog) -> None:
    answer = ask(book, power_cap="0.1 MW").result
    assert "more than the cap" in answer.reasons[0]
    assert answer.nearest[0].field == "power_cap_megawatts"


def test_a_job_that_fits_nowhere_is_said(book: planner.Catalog) -> None:
    jobs = {"jobs": [{"name": "huge", "kind": "pretraining", "model": "maxtext-1024b", "tokens": "1T"}]}
    answer = planner.mix("hgx-h100:1", jobs=jobs, catalog=book).result
    assert answer.plan is None
    assert "huge runs on no group" in answer.reasons[0]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"objective": "worth"}, planner.InputError, "one of value, cost, finish"),
        ({"periods": 0}, planner.InputError, "--periods"),
        ({"days": 10}, planner.InputError, "before the deadline of 'rl' on day 20"),
        ({"days": -3}, planner.InputError, "--days"),
        ({"whole": True, "objective": "finish"}, planner.UsageError, "--whole"),
        ({"rates": "lo"}, planner.InputError, "did you mean 'low'"),
        ({"power_cap": "300"}, planner.InputError, "no unit"),
    ],
)
def test_options_are_refused_with_their_mend(
    book: planner.Catalog, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(book, **options)


def test_nothing_ends_or_all_starts_late_is_refused_by_finish(book: planner.Catalog) -> None:
    only = {"jobs": [job for job in JOBS["jobs"] if job["name"] == "chat"]}
    with pytest.raises(planner.UsageError, match="no job ends"):
        ask(book, only, objective="finish")
    with pytest.raises(planner.UsageError, match="'run' starts later"):
        ask(book, changed("run", start=2), objective="finish")


def test_without_scipy_the_install_line_is_said(
    book: planner.Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "scipy" else found(name, *more)
    )
    with pytest.raises(planner.MissingExtraError, match=r"pip install 'planner\[solve\]'"):
        ask(book)


def test_the_solver_says_nothing_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    """HiGHS writes past Python now and then; stdout carries the answer."""
    from planner.plan.mix.highs import _quiet

    print("before")
    with _quiet():
        os.write(1, b"a solver's own words\n")
    print("after")
    assert capfd.readouterr().out == "before\nafter\n"


def test_one_group_of_a_cluster_by_its_system(book: planner.Catalog) -> None:
    places = planner.cluster.show("mixed", catalog=book).result.groups
    assert len(places) == 2
    answer = planner.train("llama-3-8b", cluster="mixed/hgx-h200", tokens="1T", top=0, catalog=book)
    assert (answer.inputs.cluster, answer.inputs.system, answer.inputs.gpus) == ("mixed", "hgx-h200", 256)
    with pytest.raises(planner.UnknownNameError, match="Did you mean 'hgx-h200'"):
        planner.train("llama-3-8b", cluster="mixed/hgx-h20", catalog=book)


def test_groups_and_reserves_that_cannot_be_are_said(book: planner.Catalog) -> None:
    with pytest.raises(planner.InputError, match="did you mean 'hgx-h200'"):
        ask(book, changed("run", groups=["hgx-h20"]))
    reserves = [*JOBS["jobs"], {"name": "all", "kind": "reserve", "share": 1}]
    with pytest.raises(planner.InputError, match="reserves add up to 110%"):
        ask(book, JOBS | {"jobs": reserves})
