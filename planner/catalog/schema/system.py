"""Systems, a server or a rack that is bought as one: ``hardware/systems/ID.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from planner.catalog.quantity import Bytes, BytesPerSecond, Count, Watts
from planner.catalog.records import Record, Ref, Section, Text

__all__ = ["Nics", "System", "SystemPower"]


class Nics(Section):
    """Network interfaces of the whole system for the scale-out fabric."""

    count: Count
    bandwidth: BytesPerSecond
    """Of each, per direction."""


class SystemPower(Section):
    """Power of the whole system: accelerators, processors, NICs, fans."""

    max: Watts
    typical: Watts | None = None


class System(Record):
    """A server, a rack or a pod."""

    vendor: Text
    accelerator: Annotated[str, Ref("accelerator")]
    accelerators: Count
    """In the whole system."""
    scale_up_domain: Annotated[int, Field(ge=1)]
    """Accelerators that reach one another over the scale-up fabric."""
    node_size: Annotated[int, Field(ge=1)]
    """Accelerators under one operating system."""
    nics: Nics
    fabric: Annotated[str, Ref("fabric")] | None = None
    """The scale-out fabric it usually comes with, taken where a question names none."""
    power: SystemPower | None = None
    host_cpu: str | None = None
    memory: Bytes | None = None
    """Of the hosts, whole system."""

    @model_validator(mode="after")
    def _sizes_agree(self) -> System:
        if self.node_size > self.accelerators.value:
            raise ValueError(f"node_size {self.node_size} is more than its {self.accelerators} accelerators")
        return self
