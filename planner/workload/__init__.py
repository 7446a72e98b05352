"""Workloads: the architecture of a model, its exact counts, and ways to bring one in."""

from planner.workload.kinds import MODEL

__all__ = ["MODEL"]
