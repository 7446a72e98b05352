"""``planner post-train``: reinforcement learning after pre-training.

==================================== ==============================================================
`planner.plan.post_train.question`   the library's call
`planner.plan.post_train.asked`      the question resolved: recipe, model, hardware, what is fixed
`planner.plan.post_train.changes`    numbers that are given instead of the recipe's
`planner.plan.post_train.inputs`     the question as resolved, as results carry it
`planner.plan.post_train.placing`    layouts and split of the hardware; the other mode
`planner.plan.post_train.engines`    layouts that generate, each with its curve
`planner.plan.post_train.trainers`   training rates at a few sizes, interpolated between
`planner.plan.post_train.hardware`   what trains and what generates, and the network between them
`planner.plan.post_train.step`       one step, for samples and for splits alike
`planner.plan.post_train.split`      splits of the accelerators; the best of them
`planner.plan.post_train.spread`     the chosen split with everything that is uncertain
`planner.plan.post_train.answer`     from there to the plan, as results carry it
`planner.plan.post_train.parts`      sections of it: shares, environments, reward, comparisons
`planner.plan.post_train.infeasible` why there is no plan, and what would make one
`planner.plan.post_train.results`    frozen result types, whose JSON other programs rely on
`planner.plan.post_train.table`      the answer as rows for people
==================================== ==============================================================
"""
