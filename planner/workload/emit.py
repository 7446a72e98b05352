"""Writing a record as the YAML a person would write: short sections on one line, quotes only where needed.

Works on plain data (dict, list, str, int, float, bool, None). What it writes, the strict loader reads back
unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import yaml

Plain: TypeAlias = "str | int | float | bool | Sequence[Plain] | Mapping[str, Plain] | None"

LINE = 120
_PLAIN_STRING = re.compile(r"[A-Za-z][A-Za-z0-9 ._/+()'-]*[A-Za-z0-9.)+]|[A-Za-z]|[0-9]+([.][0-9]+)?[BTM]")
_RESERVED = re.compile(r"(true|false|null|yes|no|on|off|y|n|inf|nan|\.inf|\.nan)", re.IGNORECASE)


def _scalar(value: str | int | float | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    if _PLAIN_STRING.fullmatch(value) and not _RESERVED.fullmatch(value):
        return value
    quoted: str = yaml.safe_dump(value, default_style='"', width=2**30, allow_unicode=True)
    return quoted.rstrip("\n")


def _flow(value: Plain) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return _scalar(value)


def _nested(value: Plain) -> bool:
    """Whether block style reads better: a long mapping that holds others."""
    if not isinstance(value, Mapping):
        return False
    inner = [v for v in value.values() if isinstance(v, Mapping | list | tuple)]
    return len(value) > 3 and len(inner) > 0


def _lines(key: str, value: Plain, indent: int) -> list[str]:
    pad = "  " * indent
    line = f"{pad}{_scalar(key)}: {_flow(value)}"
    scalar = not isinstance(value, Mapping) and (isinstance(value, str) or not isinstance(value, Sequence))
    if scalar or not value or (len(line) <= LINE and not _nested(value)):
        return [line]
    if isinstance(value, Mapping):
        return [f"{pad}{_scalar(key)}:"] + [
            row for k, v in value.items() for row in _lines(str(k), v, indent + 1)
        ]
    items = list(value) if isinstance(value, Sequence) else []
    return [f"{pad}{_scalar(key)}:"] + [f"{pad}  - {_flow(item)}" for item in items]


def to_text(document: Mapping[str, Plain]) -> str:
    """Write the document as YAML text, keys in the given order."""
    return "\n".join(row for key, value in document.items() for row in _lines(key, value, 0)) + "\n"
