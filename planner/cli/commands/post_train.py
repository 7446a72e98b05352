"""``planner post-train MODEL``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.command import command
from planner.cli.complete import names_of
from planner.cli.model_argument import check_overrides, read_model
from planner.cli.output import Answer
from planner.cli.plans import answer, assumed, option, tables_of
from planner.cli.session import Session
from planner.cli.surroundings import (
    ClusterOption,
    FailuresOption,
    FinanceOption,
    GpuOption,
    GpusOption,
    PriceOption,
    SiteOption,
)

if TYPE_CHECKING:
    from planner.plan.post_train.results import PostTrainResult

__all__ = ["run"]


@command
def run(
    session: Session,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A model of the catalog, a config.json, or -; default: the recipe's.",
            show_default=False,
            autocompletion=names_of("model"),
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        option("--recipe", metavar="NAME", text="r1-zero, composer-like ...", kind="post-training"),
    ] = None,
    cluster: ClusterOption = None,
    gpu: GpuOption = None,
    gpus: GpusOption = None,
    steps: Annotated[str | None, option("--steps", text="Steps of the run: one of these four.")] = None,
    tokens: Annotated[str | None, option("--tokens", text="Tokens sampled, as in 100B.")] = None,
    days: Annotated[str | None, option("--days", text="Time of the run.")] = None,
    gpu_hours: Annotated[str | None, option("--gpu-hours", text="Accelerator-hours, as in 100k.")] = None,
    mode: Annotated[
        str | None, option("--mode", metavar="MODE", text="sync (by turns) or async (side by side).")
    ] = None,
    staleness: Annotated[
        str | None, option("--staleness", metavar="K", text="Steps within which rollouts are used, in async.")
    ] = None,
    late: Annotated[
        str | None, option("--late", metavar="SHARE", text="Of the rollouts that may come later still.")
    ] = None,
    prompts: Annotated[str | None, option("--prompts", text="Prompts of a step.")] = None,
    group: Annotated[str | None, option("--group", text="Rollouts of each.")] = None,
    prompt_tokens: Annotated[str | None, option("--prompt-tokens", text="Tokens of a prompt.")] = None,
    mean_tokens: Annotated[
        str | None, option("--mean-tokens", text="Tokens sampled in a rollout on average.")
    ] = None,
    p99_tokens: Annotated[str | None, option("--p99-tokens", text="In one of a hundred.")] = None,
    max_tokens: Annotated[str | None, option("--max-tokens", text="At most.")] = None,
    turns: Annotated[str | None, option("--turns", text="Calls of the model in a rollout.")] = None,
    environment_tokens: Annotated[
        str | None, option("--environment-tokens", text="Tokens that tools add to a rollout.")
    ] = None,
    tool_time: Annotated[
        str | None, option("--tool-time", metavar="T", text="A rollout waits for tools, as in 5min.")
    ] = None,
    epochs: Annotated[str | None, option("--epochs", text="Training passes over the rollouts.")] = None,
    passes: Annotated[
        str | None, option("--passes", text="Forward passes for log-probabilities of policies.")
    ] = None,
    environments: Annotated[str | None, option("--environments", text="Sandboxes there are.")] = None,
    generation_gpu: Annotated[
        str | None,
        option("--generation-gpu", metavar="NAME", text="Generate on other hardware.", kind="accelerator"),
    ] = None,
    generation_gpus: Annotated[str | None, option("--generation-gpus", text="On so many of it.")] = None,
    link: Annotated[
        str | None, option("--link", metavar="NAME", text="That weights cross to it.", kind="link")
    ] = None,
    precision: Annotated[
        str | None, option("--precision", metavar="NAME", text="Of training: bf16, fp8, mxfp8 ...")
    ] = None,
    engine: Annotated[
        str | None, option("--engine", metavar="NAME", text="Serving engine that generates.", kind="engine")
    ] = None,
    weights: Annotated[
        str | None, option("--weights", metavar="NAME", text="Format of its weights.", kind="format")
    ] = None,
    speculation: Annotated[
        str | None,
        option("--speculation", metavar="NAME", text="Speculative decoding, or none.", kind="speculation"),
    ] = None,
    reward_law: Annotated[
        str | None,
        option("--reward-law", metavar="NAME", text="Law of reward by compute.", kind="scaling-law"),
    ] = None,
    reward_start: Annotated[
        str | None, option("--reward-start", metavar="SHARE", text="Reward before the run.")
    ] = None,
    reward_middle: Annotated[
        str | None, option("--reward-middle", metavar="HOURS", text="GPU-hours at half of the gain.")
    ] = None,
    site: SiteOption = None,
    price: PriceOption = None,
    finance: FinanceOption = None,
    failures: FailuresOption = None,
) -> Answer:
    """Plan reinforcement learning: rollouts, training, their GPUs.

    What is left open comes from a recipe, and the answer names each of its assumptions. Exit code 4 where
    nothing is feasible: the answer then says why, and what would be.
    """
    from planner.plan.post_train.question import post_train

    notes: tuple[str, ...] = ()
    asked: Any = model
    if model == "-":
        asked, notes = read_model(session, model)
    result = post_train(
        asked,
        recipe=recipe,
        cluster=cluster,
        gpu=gpu,
        gpus=gpus,
        steps=steps,
        tokens=tokens,
        days=days,
        gpu_hours=gpu_hours,
        mode=mode,
        staleness=staleness,
        late=late,
        prompts=prompts,
        group=group,
        prompt_tokens=prompt_tokens,
        mean_tokens=mean_tokens,
        p99_tokens=p99_tokens,
        max_tokens=max_tokens,
        turns=turns,
        environment_tokens=environment_tokens,
        tool_time=tool_time,
        epochs=epochs,
        passes=passes,
        environments=environments,
        generation_gpu=generation_gpu,
        generation_gpus=generation_gpus,
        link=link,
        precision=precision,
        engine=engine,
        weights=weights,
        speculation=speculation,
        reward_law=reward_law,
        reward_start=reward_start,
        reward_middle=reward_middle,
        site=site,
        price=price,
        finance=finance,
        failures=failures,
        catalog=session.catalog(),
    )
    check_overrides(session)
    return _answer(session, result, notes)


def _answer(session: Session, result: PostTrainResult, notes: tuple[str, ...]) -> Answer:
    from planner.plan.post_train.table import plan_records

    return answer(
        session,
        result,
        records=plan_records(result),
        tables=[*tables_of(result.sections()), *assumed(result)],
        searched="",
        explanation=None,
        notes=notes,
    )
