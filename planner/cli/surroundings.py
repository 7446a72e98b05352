"""Options on the hardware and on what surrounds it, which every command that plans takes."""

from __future__ import annotations

from typing import Annotated

from planner.cli.plans import option

__all__ = [
    "AvailabilityOption",
    "CheckpointOption",
    "ClusterOption",
    "FailuresOption",
    "FinanceOption",
    "GpuOption",
    "GpusOption",
    "LinkOption",
    "PowerCapOption",
    "PriceOption",
    "ReloadOption",
    "SiteOption",
    "SoftwareOption",
]

ClusterOption = Annotated[
    str | None, option("--cluster", "-c", metavar="NAME", text="On this cluster.", kind="cluster")
]
GpuOption = Annotated[
    str | None, option("--gpu", metavar="NAME", text="On this accelerator.", kind="accelerator")
]
GpusOption = Annotated[str | None, option("--gpus", text="On up to so many of them, as in 16384 or 1M.")]
SoftwareOption = Annotated[
    str | None,
    option("--software", metavar="NAME", text="Training stack; default: the newest.", kind="software"),
]
SiteOption = Annotated[
    str | None,
    option("--site", metavar="NAME", text="Where it runs: PUE, electricity, carbon, water.", kind="site"),
]
PriceOption = Annotated[
    str | None,
    option(
        "--price",
        metavar="PRICE",
        text="own (default), colocation, on-demand, reserved, spot, or as in $2.35/h.",
        kind="price",
    ),
]
FinanceOption = Annotated[
    str | None,
    option("--finance", metavar="NAME", text="Lives, cost of capital, upkeep.", kind="finance"),
]
PowerCapOption = Annotated[
    str | None,
    option("--power-cap", metavar="POWER", text="Power of the facility, at most, as in 300MW."),
]
AvailabilityOption = Annotated[
    str | None,
    option("--availability", metavar="SHARE", text="Of the time, spares are enough; default: 99 %."),
]
LinkOption = Annotated[
    str | None,
    option("--link", metavar="NAME", text="Divide the plan over sites that this joins.", kind="link"),
]
FailuresOption = Annotated[
    str | None, option("--failures", metavar="NAME", text="How often hosts fail.", kind="failures")
]
CheckpointOption = Annotated[
    str | None,
    option(
        "--checkpoint",
        metavar="NAME",
        text="blocking, asynchronous, memory, replicas; default: the simplest that keeps 90 %.",
        kind="checkpoint",
    ),
]
ReloadOption = Annotated[
    str | None,
    option(
        "--checkpoint",
        metavar="NAME",
        text="How a replica comes back: asynchronous (from storage; default), memory ...",
        kind="checkpoint",
    ),
]
