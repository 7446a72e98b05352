"""The sources of an answer: those that the records it read cite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from planner.plan.document import SourceUsed

if TYPE_CHECKING:
    from planner.catalog.load import Catalog
    from planner.workload.record import ModelRecord

__all__ = ["sources_of"]


def sources_of(
    catalog: Catalog, used: Iterable[tuple[str, str]], record: ModelRecord | None = None
) -> dict[str, SourceUsed]:
    """Return the bibliography of the records that were read, that of a model's architecture included.

    Parameters
    ----------
    used
        Kind and id of each record, as `Catalog.tracking` collects them.
    record
        The model, which may come from a file of the user's own; None where the question has none.
    """
    fields = tuple(SourceUsed.model_fields)
    cited = catalog.bibliography(used)
    if record is not None and record.cite is not None:
        cited[record.cite.source] = catalog.described([record.cite.source]).get(record.cite.source)
    return {
        key: SourceUsed(**{f: getattr(source, f) for f in fields})
        for key, source in sorted(cited.items())
        if source is not None
    }
