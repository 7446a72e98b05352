"""A question of post-training as resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.catalog.kinds import CLUSTER
from planner.plan.post_train import results

if TYPE_CHECKING:
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.hardware import Hardware
    from planner.plan.post_train.parts import AskedReward
    from planner.plan.rates import Where

__all__ = ["inputs_of"]


def inputs_of(
    run: Run,
    where: Hardware,
    reward: AskedReward,
    base: Where,
    precision: str,
    link: str | None,
    overrides: tuple[str, ...],
) -> results.PostTrainInputs:
    """Return what was asked, with everything that was left open filled in."""
    there = where.elsewhere_place
    site = base.site
    if site is None and where.place.cluster is not None:
        site = base.book.get(CLUSTER, where.place.cluster).site
    return results.PostTrainInputs(
        model=run.record.id,
        parameters=run.counts.total,
        active_parameters=run.counts.active,
        recipe=run.recipe.id,
        mode=run.mode,
        staleness=run.stated_value("staleness") if run.mode == "async" else None,
        cluster=where.place.cluster,
        gpu=where.place.accelerator.id,
        gpus=where.total,
        generation_gpu=None if there is None else there.accelerator.id,
        generation_gpus=where.generators,
        link=link,
        fixed=run.fixed,
        amount=run.amount,
        prompts=run.stated_value("prompts"),
        group=run.stated_value("size"),
        prompt_tokens=run.stated_value("prompt"),
        mean_tokens=run.stated_value("sampled"),
        p99_tokens=run.p99_tokens,
        max_tokens=run.stated_value("most"),
        turns=run.stated_value("turns"),
        environment_tokens=run.stated_value("added"),
        tool_time_s=run.stated_value("wait_s"),
        late=run.stated_value("late") if run.mode == "async" else None,
        epochs=run.stated_value("epochs"),
        passes=run.stated_value("passes"),
        environments=run.environments,
        precision=precision,
        reward_law=reward.law or run.recipe.reward,
        reward_start=reward.start,
        reward_middle=reward.middle,
        site=site or "usual",
        price=str(base.price) if base.price is not None else "own",
        overrides=overrides,
    )
