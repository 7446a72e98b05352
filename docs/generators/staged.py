"""Blocks about staged runs: the recipes there are, and published hours beside those that come out here."""

from __future__ import annotations

from collections.abc import Iterator

from planner.catalog.load import Catalog
from planner.plan.staged.results import StagedPlan
from planner.plan.staged.run import staged
from planner.units import format_quantity
from planner.workload.kinds import TRAINING_RECIPE
from planner.workload.training_recipe import TrainingRecipe

__all__ = ["BLOCKS"]

BOOK = Catalog()


def recipes(_arguments: str, _old: str) -> str:
    """Return a table of the recipes."""
    lines = ["| recipe | trains | stages: tokens, sequence, batch in tokens |", "|---|---|---|"]
    return "\n".join([*lines, *map(_recipe, BOOK.all(TRAINING_RECIPE))])


def _recipe(one: TrainingRecipe) -> str:
    size = "" if one.parameters is None else f":{one.parameters.text}"
    stages = "; ".join(
        f"{stage.name} {stage.tokens.text}, {stage.seq_len:,}, {_count(stage.global_batch_tokens.value)}"
        for stage in one.stages
    )
    return f"| `{one.id}` | {one.model or one.shape}{size} | {stages} |"


def _count(value: float) -> str:
    return format_quantity(value, "count", digits=3)


def published(_arguments: str, _old: str) -> str:
    """Return published accelerator-hours with those of planner."""
    lines = ["| figure | source | published | here | difference |", "|---|---|---:|---:|---:|"]
    for what, source, known, here, interval in (*_llama(), *_deepseek()):
        lines.append(f"| {what} | {source} | {_count(known)} | {here}{interval} |")
    return "\n".join(lines)


Row = tuple[str, str, float, str, str]


def _planned(name: str, software: str | None) -> StagedPlan:
    said = BOOK.get(TRAINING_RECIPE, name).published
    if said is None:
        raise SystemExit(f"nothing is published of {name}")
    failures = said.failures
    plan = staged(
        name, gpu=said.gpu, gpus=said.gpus.value, software=software, failures=failures, catalog=BOOK
    ).plan
    if plan is None:
        raise SystemExit(f"no plan for {name}")
    return plan


def _row(what: str, source: str, known: float, here: float, low: float, high: float) -> Row:
    return (
        what,
        source,
        known,
        f"{_count(here)} ({_count(low)} to {_count(high)})",
        f" | {here / known - 1:+.1%}",
    )


def _llama() -> Iterator[Row]:
    for stack, software in (("Meta's stack of 2024", "meta-internal-2024"), ("the newest stack", None)):
        hours = _planned("llama-3.1-405b", software).gpu_hours
        what = f"Llama 3.1 405B, 16,384 H100, GPU-hours, {stack}"
        yield _row(what, "model card", 30.84e6, hours.value, hours.low, hours.high)


def _deepseek() -> Iterator[Row]:
    for stack, software in (("HAI-LLM", "hai-llm"), ("the newest stack", None)):
        plan = _planned("deepseek-v3", software)
        parts = (
            ("14.8T tokens", 2.664e6, plan.stages[:2]),
            ("extension to 128k", 0.119e6, plan.stages[2:]),
        )
        for part, known, stages in parts:
            ends = [
                sum(getattr(stage.gpu_hours, end) for stage in stages) for end in ("value", "low", "high")
            ]
            yield _row(
                f"DeepSeek-V3, {part}, 2,048 H800, GPU-hours, {stack}",
                "arXiv:2412.19437, table 1",
                known,
                *ends,
            )


BLOCKS = {"training-recipes": recipes, "published-staged": published}
