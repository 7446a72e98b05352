"""Text and flags as the shell gives them, without the adapters that typer would build for each option."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

__all__ = ["as_given"]

_GIVEN: Final = (str, bool, list[str])


class _Given:
    """Stands in for typer's adapter of a text, a flag or a list of texts."""

    def coerce(self, value: Any, param: Any, **_: Any) -> Any:
        """Return the value; no values for a list that was not given."""
        return () if value is None and (param.multiple or param.nargs == -1) else value


def as_given(parameters: Iterable[Any]) -> None:
    """Make parameters of a command take text and flags as they are.

    typer builds a pydantic adapter for every option of a command, given or not: for ``planner train`` that
    takes a tenth of its start-up, and help would import pydantic. Versions of typer without adapters are left
    alone.
    """
    for parameter in parameters:
        described = getattr(parameter, "type_descriptor", None)
        if getattr(described, "annotation", None) in _GIVEN and hasattr(parameter, "get_runtime_param"):
            parameter.get_runtime_param = _Given
