"""`planner mix`: one cluster shared between jobs, by linear and integer programming."""
