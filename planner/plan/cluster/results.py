"""What a question about clusters answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``; whatever
counts in H100 equivalents names its rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.cluster.parts import (
    Capital,
    Claim,
    Equivalents,
    Failures,
    Group,
    HourlyCost,
    Network,
    PolicyAtScale,
    Power,
    Price,
    Storage,
    Workload,
    WorkloadRatio,
    Year,
)
from planner.plan.document import Assumption, Base, Document, Interval, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = [
    "Capital",
    "Claim",
    "CompareAnswer",
    "CompareInputs",
    "CompareResult",
    "Compared",
    "Equivalents",
    "Failures",
    "Group",
    "HourlyCost",
    "ListAnswer",
    "ListInputs",
    "ListResult",
    "Listed",
    "Network",
    "PolicyAtScale",
    "Power",
    "Price",
    "Sheet",
    "ShowInputs",
    "ShowResult",
    "SizeAnswer",
    "SizeInputs",
    "SizeResult",
    "Storage",
    "Workload",
    "WorkloadRatio",
    "Year",
]


class Sheet(Base):
    """The fact sheet of a cluster."""

    cluster: str
    """Id of its record, or the part and how many."""
    name: str
    owner: str | None
    location: str | None
    date: str | None
    """Of the state described."""
    status: str | None
    accelerators: int
    groups: tuple[Group, ...]
    h100_equivalents: Equivalents
    """Of all groups together."""
    dense_bf16_exaflop_per_s: float | None
    dense_8bit_exaflop_per_s: float | None
    memory_petabytes: float
    memory_petabytes_per_s: float
    workload: Workload | None
    networks: tuple[Network, ...]
    """One for each fabric."""
    power: Power
    year: Year
    capital: Capital
    cost: HourlyCost
    failures: Failures
    storage: Storage
    claims: tuple[Claim, ...]
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class ShowInputs(Base):
    """The question as resolved."""

    cluster: str
    site: str
    finance: str
    model: str
    """Whose job the failures interrupt."""
    workload: str | None
    overrides: tuple[str, ...] = ()


class _Answer(Document):
    """What answers about clusters share."""

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.cluster.table import tables

        return tables(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: one for each cluster."""
        from planner.plan.cluster.table import records_of

        return records_of(self)


class ShowResult(_Answer):
    """Answer to ``planner cluster show``."""

    schema_name: Annotated[Literal["planner.cluster-show/1"], Field(alias="schema")] = (
        "planner.cluster-show/1"
    )
    inputs: ShowInputs
    assumptions: tuple[Assumption, ...]
    result: Sheet
    sources: dict[str, SourceUsed]


class Listed(Base):
    """A cluster in brief."""

    id: str
    name: str
    owner: str
    status: str
    date: str
    accelerators: int
    kinds: dict[str, int]
    """Accelerators by id."""
    h100_equivalents: Equivalents
    claimed_power_megawatts: float | None
    """Of the facility, as the record has it."""
    claimed_capital_usd: float | None


class ListInputs(Base):
    """The question as resolved."""

    status: str | None
    overrides: tuple[str, ...] = ()


class ListAnswer(Base):
    """The clusters, in the order of their equivalents by dense bf16, the largest first."""

    clusters: tuple[Listed, ...]


class ListResult(_Answer):
    """Answer to ``planner cluster list``."""

    schema_name: Annotated[Literal["planner.cluster-list/1"], Field(alias="schema")] = (
        "planner.cluster-list/1"
    )
    inputs: ListInputs
    assumptions: tuple[Assumption, ...]
    result: ListAnswer
    sources: dict[str, SourceUsed]


class Compared(Base):
    """One figure of every cluster."""

    figure: str
    unit: str
    values: tuple[float | None, ...]
    ratios: tuple[float | None, ...]
    """Over that of the first cluster."""


class CompareInputs(Base):
    """The question as resolved."""

    clusters: tuple[str, ...]
    site: str | None
    """For all of them; null where each keeps its own."""
    model: str | None
    """Whose job the failures interrupt; null where each has the usual one that fits."""
    workload: str | None
    overrides: tuple[str, ...] = ()


class CompareAnswer(Base):
    """Fact sheets side by side."""

    figures: tuple[Compared, ...]
    sheets: tuple[Sheet, ...]


class CompareResult(_Answer):
    """Answer to ``planner cluster compare``."""

    schema_name: Annotated[Literal["planner.cluster-compare/1"], Field(alias="schema")] = (
        "planner.cluster-compare/1"
    )
    inputs: CompareInputs
    assumptions: tuple[Assumption, ...]
    result: CompareAnswer
    sources: dict[str, SourceUsed]


class SizeInputs(Base):
    """The question as resolved."""

    accelerator: str
    system: str | None
    fabric: str | None
    site: str
    price: str
    h100_equivalents: float | None
    rule: str | None
    workload: str | None
    budget_usd: float | None
    years: float | None
    """Of rent that the budget pays; null where it buys."""
    power_megawatts: float | None
    """Of the facility, at most."""
    power_of: Literal["nameplate", "peak", "average"] | None
    """Which power that is."""
    gpus: int | None
    model: str | None
    """Whose job the failures interrupt; null where not one system fits and none is named."""
    overrides: tuple[str, ...] = ()


class SizeAnswer(Base):
    """How much it comes to; whole systems."""

    sentence: str
    binds: Literal["h100 equivalents", "budget", "power", "site", "gpus"]
    """``site`` where its supplies carry less than the power that was asked for."""
    accelerators: Interval
    """The low and high end are those at which the uncertain figures of the limit are at theirs."""
    systems: int
    """Servers or racks."""
    accelerators_per_system: int
    spent_usd: Interval
    """Capital, or rent over the years."""
    reasons: tuple[str, ...] = ()
    """Why not one system fits."""
    sheet: Sheet | None
    """Null where not one system fits."""


class SizeResult(_Answer):
    """Answer to ``planner cluster size``."""

    schema_name: Annotated[Literal["planner.cluster-size/1"], Field(alias="schema")] = (
        "planner.cluster-size/1"
    )
    inputs: SizeInputs
    assumptions: tuple[Assumption, ...]
    result: SizeAnswer
    sources: dict[str, SourceUsed]
