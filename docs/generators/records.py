"""Blocks about the catalog: the fields of a kind of record, an example, and the ids there are."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from planner.catalog.fields import Node
from planner.catalog.kinds import CALIBRATION, kind_named, kinds
from planner.catalog.load import Catalog
from planner.catalog.paths import data_root
from planner.evidence.calibrate import PARAMETERS
from planner.evidence.training_record import UNITS as UNITS_OF
from planner.workload import kinds as workload_kinds

__all__ = ["BLOCKS"]

BASE = ("id", "name", "aliases", "cite", "note")
"""Fields of every record, described once on the page."""
CATALOG = Catalog()
REGISTERED = workload_kinds.MODEL, workload_kinds.SOFTWARE  # importing their room makes them known


def counts(_arguments: str, _old: str) -> str:
    """Return a table of the kinds with their folders and how many records there are."""
    rows = [f"| `{k.name}` | `{k.folder}/` | {len(CATALOG.ids(k))} |" for k in kinds()]
    return "\n".join(["| kind | folder | records |", "|---|---|---:|", *rows])


def fields(arguments: str, _old: str) -> str:
    """``KIND``: a table of the fields of its records."""
    schema = kind_named(arguments).schema
    rows = [
        f"| `{path}` | {what} | {'yes' if field.is_required() else ''} | {text} |"
        for path, field, what, text in _walk(schema, "")
    ]
    return "\n".join(["| field | holds | required | meaning |", "|---|---|---|---|", *rows])


def answer(arguments: str, _old: str) -> str:
    """``[training] CLASS [FIELD ...]``: a table of the fields of a part of an answer, or of some of them.

    A class of `planner.plan.serving.results`, or with ``training`` of `planner.plan.results`.
    """
    from planner.plan import results as training
    from planner.plan.serving import results as serving

    words = arguments.split()
    room = training if words[0] == "training" else serving
    name, *some = words[room is training :]
    rows = [
        f"| `{path}` | {what} | {text} |"
        for path, _f, what, text in _walk(getattr(room, name), "")
        if not some or re.split(r"[.\[]", path)[0] in some
    ]
    return "\n".join(["| field | holds | meaning |", "|---|---|---|", *rows])


def _walk(
    model: type[BaseModel], above: str, seen: dict[type[BaseModel], str] | None = None
) -> Iterator[tuple[str, FieldInfo, str, str]]:
    seen = {} if seen is None else seen
    texts = _texts(model)
    for name, field in model.model_fields.items():
        if name == "cite" or (name in BASE and not above):
            continue
        node = Node.of_field(field)
        path = f"{above}{field.alias or name}"
        text = texts.get(name) or _about(node)
        below, suffix = (node.items, "[].") if node.items is not None else (node, ".")
        new = [part for part in below.models if part not in seen]
        if below.models and not new:
            text = f"{text} Fields as in `{seen[below.models[0]]}`.".strip()
        yield path, field, _holds(node), text.replace("``", "`")
        for part in new:
            seen[part] = path
            yield from _walk(part, f"{path}{'.*.' if node.keyed else suffix}", seen)


UNITS = {
    "bytes": "bytes", "bytes_per_s": "bytes/s", "flop": "FLOP", "flop_per_s": "FLOP/s", "watts": "watts",
    "s": "time", "hz": "frequency", "count": "number", "ratio": "ratio", "fraction": "fraction, 0 to 1",
    "usd": "US dollars", "hours": "hours", "years": "years", "kg": "mass", "meters": "length",
    "usd_per_hour": "USD/h", "usd_per_kwh": "USD/kWh", "usd_per_watt": "USD/W", "usd_per_byte": "USD/byte",
    "usd_per_token": "USD/token",
    "kg_per_kwh": "kg/kWh", "liters_per_kwh": "L/kWh", "count_per_day": "number/day",
    "joules_per_byte": "J/byte",
}  # fmt: skip
"""Dimension to how a person would say it."""


def _holds(node: Node) -> str:
    """Say what may be written in a place."""
    if node.dimension is not None:
        unit = UNITS[node.dimension.name]
        bounded = node.dimension.most is not None
        return unit if bounded else unit.removesuffix(", 0 to 1")
    if node.ref is not None:
        return f"id of a `{node.ref.kind}`"
    if node.items is not None:
        return f"{'mapping' if node.keyed else 'list'} of {_holds(node.items)}"
    if node.models:
        return "group"
    return ", ".join(dict.fromkeys(_plain(kind) for kind in node.plain))


def _plain(kind: Any) -> str:
    choices = get_args(kind)
    if choices:
        return " \\| ".join(f"`{choice}`" for choice in choices)
    known = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    return known.get(getattr(kind, "__name__", ""), "text")


def _about(node: Node) -> str:
    """Return the first line of a group's own description."""
    for model in node.models or (node.items.models if node.items is not None else ()):
        return (inspect.getdoc(model) or "").split("\n", 1)[0]
    return ""


def _texts(model: type[BaseModel]) -> dict[str, str]:
    """Read the sentence that stands under each field of a class, and of those it inherits from."""
    found: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if not issubclass(part, BaseModel) or part is BaseModel:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(part))).body
        if not isinstance(tree, ast.ClassDef):
            continue
        for line, below in zip(tree.body, tree.body[1:], strict=False):
            text = below.value if isinstance(below, ast.Expr) else None
            named = isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
            if named and isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[line.target.id] = " ".join(text.value.split())
    return found


def example(arguments: str, _old: str) -> str:
    """``KIND ID``: the file of a record."""
    kind, _, name = arguments.partition(" ")
    path = Path(str(CATALOG.path_of(kind_named(kind), name)))
    text = path.read_text(encoding="utf-8").rstrip("\n")
    return f"`{path.relative_to(Path(str(data_root()))).as_posix()}`:\n\n```yaml\n{text}\n```"


def files(arguments: str, _old: str) -> str:
    """``FOLDER``: every file below it."""
    root = Path(__file__).resolve().parents[2] / arguments
    return "\n\n".join(
        f"`{root.name}/{path.relative_to(root).as_posix()}`:\n\n"
        f"```yaml\n{path.read_text(encoding='utf-8').rstrip()}\n```"
        for path in sorted(root.rglob("*.yaml"))
    )


def ids(arguments: str, _old: str) -> str:
    """``KIND``: the ids of its records."""
    return textwrap.fill(
        ", ".join(f"`{name}`" for name in CATALOG.ids(kind_named(arguments))), 118, break_on_hyphens=False
    )


def constants(_arguments: str, _old: str) -> str:
    """Return the fitted constants with their spread, bounds and priors."""
    record = CATALOG.get(CALIBRATION, "training")
    rows = []
    for name, bounds in PARAMETERS.items():
        quantity = getattr(record.constants, name)
        unit, scale = UNITS_OF.get(name, ("", 1.0))
        value, prior = f"{quantity.value * scale:.4g} {unit}".strip(), f"{bounds.prior * scale:.4g}"
        spread = "not fitted"
        if bounds.free and quantity.low is not None and quantity.high is not None:
            spread = f"{quantity.low * scale:.4g} to {quantity.high * scale:.4g}"
        plausible = f"{bounds.low * scale:.4g} to {bounds.high * scale:.4g}"
        rows.append(f"| `{name}` | {value} | {spread} | {plausible} | {prior} |")
    title = f"Fitted on {record.date} to {record.rows} rows of {len(record.families)} families.\n"
    head = ["| constant | value | spread | plausible | prior |", "|---|---|---|---|---:|"]
    return "\n".join([title, *head, *rows])


def serving_priors(_arguments: str, _old: str) -> str:
    """Return what each constant of serving is, and where the fit begins and is pulled to."""
    from planner.catalog.schema.serving_calibration import ClientConstants, EngineConstants, GlobalConstants
    from planner.evidence.serving_calibrate import ENGINE, FAMILY_CENTRE, FIXED, FLOOR_LAYER_S, GLOBAL
    from planner.units import format_quantity

    rows = []
    for schema in (GlobalConstants, ClientConstants, EngineConstants):
        texts = _texts(schema)
        for name, field in schema.model_fields.items():
            if name == "cite":
                continue
            dimension = Node.of_field(field).dimension
            unit = dimension.name if dimension is not None else "ratio"

            def shown(value: float, unit: str = unit) -> str:
                return format_quantity(value, unit) if unit in ("s", "bytes") else f"{value:g}"

            prior = GLOBAL.get(name) or ENGINE.get(name)
            apart = {family: value for (family, key), value in FAMILY_CENTRE.items() if key == name}
            if name == "floor_layer":
                apart = {"eager": FLOOR_LAYER_S}
            centre = shown(FIXED.get(name, 0.0) if prior is None else prior.centre)
            own = ", ".join(f"{family} {shown(value)}" for family, value in apart.items())
            spread = "set by hand" if prior is None else f"{prior.spread:.0%}".replace("%", " %")
            between = f"{prior.family:.0%}".replace("%", " %") if prior is not None and prior.family else ""
            rows.append(f"| `{name}` | {texts.get(name, '')} | {centre} | {own} | {spread} | {between} |")
    head = "| constant | meaning | prior | of families of another kind | spread | between families |"
    return "\n".join([head, "|---|---|---:|---|---:|---:|", *rows])


def intervals(_arguments: str, _old: str) -> str:
    """Return the intervals by class, and the spread of memory."""
    record = CATALOG.get(CALIBRATION, "training")
    rows = [
        f"| {name} | {interval.low.value:.3f} | {interval.high.value:.3f} | {interval.rows} |"
        for name, interval in record.intervals.items()
    ]
    head = ["| class | measured / predicted, 10 % | 90 % | rows |", "|---|---:|---:|---:|"]
    memory = record.memory
    spread = f"{memory.sigma.value:.3f}, from {memory.rows} peaks" if memory else "unknown"
    return "\n".join([*head, *rows, f"\nSpread of log(measured / predicted) peak memory: {spread}."])


BLOCKS = {
    "answer": answer,
    "constants": constants,
    "intervals": intervals,
    "serving-priors": serving_priors,
    "kinds": counts,
    "fields": fields,
    "example": example,
    "files": files,
    "ids": ids,
}
