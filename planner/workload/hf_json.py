"""Reading JSON that somebody else wrote: bounded, and every way it can be wrong answered in a sentence.

A model's configuration is a few kilobytes, so anything large, deep or ambiguous (a key given twice) is
refused before it is looked at. Infinities are let through, because published configurations contain them; the
fields that are used are checked one by one by the reader of the configuration.
"""

from __future__ import annotations

import json
from typing import Any

from planner.errors import InputError

MAX_BYTES = 4_000_000
MAX_DIGITS = 40
MAX_DEPTH = 64


class _LongNumberError(ValueError):
    """A number with more digits than any configuration has."""


class _RepeatedKeyError(ValueError):
    """A key that appears twice in one object."""


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise _LongNumberError(f"a number of {len(text)} digits")
    return int(text)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise _RepeatedKeyError(f"the key {repeated[:60]!r} twice in one object")
    return found


def _depth(value: object) -> int:
    """Nesting of lists and objects, without recursion."""
    deepest, stack = 0, [(value, 1)]
    while stack:
        item, depth = stack.pop()
        children = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        if isinstance(item, dict | list):
            deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            return deepest
        stack.extend((child, depth + 1) for child in children)
    return deepest


def parse_object(given: str | bytes, *, where: str) -> dict[str, Any]:
    """Parse JSON text whose top level is an object.

    Raises
    ------
    InputError
        More than 4 MB, not UTF-8, not JSON, nested too deeply, a key given twice, or not an object.
    """
    size = len(given.encode("utf-8", "surrogatepass")) if isinstance(given, str) else len(given)
    if size > MAX_BYTES:
        raise InputError(
            f"{where}: {size} bytes is too large for a model configuration (at most 4 MB); "
            "give the config.json of the model, not its weights or tokenizer"
        )
    try:
        text = given.decode("utf-8-sig") if isinstance(given, bytes) else given.removeprefix("\ufeff")
        parsed = json.loads(text, parse_int=_integer, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}:{error.lineno}: not JSON: {error.msg}; give the config.json exactly as it is published"
        ) from None
    except (_LongNumberError, _RepeatedKeyError) as error:
        raise InputError(f"{where}: {error}; correct the file") from None
    except RecursionError:
        raise InputError(
            f"{where}: nested too deeply (more than {MAX_DEPTH} levels); correct the file"
        ) from None
    if not isinstance(parsed, dict):
        kinds = {list: "a list", str: "text", bool: "a truth value", type(None): "null"}
        raise InputError(
            f"{where}: the top level is {kinds.get(type(parsed), 'a number')}, not an object; "
            "give the config.json of a model"
        )
    if _depth(parsed) > MAX_DEPTH:
        raise InputError(f"{where}: nested too deeply (more than {MAX_DEPTH} levels); correct the file")
    return parsed
