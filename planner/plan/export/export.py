"""``planner export``: a chosen plan as launch arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from planner.errors import InfeasibleError
from planner.plan.bibliography import sources_of
from planner.plan.document import Assumption
from planner.plan.export.hosts import gpus_of_host
from planner.plan.export.read import Asked, read_plan
from planner.plan.export.results import Command, ExportAnswer, ExportInputs, ExportResult, Unsaid
from planner.plan.export.said import Facts, filled, said
from planner.plan.export.script import command_of, script_of
from planner.plan.results import TrainResult
from planner.workload.kinds import ENGINE, LAUNCHER, SOFTWARE

if TYPE_CHECKING:
    from planner.plan.serving.results import ServeResult
    from planner.workload.launcher import Launcher

__all__ = ["export"]


def export(
    format: str, plan: object, *, model: object = None, catalog: Any = None, set: Iterable[str] = ()
) -> ExportResult:
    """Write the plan of a training or serving question as the arguments of a program that runs it.

    Parameters
    ----------
    format
        The program: ``megatron-lm``, ``megatron-bridge``, ``torchtitan``, ``vllm``, ``sglang``,
        ``tensorrt-llm``, or a launcher of your own in the catalog.
    plan
        A `TrainResult` or `ServeResult`; its document as a mapping; the path of a ``.json`` with it; or a
        scenario that asks ``train`` or ``serve``: a name, a path or a mapping.
    model
        The model's record where the answer names one that is not in the catalog: a path, a shape, a
        `ModelRecord`.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Returns
    -------
    ExportResult
        Commands, files beside them, and what the program cannot be told; ``script`` is all of it for a shell.

    Raises
    ------
    UnknownNameError
        No launcher of that name.
    UsageError
        The plan is of the other question: a launcher of training cannot serve.
    InfeasibleError
        The answer has no plan.
    InputError, OutputError
        The plan cannot be read.

    Examples
    --------
    >>> import planner
    >>> answer = planner.train("llama-3.1-8b", gpu="h100-sxm", gpus=64, tokens="1T")
    >>> "--tensor-model-parallel-size" in planner.export("megatron-lm", answer).script
    True
    """
    asked = read_plan(plan, format, model=model, catalog=catalog, overrides=set)
    book = asked.catalog
    with book.tracking() as used:
        launcher = book.get(LAUNCHER, format)
        if isinstance(asked.result, TrainResult):
            parts = _training(launcher, asked, asked.result)
        else:
            parts = _serving(launcher, asked, asked.result)
    inputs, commands, unsaid, assumed, facts = parts
    script_parts = _script(launcher, asked, inputs, commands, unsaid, assumed, facts)
    return ExportResult(
        inputs=inputs,
        assumptions=assumed,
        result=ExportAnswer(
            launcher=launcher.name,
            version=launcher.version,
            commands=commands,
            unsaid=unsaid,
            **script_parts,
        ),
        sources=sources_of(book, used),
    )


Parts = tuple[
    ExportInputs, tuple[Command, ...], tuple[Unsaid, ...], tuple[Assumption, ...], tuple[Facts, ...]
]


def _infeasible(asked: Asked) -> InfeasibleError:
    reasons = "; ".join(asked.result.result.reasons) or "nothing is feasible"
    return InfeasibleError(f"there is no plan to export: {reasons}")


def _training(launcher: Launcher, asked: Asked, result: TrainResult) -> Parts:
    from planner.plan.export.training import training_facts

    plan, book = result.plan, asked.catalog
    if plan is None:
        raise _infeasible(asked)
    host, assumed = gpus_of_host(book, result.inputs.system)
    facts = training_facts(result, plan, asked.record(), book, host=host)
    found = said(launcher, facts)
    command = command_of(launcher, facts, found, role="train", replicas=1)
    inputs = ExportInputs(
        launcher=launcher.id,
        question="train",
        model=result.inputs.model,
        cluster=result.inputs.cluster,
        accelerator=result.inputs.gpu,
        gpus=plan.gpus_used,
        plan_for=(result.inputs.software,),
        overrides=result.inputs.overrides,
    )
    return inputs, (command,), tuple(found.unsaid), assumed, (facts,)


def _serving(launcher: Launcher, asked: Asked, result: ServeResult) -> Parts:
    from planner.plan.export.serving import serving_facts

    plan = result.plan
    if plan is None:
        raise _infeasible(asked)
    systems = {group.accelerator: group.system for group in plan.groups}
    commands: list[Command] = []
    unsaid: dict[tuple[str, str, str], Unsaid] = {}
    assumed: dict[str, Assumption] = {}
    every: list[Facts] = []
    for layout in plan.deployment.layouts:
        host, more = gpus_of_host(asked.catalog, systems.get(layout.accelerator, result.inputs.system))
        assumed |= {one.field: one for one in more}
        for facts in serving_facts(result, plan, layout, host=host, apart=launcher.starts == "apart"):
            every.append(facts)
            found = said(launcher, facts)
            unsaid |= {(one.fact, one.value, one.sentence): one for one in found.unsaid}
            commands.append(command_of(launcher, facts, found, role=layout.role, replicas=layout.replicas))
    inputs = ExportInputs(
        launcher=launcher.id,
        question="serve",
        model=result.inputs.model,
        cluster=result.inputs.cluster,
        accelerator=result.inputs.accelerator,
        gpus=plan.fleet.gpus_serving,
        plan_for=tuple(dict.fromkeys(layout.engine for layout in plan.deployment.layouts)),
        overrides=result.inputs.overrides,
    )
    return inputs, tuple(commands), tuple(unsaid.values()), tuple(assumed.values()), tuple(every)


def _script(
    launcher: Launcher,
    asked: Asked,
    inputs: ExportInputs,
    commands: tuple[Command, ...],
    unsaid: tuple[Unsaid, ...],
    assumed: tuple[Assumption, ...],
    facts: tuple[Facts, ...],
) -> dict[str, Any]:
    """Return variables, notes and the script of an answer."""
    text = "\n".join(command.text for command in commands)
    variables = {
        name: "; ".join(dict.fromkeys(filled(what, one) for one in facts))
        for name, what in launcher.variables.items()
        if re.search(rf"(\$\{{?|\$\(\(){name}\b", text)
    }
    notes = tuple(_notes(launcher, asked, inputs, commands, assumed))
    parts = " and ".join(dict.fromkeys(command.accelerator for command in commands))
    head = [
        f"{inputs.model} on {inputs.gpus:,} {parts}: a plan of planner {inputs.question}, "
        f"as arguments of {launcher.version}.",
        *notes,
    ]
    return {"variables": variables, "notes": notes, "script": script_of(head, commands, variables, unsaid)}


def _notes(
    launcher: Launcher,
    asked: Asked,
    inputs: ExportInputs,
    commands: tuple[Command, ...],
    assumed: tuple[Assumption, ...],
) -> Iterator[str]:
    kind = SOFTWARE if inputs.question == "train" else ENGINE
    strange = [name for name in inputs.plan_for if name not in launcher.runs]
    if strange:
        names = " and ".join(asked.catalog.get(kind, name).name for name in strange)
        option = "software" if inputs.question == "train" else "engine"
        own = f"; plan with --{option} {launcher.runs[0]}" if launcher.runs else ""
        yield f"The plan is for {names}: its figures and its layout are not those of {launcher.name}{own}."
    result = asked.result.result
    if getattr(result, "across", None) is not None or getattr(result, "multisite", None) is not None:
        yield "This is the plan of one group of like hardware; training across groups or sites is left out."
    for one in assumed:
        yield f"Assumed: {one.field} = {one.value}; {one.why}."
    if launcher.pools and (len(commands) > 1 or commands[0].replicas > 1):
        yield launcher.pools
