"""What a dossier of a cluster looks at: ``workloads/dossiers/ID.yaml``.

The runs, models, traffics and examples by which a cluster is described. Another record describes every
cluster by other ones.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.quantity import Seconds
from planner.catalog.records import Items, Record, Ref, Section

__all__ = ["Dossier", "Frontier", "Service"]


class Frontier(Section):
    """Searches for the best model that can be trained in so much time."""

    law: Annotated[str, Ref("scaling-law")]
    shapes: Annotated[Items[Annotated[str, Ref("shape")]], Field(min_length=1)]
    horizons: Annotated[Items[Seconds], Field(min_length=1)]
    """How long the cluster trains."""


class Service(Section):
    """Services of which each model serves each traffic, alone on the whole cluster."""

    models: Annotated[Items[Annotated[str, Ref("model")]], Field(min_length=1)]
    traffics: Annotated[Items[Annotated[str, Ref("traffic")]], Field(min_length=1)]
    mode: Literal["aggregated", "disaggregated"] | None = None
    """Looked at first; the other one is tried where nothing meets the targets so. None looks at both."""


class Dossier(Record):
    """What a dossier looks at."""

    overhead: Annotated[str, Ref("overhead")]
    recipes: Annotated[Items[Annotated[str, Ref("training-recipe")]], Field(min_length=1)]
    frontier: Frontier
    serving: Service
    distillation: Items[Annotated[str, Ref("distillation")]] = ()
    """Recipes shown as examples."""
    post_training: Items[Annotated[str, Ref("post-training")]] = ()
    """Recipes shown as examples."""
