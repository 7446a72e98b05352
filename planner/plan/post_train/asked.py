"""A question of post-training resolved against the catalog: recipe, model, hardware, and what is fixed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from planner.catalog.fields import quantities
from planner.errors import UsageError
from planner.model.post_training.lengths import quantile, rollout_lengths, visited
from planner.plan import numbers
from planner.plan.model_input import read_model_record
from planner.plan.places import MOST_GPUS
from planner.plan.post_train.changes import in_context, with_changes, with_late
from planner.tables.post_training import RecipeTable, recipe_table
from planner.tables.samples import Samples
from planner.units import HOURS_PER_YEAR, short_number
from planner.workload.counts import ParameterCounts, parameters
from planner.workload.kinds import POST_TRAINING

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.numbers import Number
    from planner.types import FloatArray
    from planner.workload.post_training import PostTraining
    from planner.workload.record import ModelRecord

__all__ = ["Fixed", "Run", "read_run"]

Fixed = Literal["steps", "tokens", "days", "gpu_hours"]
FIXED: Final[tuple[Fixed, ...]] = ("steps", "tokens", "days", "gpu_hours")
MODES: Final = ("sync", "async")
USUAL: Final = "usual"
_MOST: Final = 1e9
_MOST_HOURS: Final = MOST_GPUS * HOURS_PER_YEAR * 100
_NOT_SAID: Final = ("published", "hardware", "steps", "staleness")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The question, independent of the hardware it is put on.

    Attributes
    ----------
    table, lengths
        Columns of samples, the stated value first; lengths of what is sampled ``[S, 1, Q]``.
    fixed, amount
        What was given of steps, tokens sampled, days and accelerator-hours.
    changed
        Parameters that were given instead of the recipe's.
    """

    recipe: PostTraining
    record: ModelRecord
    counts: ParameterCounts
    mode: Literal["sync", "async"]
    table: RecipeTable
    lengths: FloatArray
    fixed: Fixed
    amount: float
    environments: int | None
    changed: frozenset[str]

    @property
    def stated(self) -> RecipeTable:
        """The stated values alone."""
        return self.table.stated()

    @property
    def growth(self) -> float:
        """Tokens of a rollout beyond its prompt over those sampled: what the environment adds comes along."""
        return float(1.0 + self.stated.added[0, 0] / self.stated.sampled[0, 0])

    @property
    def visited_tokens(self) -> float:
        """Length of the sequence that a token of a rollout is in on average, prompt included.

        No sequence is longer than the model's context: what goes on beyond it does so after a summary.
        """
        total = self.lengths[0, 0] * self.growth + self.stated.prompt[0, 0]
        context = self.record.context
        return float(visited(total, math.inf if context is None else context.value))

    @property
    def p99_tokens(self) -> float:
        """Of the tokens sampled."""
        return float(quantile(self.lengths[0, 0], 0.99))

    def stated_value(self, name: str) -> float:
        """Return the stated value of a column of the table."""
        return float(getattr(self.table, name)[0, 0])


def read_run(
    catalog: Catalog,
    filled: Filled,
    *,
    model: object,
    recipe: str | None,
    mode: str | None,
    fixed: Mapping[str, Number | None],
    changes: Mapping[str, Number | None],
    late: Number | None,
    p99_tokens: Number | None,
    tool_time: Number | None,
    environments: Number | None,
) -> Run:
    """Read what is asked, and fill in from the recipe what is left open.

    Raises
    ------
    UsageError
        No model, or more than one of steps, tokens, days and accelerator-hours.
    InputError
        A value that is none, or lengths that contradict each other.
    """
    found = catalog.get(POST_TRAINING, recipe or USUAL)
    if recipe is None:
        filled.assume("recipe", found.id, "no recipe is named; see planner catalog list post-training")
    if model is None:
        if found.model is None:
            raise UsageError(
                f"post-train what? Recipe {found.id} names no model; name one, as in "
                "planner post-train kimi-k2.5"
            )
        model = found.model
        filled.assume("model", model, f"the model of recipe {found.id}")
    record, notes = read_model_record(catalog, model)
    filled.notes.extend(notes)
    given = {name: value for name, value in changes.items() if value is not None}
    way = numbers.choice("mode", found.mode if mode is None else mode, MODES)
    if way == "sync" and ("staleness" in given or late is not None):
        raise UsageError(
            "--staleness and --late belong to --mode async: a synchronous step waits for all of its rollouts"
        )
    which, amount = _fixed(found, fixed, filled)
    table = with_changes(recipe_table(found, Samples()), given, p99_tokens, tool_time)
    table = in_context(record, table, filled)
    table = table.in_turns() if way == "sync" else with_late(table, late)
    others = {"p99_tokens": p99_tokens, "tool_time": tool_time, "late": late}
    changed = frozenset(given) | {name for name, value in others.items() if value is not None}
    _assumed(found, changed, filled)
    if way == "async" and found.staleness is None and "staleness" not in given:
        filled.assume("staleness", 1, f"recipe {found.id} is synchronous; --staleness says more")
    return Run(
        recipe=found,
        record=record,
        counts=parameters(record.architecture),
        mode=way,  # type: ignore[arg-type]
        table=table,
        lengths=rollout_lengths(mean=table.sampled, sigma=table.sigma, most=table.most),
        fixed=which,
        amount=amount,
        environments=None
        if environments is None
        else numbers.count("environments", environments, most=_MOST),
        changed=changed,
    )


def _fixed(recipe: PostTraining, given: Mapping[str, Number | None], filled: Filled) -> tuple[Fixed, float]:
    said = [name for name in FIXED if given.get(name) is not None]
    if len(said) > 1:
        both = " and ".join(numbers.given(name) for name in said)
        raise UsageError(f"{both} each say how long the run is; give one of them")
    if said:
        return said[0], _amount(said[0], given[said[0]])
    if recipe.steps is not None:
        steps = recipe.steps
        filled.assume("steps", steps.value, f"of recipe {recipe.id}{_range(steps)}: {steps.note or steps.at}")
        return "steps", steps.value
    hours = recipe.published.gpu_hours
    if hours is not None:
        filled.assume("gpu_hours", hours.value, f"of recipe {recipe.id}, which says no steps: {hours.at}")
        return "gpu_hours", hours.value
    raise UsageError(
        f"how long? Recipe {recipe.id} does not say; give one of --steps, --tokens, --days, --gpu-hours"
    )


def _amount(name: Fixed, value: Any) -> float:
    if name == "steps":
        return float(numbers.count("steps", value, most=_MOST))
    if name == "tokens":
        return numbers.token_count("tokens", value)
    if name == "days":
        return numbers.days_of("days", value)
    return numbers.positive("gpu_hours", value, most=_MOST_HOURS, example="100k")


def _assumed(recipe: PostTraining, changed: frozenset[str], filled: Filled) -> None:
    """Name every estimate of the recipe that nobody replaced."""
    replaced = {_PATHS[name] for name in changed if name in _PATHS}
    for path, quantity in quantities(recipe):
        low, high = quantity.bounds
        if quantity.kind != "estimate" or low == high or path in replaced or path.split(".")[0] in _NOT_SAID:
            continue
        note = f": {quantity.note}" if quantity.note else ""
        filled.assume(path, quantity.value, f"estimate of recipe {recipe.id}{_range(quantity)}{note}")


_PATHS: Final = {
    "prompts": "groups.prompts",
    "group": "groups.size",
    "staleness": "staleness",
    "prompt_tokens": "prompt",
    "mean_tokens": "sampled.mean",
    "p99_tokens": "sampled.cv",
    "max_tokens": "sampled.most",
    "turns": "environment.turns",
    "environment_tokens": "environment.tokens",
    "tool_time": "environment.wait",
    "late": "generation.late",
    "epochs": "learning.epochs",
    "passes": "learning.passes",
}


def _range(quantity: Any) -> str:
    low, high = quantity.bounds
    if low == high or not math.isfinite(high):
        return ""
    return f", {short_number(low)} to {short_number(high)}"
