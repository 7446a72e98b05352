"""``planner post-train``: reinforcement learning after pre-training.

=================================  ===============================================================
`planner.plan.post_train.question` the library's call
`planner.plan.post_train.asked`    the question resolved: recipe, model, hardware, what is fixed
`planner.plan.post_train.engines`  layouts that generate, each with its curve
`planner.plan.post_train.trainers` training rates at a few sizes, interpolated between
`planner.plan.post_train.split`    steps over splits of the accelerators; the best of them
`planner.plan.post_train.spread`   the chosen split with everything that is uncertain
`planner.plan.post_train.answer`   from there to the plan, as results carry it
`planner.plan.post_train.parts`    sections of it: shares, environments, reward, comparisons
`planner.plan.post_train.results`  frozen result types, whose JSON other programs rely on
`planner.plan.post_train.table`    the answer as rows for people
=================================  ===============================================================
"""
