"""What a question takes: names and types of its inputs, from the signature of the library's function."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from planner.catalog.mistakes import found
from planner.errors import suggest
from planner.plan.scenario.questions import Question

__all__ = ["Parameter", "called", "mistakes_of", "parameters_of"]

_CATALOG: Final = frozenset({"catalog", "set"})
"""Parameters of every question for which scenarios have fields of their own."""
_MANY: Final = (inspect.Parameter.VAR_POSITIONAL,)
_ANYTHING: Final = frozenset({"text", "number", "flag", "list", "fields"})


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """An input of a question.

    Attributes
    ----------
    name
        As the library has it.
    required
        Whether there is no default.
    takes
        Of ``text``, ``number`` (text with a unit included), ``flag``, ``list`` and ``fields`` what it may be.
    """

    name: str
    required: bool
    takes: frozenset[str]

    def mistake(self, value: object) -> str:
        """Return what is wrong with the type of a value; empty where nothing is."""
        kind = _kind(value)
        if kind in self.takes or (kind == "text" and "number" in self.takes):
            return ""
        return f"expected {self.expected}, found {found(value)}"

    @property
    def expected(self) -> str:
        """For people, with an example."""
        if "number" in self.takes:
            several = " or a list of them" if "list" in self.takes else ""
            return f"a number, with its unit where it has one{several}"
        if "flag" in self.takes:
            return "true or false"
        if "list" in self.takes:
            return "a list ([a, b] or lines with '- ')"
        return "text; write it in quotes" if "text" in self.takes else "fields (name: value, indented below)"


@cache
def _parameters(question: Question) -> Mapping[str, Parameter]:
    function = question.function
    found = {
        name: Parameter(name=name, required=_required(one), takes=_takes(function, one))
        for name, one in inspect.signature(function).parameters.items()
        if name not in _CATALOG
    }
    flags = {name: Parameter(name=name, required=False, takes=frozenset({"flag"})) for name in question.shown}
    return found | {name: flag for name, flag in flags.items() if name not in found}


def parameters_of(question: Question) -> Mapping[str, Parameter]:
    """Return the inputs of a question by name, in the order of the function; catalog and set left out."""
    return _parameters(question)


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.kind in _MANY or parameter.default is inspect.Parameter.empty


def _takes(function: Callable[..., Any], parameter: inspect.Parameter) -> frozenset[str]:
    """Read an annotation; one that is not understood takes anything."""
    if parameter.kind in _MANY:
        return frozenset({"list"})
    alone = types.SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        hint = typing.get_type_hints(alone, globalns=getattr(function, "__globals__", {}))["it"]
    except (NameError, TypeError):
        return _ANYTHING
    kinds = frozenset(kind for part in _parts(hint) for kind in _kinds(part))
    return kinds or _ANYTHING


def _parts(hint: Any) -> Iterator[Any]:
    """Yield the members of a union, those of unions in it included."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from _parts(part)
    elif hint is not type(None):
        yield hint


def _kinds(hint: Any) -> Collection[str]:
    plain: Mapping[Any, tuple[str, ...]] = {
        bool: ("flag",), int: ("number",), float: ("number",), str: ("text",),
    }  # fmt: skip
    if hint in plain:
        return plain[hint]
    if typing.get_origin(hint) is typing.Literal:
        return ("text",)
    origin = typing.get_origin(hint) or hint
    if not isinstance(origin, type) or origin in (object, Any):
        return _ANYTHING
    if issubclass(origin, Mapping):
        return ("fields",)
    return ("list",) if issubclass(origin, typing.Iterable) else ()


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "fields" if isinstance(value, Mapping) else "list"


def mistakes_of(question: Question, inputs: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with the names and types of inputs: name to sentence.

    An input of the question that must be given and is not is under its own name; a value of None is one that
    is left open.
    """
    known = parameters_of(question)
    mistakes: dict[str, str] = {}
    for name, value in inputs.items():
        if name not in known:
            mistakes[name] = _unknown(question, name)
        elif value is not None:
            mistakes[name] = known[name].mistake(value)
    for name, parameter in known.items():
        if parameter.required and inputs.get(name) is None:
            mistakes[name] = (
                f"{question.command} needs it; add it, as in {name}: {_EXAMPLES.get(name, '...')}"
            )
    return {name: sentence for name, sentence in mistakes.items() if sentence}


_EXAMPLES: Final = {"model": "llama-3.1-405b", "cluster": "colossus-1m", "name": "colossus-1m",
                    "names": "[colossus-1, colossus-2]"}  # fmt: skip


def _unknown(question: Question, name: str) -> str:
    known = parameters_of(question)
    meant = question.spelled.get(name)
    if meant is not None:
        return f"unknown input; it is called {meant!r} here"
    if name in _CATALOG:
        return f"unknown input; {name!r} stands beside inputs, not in them"
    plain = name.lstrip("-").replace("-", "_").casefold()
    if plain in known:
        return f"unknown input; did you mean {plain!r}?"
    return f"unknown input; {suggest(name, known, otherwise='the inputs here are ' + ', '.join(known))}"


def called(question: Question, inputs: Mapping[str, Any], **more: Any) -> Any:
    """Call the library's function with inputs by name; flags of the command alone are left out."""
    function = question.function
    signature = inspect.signature(function)
    given = {name: value for name, value in inputs.items() if name in signature.parameters}
    several = [name for name, one in signature.parameters.items() if one.kind in _MANY and name in given]
    positional = [value for name in several for value in given.pop(name)]
    return function(*positional, **given, **more)
