"""What running a plan takes, as results carry it."""

from __future__ import annotations

from planner.plan.document import Base, Interval

__all__ = ["Cost", "Policy", "Power", "Reliability", "ServingAvailability", "Storage"]


class Policy(Base):
    """A way of saving and coming back, at its best checkpoint interval."""

    policy: str
    """Id of its record."""
    goodput: Interval
    checkpoint_interval_s: float | None
    """Null where nothing is saved on purpose."""
    checkpoint_write_s: float
    """That training waits for each checkpoint."""
    restart_s: float
    """From a failure until the next step."""


class Reliability(Base):
    """Failures of a synchronous job, and what they cost."""

    failures: str
    """Id of the record of rates."""
    rate_per_host_day: Interval
    """Unexpected interruptions."""
    hosts: int
    """By which the rate is multiplied."""
    mean_hours_between_failures: Interval
    interruptions: Interval
    """During the run."""
    policy: str
    """That the plan follows."""
    best_policy: str
    """With the highest goodput at this scale."""
    policies: tuple[Policy, ...]
    checkpoint_interval_s: float | None
    checkpoint_terabytes: float
    """Of 10^12 bytes: weights, master weights and optimizer states of one checkpoint."""
    lost: dict[str, float]
    """Share of the time by cause; with the goodput they add up to 1."""
    spare_hosts: int
    """That stand by."""
    spares_suffice: float
    """Share of the time in which they are enough, so that a failed host is replaced at once."""
    sentence: str


class ServingAvailability(Base):
    """Failures of a service: each takes down one replica, not all of them."""

    host_failures_per_day: Interval
    hosts: int
    """At work."""
    spare_hosts: int
    hosts_away: float
    """On average: failed and not yet repaired."""
    policy: str
    """By which a replica comes back: from storage, or from the memory of others."""
    stopped: float
    """Share of the capacity in replicas that wait for a spare host to take over."""
    sentence: str


class Power(Base):
    """Power of the accelerators of a plan with their share of hosts, network, storage and building."""

    site: str
    """Id of the site's record."""
    it_megawatts: Interval
    """Average, before the losses of the building."""
    nameplate_megawatts: float
    """All equipment at its rating."""
    peak_megawatts: Interval
    """Of the facility in the warmest season: what the connection must carry."""
    watts_per_gpu: float
    """Average, at the meter of the facility."""
    pue: float
    by_part_megawatts: dict[str, float]
    supplies_megawatts: dict[str, float]
    """By source of electricity."""
    short_megawatts: float
    """What the site cannot supply at the peak."""
    usd_per_kwh: float
    co2_kg_per_kwh: float
    """Location-based, at the meter."""
    co2_basis: str | None = None
    """``combustion`` or ``life-cycle``, of what the supplies that are used publish; null where they do not
    say. Compare within one."""
    water_megalitres: Interval
    embodied_co2_tonnes: Interval
    """Of making what is used, for the share of its life that the plan takes."""


class Cost(Base):
    """Where the money goes."""

    price: str
    """As asked: own, colocation, or terms of rent."""
    basis: str
    """Where the price comes from, with its date."""
    gpu_hour_parts_usd: dict[str, float]
    """They add up to the price of a GPU-hour."""
    electricity_usd: Interval
    """Of the energy; with rent it is part of the price."""
    capital_usd: Interval | None
    """Of buying what the plan uses, the building included; null with rent."""
    usd_per_million_input_tokens: Interval | None = None
    """Of a service: accelerator time of prompts over all input tokens, cached ones included."""
    usd_per_million_output_tokens: Interval | None = None
    """Of a service: accelerator time of decoding over output tokens."""
    usd_per_user_month: Interval | None = None
    rented_usd_per_gpu_hour: Interval | None = None
    """Cheapest known rent of the same part, to compare with."""
    break_even_utilisation: float | None = None
    """Share of the hours above which owning is cheaper than that rent."""


class Storage(Base):
    """Storage of a training run."""

    checkpoint_terabytes: float
    kept_terabytes: float
    """Of all checkpoints kept at a time."""
    data_terabytes: float
    """Of the training tokens."""
    write_gigabytes_per_s: float
    """Needed so that a checkpoint is on storage before the next one starts."""
    read_gigabytes_per_s: float
    """Of training data, on average."""
    available_write_gigabytes_per_s: float
    """Of storage of usual size for so many accelerators."""
