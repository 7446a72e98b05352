"""Fitted kernels to the rates of a catalog record, and the record as YAML text.

The 8-bit rate is the better of the tensor-scaled and the block-scaled kernels, since a training stack picks
its kernels. The 4-bit rate is an estimate halfway between the fitted one, which is that of linear layers in
serving frameworks, and the best published product: those layers are young, and training has reached more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from planner.evidence.kernel_fit import KernelFit

if TYPE_CHECKING:
    from planner.catalog.quantity import Quantity
    from planner.catalog.schema.kernels import KernelRates

__all__ = ["RATES", "Rate", "fitted_rates", "held_rates", "record_text"]

BEST_NVFP4: Final = 0.75
"""Best published share of the 4-bit peak: cuBLASLt on GB200 (azure-benchmarking-guide)."""
BEST_NVFP4_HIGH: Final = 0.76

RATES: Final = {
    "bf16": ("gemm", "bf16"),
    "fp8": ("gemm", "fp8"),
    "mxfp8": ("gemm", "mxfp8"),
    "nvfp4": ("gemm", "nvfp4"),
    "attention": ("attention", "asymptote"),
    "head_half": ("attention", "head_half"),
    "latent": ("attention", "latent"),
}
"""Rate to its section and field in the record."""

_ROWS: Final = {name: name for name in ("bf16", "fp8", "mxfp8", "nvfp4", "latent")} | {"attention": "grouped"}
"""Rate to the field of the record that counts its rows."""


@dataclass(frozen=True)
class Rate:
    """One rate of a record.

    Attributes
    ----------
    value, low, high : float
        The range is the spread over fits that leave out one shape group in five.
    rows : int
        Rows it was fitted to; 0 where it was taken over.
    kind : str
        As in the catalog: derived or estimate.
    note : str
        What a reader must know to use it.
    cite : mapping
        Source and place, where they differ from the record's.
    """

    value: float
    low: float | None
    high: float | None
    rows: int = 0
    kind: str = "derived"
    note: str = ""
    cite: Mapping[str, str] | None = None


NOTHING: Final = 1e-6


def fitted_rates(fits: Mapping[str, KernelFit]) -> dict[str, Rate]:
    """Return the rates that the fits of one accelerator give, by name; those without a fit are absent.

    Parameters
    ----------
    fits
        By kernel of the tables.
    """
    found: dict[str, Rate] = {}
    if "bf16" in fits:
        found["bf16"] = _plain(fits["bf16"])
    eight = sorted(
        (fits[kernel] for kernel in ("fp8", "fp8_block") if kernel in fits),
        key=lambda fit: fit.values["asymptote"],
    )
    if eight:
        best = _plain(eight[-1])
        note = "the better of the tensor- and block-scaled kernels" if len(eight) > 1 else ""
        low = min(fit.spread["asymptote"][0] for fit in eight)
        high = max(fit.spread["asymptote"][1] for fit in eight)
        rows = sum(fit.rows for fit in eight)
        found["fp8"] = found["mxfp8"] = replace(best, low=low, high=high, rows=rows, note=note)
    if "nvfp4" in fits:
        found["nvfp4"] = _four_bit(fits["nvfp4"])
    if "grouped" in fits:
        found["attention"] = _plain(fits["grouped"])
        found["head_half"] = _plain(fits["grouped"], "head_half")
    if "latent" in fits:
        found["latent"] = _plain(fits["latent"])
    return found


def _plain(fit: KernelFit, name: str = "asymptote") -> Rate:
    low, high = fit.spread[name]
    if name in fit.assumed:
        note = "assumed, since the tables hold one head size; the asymptote is fitted with it"
        return Rate(fit.values[name], low, high, fit.rows, "estimate", note)
    return Rate(fit.values[name], low, high, fit.rows)


def _four_bit(fit: KernelFit) -> Rate:
    serving = fit.values["asymptote"]
    low, high = fit.spread["asymptote"]
    note = (
        f"between linear layers of serving frameworks ({serving:.2f} on {fit.rows} rows) "
        f"and the best published product ({BEST_NVFP4})"
    )
    value = max(serving, (serving + BEST_NVFP4) / 2.0)
    return Rate(value, low, max(high, BEST_NVFP4_HIGH), fit.rows, "estimate", note)


def held_rates(record: KernelRates) -> dict[str, Rate]:
    """Return the rates of a record of the catalog, to be taken over with their source."""
    return {name: _held(getattr(getattr(record, section), field)) for name, (section, field) in RATES.items()}


def _held(quantity: Quantity) -> Rate:
    cite = {"source": quantity.source, "at": quantity.at}
    return Rate(quantity.value, quantity.low, quantity.high, 0, quantity.kind, quantity.note or "", cite)


def record_text(
    rates: Mapping[str, Rate],
    *,
    record_id: str,
    name: str,
    source: str,
    at: str,
    date: str,
    held: KernelRates | None,
) -> str:
    """Return a record as YAML text.

    Parameters
    ----------
    rates
        All of `RATES`.
    source, at
        Where the tables are from.
    date
        Of the fit, ISO.
    held
        The record in the catalog, of which clock and warm rate are kept.
    """
    record: dict[str, Any] = {"id": record_id, "name": name}
    if held is not None and held.aliases:
        record["aliases"] = list(held.aliases)
    record["cite"] = _Line(source=source, at=at, kind="derived")
    record |= {"date": date, "rows": _Line({field: rates[rate].rows for rate, field in _ROWS.items()})}
    if held is not None and held.clock != "boosted":
        record["clock"] = held.clock
    if held is not None and held.warm is not None:
        record["warm"] = _written(_held(held.warm))
    for rate, (section, field) in RATES.items():
        record.setdefault(section, {})[field] = _written(rates[rate])
    return _dumped(record)


class _Line(dict[str, Any]):
    """A mapping written on one line."""


def _dumped(record: dict[str, Any]) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(_Line, lambda d, line: d.represent_mapping("tag:yaml.org,2002:map", line, True))
    return yaml.dump(record, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=4096)


def _written(rate: Rate) -> _Line:
    """Write a rate with three digits; rounding never leaves it outside its range."""
    value = _rounded(rate.value)
    written = _Line(value=value)
    if rate.low is not None and rate.high is not None:
        written["range"] = [min(_rounded(rate.low), value), max(_rounded(rate.high), value)]
    if rate.cite is not None:
        written.update(rate.cite)
    if rate.cite is not None or rate.kind != "derived":
        written["kind"] = rate.kind
    if rate.note:
        written["note"] = rate.note
    return written


def _rounded(value: float) -> float:
    """Three digits; what a fit drove to its bound of zero is zero, on every machine."""
    return float(f"{value:.3g}") if value > NOTHING else 0.0
