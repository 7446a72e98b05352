"""A grid as its file says it: a question, axes over its inputs and over the catalog, and what is wanted."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Discriminator, Field, Tag

from planner.catalog.records import Items, Strict, Text

__all__ = ["ENGINES", "KINDS", "Axis", "Block", "Drawn", "Grid", "Range"]

ENGINES: Final = ("auto", "fast", "full")
KINDS: Final = ("cartesian", "zipped", "random", "latin-hypercube")

Scalar = bool | int | float | str
Plain = Annotated[int | float | str, Field(union_mode="smart")]


class Range(Strict):
    """Evenly spaced values from one end to the other, both of them included."""

    from_: Annotated[Plain, Field(alias="from")]
    """The first value, as the question takes it: ``1T``, ``3 TB/s``, ``64``."""
    to: Plain
    """The last value, in the same unit."""
    points: int = Field(ge=2, le=1_000_000)
    """How many values there are."""
    scale: Literal["linear", "log"] = "linear"
    """``linear`` for equal steps, ``log`` for equal ratios."""
    whole: bool = False
    """Whether values are rounded to whole numbers."""


class Drawn(Strict):
    """A distribution, of which blocks that are random or a Latin hypercube draw."""

    distribution: Literal["uniform", "loguniform", "triangular", "normal", "lognormal"]
    """``uniform``, ``loguniform`` and ``triangular`` take low and high; ``normal`` and ``lognormal`` the ends
    of the interval that holds 80 %."""
    low: Plain
    """The least value, or the 10 % quantile."""
    high: Plain
    """The largest value, or the 90 % quantile, in the same unit."""
    mode: Plain | None = None
    """Of ``triangular``: the likeliest value."""
    whole: bool = False
    """Whether values are rounded to whole numbers."""


def _kind_of(value: object) -> str:
    if isinstance(value, Drawn) or (isinstance(value, dict) and "distribution" in value):
        return "drawn"
    return "evenly" if isinstance(value, Range | dict) else "listed"


Axis = Annotated[
    Annotated[Items[Scalar], Tag("listed")]
    | Annotated[Range, Tag("evenly")]
    | Annotated[Drawn, Tag("drawn")],
    Discriminator(_kind_of),
]
"""The values of one input, or of one value of the catalog."""


class Block(Strict):
    """Axes that are combined in one way; the rows of a grid are the product of its blocks."""

    kind: Literal["cartesian", "zipped", "random", "latin-hypercube"] = "cartesian"
    """``cartesian``: every combination, the last axis fastest. ``zipped``: the first values together, the
    second values together. ``random``: each row draws every axis. ``latin-hypercube``: the same, with every
    axis spread evenly over all rows."""
    axes: dict[str, Axis] = Field(default_factory=dict)
    """By the name of an input, or by the path of a value of the catalog as ``--set`` writes it."""
    n: int | None = Field(default=None, ge=1, le=10**12)
    """Rows that are drawn."""
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    """Of what is drawn; the same seed draws the same rows."""


class Grid(Strict):
    """A question that is asked many times; ``planner sweep`` asks it."""

    name: Text | None = None
    """For people."""
    note: str | None = None
    """For people."""
    scenario: Text | None = None
    """The question: a shipped scenario, or the path of a file from the folder of this one. In its place may
    stand a command with its inputs."""
    command: Text | None = None
    """The question as the command line calls it: ``train``."""
    inputs: dict[str, Any] = Field(default_factory=dict)
    """By the names of the library's parameters; of a scenario they replace its own."""
    catalog: Items[Text] = ()
    """Overlays of the catalog, from the folder of this file."""
    set: Items[Text] = ()
    """Values of the catalog that are changed in every row: ``KIND[.ID].PATH=VALUE``."""
    axes: dict[str, Axis] = Field(default_factory=dict)
    """A block of its own, cartesian, before the others."""
    blocks: Items[Block] = ()
    """Combined by product, the last one fastest."""
    columns: Items[Text] = ()
    """Figures of the answer; what a question is usually asked for where none are named."""
    engine: Literal["auto", "fast", "full"] = "auto"
    """``fast`` evaluates rows as arrays, ``full`` asks the question of each; ``auto`` takes the fast one
    where it can answer."""
