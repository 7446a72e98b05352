"""The dossier of a cluster: sections that agree with their own commands, on any number of processes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import planner
from planner.catalog.load import Catalog
from planner.errors import InputError, UnknownNameError
from planner.plan.capacity.capacity import SECTIONS, capacity
from planner.plan.capacity.results import CapacityResult
from planner.plan.capacity.table import records_of, screens
from planner.plan.distill.answer import distill
from planner.plan.frontier.frontier import frontier
from planner.plan.rates import regular
from planner.plan.staged.run import staged

CLUSTER = "hgx-h100:32"
"""256 H100: large enough for a small run, too small for a large one."""
RECIPE = """
id: few
name: Few tokens
cite: {source: planner-assumption, at: tests, kind: given}
model: llama-3-8b
stages:
  - {name: main, tokens: 100B, seq_len: 8192, global_batch_tokens: 4M}
  - {name: long, tokens: 10B, seq_len: 32768, global_batch_tokens: 4M}
"""
DOSSIER = """
id: little
name: Little
cite: {source: planner-assumption, at: tests, kind: given}
overhead: usual
recipes: [few, dense-1e28]
frontier: {law: besiroglu, shapes: [dense], horizons: [30 days]}
serving:
  models: [llama-3-8b, kimi-k2.5]
  traffics: [chat, coding-agent]
  mode: disaggregated
distillation: [qwen3-8b-on-policy]
post_training: [scalerl-8b]
"""


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("overlay")
    for folder, name, text in (("training", "few", RECIPE), ("dossiers", "little", DOSSIER)):
        (root / "workloads" / folder).mkdir(parents=True)
        (root / "workloads" / folder / f"{name}.yaml").write_text(text)
    return root


@cache
def little(root: Path) -> CapacityResult:
    return capacity(CLUSTER, dossier="little", catalog=Catalog((root,)))


def test_the_answer_does_not_depend_on_the_number_of_processes(overlay: Path) -> None:
    some: dict[str, Any] = {"sections": "site,training", "catalog": Catalog((overlay,))}
    several, one = (capacity(CLUSTER, dossier="little", workers=n, **some).to_json() for n in (2, 1))
    assert several == one


def test_the_site_is_the_fact_sheet_of_the_cluster(overlay: Path) -> None:
    sheet = planner.cluster.show(CLUSTER, catalog=Catalog((overlay,))).result
    assert little(overlay).result.site == sheet


def test_a_run_is_the_staged_answer_on_the_same_hardware(overlay: Path) -> None:
    book = Catalog((overlay,))
    (few, large) = little(overlay).result.training
    assert few.plan == staged("few", gpu="hgx-h100", gpus=256, layouts="regular", catalog=book).plan
    assert large.plan is None
    assert large.reasons
    assert large.nearest


def test_a_service_is_the_answer_of_serve_and_what_cannot_be_served_says_why(overlay: Path) -> None:
    answers = {(one.model, one.traffic): one for one in little(overlay).result.serving}
    found = answers["llama-3-8b", "chat"]
    alone = planner.serve(
        "llama-3-8b", accelerator="h100-sxm", gpus=256, traffic="chat", mode=found.mode, top=0, pareto=False
    ).plan
    assert alone is not None
    assert found.users == alone.users
    assert found.usd_per_million_output_tokens == alone.usd_per_million_tokens
    assert found.binds == alone.bottleneck.sentence
    too_long = answers["llama-3-8b", "coding-agent"]
    assert too_long.users is None
    assert "longer than the 131,072 tokens" in too_long.reasons[0]


def test_the_frontier_is_that_of_its_command(overlay: Path) -> None:
    (best,) = little(overlay).result.frontier
    (point,) = frontier(gpu="hgx-h100", gpus=256, days=30, catalog=Catalog((overlay,))).points
    assert (best.model, best.tokens, best.loss) == (point.model, point.tokens, point.loss)
    assert best.binds == point.binds.sentence
    assert best.cost_usd == point.run.cost_usd


def test_examples_are_those_of_their_commands(overlay: Path) -> None:
    (taught,) = little(overlay).result.distillation
    with regular():
        alone = distill(recipe="qwen3-8b-on-policy", gpu="hgx-h100", gpus=256, catalog=Catalog((overlay,)))
    assert alone.plan is not None
    assert (taught.days, taught.cost_usd, taught.mode) == (alone.plan.days, alone.plan.cost_usd, "on-policy")
    (reinforced,) = little(overlay).result.post_training
    assert reinforced.days is not None
    assert reinforced.gpus_used is not None
    assert reinforced.gpus_used <= 256
    assert sum(reinforced.gpu_time_shares.values()) == pytest.approx(1.0)


def test_every_section_says_what_binds_and_every_number_has_a_source(overlay: Path) -> None:
    result = little(overlay)
    bound = {one.section: one.sentence for one in result.result.binds}
    assert set(bound) == {"trouble", *SECTIONS}
    assert "cannot be served" in bound["serving"]
    assert result.feasible
    assert {"planner-assumption"} <= set(result.sources)
    assert {"experiments", "failed"} <= {a.field for a in result.assumptions}


def test_a_mode_that_has_no_plan_makes_way_for_the_other(tmp_path: Path, overlay: Path) -> None:
    """The model fills the host, so that there is no second replica for prompts."""
    (tmp_path / "workloads" / "dossiers").mkdir(parents=True)
    served = DOSSIER.replace("llama-3-8b, kimi-k2.5", "llama-3.1-405b").replace(
        "chat, coding-agent", "offline-batch"
    )
    (tmp_path / "workloads" / "dossiers" / "little.yaml").write_text(served)
    asked: dict[str, Any] = {"sections": "serving", "workers": 1, "catalog": Catalog((overlay, tmp_path))}
    (served_by,) = capacity("hgx-h200:1", dossier="little", **asked).result.serving
    assert served_by.mode == "aggregated"


def test_nothing_feasible_is_said(tmp_path: Path, overlay: Path) -> None:
    only = DOSSIER.replace("few, ", "").replace("llama-3-8b, ", "").replace("chat, ", "")
    (tmp_path / "workloads" / "dossiers").mkdir(parents=True)
    (tmp_path / "workloads" / "dossiers" / "little.yaml").write_text(only)
    asked: dict[str, Any] = {"sections": ["training", "serving"], "catalog": Catalog((tmp_path,))}
    result = capacity("l40s:8", dossier="little", workers=1, **asked)
    assert not result.feasible
    assert result.result.sentence == "None of the runs fits."
    assert "Nothing trains" in result.result.binds[0].sentence


def test_tables_and_records_have_a_row_for_each_run_and_service(overlay: Path) -> None:
    result = little(overlay)
    tables = list(screens(result.result))
    assert tables[0].title == result.result.sentence
    assert [len(table.rows) for table in tables if table.head] == [2, 1, 4, 2]
    records = records_of(result)
    assert [record["name"] for record in records if record["section"] == "training"] == ["few", "dense-1e28"]
    assert len(result.to_frame()) == len(records) == 9
    assert result._repr_html_().count("<table>") == len(tables)


def test_some_sections_are_asked_for_by_name() -> None:
    result = capacity("gb200-nvl72:4", sections=["site"])
    assert result.inputs.sections == ("site",)
    assert result.inputs.accelerators == 288
    assert result.result.training == ()
    assert result.feasible
    assert set(SECTIONS) >= {"site", "training", "serving"}


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"cluster": "colossus-9"}, UnknownNameError, "colossus"),
        ({"cluster": "gb200"}, InputError, "say how many"),
        ({"cluster": "gb200:-5"}, InputError, "gpus"),
        ({"dossier": "none"}, UnknownNameError, "dossier"),
        ({"sections": "site,traning"}, InputError, "did you mean 'training'"),
        ({"workers": 0}, InputError, "--workers 0"),
        ({"site": "nowhere"}, UnknownNameError, "site"),
        ({"price": "cheap"}, InputError, "price"),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(
    asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        capacity(**{"sections": "site", **asked})
