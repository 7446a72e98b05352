"""planner: what a GPU cluster can train and serve, how long it takes, and how sure we are."""
