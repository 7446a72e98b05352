"""What the sections of a dossier are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from planner.errors import InfeasibleError, InputError, UnknownNameError, UsageError

__all__ = ["REFUSALS", "Asked"]

REFUSALS: Final = (InfeasibleError, InputError, UnknownNameError, UsageError)
"""What makes one entry of a section say why it has no answer; the others still have theirs."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What all sections are asked: hardware and surroundings.

    Attributes
    ----------
    accelerators
        Of all groups.
    cluster, gpu, gpus
        As `planner.train` takes them: a cluster, or so many accelerators of a part.
    mode
        Of serving, looked at first.
    """

    label: str
    accelerators: int
    cluster: str | None
    gpu: str | None
    gpus: int | None
    site: str | None
    price: str | float | None
    finance: str | None
    failures: str | None
    overhead: str
    mode: str | None

    def here(self) -> dict[str, Any]:
        """Return what questions of training and serving take under the same names."""
        same = {"site": self.site, "price": self.price, "finance": self.finance}
        return {**same, "cluster": self.cluster, "gpus": self.gpus}

    def hardware(self) -> dict[str, Any]:
        """Return what questions of training alone take, the accelerator by name included."""
        return {**self.here(), "gpu": self.gpu, "failures": self.failures}
