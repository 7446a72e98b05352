"""A cluster as a whole: what it counts as, draws, costs and how often it fails.

Import what you need from its modules; users find the questions in `planner.cluster`.

==================================  ================================================================
`planner.plan.cluster.sheet`        `show`: the fact sheet of a cluster
`planner.plan.cluster.listing`      `clusters`: those of the catalog, in H100 equivalents by each rule
`planner.plan.cluster.comparison`   `compare`: fact sheets side by side
`planner.plan.cluster.sizing`       `size`: how much hardware equivalents, money or power come to
`planner.plan.cluster.limits`       the most that keeps within money, power, the supplies of the site
`planner.plan.cluster.equivalents`  H100 equivalents of groups
`planner.plan.cluster.workload`     the same by a job
`planner.plan.cluster.named`        a cluster of the catalog, or so many of a part
`planner.plan.cluster.results`      the result types, and the JSON that other programs read
`planner.plan.cluster.table`        rows for people
==================================  ================================================================
"""
