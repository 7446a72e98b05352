"""What fact sheets and lists of clusters are made of, as results carry it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from planner.plan.document import Base, Interval

__all__ = [
    "Capital",
    "Claim",
    "Equivalents",
    "Failures",
    "Group",
    "HourlyCost",
    "Network",
    "PolicyAtScale",
    "Power",
    "Price",
    "Storage",
    "Workload",
    "WorkloadRatio",
    "Year",
]


class Equivalents(Base):
    """H100 equivalents by each rule; null where a part lacks the rate that the rule compares."""

    by_bf16: Interval | None
    """Dense 16-bit matrix rates over that of an H100 (SXM)."""
    by_8bit: Interval | None
    """Dense 8-bit rates, the faster of FP8 and INT8: the rule of Epoch AI."""
    by_hbm_bandwidth: Interval | None
    """Bandwidths of the device memory."""
    by_memory: Interval | None
    """Capacities of the device memory."""
    by_workload: Interval | None = None
    """Throughputs of the job that was named; null where none was."""


class WorkloadRatio(Base):
    """What an accelerator does of the job."""

    accelerator: str
    tokens_per_s: Interval | None
    """Per accelerator at work: trained, or put out; null where it has no plan."""
    ratio: Interval | None
    """Over that of an H100; the errors of both count as independent."""
    plan: str
    """In words."""


class Workload(Base):
    """The job by which accelerators are compared."""

    workload: str
    """As asked."""
    what: str
    accelerators: int
    """That each part was given."""
    reference: str
    """Id of the part that equivalents count in."""
    reference_tokens_per_s: Interval
    ratios: tuple[WorkloadRatio, ...]


class Network(Base):
    """A fabric, counted, powered and priced for all groups on it."""

    fabric: str
    accelerators: int
    known: bool
    """Whether its parts are on record; else the counts are null, its cost is the usual share of that of the
    servers, and its power the usual one for the bandwidth of the ports."""
    switch: str | None = None
    optics: str | None = None
    tiers: int | None = None
    islands: int | None = None
    """Full fabrics of that radix; more than one are not joined at full rate."""
    largest: int | None = None
    """Accelerators of the largest single fabric."""
    switches: int | None = None
    transceivers: int | None = None
    copper_cables: int | None = None
    megawatts: Interval | None = None
    usd: Interval | None = None
    usd_by_part: dict[str, float] = Field(default_factory=dict)


class Group(Base):
    """Accelerators of one kind in one kind of system on one fabric."""

    accelerator: str
    name: str
    system: str | None
    fabric: str | None
    accelerators: int
    systems: float | None
    """Servers, racks or pods; null where no system record holds the part."""
    h100_equivalents_per_accelerator: Equivalents
    h100_equivalents: Equivalents


class Power(Base):
    """Power of all groups together."""

    site: str
    """Id of the site's record."""
    nameplate_it_megawatts: float
    """All equipment at its rating."""
    nameplate_facility_megawatts: Interval
    """The same at the meter in the warmest season: what is meant by the power of a site."""
    average_it_megawatts: Interval
    """In training."""
    average_it_by_part_megawatts: dict[str, float]
    average_facility_megawatts: Interval
    """In training, at the meter of the facility."""
    facility_megawatts_by_activity: dict[str, float]
    """Average at the meter while all accelerators train, prefill, decode, serve (a usual mix), or idle."""
    peak_facility_megawatts: Interval
    """At the highest power of the equipment in the warmest season: what the connection must carry."""
    facility_watts_per_accelerator: float
    """At the peak."""
    pue_mean: float
    pue_summer: float
    supplies_megawatts: dict[str, float | None]
    """What each source of electricity can carry; null is no limit."""
    used_megawatts: dict[str, float]
    """Of each source at the peak."""
    headroom_megawatts: float | None
    """Of all sources over the peak; null without a limit."""
    short_megawatts: float
    """Of the peak that no source carries."""
    sentence: str


class Year(Base):
    """A year of training without pause."""

    energy_megawatt_hours: Interval
    electricity_usd: Interval
    usd_per_kwh: float
    co2_tonnes: Interval
    """Location-based."""
    co2_kg_per_kwh: float
    co2_basis: str | None
    """``combustion`` or ``life-cycle``, of what the supplies that are used publish; null where they do not
    say. Compare within one."""
    embodied_co2_tonnes: Interval
    """Of making machines and buildings, spread over their lives."""
    water_megalitres: Interval
    """Evaporated on site."""


class Capital(Base):
    """What buying it takes."""

    usd: Interval
    by_part_usd: dict[str, float]
    usd_per_accelerator: float
    usd_per_facility_watt: float
    """Over nameplate at the meter."""


class Price(Base):
    """An hour of one accelerator, averaged over the groups."""

    price: str
    """``own``, ``colocation`` or terms of rent."""
    usd_per_gpu_hour: Interval | None
    """Null where no price is known for a group."""
    parts_usd: dict[str, float] = Field(default_factory=dict)
    """They add up to the price."""
    basis: str
    """Where it comes from, with its date; or why there is none."""
    break_even_utilisation: float | None = None
    """Of terms of rent: the share of the hours above which owning is cheaper."""


class HourlyCost(Base):
    """Owned and rented."""

    prices: tuple[Price, ...]
    sentence: str


class PolicyAtScale(Base):
    """A way of saving and coming back, of a job on all accelerators."""

    policy: str
    goodput: Interval
    checkpoint_interval_s: float | None


class Failures(Base):
    """Interruptions of one synchronous job on all accelerators."""

    records: tuple[str, ...]
    """Ids of the records of rates."""
    model: str
    """Whose states are saved."""
    fits: bool
    """Whether they leave half of the memory of the cluster to activations; else it is no job for it."""
    checkpoint_terabytes: float
    replica_accelerators: int
    hosts: int
    interruptions_per_day: Interval
    mean_hours_between_interruptions: Interval
    policies: tuple[PolicyAtScale, ...]
    """The best first."""
    best_policy: str
    spare_hosts: int
    """That stand by."""
    spares_suffice: float
    """Share of the time in which they are enough, so that a failed host is replaced at once."""
    sentence: str


class Storage(Base):
    """Storage of usual size for so many accelerators; its cost and power are part of the totals."""

    petabytes: float
    write_gigabytes_per_s: float
    read_gigabytes_per_s: float
    usd: float
    megawatts: float


class Claim(Base):
    """What is said of a cluster beside what comes out here."""

    what: Literal["facility power", "capital", "h100 equivalents"]
    rule: str | None
    """By which ours is counted, where they are equivalents."""
    unit: str
    claimed: Interval
    """With the range of the record, else as one number."""
    here: Interval
    difference: float
    """Of ours, over the claim."""
    said: str | None
    """In the words of the record."""
    source: str
