"""What a name stands for, and the job of a cluster that names none."""

from __future__ import annotations

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError
from planner.plan.cluster.named import cluster_named
from planner.plan.defaults import Filled

CATALOG = Catalog()


@pytest.mark.parametrize(
    ("text", "accelerators", "system"),
    [
        ("gb200-nvl72:18", 1296, "gb200-nvl72"),
        ("hgx-h100:3", 24, "hgx-h100"),
        ("vr200-nvl144:2", 144, "vr200-nvl72"),
        ("gb200:72", 72, "gb200-nvl72"),
        ("gb200:18", 20, "gb200-nvl72"),
        ("h100:9", 16, "hgx-h100"),
        ("h100:1", 8, "hgx-h100"),
    ],
)
def test_so_many_systems_or_accelerators(text: str, accelerators: int, system: str) -> None:
    filled = Filled()
    named = cluster_named(CATALOG, text, filled)
    assert named.accelerators == accelerators
    place = named.places[0]
    assert place.system is not None
    assert place.system.id == system
    rounded = {one.field: one for one in filled.assumptions}
    if text in ("gb200:18", "h100:9", "h100:1"):
        assert rounded["accelerators"].value == accelerators
        assert "whole hosts" in rounded["accelerators"].why
    else:
        assert not rounded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gb200", "how many accelerators, as in gb200:1024"),
        ("gb200-nvl72", "how many systems, as in gb200-nvl72:16"),
        ("gb200-nvl72:139000", "outside 1 to 138,888"),
        ("gb200-nvl72:0.25", "not a whole number"),
    ],
)
def test_names_that_are_none(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        cluster_named(CATALOG, text, Filled())


@pytest.mark.parametrize(
    ("name", "model"),
    [  # states at 18 bytes a parameter: 7.31 TB, 1.27 TB and 0.14 TB, in half of 40, 13.4 and 0.64 TB
        ("gb200-nvl72:3", "llama-3.1-405b"),
        ("gb200-nvl72:1", "llama-3-70b"),
        ("hgx-h100:1", "llama-3-8b"),
    ],
)
def test_the_usual_job_is_the_largest_that_fits(name: str, model: str) -> None:
    shown = planner.cluster.show(name)
    failures = shown.result.failures
    assert failures.model == shown.inputs.model == model
    assert failures.fits
    (why,) = (one.why for one in shown.assumptions if one.field == "model")
    assert ("do not fit into half of the" in why) == (model != "llama-3.1-405b")


def test_a_named_job_that_does_not_fit_is_said() -> None:
    failures = planner.cluster.show("hgx-h100:1", model="llama-3.1-405b").result.failures
    assert not failures.fits
    assert failures.sentence.startswith("No job for this hardware: the states of llama-3.1-405b take 7.31 TB")
    assert "more than the 640 GB" in failures.sentence
    half = planner.cluster.show("gb200-nvl72:1", model="llama-3.1-405b").result.failures
    assert "more than half of the 13.4 TB" in half.sentence
    tiny = planner.cluster.show("rtx-4090:1", set="accelerator.rtx-4090.memory.capacity=1 GB").result
    assert not tiny.failures.fits


def test_clusters_are_compared_by_their_own_jobs() -> None:
    compared = planner.cluster.compare("hgx-h100:1", "gb200-nvl72:18")
    assert compared.inputs.model is None
    assert [sheet.failures.model for sheet in compared.result.sheets] == ["llama-3-8b", "llama-3.1-405b"]
