"""What layouts of a training sweep have in common, computed once: costs of their layers, and traffic."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final, TypeVar

import numpy as np

from planner.model.activations import ActivationCosts, activation_costs
from planner.model.data_parallel import Traffic, stage_parameters, traffic_s
from planner.model.layer import LayerCosts, layer_costs
from planner.model.pipeline import split_layers
from planner.model.sharding import dense_ranks
from planner.plan.sweep.arrays import Distinct
from planner.plan.sweep.training_case import Shared
from planner.tables import SHARDINGS, Hardware, Strategy
from planner.types import IntArray

__all__ = ["HYBRID", "LAYER", "TRAFFIC", "Layers", "layers_of", "traffic_of"]

LAYER: Final = ("tp", "cp", "ep", "etp", "micro_batch", "sequence_parallel")
"""What the costs of a layer depend on beside the case."""
TRAFFIC: Final = ("tp", "cp", "pp", "vpp", "ep", "etp", "dp")
"""What the traffic of data parallelism depends on beside the case, hybrid sharding aside."""
HYBRID: Final = SHARDINGS.index("hsdp")
_KEPT: Final = 1 << 16
"""Layer tuples that a case keeps."""
T = TypeVar("T", LayerCosts, ActivationCosts)


@dataclass(frozen=True, eq=False)
class Layers:
    """Costs of layers and their activations, one tuple per row."""

    layer: LayerCosts
    activations: ActivationCosts

    def take(self, index: IntArray) -> Layers:
        """Rows at `index`."""
        return Layers(self.layer.take(index), self.activations.take(index))


def layers_of(shared: Shared, hardware: Hardware, st: Strategy, tuples: Distinct, kept: bool) -> Layers:
    """Return the costs of the layers of layouts, every tuple of what they depend on computed once.

    Parameters
    ----------
    kept
        Whether the codes of `tuples` mean the same in every part of the sweep, so that what is known stays.
    """
    if tuples.first is None or tuples.back is None:
        return _layers(shared, hardware, st)
    if not kept or tuples.code is None:
        found = _layers(shared, hardware.take(tuples.first), st.take(tuples.first))
        return found.take(tuples.back)
    table: dict[str, object] = shared.tables
    places: dict[int, int] = table.setdefault("places", {})  # type: ignore[assignment]
    codes = tuples.code.tolist()
    if len(places) > _KEPT:
        places.clear()
        table.pop("layers", None)
    fresh = [row for row, code in enumerate(codes) if code not in places]
    if fresh:
        rows = tuples.first[np.array(fresh)]
        new = _layers(shared, hardware.take(rows), st.take(rows))
        known = table.get("layers")
        table["layers"] = new if known is None else _stacked(known, new)  # type: ignore[arg-type]
        places.update({codes[row]: len(places) + place for place, row in enumerate(fresh)})
    at = np.array([places[code] for code in codes])
    layers: Layers = table["layers"]  # type: ignore[assignment]
    return layers.take(at[tuples.back])


def _layers(shared: Shared, hardware: Hardware, st: Strategy) -> Layers:
    case = shared.case
    layer = layer_costs(hardware=hardware, model=case.job.model, software=case.software, strategy=st)
    none = np.zeros((1, 1))
    activations = activation_costs(model=case.job.model, software=case.software, strategy=st)
    many = max(len(st), len(hardware))
    return Layers(
        _full(replace(layer, forward_terms=none, backward_terms=none), many), _full(activations, many)
    )


def _full(table: T, rows: int) -> T:
    """All columns but the terms of full length, so that tables stack and rows can be taken."""
    columns = {f.name: getattr(table, f.name) for f in fields(table)}
    full = {
        name: np.broadcast_to(column, (rows,))
        for name, column in columns.items()
        if not name.endswith("_terms")
    }
    return replace(table, **full)


def _stacked(one: Layers, other: Layers) -> Layers:
    return Layers(_both(one.layer, other.layer), _both(one.activations, other.activations))


def _both(one: T, other: T) -> T:
    columns = {
        f.name: getattr(one, f.name)
        if f.name.endswith("_terms")
        else np.concatenate([getattr(one, f.name), getattr(other, f.name)])
        for f in fields(one)
    }
    return replace(one, **columns)


def traffic_of(shared: Shared, hardware: Hardware, st: Strategy, places: Distinct) -> Traffic | None:
    """Return the traffic of data parallelism, every placement computed once; None where each row has its own.

    A row whose schedule cannot run as it says, so that its stages would hold other layers, has no figures.

    Parameters
    ----------
    places
        By `TRAFFIC`.
    """
    if places.first is None or np.any(st.sharding == HYBRID):
        return None
    model, some = shared.case.job.model, st.take(places.first)
    stage = split_layers(layers=model.layers, pp=some.pp, vpp=some.vpp)
    dense, expert = stage_parameters(model=model, strategy=some, stage_layers=stage.most)
    reduce, gather = traffic_s(
        hardware=hardware.take(places.first),
        software=shared.case.software,
        strategy=some,
        dense=dense,
        expert=expert,
        ranks=dense_ranks(some),
    )
    both = places.spread(reduce), places.spread(gather)
    return Traffic(every=both, sharded=both)
