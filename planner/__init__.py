"""planner: what a GPU cluster can train and serve, how long it takes, and how sure we are."""

from planner.__about__ import __version__

__all__ = ["__version__"]
