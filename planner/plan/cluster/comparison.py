"""``planner cluster compare``: fact sheets side by side, with ratios."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from planner.errors import UsageError
from planner.plan.bibliography import sources_of
from planner.plan.cluster.named import cluster_named
from planner.plan.cluster.results import CompareAnswer, Compared, CompareInputs, CompareResult, Sheet
from planner.plan.cluster.sheet import Question, distinct, sheet_of
from planner.plan.defaults import Filled
from planner.plan.document import Interval
from planner.plan.job import as_catalog
from planner.units import EXA, GIGA, MEGA

if TYPE_CHECKING:
    from planner.catalog.load import Catalog

__all__ = ["compare"]


def compare(
    *names: str,
    site: str | None = None,
    finance: str | None = None,
    failures: str | None = None,
    model: str | None = None,
    workload: str | None = None,
    catalog: Any = None,
    set: Iterable[str] = (),
) -> CompareResult:
    """Compare clusters: their fact sheets, and each figure over that of the first.

    Parameters
    ----------
    names
        Two or more: clusters of the catalog, or so many of a part, as in ``gb200:100000`` and
        ``gb200-nvl72:1389``.
    site
        Put all of them there; by default each at its own site.
    finance, failures, model, workload
        As in `show`.
    catalog, set
        A `Catalog`, or overlay directories; ``KIND[.ID].PATH=VALUE`` overrides.

    Raises
    ------
    UsageError
        Fewer than two names.
    InputError
        A value or a name that is wrong.
    """
    if len(names) < 2:
        raise UsageError("compare needs two clusters or more, as in compare colossus-1 gb200:100000")
    book, filled = as_catalog(catalog, set), Filled()
    with book.tracking() as used:
        asked = Question.read(
            book, model=model, workload=workload, site=site, finance=finance, failures=failures
        )
        sheets = tuple(_sheet(book, name, asked, filled) for name in names)
    return CompareResult(
        inputs=CompareInputs(
            clusters=tuple(sheet.cluster for sheet in sheets),
            site=site,
            model=asked.model,
            workload=workload,
            overrides=(set,) if isinstance(set, str) else tuple(set),
        ),
        assumptions=distinct(filled),
        result=CompareAnswer(figures=tuple(_figures(sheets)), sheets=sheets),
        sources=sources_of(book, used),
    )


def _sheet(book: Catalog, name: str, asked: Question, filled: Filled) -> Sheet:
    """Fact sheet of one; what it assumes says of which cluster."""
    own = Filled()
    named = cluster_named(book, name, own)
    sheet = sheet_of(book, named, asked, own)
    for one in own.assumptions:
        filled.assume(f"{one.field} of {named.label}", one.value, one.why)
    return sheet


def _figures(sheets: Sequence[Sheet]) -> Iterable[Compared]:
    for figure, unit, at in FIGURES:
        values = tuple(_value(at(sheet)) for sheet in sheets)
        if any(value is not None for value in values):
            first = values[0]
            ratios = tuple(value / first if value is not None and first else None for value in values)
            yield Compared(figure=figure, unit=unit, values=values, ratios=ratios)


def _value(found: Interval | float | None) -> float | None:
    return found.value if isinstance(found, Interval) else found


def _price(sheet: Sheet, price: str) -> Interval | None:
    return next((one.usd_per_gpu_hour for one in sheet.cost.prices if one.price == price), None)


def _switches(sheet: Sheet) -> float | None:
    """Of all fabrics; None where the parts of one are not on record."""
    known = [one.switches for one in sheet.networks if one.switches is not None]
    return float(sum(known)) if len(known) == len(sheet.networks) else None


def _gigaflop_per_watt(sheet: Sheet) -> float | None:
    rate = sheet.dense_bf16_exaflop_per_s
    watts = sheet.power.peak_facility_megawatts.value * MEGA
    return None if rate is None else rate * EXA / GIGA / watts


def _usd_per_equivalent(sheet: Sheet) -> float | None:
    counted = sheet.h100_equivalents.by_bf16
    return None if counted is None else sheet.capital.usd.value / counted.value


FIGURES: Final[tuple[tuple[str, str, Callable[[Sheet], Interval | float | None]], ...]] = (
    ("accelerators", "", lambda s: float(s.accelerators)),
    ("H100 equivalents by dense bf16", "", lambda s: s.h100_equivalents.by_bf16),
    ("H100 equivalents by dense 8 bit", "", lambda s: s.h100_equivalents.by_8bit),
    ("H100 equivalents by HBM bandwidth", "", lambda s: s.h100_equivalents.by_hbm_bandwidth),
    ("H100 equivalents by memory", "", lambda s: s.h100_equivalents.by_memory),
    ("H100 equivalents by workload", "", lambda s: s.h100_equivalents.by_workload),
    ("facility power, nameplate in summer", "MW", lambda s: s.power.nameplate_facility_megawatts),
    ("facility power, average in training", "MW", lambda s: s.power.average_facility_megawatts),
    ("facility power, peak in summer", "MW", lambda s: s.power.peak_facility_megawatts),
    ("energy in a year", "MWh", lambda s: s.year.energy_megawatt_hours),
    ("CO2 in a year", "t", lambda s: s.year.co2_tonnes),
    ("embodied CO2 in a year", "t", lambda s: s.year.embodied_co2_tonnes),
    ("capital", "USD", lambda s: s.capital.usd),
    ("owned hour of an accelerator", "USD/h", lambda s: _price(s, "own")),
    ("reserved hour of an accelerator", "USD/h", lambda s: _price(s, "reserved")),
    ("switches", "", _switches),
    ("interruptions a day", "", lambda s: s.failures.interruptions_per_day),
    ("goodput of a job on all of it, best policy", "", lambda s: s.failures.policies[0].goodput),
    ("dense bf16 per peak facility watt", "GFLOP/s/W", _gigaflop_per_watt),
    ("capital per H100 equivalent by dense bf16", "USD", _usd_per_equivalent),
)
"""What is compared: the figure, its unit, and where a sheet has it."""
