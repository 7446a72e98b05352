"""Reading single fields of somebody else's configuration, collecting every mistake on the way.

A `FieldReader` is asked for a field of the architecture (``attention.heads``); it looks under the names the
family uses for it, checks what it finds and answers with the value or, after recording a mistake, with
something harmless, so that one pass over a configuration finds everything that is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from planner.workload.hf_families import COMMON, CountOf, Family, Source, When

__all__ = ["FieldReader", "sentences"]

MAX_WIDTH = 2**31
BOOLEANS = frozenset({
    "bias", "cached_once", "chunked", "conv_bias", "embedding_norm", "full_rank_gate", "gated", "head_bias",
    "out_bias", "parallel_block", "qkv_bias", "router_bias", "shared_gate", "shared_kv", "sinks",
    "tied_embeddings",
})  # fmt: skip
AS_FIXED = frozenset({"norms", "positions", "kind", "qk_norm", "output_gate", "compression"})
"""Fields whose value the family decides; a configuration only chooses among them."""
_FOUND = {
    list: "a list (one width per layer is not supported)",
    dict: "an object",
    str: "text",
    float: "a fraction",
}


def sentences(error: ValidationError, *, where: str) -> list[str]:
    """Write pydantic's findings as the house writes them: ``where: path: message; mend``."""
    found = []
    for one in error.errors(include_url=False):
        path = ".".join(map(str, one["loc"])) or "architecture"
        found.append(f"{where}: {path}: {one['msg'].removeprefix('Value error, ')}")
    return found


class FieldReader:
    """Fields of one configuration.

    Parameters
    ----------
    config : mapping
        The part of the configuration that describes the language model.
    family : Family
        How to read it.
    where : str
        What to call the configuration in messages.
    """

    def __init__(self, config: Mapping[str, Any], family: Family, *, where: str) -> None:
        self.config = config
        self.family = family
        self.where = where
        self.mistakes: list[str] = []

    def mistake(self, field: str, message: str) -> None:
        """Record a mistake of a field."""
        self.mistakes.append(f"{self.where}: {field}: {message}")

    def sources(self, target: str) -> tuple[Source, ...]:
        """Where the family keeps a field of the architecture."""
        named = self.family.read.get(target)
        return named if named is not None else COMMON.get(target, ())

    def look(self, name: str) -> Any:
        """Return the value under a dotted name, or None."""
        value: Any = self.config
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def raw(self, target: str) -> tuple[Any, str]:
        """Return the unchecked value of a field and where it stood, or what the family fixes."""
        for source in self.sources(target):
            name, value = self._from(source)
            if value is not None:
                return value, name
        return self.family.fixed.get(target), target

    def _from(self, source: Source) -> tuple[str, Any]:
        if isinstance(source, str):
            return source, self.look(source)
        if isinstance(source, CountOf):
            listed = self.look(source.name)
            return source.name, listed.count(source.item) if isinstance(listed, list) else None
        return self._when(source)

    def _when(self, source: When) -> tuple[str, Any]:
        flag = self.look(source.name)
        true = source.default if flag is None else bool(flag)
        if true == source.negate:
            return source.name, None
        return (source.use, self.look(source.use)) if source.use else (source.name, source.then)

    def integer(self, target: str, *, least: int = 1) -> int | None:
        """Return a whole number; None where it is absent, or wrong and recorded."""
        value, name = self.raw(target)
        if value is None:
            return None
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            found = (
                repr(value)[:40]
                if isinstance(value, bool | float)
                else _FOUND.get(type(value), "something else")
            )
            self.mistake(name, f"must be a whole number, found {found}")
            return None
        if not least <= value <= MAX_WIDTH:
            self.mistake(name, f"must lie within {least} and {MAX_WIDTH}, found {str(value)[:40]}")
            return None
        return value

    def needed(self, target: str) -> int:
        """Return a whole number that must be there; 1 stands in for a recorded mistake."""
        before = len(self.mistakes)
        value = self.integer(target)
        if value is None and len(self.mistakes) == before:
            names = [s if isinstance(s, str) else s.name for s in self.sources(target)] or [target]
            others = f" (also read: {', '.join(names[1:])})" if names[1:] else ""
            self.mistake(names[0], f"is missing; add it{others}")
        return value or 1

    def boolean(self, target: str) -> bool | None:
        """Return a truth value; None where it is absent, or wrong and recorded."""
        value, name = self.raw(target)
        if value is None or isinstance(value, bool):
            return value
        self.mistake(name, f"must be true or false, found {str(value)[:40]!r}")
        return None

    def fields(self, section: str, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the optional fields of a section (the top level has no name) that are present."""
        found: dict[str, Any] = {}
        for name in names:
            target = f"{section}.{name}" if section else name
            if name in BOOLEANS:
                found[name] = self.boolean(target)
            elif name in AS_FIXED:
                found[name] = self.raw(target)[0]
            else:
                found[name] = self.integer(target, least=0) or None
        return {name: value for name, value in found.items() if value is not None}

    def read_names(self) -> set[str]:
        """Return the top-level names this reader would look at."""
        return {
            (source if isinstance(source, str) else source.name).split(".", 1)[0]
            for sources in (*COMMON.values(), *self.family.read.values())
            for source in sources
        }
