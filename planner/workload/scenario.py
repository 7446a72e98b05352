"""A scenario: a question with its inputs, as a record that can be kept, shared and asked again."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from planner.catalog.records import Items, Record, Text

__all__ = ["Scenario"]


class Scenario(Record):
    """A question of planner with its inputs; ``planner run`` asks it.

    What the inputs of a question are is known where questions are answered, so that they are checked when the
    scenario is run, all at once, and not here.
    """

    command: Text
    """The question as the command line calls it: ``train``, ``cluster size``."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """By the names of the library's parameters: ``seq_len: 8192``."""
    catalog: Items[Text] = ()
    """Overlays of the catalog, from the folder of the scenario's file."""
    set: Items[Text] = ()
    """Values of the catalog that are changed: ``KIND[.ID].PATH=VALUE``."""
