"""``planner staged``: what a training run takes, stage by stage, and with what runs take beside themselves.

Each stage is a whole question of `planner.train`: the fastest layout for its batch and its sequences, on up
to all accelerators, and on fewer where failures would take most of the time of all. On a cluster of unlike
hardware the group that is best for the longest stage trains all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from planner.plan import numbers
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.model_input import read_model_record
from planner.plan.regular import ENOUGH, group_of, regular_layout
from planner.plan.staged import results
from planner.plan.staged.answer import Done, answer_of, longest
from planner.plan.staged.shares import shares_of
from planner.plan.train import train
from planner.workload.kinds import OVERHEAD, TRAINING_RECIPE

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.numbers import Number
    from planner.plan.results import TrainResult
    from planner.workload.record import ModelRecord
    from planner.workload.training_recipe import Stage, TrainingRecipe

__all__ = ["LAYOUTS", "staged"]

LAYOUTS: Final = ("all", "regular")
"""Which layouts are looked at."""


def staged(
    recipe: object,
    *,
    cluster: str | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    precision: str | None = None,
    software: str | None = None,
    overhead: str = "usual",
    experiments: Number | None = None,
    failed: Number | None = None,
    layouts: str = "all",
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    power_cap: Number | None = None,
    failures: str | None = None,
    availability: Number | None = None,
    checkpoint: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.StagedResult:
    """Train by a recipe of stages, and count what a run takes beside itself.

    Parameters
    ----------
    recipe
        Name of a training recipe, or a `TrainingRecipe`.
    cluster, gpu, gpus
        As `planner.train` takes them; accelerators are available, and a stage uses up to all of them.
    precision, software
        For all stages, instead of those of the recipe and of the newest stack.
    overhead
        Record with the shares that experiments and failed runs take.
    experiments, failed
        Those shares instead, as in ``'150%'``: compute before the run, and steps that are thrown away.
    layouts
        ``all``, or ``regular``: as people choose them, found in a fraction of the time; of a cluster of
        unlike hardware then the group with the highest dense peak trains.
    site, price, finance, power_cap, failures, availability, checkpoint
        As `planner.train` takes them.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    StagedResult
        With ``plan`` None, and the reasons by stage, where a stage is not feasible.

    Raises
    ------
    UsageError
        Conflicting options.
    InputError
        A value or a name that is wrong.
    """
    from planner.workload.training_recipe import TrainingRecipe

    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        record = recipe if isinstance(recipe, TrainingRecipe) else book.get(TRAINING_RECIPE, str(recipe))
        shares = shares_of(book.get(OVERHEAD, overhead), record, experiments, failed, filled)
        model, notes = _model(book, record)
        filled.notes.extend(notes)
        asked = {
            "gpus": gpus, "precision": precision, "software": software, "site": site, "price": price,
            "finance": finance, "power_cap": power_cap, "failures": failures, "availability": availability,
            "checkpoint": checkpoint,
        }  # fmt: skip
        regular = numbers.choice("layouts", layouts, LAYOUTS) == LAYOUTS[1]
        done = _stages(book, record, model, cluster=cluster, gpu=gpu, asked=asked, regular=regular)
        answer = answer_of(record, done, shares, filled)
    first = done[0].result.inputs
    return results.StagedResult(
        inputs=results.StagedInputs(
            recipe=record.id,
            model=first.model,
            parameters=first.parameters,
            active_parameters=first.active_parameters,
            tokens=record.tokens,
            cluster=cluster,
            gpu=done[longest(record)].result.inputs.gpu,
            gpus=first.gpus,
            precision=precision,
            software=software,
            overhead=overhead,
            layouts="regular" if regular else "all",
            experiments=shares.experiments,
            failed=shares.failed,
            site=first.site,
            price=first.price,
            finance=first.finance,
            failures=first.failures,
            overrides=(set,) if isinstance(set, str) else tuple(set),
        ),
        assumptions=tuple(dict.fromkeys(filled.assumptions)),
        result=answer,
        sources=sources_of(book, used),
    )


def _model(book: Catalog, recipe: TrainingRecipe) -> tuple[ModelRecord, tuple[str, ...]]:
    """Return the model of a recipe, or that of its shape with so many parameters."""
    if recipe.model is not None or recipe.parameters is None:
        return read_model_record(book, recipe.model)
    return read_model_record(book, f"{recipe.shape}:{recipe.parameters.value!r}")


def _stages(
    book: Catalog,
    recipe: TrainingRecipe,
    model: ModelRecord,
    *,
    cluster: str | None,
    gpu: str | None,
    asked: dict[str, Any],
    regular: bool,
) -> list[Done]:
    """Plan every stage, the longest first: it chooses the group of a cluster."""

    def planned(stage: Stage, where: str | None) -> Done:
        own = _trained_by(recipe, stage, model)
        options = {"tokens": stage.tokens.value, "top": 0, "catalog": book, **asked}

        def trained(narrowed: bool) -> TrainResult:
            layout = regular_layout(book, own, cluster=where, gpu=gpu, **asked) if narrowed else {}
            return train(own, cluster=where, gpu=gpu, **options, **layout)

        first = trained(regular)
        if not regular and first.plan is not None and first.plan.goodput.value < ENOUGH:
            first = min(first, trained(True), key=_days)
        return Done(stage, first)

    main = longest(recipe)
    if regular:
        precision = asked["precision"] or recipe.precision
        cluster = group_of(book, cluster=cluster, precision=precision)
    first = planned(recipe.stages[main], cluster)
    inputs = first.result.inputs
    several = first.result.result.across is not None
    where = f"{cluster}/{inputs.system}" if several and cluster and inputs.system else cluster
    return [first if at == main else planned(stage, where) for at, stage in enumerate(recipe.stages)]


def _days(result: TrainResult) -> float:
    return math.inf if result.plan is None else result.plan.days_with_failures.value


def _trained_by(recipe: TrainingRecipe, stage: Stage, model: ModelRecord) -> ModelRecord:
    """Return the model with this stage as its recipe, so that it fills what the question leaves open."""
    from planner.workload.record import Recipe

    usual = None if model.recipe is None else model.recipe.precision
    return model.model_copy(
        update={
            "recipe": Recipe(
                tokens=stage.tokens,
                seq_len=stage.seq_len,
                global_batch_tokens=stage.global_batch_tokens,
                precision=stage.precision or recipe.precision or usual,
            )
        }
    )
