"""A plan divided among sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from planner.catalog.kinds import LINK
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.across.results import Multisite, SiteMode
from planner.plan.across.sites import EXACT, multisite_of
from planner.plan.across.table import MULTISITE_HEAD, multisite_rows
from planner.plan.assemble import costs_of
from planner.plan.defaults import Filled
from planner.plan.job import case_on, resolve
from planner.plan.site import sites
from planner.plan.solve import Effort, Found, find
from planner.tables.samples import Samples

OPEN: dict[str, Any] = dict.fromkeys(
    ["cluster", "tokens", "days", "seq_len", "global_batch", "precision", "software", "in_flight"]
)


@pytest.fixture(scope="module")
def planned() -> Callable[..., Found]:
    """Return the search for a model on some H100."""

    def _planned(model: str = "llama3.1-70b", gpus: int = 1024, **options: Any) -> Found:
        book, filled = Catalog(), Filled()
        given = OPEN | {"goal": "fastest", "top": 1, "layout": {}, "zero_bubble": None} | options
        job = resolve(book, filled, model=model, gpu="h100", gpus=gpus, **given)
        (place,) = sites(book, cluster=None, gpu="h100", gpus=gpus)
        return find(case_on(job, place, filled), gpus, Effort())

    return _planned


def over(found: Found, link: str = "two-sites-1000km", *changes: str, samples: int = 255) -> Multisite:
    assert found.plans is not None
    record = Catalog((), changes).get(LINK, link)
    return multisite_of(found, costs_of(found.case, found.plans), record, Samples(samples))


def mode(result: Multisite, name: str) -> SiteMode:
    return next(one for one in result.modes if one.mode == name)


class TestMultisite:
    def test_replicas_and_accelerators_are_divided(self, planned: Callable[..., Found]) -> None:
        found = planned()
        assert found.plans is not None
        result = over(found)
        assert result.sites == 2
        assert result.replicas_per_site == -(-int(found.plans.strategy.dp[0]) // 2)
        assert result.gpus_per_site == int(found.plans.accelerators[0]) / 2
        assert (result.kilometres, result.terabits_per_s) == (1000.0, pytest.approx(3.2))
        # 70.6e9 parameters, 2 bytes each in the gradient of the newest stack
        assert result.gradient_gigabytes == pytest.approx(141.1, rel=1e-3)

    def test_steps_efficiency_and_days_agree(self, planned: Callable[..., Found]) -> None:
        found = planned()
        for one in over(found).modes:
            assert one.step_time_s.value == pytest.approx(found.step_s + one.exposed_s.value)
            assert 0 < one.efficiency.low <= one.efficiency.value <= one.efficiency.high <= 1
            assert one.days is not None
            steps = (found.case.job.tokens or 0.0) / found.case.job.batch_tokens
            assert one.days.value * 86400 == pytest.approx(steps * found.step_s / one.efficiency.value)
        apart = mode(over(found), "local")
        slower = found.step_s / apart.step_time_s.value
        assert apart.efficiency.value == pytest.approx(slower / 1.02)  # 2 % of the tokens are lost

    def test_the_exchange_by_hand(self, planned: Callable[..., Found]) -> None:
        """Between two sites each sends the whole gradient once at 3.2 Tb/s; light takes 5 ms."""
        result = over(planned(), samples=0)
        seconds = result.gradient_gigabytes * 1e9 * 8 / 3.2e12 + 1e6 / 2e8
        assert mode(result, "local").exchange_s.value == pytest.approx(seconds)
        assert mode(result, "local").exposed_s.value <= seconds / result.inner_steps

    def test_hierarchical_is_faster_than_synchronous(self, planned: Callable[..., Found]) -> None:
        result = over(planned(), "two-sites-1000km", "link.two-sites-1000km.bandwidth=*0.25")
        assert mode(result, "hierarchical").step_time_s.value < mode(result, "synchronous").step_time_s.value
        assert result.best_mode == "hierarchical"
        assert EXACT == ("synchronous", "hierarchical")

    @pytest.mark.parametrize("change", ["link.bandwidth=*0.25", "link.length=*20", "link.overlap=0"])
    def test_worse_links_are_no_faster(self, planned: Callable[..., Found], change: str) -> None:
        found = planned()
        worse = over(found, "two-sites-1000km", change.replace("link", "link.two-sites-1000km"), samples=0)
        for one in over(found, samples=0).modes:
            assert mode(worse, one.mode).efficiency.value <= one.efficiency.value

    def test_tokens_asked_for_have_no_days(self, planned: Callable[..., Found]) -> None:
        assert all(one.days is None for one in over(planned(days=30)).modes)

    def test_rows_for_people(self, planned: Callable[..., Found]) -> None:
        rows = multisite_rows(over(planned()))
        assert [row[0] for row in rows] == ["synchronous", "hierarchical", "local"]
        assert all(len(row) == len(MULTISITE_HEAD) for row in rows)


class TestSentence:
    def test_apart_where_the_link_is_narrow(self, planned: Callable[..., Found]) -> None:
        sentence = over(planned(), "two-sites-1000km", "link.two-sites-1000km.bandwidth=*0.05").sentence
        assert "training apart for 50 steps at a time keeps" in sentence

    def test_together_where_it_is_wide(self, planned: Callable[..., Found]) -> None:
        sentence = over(planned(), "memphis-campus").sentence
        assert "Over 2 sites joined by memphis-campus" in sentence
        assert "training apart for" not in sentence

    def test_fewer_replicas_than_sites(self, planned: Callable[..., Found]) -> None:
        result = over(planned(gpus=64, layout={"tp": 8, "pp": 4}), "epoch-10gw")
        assert result.modes == ()
        assert result.best_mode is None
        assert "2 replicas, fewer than the 23 sites of epoch-10gw" in result.sentence
        assert "--dp" in result.sentence

    def test_experts_that_would_span_sites(self, planned: Callable[..., Found]) -> None:
        found = planned("olmoe-1b-7b", 64, layout={"ep": 64, "tp": 1, "pp": 1, "cp": 1, "dp": 64})
        result = over(found)
        assert result.modes == ()
        assert "experts over 64 accelerators and each of 2 sites has 32" in result.sentence
        assert "--ep" in result.sentence


def test_a_link_without_bandwidth_is_refused(planned: Callable[..., Found]) -> None:
    with pytest.raises(InputError, match="bandwidth"):
        over(planned(), "two-sites-1000km", "link.two-sites-1000km.bandwidth='0 Tb/s'")
