"""A fact sheet as tables for people: a title, a head and rows of short cells with units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from planner.plan.cluster.words import RULE_LABELS, amount, between, count, energy, plain, usd, watts
from planner.plan.sections import Section
from planner.units import SECONDS_PER_HOUR, format_quantity

if TYPE_CHECKING:
    from planner.plan.cluster.results import Claim, Group, Network, Price, Sheet, SizeAnswer
    from planner.plan.document import Interval

__all__ = ["compare_section", "sections", "sheet_headline", "size_rows"]


def sheet_headline(sheet: Sheet) -> str:
    """Say what a cluster is in one sentence."""
    counted = ", ".join(
        f"{count(number, bare=True)} {label}"
        for field, label in RULE_LABELS.items()
        if (number := getattr(sheet.h100_equivalents, field)) is not None
    )
    are = "accelerator is" if sheet.accelerators == 1 else "accelerators are"
    return (
        f"{sheet.name}: {sheet.accelerators:,} {are} "
        f"{counted} in H100 equivalents; "
        f"{watts(sheet.power.nameplate_facility_megawatts.value)} nameplate at the meter, "
        f"{watts(sheet.power.average_facility_megawatts.value)} in training; {usd(sheet.capital.usd.value)}."
    )


def sections(sheet: Sheet) -> Iterator[Section]:
    """Yield every table of a fact sheet that holds something."""
    yield from (section for section in _sections(sheet) if section.rows)


def _sections(sheet: Sheet) -> Iterator[Section]:
    yield Section(sheet_headline(sheet), (), _what(sheet))
    yield _equivalents(sheet)
    if sheet.workload is not None:
        yield _workload(sheet)
    if any(one.known for one in sheet.networks):
        yield _networks([one for one in sheet.networks if one.known])
    yield Section("Power", (), _power(sheet))
    yield Section("A year of training without pause", (), _year(sheet))
    yield Section("Capital", (), _capital(sheet))
    yield _prices(sheet)
    yield Section("Failures of one job on all of it", (), _failures(sheet))
    yield _policies(sheet)
    if sheet.claims:
        yield _claims(sheet)


def _what(sheet: Sheet) -> list[tuple[str, ...]]:
    said = [
        ("owner", sheet.owner),
        ("location", sheet.location),
        ("state of", None if sheet.date is None else f"{sheet.date}, {sheet.status}"),
        ("site", sheet.power.site),
    ]
    rows: list[tuple[str, ...]] = [(label, text) for label, text in said if text]
    rows += [("group" if len(sheet.groups) > 1 else "hardware", _group(group)) for group in sheet.groups]
    if sheet.dense_bf16_exaflop_per_s is not None:
        rows.append(("dense bf16", amount(sheet.dense_bf16_exaflop_per_s, "EFLOP/s")))
    if sheet.dense_8bit_exaflop_per_s is not None:
        rows.append(("dense 8 bit", amount(sheet.dense_8bit_exaflop_per_s, "EFLOP/s")))
    rows.append(
        (
            "memory",
            f"{amount(sheet.memory_petabytes, 'PB')} at {amount(sheet.memory_petabytes_per_s, 'PB/s')}",
        )
    )
    s = sheet.storage
    rates = (
        f"{amount(s.write_gigabytes_per_s, 'GB/s')} written, {amount(s.read_gigabytes_per_s, 'GB/s')} read"
    )
    rows.append(("storage", f"{amount(s.petabytes, 'PB')}; {rates}; {watts(s.megawatts)}, {usd(s.usd)}"))
    return rows


def _group(group: Group) -> str:
    boxes = "" if group.systems is None else f" in {plain(group.systems)} {group.system}"
    over = f" on {group.fabric}" if group.fabric else ""
    return f"{group.accelerators:,} {group.accelerator}{boxes}{over}"


def _equivalents(sheet: Sheet) -> Section:
    fields = [
        field
        for field in RULE_LABELS
        if field != "by_workload" or sheet.h100_equivalents.by_workload is not None
    ]
    rows = [
        (
            f"{group.accelerator} (each)",
            *(count(getattr(group.h100_equivalents_per_accelerator, field)) for field in fields),
        )
        for group in sheet.groups
    ]
    if len(sheet.groups) > 1:
        rows += [
            (
                f"{group.accelerators:,} {group.accelerator}",
                *(count(getattr(group.h100_equivalents, field)) for field in fields),
            )
            for group in sheet.groups
        ]
    rows.append(("all of it", *(count(getattr(sheet.h100_equivalents, field)) for field in fields)))
    return Section("H100 equivalents", ("", *(RULE_LABELS[field] for field in fields)), rows)


def _workload(sheet: Sheet) -> Section:
    job = sheet.workload
    if job is None:
        return Section("", (), [])
    rows = [
        (
            one.accelerator,
            *(("none", "") if one.tokens_per_s is None else _did(one.tokens_per_s, one.ratio)),
            one.plan,
        )
        for one in job.ratios
    ]
    title = f"By workload: {job.what}, {job.accelerators:,} accelerators of each"
    if job.reference not in {one.accelerator for one in job.ratios}:
        rows.insert(0, (job.reference, between(job.reference_tokens_per_s, plain), "1", ""))
    return Section(title, ("accelerator", "tokens/s each", "over H100", "plan"), rows)


def _did(rate: Interval, ratio: Interval | None) -> tuple[str, str]:
    return between(rate, plain), "" if ratio is None else between(ratio, plain)


def _networks(networks: list[Network]) -> Section:
    rows = [
        (
            n.fabric,
            f"{n.tiers}" if n.islands == 1 else f"{n.tiers}, {n.islands} islands",
            f"{n.switches:,} {n.switch or ''}".strip(),
            f"{n.transceivers:,} {n.optics or ''}".strip(),
            f"{n.copper_cables:,}",
            "" if n.megawatts is None else between(n.megawatts, watts),
            "" if n.usd is None else between(n.usd, usd),
        )
        for n in networks
    ]
    head = ("fabric", "tiers", "switches", "transceivers", "copper", "power", "cost")
    return Section("Network", head, rows)


def _power(sheet: Sheet) -> list[tuple[str, ...]]:
    p = sheet.power
    parts = ", ".join(
        f"{name} {watts(value)}" for name, value in p.average_it_by_part_megawatts.items() if value > 0
    )
    supplies = ", ".join(
        f"{name} {'without limit' if value is None else watts(value)}"
        for name, value in p.supplies_megawatts.items()
    )
    used = ", ".join(f"{name} {watts(value)}" for name, value in p.used_megawatts.items() if value > 0)
    return [
        ("equipment, nameplate", watts(p.nameplate_it_megawatts)),
        ("equipment, average in training", f"{between(p.average_it_megawatts, watts)}: {parts}"),
        (
            "facility, average in training",
            f"{between(p.average_facility_megawatts, watts)}, PUE {p.pue_mean:.3g}",
        ),
        (
            "facility, by what it does",
            ", ".join(f"{name} {watts(value)}" for name, value in p.facility_megawatts_by_activity.items()),
        ),
        (
            "facility, nameplate in summer",
            f"{between(p.nameplate_facility_megawatts, watts)}: what announcements call the power",
        ),
        (
            "facility, peak in summer",
            f"{between(p.peak_facility_megawatts, watts)}, PUE {p.pue_summer:.3g}; "
            f"{p.facility_watts_per_accelerator:,.0f} W per accelerator",
        ),
        ("supplies", supplies),
        ("used at the peak", f"{used}. {p.sentence}"),
    ]


def _year(sheet: Sheet) -> list[tuple[str, ...]]:
    y = sheet.year
    return [
        ("energy", between(y.energy_megawatt_hours, energy)),
        ("electricity", f"{between(y.electricity_usd, usd)} at {y.usd_per_kwh:.3g} USD/kWh"),
        (
            "CO2, by location",
            f"{between(y.co2_tonnes, plain)} t at {y.co2_kg_per_kwh:.3g} kg/kWh"
            + (f", {y.co2_basis}" if y.co2_basis else ""),
        ),
        ("embodied CO2", f"{between(y.embodied_co2_tonnes, plain)} t, the year's share of their lives"),
        ("water", f"{between(y.water_megalitres, plain)} ML evaporated on site"),
    ]


def _capital(sheet: Sheet) -> list[tuple[str, ...]]:
    c = sheet.capital
    return [
        *((name, usd(value)) for name, value in c.by_part_usd.items()),
        (
            "all of it",
            f"{between(c.usd, usd)}; {usd(c.usd_per_accelerator)} per accelerator, "
            f"{c.usd_per_facility_watt:.3g} USD/W of the facility",
        ),
    ]


def _prices(sheet: Sheet) -> Section:
    return Section(
        "An hour of one accelerator",
        ("price", "USD/h", "parts", "breaks even at"),
        [_price(one) for one in sheet.cost.prices],
    )


def _price(one: Price) -> tuple[str, ...]:
    if one.usd_per_gpu_hour is None:
        return one.price, "none", one.basis, ""
    parts = ", ".join(f"{name} {value:.2f}" for name, value in one.parts_usd.items() if value >= 0.005)
    even = one.break_even_utilisation
    return (
        one.price,
        between(one.usd_per_gpu_hour, lambda value: f"{value:.2f}"),
        one.basis if len(one.parts_usd) <= 1 else parts,
        "" if even is None else f"{even:.0%}" if even <= 1 else "never",
    )


def _failures(sheet: Sheet) -> list[tuple[str, ...]]:
    f = sheet.failures
    return [
        (
            "hosts",
            f"{f.hosts:,}, and {f.spare_hosts:,} spare: enough in {100 * f.spares_suffice:g} % of the time",
        ),
        (
            "interruptions",
            f"{between(f.interruptions_per_day, plain)} a day, one every "
            f"{between(f.mean_hours_between_interruptions, _hours)}",
        ),
        (
            "job",
            f"{f.model}: checkpoints of {amount(f.checkpoint_terabytes, 'TB')}, "
            f"replicas of {f.replica_accelerators:,} accelerators",
        ),
        ("what follows", f.sentence),
    ]


def _hours(value: float) -> str:
    return format_quantity(value * SECONDS_PER_HOUR, "s", digits=3)


def _policies(sheet: Sheet) -> Section:
    rows = [
        (
            one.policy,
            between(one.goodput, lambda value: f"{value:.1%}"),
            ""
            if one.checkpoint_interval_s is None
            else format_quantity(one.checkpoint_interval_s, "s", digits=3),
        )
        for one in sheet.failures.policies
    ]
    return Section("", ("checkpoints", "goodput", "interval"), rows)


def _claims(sheet: Sheet) -> Section:
    return Section(
        "What is said of it",
        ("what", "said", "here", "difference", "source"),
        [_claim(one) for one in sheet.claims],
    )


def _claim(one: Claim) -> tuple[str, ...]:
    shows = {"MW": watts, "USD": usd}
    show = shows.get(one.unit, lambda value: plain(value))
    what = one.what if one.rule is None else f"{one.what} by {one.rule}"
    return what, between(one.claimed, show), between(one.here, show), f"{one.difference:+.1%}", one.source


def compare_section(title: str, names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Section:
    """Return fact sheets side by side."""
    return Section(title, ("", *names), rows)


def size_rows(answer: SizeAnswer) -> list[tuple[str, ...]]:
    """Return (what, value) of how much it comes to."""
    return [
        ("accelerators", between(answer.accelerators, lambda value: f"{value:,.0f}")),
        ("systems", f"{answer.systems:,} of {answer.accelerators_per_system:,} accelerators"),
        ("spent", between(answer.spent_usd, usd)),
        ("binds", answer.binds),
    ]
