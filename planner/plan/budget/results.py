"""What ``planner budget`` answers: frozen result types, whose JSON other programs rely on.

Names carry their unit; a quantity with an 80 % interval is ``{"value": x, "low": a, "high": b}``; whatever
counts in H100 equivalents does so by the rule of the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from planner.plan.budget.parts import (
    AtPrice,
    Bought,
    DealTerms,
    Energy,
    FlatRate,
    Largest,
    Operations,
    Run,
    Service,
)
from planner.plan.document import Assumption, Base, Document, Interval, Nearest, SourceUsed

if TYPE_CHECKING:
    from planner.plan.sections import Section

__all__ = ["BudgetAnswer", "BudgetInputs", "BudgetResult", "Given"]

Given = Literal["usd", "mw", "gpu-hours", "gpus"]


class BudgetInputs(Base):
    """The question as resolved."""

    given: Given
    """What was given; the others follow."""
    usd: float | None
    megawatts: float | None
    """Nameplate at the meter of the facility."""
    gpu_hours: float | None
    gpus: int | None
    deal: str | None
    cluster: str | None
    gpu: str | None
    """Id of the accelerator; null where a cluster is named."""
    days: float
    price: str
    rule: str
    """By which H100 equivalents are counted."""
    site: str
    finance: str
    failures: str | None
    yardstick: str
    overrides: tuple[str, ...] = ()


class BudgetAnswer(Base):
    """The amount in everything else."""

    sentence: str
    binds: str
    """What limits it, in a sentence."""
    usd: Interval | None
    """Given, or what the hours cost at the price of the question."""
    usd_per_gpu_hour: Interval
    accelerators: Interval | None
    """At work all days; null where not one is."""
    gpu_hours: Interval
    h100_equivalents_per_accelerator: Interval
    """By the rule of the question."""
    h100_equivalent_hours: Interval
    share_of_cluster: Interval | None
    """Hours over those of the cluster in the days; above 1 the amount outlasts it. Null without a cluster."""
    prices: tuple[AtPrice, ...]
    """The same amount at every cited price."""
    bought: Bought | None
    """Null where not one system can be bought."""
    energy: Energy | None
    at_utilisation: tuple[FlatRate, ...]
    operations: tuple[Operations, ...]
    largest: Largest | None
    runs: tuple[Run, ...]
    services: tuple[Service, ...]
    deal: DealTerms | None
    reasons: tuple[str, ...] = ()
    """Why not one accelerator is paid for all the days."""
    nearest: tuple[Nearest, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader must know to use the figures."""


class BudgetResult(Document):
    """Answer to ``planner budget``."""

    schema_name: Annotated[Literal["planner.budget/1"], Field(alias="schema")] = "planner.budget/1"
    inputs: BudgetInputs
    assumptions: tuple[Assumption, ...]
    result: BudgetAnswer
    sources: dict[str, SourceUsed]

    def sections(self) -> Iterable[Section]:
        """Return the tables of text that the command line prints."""
        from planner.plan.budget.table import sections

        return sections(self)

    def records(self) -> list[dict[str, Any]]:
        """Return flat rows: the amount at every price."""
        from planner.plan.budget.table import price_records

        return price_records(self)
