"""A recipe of post-training as columns of samples ``[S, 1]``; see `planner.tables.samples`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from planner.types import FloatArray

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.tables.samples import Samples
    from planner.workload.post_training import PostTraining

__all__ = ["RecipeTable", "recipe_table"]

LATE: Final = 0.01
"""Share of late rollouts of a recipe that says none."""
NEVER_STALE: Final = 1.0
"""Staleness of a synchronous recipe that is asked to run asynchronously: one step, the least there is."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RecipeTable:
    """What a step is made of; the fields of the record under short names.

    Attributes
    ----------
    sigma
        Of the logarithm of the sampled tokens, before they are cut at `most`.
    wait_s
        For tools, of a rollout of mean length.
    discarded, late, evaluation
        Shares of the rollouts that are thrown away, that come too late, and that come on top.
    """

    prompts: FloatArray
    size: FloatArray
    updates: FloatArray
    staleness: FloatArray
    prompt: FloatArray
    sampled: FloatArray
    sigma: FloatArray
    most: FloatArray
    turns: FloatArray
    added: FloatArray
    wait_s: FloatArray
    check_s: FloatArray
    kept: FloatArray
    per_rollout: FloatArray
    cores: FloatArray
    host_cores: FloatArray
    usd_per_core_hour: FloatArray
    epochs: FloatArray
    passes: FloatArray
    discarded: FloatArray
    evaluation: FloatArray
    late: FloatArray
    share: FloatArray
    every: FloatArray
    efficiency: FloatArray
    overhead_s: FloatArray
    swap_s: FloatArray

    def stated(self) -> Self:
        """Return the stated values alone, ``[1, 1]``."""
        return replace(self, **{name: column[:1] for name, column in vars(self).items()})

    def in_turns(self) -> Self:
        """Return the same for a synchronous step, which waits for every rollout."""
        return replace(self, late=np.zeros((1, 1)))

    @property
    def rollouts(self) -> FloatArray:
        """Rollouts of a step that are trained on."""
        return self.prompts * self.size

    @property
    def started(self) -> FloatArray:
        """Rollouts of a step that are generated."""
        kept = (1.0 - self.discarded) * (1.0 - self.late)
        return self.rollouts * (1.0 / kept + self.evaluation)

    @property
    def sequence(self) -> FloatArray:
        """Mean tokens of a rollout with its prompt and what the environment added."""
        return self.prompt + self.sampled + self.added

    @property
    def wait_per_token_s(self) -> FloatArray:
        """Seconds of waiting for tools per token sampled."""
        return np.asarray(self.wait_s / self.sampled)


def recipe_table(record: PostTraining, samples: Samples) -> RecipeTable:
    """Draw the numbers of a recipe."""

    def of(name: str, quantity: Quantity) -> FloatArray:
        return samples.of(quantity, f"post-training.{record.id}.{name}")

    groups, outside, learning = record.groups, record.environment, record.learning
    making, publishing, sampled = record.generation, record.publishing, record.sampled
    most = sampled.most.value
    return RecipeTable(
        prompts=of("prompts", groups.prompts),
        size=of("size", groups.size),
        updates=of("updates", groups.updates),
        staleness=np.array([[NEVER_STALE]])
        if record.staleness is None
        else np.maximum(of("staleness", record.staleness), 1.0),
        prompt=of("prompt", record.prompt),
        sampled=np.minimum(of("sampled", sampled.mean), 0.9 * most),
        sigma=np.array([[sampled.before_cut.sigma]]),
        most=np.array([[most]]),
        turns=np.maximum(of("turns", outside.turns), 1.0),
        added=of("tokens", outside.tokens),
        wait_s=of("wait", outside.wait),
        check_s=of("check", outside.check),
        kept=np.clip(of("kept", outside.kept), 0.0, 1.0),
        per_rollout=of("per_rollout", outside.per_rollout),
        cores=of("cores", outside.cores),
        host_cores=of("host_cores", outside.host_cores),
        usd_per_core_hour=of("core_hour", outside.core_hour),
        epochs=np.maximum(of("epochs", learning.epochs), 1.0),
        passes=of("passes", learning.passes),
        discarded=np.clip(of("discarded", making.discarded), 0.0, 0.99),
        evaluation=of("evaluation", making.evaluation),
        late=np.array([[LATE]]) if making.late is None else np.clip(of("late", making.late), 0.0, 0.5),
        share=np.clip(of("share", publishing.share), 0.0, 1.0),
        every=of("every", publishing.every),
        efficiency=np.clip(of("efficiency", publishing.efficiency), 0.01, 1.0),
        overhead_s=of("overhead", publishing.overhead),
        swap_s=of("swap", publishing.swap),
    )
