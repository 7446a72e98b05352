"""``planner post-train``: reinforcement learning after pre-training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from planner.errors import InfeasibleError
from planner.plan.bibliography import sources_of
from planner.plan.defaults import Filled
from planner.plan.job import as_catalog
from planner.plan.numbers import Number
from planner.plan.post_train import results
from planner.plan.post_train.answer import planned
from planner.plan.post_train.asked import Run, read_run
from planner.plan.post_train.engines import Engine
from planner.plan.post_train.hardware import (
    Hardware,
    hardware_of,
    is_that_of_the_recipe,
    network_of,
    unit_of,
)
from planner.plan.post_train.infeasible import does_not_fit, none, too_short
from planner.plan.post_train.inputs import inputs_of
from planner.plan.post_train.parts import AskedReward
from planner.plan.post_train.placing import other_mode, put
from planner.plan.post_train.spread import outcome
from planner.plan.post_train.step import Network
from planner.plan.post_train.trainers import Fleet, batch_of, plan_of
from planner.plan.rates import Where

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.rates import Rate

__all__ = ["post_train"]

UNCHECKED: Final = (
    "No measured run has checked this loop of two estimates: the interval is that of a mature stack in which "
    "nothing goes wrong. DeepSeek-R1-Zero took about twice as long as this says, research code many times."
)
Mode = Literal["sync", "async"]


def post_train(
    model: object = None,
    *,
    recipe: str | None = None,
    cluster: str | None = None,
    gpu: str | None = None,
    gpus: Number | None = None,
    steps: Number | None = None,
    tokens: Number | None = None,
    days: Number | None = None,
    gpu_hours: Number | None = None,
    mode: str | None = None,
    staleness: Number | None = None,
    late: Number | None = None,
    prompts: Number | None = None,
    group: Number | None = None,
    prompt_tokens: Number | None = None,
    mean_tokens: Number | None = None,
    p99_tokens: Number | None = None,
    max_tokens: Number | None = None,
    turns: Number | None = None,
    environment_tokens: Number | None = None,
    tool_time: Number | None = None,
    epochs: Number | None = None,
    passes: Number | None = None,
    environments: Number | None = None,
    generation_gpu: str | None = None,
    generation_gpus: Number | None = None,
    link: str | None = None,
    precision: str | None = None,
    engine: str | None = None,
    weights: str | None = None,
    speculation: str | None = None,
    reward_law: str | None = None,
    reward_start: Number | None = None,
    reward_middle: Number | None = None,
    site: str | None = None,
    price: Number | None = None,
    finance: str | None = None,
    failures: str | None = None,
    compare: bool = True,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> results.PostTrainResult:
    """Plan a run of reinforcement learning: rollouts, training, and the split of accelerators between them.

    One of steps, tokens, days and accelerator-hours is fixed, and the others follow.

    Parameters
    ----------
    model
        As in `planner.train`; by default that of the recipe.
    recipe
        A record of the kind ``post-training``; ``usual`` by default.
    cluster, gpu, gpus
        As in `planner.train`; of a cluster of unlike hardware the largest group, or ``CLUSTER/SYSTEM``. By
        default the hardware of the recipe.
    steps, tokens, days, gpu_hours
        Of the run; tokens are those sampled in rollouts that are trained on.
    mode, staleness, late
        ``sync`` (generation and training take turns on all accelerators) or ``async`` (side by side); steps
        after which a rollout may no longer be trained on, and the share of them that may be later.
    prompts, group
        Of a step, and rollouts of each.
    prompt_tokens, mean_tokens, p99_tokens, max_tokens
        Of a prompt; sampled in a rollout on average, in one of a hundred, and at most.
    turns, environment_tokens, tool_time
        Calls of the model in a rollout; tokens that its environment adds; seconds that it waits for tools.
    epochs, passes
        Training passes over the rollouts, and forward passes for log-probabilities.
    environments
        Sandboxes there are, which bound the rollouts in flight.
    generation_gpu, generation_gpus, link
        Generate on other hardware, and the connection to it.
    precision, engine, weights, speculation
        Of training; serving engine, format of the weights and speculative decoding (or ``none``) of
        generation.
    reward_law, reward_start, reward_middle
        Law of reward by compute; reward before the run; accelerator-hours at half of the gain.
    site, price, finance, failures
        As in `planner.train`.
    compare
        Also run it in the other mode and on parts of the accelerators, which takes searches of its own;
        without them training is looked at near the best split alone.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    PostTrainResult
        With ``plan`` None, reasons and the nearest changes where nothing is feasible.

    Raises
    ------
    UsageError
        Conflicting options.
    InputError
        A value or a name that is wrong.
    """
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        run = read_run(
            book,
            filled,
            model=model,
            recipe=recipe,
            mode=mode,
            fixed={"steps": steps, "tokens": tokens, "days": days, "gpu_hours": gpu_hours},
            changes={
                "prompts": prompts, "group": group, "staleness": staleness, "prompt_tokens": prompt_tokens,
                "mean_tokens": mean_tokens, "max_tokens": max_tokens, "turns": turns,
                "environment_tokens": environment_tokens, "epochs": epochs, "passes": passes,
            },
            late=late,
            p99_tokens=p99_tokens,
            tool_time=tool_time,
            environments=environments,
        )  # fmt: skip
        reward = AskedReward(reward_law, reward_start, reward_middle)
        base = Where(
            book=book,
            cluster=cluster,
            gpu=gpu,
            site=site,
            price=None if price is None else str(price),
            finance=finance,
            failures=failures,
        )
        where = hardware_of(base, run, filled, gpus, generation_gpu, generation_gpus, link)
        joined = network_of(book, where, link)
        usual = run.recipe.generation
        options = {
            "engine": engine or usual.engine,
            "weights": weights or usual.weights,
            "speculation": None if speculation == "none" else speculation or usual.speculation,
        }
        training = {"precision": precision or run.recipe.learning.precision}
        answer, used_precision = _answer(
            book, run, where, joined, options, training, reward, filled, compare=compare
        )
        sources = sources_of(book, used, run.record)
    overrides = (set,) if isinstance(set, str) else tuple(set)
    return results.PostTrainResult(
        inputs=inputs_of(run, where, reward, base, used_precision, link, overrides),
        assumptions=tuple(filled.assumptions),
        result=answer,
        sources=sources,
    )


def _answer(
    book: Catalog,
    run: Run,
    where: Hardware,
    network: Network,
    options: dict[str, Any],
    training: dict[str, Any],
    reward: AskedReward,
    filled: Filled,
    *,
    compare: bool,
) -> tuple[results.PostTrainAnswer, str]:
    precision = training["precision"] or "bf16"
    fleet = Fleet(
        where=where.where,
        run=run,
        batch=batch_of(run),
        options=training,
        unit=unit_of(where),
        brief=not compare,
    )
    try:
        found, network, choice = put(book, run, where, fleet, network, options, compare=compare)
    except InfeasibleError as error:
        return none(filled, str(error)), precision
    if choice is None:
        return does_not_fit(run, where.total, found, fleet, filled), precision
    rate = fleet.known[choice.trainers]
    out = outcome(run, choice, rate, network, mode=run.mode)
    if float(np.ravel(out.steps)[0]) < 1.0:
        return too_short(run, out.gpus_used, float(np.ravel(out.step.seconds)[0]), filled), precision
    other = None
    if compare:
        other = other_mode(run, where, found, fleet, network, choice, float(np.ravel(out.steps)[0]))
    plan = planned(
        book,
        run,
        choice,
        fleet,
        rate,
        out,
        network,
        filled,
        mode=run.mode,
        available=where.total + (where.generators or 0),
        asked_reward=reward,
        same_place=is_that_of_the_recipe(run, where),
        alternative=other,
    )
    _said(run, found[0], rate, filled)
    return results.PostTrainAnswer(plan=plan, notes=tuple(filled.notes)), plan.trainers.strategy.precision


def _said(run: Run, engine: Engine, rate: Rate, filled: Filled) -> None:
    """Add what the two estimates say of themselves, and that nothing has checked the loop of both."""
    filled.notes.append(UNCHECKED)
    widened = plan_of(rate).interval_widened
    training = (f"The interval of training is widened: {'; '.join(widened)}.",) if widened else ()
    for note in (*engine.served.result.notes, *training):
        if note not in filled.notes:
            filled.notes.append(note)
    context = run.record.context
    longest = run.stated_value("most") * run.growth + run.stated_value("prompt")
    if context is not None and longest > context.value:
        filled.notes.append(
            f"The longest rollouts reach {longest:,.0f} tokens with what the environment adds, and "
            f"{run.record.id} is made for {context.value:,.0f}: beyond those they go on after a summary."
        )
