"""``planner frontier``: the best model that a cluster can train in the time."""
