"""Search over layouts: every legal one of a training job here, of a service in `planner.search.serving`.

`search` answers a `Request` with a `SearchResult`; `evaluate` says what the physics says of given
layouts. Rules of legality: `planner.search.legality`. Why pruning is exact: `planner.search.bound`.
"""

from planner.search.answer import ALTERNATIVES, evaluate, search
from planner.search.best import best
from planner.search.reasons import REASONS
from planner.search.request import GOALS, PINNABLE, Goal, Request
from planner.search.result import BANDS, Change, Counts, Plans, Reason, SearchResult, band

__all__ = [
    "ALTERNATIVES",
    "BANDS",
    "GOALS",
    "PINNABLE",
    "REASONS",
    "Change",
    "Counts",
    "Goal",
    "Plans",
    "Reason",
    "Request",
    "SearchResult",
    "band",
    "best",
    "evaluate",
    "search",
]
