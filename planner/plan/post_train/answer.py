"""From the chosen split to the plan, as results carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from planner.model.post_training.decoding import decoding
from planner.model.post_training.lengths import quantile
from planner.plan.document import Bottleneck
from planner.plan.post_train import parts, results
from planner.plan.post_train.spread import Outcome, interval
from planner.plan.post_train.trainers import plan_of
from planner.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.plan.defaults import Filled
    from planner.plan.post_train.asked import Run
    from planner.plan.post_train.parts import AskedReward
    from planner.plan.post_train.split import Choice
    from planner.plan.post_train.step import Network
    from planner.plan.post_train.trainers import Fleet
    from planner.plan.rates import Rate

__all__ = ["planned"]

_NEAR: Final = 0.99
"""Long rollouts decide where a step is this near to what they take over the staleness."""
_BALANCED: Final = 0.9
"""Share of a step from which a side counts as busy."""


def planned(
    catalog: Catalog,
    run: Run,
    choice: Choice,
    fleet: Fleet,
    rate: Rate,
    out: Outcome,
    network: Network,
    filled: Filled,
    *,
    mode: Literal["sync", "async"],
    available: int,
    asked_reward: AskedReward,
    same_place: bool,
    alternative: results.Alternative | None,
) -> results.Plan:
    """Put the plan together."""
    step = out.step
    flop = parts.flop_of_step(run, rate)
    steps = interval(out.steps)
    table = run.table
    breakdown, bottleneck = _binding(run, out, choice, rate, mode=mode)
    return results.Plan(
        steps=steps,
        days=interval(out.days),
        gpu_hours=interval(out.gpu_hours),
        cost_usd=interval(out.cost_usd),
        energy_megawatt_hours=interval(out.energy_mwh),
        power_megawatts=out.power_mw,
        flop=sum(flop.values()) * steps.value,
        sampled_tokens=interval(table.rollouts * table.sampled * out.steps),
        trained_tokens=interval(table.rollouts * table.sequence * table.epochs * out.steps),
        step_time_s=interval(step.seconds),
        step_breakdown_s=breakdown,
        bottleneck=bottleneck,
        gpus_used=out.gpus_used,
        gpus_idle=max(available - out.gpus_used, 0),
        engines=_engines(run, choice, rate, out, fleet, flop["generation"]),
        trainers=_trainers(fleet, rate, out, flop["training"] + flop["log-probabilities"]),
        rollouts=parts.rollouts(run, out, mode=mode),
        environments=parts.environments(run, out),
        weight_sync=parts.weights(run, out, network),
        shares=parts.shares(run, out, choice, rate, mode=mode),
        splits=tuple(
            results.SplitPoint(
                generation_gpus=point.generation_gpus,
                training_gpus=point.training_gpus,
                step_time_s=point.seconds,
                binds=point.limit,
            )
            for point in choice.points
            if np.isfinite(point.seconds)
        ),
        fewer=tuple(_fewer(part, steps.value) for part in choice.fewer),
        alternative=alternative,
        reward=parts.rewarded(catalog, run, out, asked_reward, filled),
        published=parts.published(run, out, same_place=same_place),
    )


def _fewer(part: Choice, steps: float) -> results.Fewer:
    gpus, seconds = part.generation_gpus + part.trainers, part.seconds * steps
    return results.Fewer(
        gpus=gpus,
        generation_gpus=part.generation_gpus,
        step_time_s=part.seconds,
        days=seconds / SECONDS_PER_DAY,
        gpu_hours=gpus * seconds / SECONDS_PER_HOUR,
    )


def _stated(values: object) -> float:
    return float(np.ravel(np.asarray(values))[0])


def _engines(
    run: Run, choice: Choice, rate: Rate, out: Outcome, fleet: Fleet, flop: float
) -> results.Engines:
    engine, served = choice.engine, choice.engine.served
    plan = served.plan
    if plan is None:  # pragma: no cover
        raise TypeError("a rate of generation carries a plan of serving")
    speed = (run.table.started * run.table.sampled) / out.step.seconds
    full = engine.curve.most / float(engine.curve.seconds[-1]) / engine.gpus
    gpus = choice.generation_gpus
    at_once = _stated(out.step.at_once)
    busy = decoding(
        alive=at_once / choice.replicas, curve=engine.curve, wait_s=_stated(run.stated.wait_per_token_s)
    )
    room = _stated(out.step.roomy) / choice.replicas
    decide = (
        plan.bottleneck.sentence
        if at_once / choice.replicas > 0.95 * room
        else f"{float(busy):,.0f} of at most {engine.curve.most:,.0f} sequences decode in a replica at a "
        "time: there are no more rollouts to run, or more would be too slow."
    )
    return results.Engines(
        gpu=served.inputs.accelerator,
        gpus=gpus,
        replicas=choice.replicas,
        replica_gpus=engine.gpus,
        engine=plan.deployment.engine,
        weights=plan.deployment.precisions.weights,
        kv=plan.deployment.precisions.kv,
        tp=engine.tp,
        pp=engine.pp,
        dp=engine.dp,
        ep=engine.ep,
        rollouts_per_replica=at_once / choice.replicas,
        rollouts_memory_holds=room,
        tokens_per_s=interval(speed),
        tokens_per_s_per_gpu=_stated(speed) / gpus,
        full_tokens_per_s_per_gpu=full,
        utilisation=flop / _stated(out.step.seconds) / gpus / _peak(engine.rate),
        binds=decide,
    )


def _peak(rate: Rate) -> float:
    """Dense peak that the utilisation of a rate of serving is relative to."""
    return rate.tokens_per_s_per_gpu.value * rate.flop_per_token / rate.utilisation


def _trainers(fleet: Fleet, rate: Rate, out: Outcome, flop: float) -> results.Trainers:
    plan = plan_of(rate)
    peak = rate.tokens_per_s_per_gpu.value / rate.goodput * rate.flop_per_token / rate.utilisation
    return results.Trainers(
        gpus=rate.gpus,
        strategy=plan.strategy,
        tokens_per_s=rate.tokens_per_s,
        seq_len=fleet.batch.seq_len,
        global_batch_seqs=fleet.batch.sequences,
        goodput=rate.goodput,
        mfu=rate.utilisation,
        utilisation=flop / _stated(out.step.seconds) / rate.gpus / peak,
        binds=rate.binds,
    )


def _binding(
    run: Run, out: Outcome, choice: Choice, rate: Rate, *, mode: str
) -> tuple[dict[str, float], Bottleneck]:
    step = out.step
    seconds = _stated(step.seconds)
    if mode == "sync":
        tail = _stated(step.tail_s)
        found = {
            "generation": _stated(step.generation_s) - tail,
            "waiting for the longest": tail,
            "checks": _stated(step.check_s),
            "training": _stated(step.training_s),
            "weights": _stated(step.publish_s),
            "change of roles": _stated(step.swap_s),
        }
        name = max(found, key=lambda part: found[part])
        return found, Bottleneck(
            resource=name, share=found[name] / seconds, sentence=_in_turns(name, found, run)
        )
    ahead = run.stated_value("staleness")
    long = _stated(step.long_s) / ahead
    found = {
        "generation": _stated(step.generation_s),
        "training": _stated(step.training_s),
        "long rollouts over staleness": long,
        "weights": _stated(step.publish_s),
    }
    held = long > _NEAR * found["generation"]
    if min(found["generation"], found["training"]) > _BALANCED * seconds:
        name = "accelerators"
    elif found["training"] >= found["generation"]:
        name = "training"
    else:
        name = "long rollouts" if held else "generation"
    return found, Bottleneck(
        resource=name, share=1.0, sentence=_side_by_side(name, held, found, run, choice, rate)
    )


def _in_turns(name: str, found: dict[str, float], run: Run) -> str:
    share = found[name] / sum(found.values())
    if name == "waiting for the longest":
        return (
            f"Waiting for the longest rollouts takes {share:.0%} of a step: they have up to "
            f"{run.stated_value('most'):,.0f} tokens, the mean has {run.stated_value('sampled'):,.0f}, and "
            "engines run half empty meanwhile; --mode async overlaps it."
        )
    return f"{name.capitalize()} takes {share:.0%} of a step of {_time(sum(found.values()))}."


def _side_by_side(
    name: str, held: bool, found: dict[str, float], run: Run, choice: Choice, rate: Rate
) -> str:
    making, using = _time(found["generation"]), _time(found["training"])
    longest = float(quantile(run.lengths[0, 0], 1.0 - run.stated_value("late")))
    long = (
        f"all but {run.stated_value('late'):.1%} of the rollouts, those of up to {longest:,.0f} tokens, must "
        f"be trained on within {run.stated_value('staleness'):g} steps, so that fewer run at a time than "
        "memory holds; a higher --staleness, more --late, a lower --max-tokens or more --prompts would help"
    )
    if name == "long rollouts":
        return f"Long rollouts bind: {long}."
    if name == "accelerators":
        also = f" On the side of generation {long}." if held else ""
        return (
            f"Accelerators bind: the split balances generation, {making}, and training, {using}; more of "
            f"them shorten the step.{also}"
        )
    if name == "training":
        return (
            f"Training binds: {rate.gpus:,} accelerators take {using} for rollouts that are made in {making}."
        )
    return (
        f"Generation binds: {choice.generation_gpus:,} accelerators take {making} for rollouts that are "
        f"trained on in {using}."
    )


def _time(seconds: float) -> str:
    return format_quantity(seconds, "s", digits=3)
