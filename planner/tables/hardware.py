"""Accelerator, system and fabric records to the `Hardware` table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from planner.tables.arrays import Hardware

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.accelerator import Accelerator
    from planner.catalog.schema.fabric import Fabric
    from planner.catalog.schema.kernels import KernelRates

__all__ = ["REFERENCE_ACHIEVABLE", "TOPOLOGY", "hardware_table"]

REFERENCE_ACHIEVABLE = 0.90
"""Achievable share of the fabrics on which the NIC share was fitted (InfiniBand); others scale by it."""

TOPOLOGY = {"switch": 0, "none": 0, "mesh": 1}
"""Parts without a link of their own meet on the switches of their host."""


def hardware_table(
    accelerator: Accelerator,
    kernels: KernelRates,
    *,
    domain: int | None = None,
    node: int | None = None,
    nic_bytes_per_s: float | None = None,
    fabric: Fabric | None = None,
) -> Hardware:
    """One row of `Hardware`.

    Parameters
    ----------
    accelerator, kernels
        The part and the kernel rates that apply to it.
    domain, node
        Accelerators per scale-up domain and per host; default those of the part (8 per host, fewer where the
        domain is smaller, 4 where it is larger).
    nic_bytes_per_s
        Scale-out bandwidth per accelerator and direction; default that of the part.
    fabric
        The network between domains; default one tier without oversubscription.
    """
    a = accelerator
    domain = domain or a.scale_up.domain
    node = node or (domain if domain <= 8 else 4)
    torus = a.scale_up.torus_dims or TOPOLOGY[a.scale_up.topology]
    rate16 = _value(a.flops.bf16) or _value(a.flops.fp16)
    rate8 = _value(a.flops.fp8) or _value(a.flops.int8)
    peaks = [rate16, rate8, rate8, _value(a.flops.fp4)]
    gemm = kernels.gemm
    shares = [gemm.bf16.value, gemm.fp8.value, gemm.mxfp8.value, gemm.nvfp4.value]
    power = a.power.tdp.value / a.reference_tdp.value if a.reference_tdp else 1.0
    tiers = _tiers(fabric)
    achievable = fabric.achievable.value / REFERENCE_ACHIEVABLE if fabric else 1.0
    scalars: dict[str, Any] = {
        "attention_asymptote": kernels.attention.asymptote.value,
        "attention_head_half": kernels.attention.head_half.value,
        "mla_asymptote": kernels.attention.latent.value,
        "fixed_clock": kernels.clock == "fixed",
        "warm": kernels.warm.value if kernels.warm else 1.0,
        "power_ratio": power,
        "compute_units": a.compute_units.value,
        "memory_bytes": a.memory.capacity.value,
        "memory_bytes_per_s": a.memory.bandwidth.value,
        "link_bytes_per_s": a.scale_up.bandwidth.value,
        "domain": domain,
        "torus_dims": torus,
        "node": node,
        "nic_bytes_per_s": nic_bytes_per_s or a.scale_out.bandwidth.value,
        "nic_achievable": min(achievable, 1.0 / REFERENCE_ACHIEVABLE),
        "host_bytes_per_s": a.host.bandwidth.value,
    }
    columns = {k: np.array([v]) for k, v in scalars.items()}
    return Hardware(
        peak_flop_per_s=np.array([peaks]),
        gemm_asymptote=np.array([shares]),
        tier_endpoints=np.array([tiers[0]]),
        tier_oversubscription=np.array([tiers[1]]),
        tier_latency_s=np.array([tiers[2]]),
        **columns,
    )


def _value(quantity: Quantity | None) -> float:
    return quantity.value if quantity is not None else 0.0


def _tiers(fabric: Fabric | None) -> tuple[list[float], list[float], list[float]]:
    """Endpoints, cumulative oversubscription and latency of each tier that something can cross."""
    if fabric is None:
        return [np.inf], [1.0], [0.0]
    endpoints, shortage, latency = [], [], []
    total = 1.0
    for tier in fabric.tiers:
        total *= tier.oversubscription.value
        endpoints.append(float(tier.endpoints))
        shortage.append(total)
        latency.append(tier.latency.value)
    return endpoints, shortage, latency
