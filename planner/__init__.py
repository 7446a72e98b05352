"""planner: what a GPU cluster can train and serve, how long it takes, and how sure we are.

Every command of the command line is one call of this library, with the same names::

    import planner

    answer = planner.train("llama-3.1-405b", cluster="million-h100")
    answer.plan.days, answer.plan.strategy
    planner.serve("deepseek-v3", cluster="colossus-1m", traffic="coding-agent").plan.users
    answer.to_dict(), answer.to_json(), answer.to_frame()

Importing `planner` is cheap: a name is imported when it is first used.

==========================  ======================================================================
`train`                     layout, step time, days and GPU-hours of a training job
`serve`                     users, latency and throughput of hardware, or the GPUs that a load needs
`frontier`                  the best model that a cluster can train in the time
`staged`                    a training run by a recipe of stages, with experiments and failed runs
`budget`                    what money, power, GPUs or a deal come to in everything else
`capacity`                  the dossier of a cluster: what it is, trains and serves
`mix`                       one cluster shared between jobs, at a proven optimum
`export`                    a plan of training or serving as the launch arguments of a program that runs it
`curve`                     an answer over a range of accelerators, loads, sizes or times
`sweep`                     a question asked of every row of a grid, into a file: millions of rows
`report`                    an answer with figures, tables, assumptions and sources as one page of HTML
`run`                       any of these questions from a scenario: a file, a shipped name or a mapping
`compare`                   answers to one question side by side, and what explains the difference
`sensitivity`               what moves an answer: a tornado, elasticities, what a statement rests on
`post_train`                reinforcement learning: rollouts, training, the split of accelerators
`distill`                   what a student learns of a teacher, what each way costs, when it pays
`validate_training`         errors of the estimator on measured runs, ours or yours
`calibrate_training`        the constants of the estimator, or a correction for your stack
`validate_serving`          errors of the estimator on measurements of serving, ours or yours
`calibrate_serving`         the constants of the estimator, or a correction from a measurement of yours
`calibrate_kernels`         the rates of kernels per accelerator, from measured kernels
`Catalog`                   hardware, models and software: records with sources, overlays, overrides
`import_config`             a Hugging Face ``config.json`` as a record of the catalog
`summarize`                 parameters, FLOPs and cache of a model, counted exactly
`import_trace`              a CSV of requests as a traffic profile of the catalog
`summarize_traffic`         a traffic profile in plain numbers
`cluster`                   namespace: `show`, `list`, `compare` and `size` clusters as a whole
`plot`                      namespace: figures, one function each, from a result to matplotlib axes
`model`                     namespace: the physics, as pure functions of arrays
`tables`                    namespace: records as tables of arrays, the input of `model`
`units`                     namespace: text with units to numbers, and back
`PlannerError`              base of everything raised on purpose; see `planner.errors`
==========================  ======================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from planner.__about__ import __version__

if TYPE_CHECKING:
    from planner import cluster, model, plot, tables, units
    from planner.catalog.load import Catalog
    from planner.errors import (
        InfeasibleError,
        InputError,
        MissingExtraError,
        OutputError,
        PlannerError,
        UnknownNameError,
        UsageError,
    )
    from planner.evidence.kernels import calibrate_kernels
    from planner.evidence.recalibrate import calibrate_training
    from planner.evidence.serving_recalibrate import calibrate_serving
    from planner.evidence.serving_validate import validate_serving
    from planner.evidence.validate import validate_training
    from planner.plan.budget.budget import budget
    from planner.plan.capacity.capacity import capacity
    from planner.plan.compare.compare import compare
    from planner.plan.curve.curve import curve
    from planner.plan.distill.answer import distill
    from planner.plan.export.export import export
    from planner.plan.frontier.frontier import frontier
    from planner.plan.mix.mix import mix
    from planner.plan.post_train.question import post_train
    from planner.plan.scenario.run import run
    from planner.plan.sensitivity.sensitivity import sensitivity
    from planner.plan.serve import serve
    from planner.plan.staged.run import staged
    from planner.plan.sweep.sweep import sweep
    from planner.plan.train import train
    from planner.reports.report import report
    from planner.workload.hf_config import import_config
    from planner.workload.summary import summarize
    from planner.workload.traffic_import import import_trace
    from planner.workload.traffic_summary import summarize_traffic

__all__ = [
    "Catalog",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "OutputError",
    "PlannerError",
    "UnknownNameError",
    "UsageError",
    "__version__",
    "budget",
    "calibrate_kernels",
    "calibrate_serving",
    "calibrate_training",
    "capacity",
    "cluster",
    "compare",
    "curve",
    "distill",
    "export",
    "frontier",
    "import_config",
    "import_trace",
    "mix",
    "model",
    "plot",
    "post_train",
    "report",
    "run",
    "sensitivity",
    "serve",
    "staged",
    "summarize",
    "summarize_traffic",
    "sweep",
    "tables",
    "train",
    "units",
    "validate_serving",
    "validate_training",
]

_HOMES: Final = {
    "Catalog": "planner.catalog.load",
    "InfeasibleError": "planner.errors",
    "InputError": "planner.errors",
    "MissingExtraError": "planner.errors",
    "OutputError": "planner.errors",
    "PlannerError": "planner.errors",
    "UnknownNameError": "planner.errors",
    "UsageError": "planner.errors",
    "budget": "planner.plan.budget.budget",
    "calibrate_kernels": "planner.evidence.kernels",
    "calibrate_serving": "planner.evidence.serving_recalibrate",
    "calibrate_training": "planner.evidence.recalibrate",
    "curve": "planner.plan.curve.curve",
    "sweep": "planner.plan.sweep.sweep",
    "distill": "planner.plan.distill.answer",
    "export": "planner.plan.export.export",
    "capacity": "planner.plan.capacity.capacity",
    "compare": "planner.plan.compare.compare",
    "frontier": "planner.plan.frontier.frontier",
    "import_config": "planner.workload.hf_config",
    "import_trace": "planner.workload.traffic_import",
    "mix": "planner.plan.mix.mix",
    "report": "planner.reports.report",
    "run": "planner.plan.scenario.run",
    "post_train": "planner.plan.post_train.question",
    "sensitivity": "planner.plan.sensitivity.sensitivity",
    "serve": "planner.plan.serve",
    "staged": "planner.plan.staged.run",
    "summarize": "planner.workload.summary",
    "summarize_traffic": "planner.workload.traffic_summary",
    "train": "planner.plan.train",
    "validate_serving": "planner.evidence.serving_validate",
    "validate_training": "planner.evidence.validate",
}
"""Public name to the module that defines it."""
_NAMESPACES: Final = ("cluster", "model", "plot", "tables", "units")
"""Public names that are modules."""


def __getattr__(name: str) -> Any:
    import importlib

    if name in _NAMESPACES:
        return importlib.import_module(f"planner.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'planner' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
