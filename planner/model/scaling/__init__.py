"""Scaling laws: what a model of some size reaches with some data, and how compute is best split.

==================================  ============================================================
`planner.model.scaling.loss`        loss by parameters and tokens, its inverses, the best split
`planner.model.scaling.allocation`  the compute-optimal model of every law that has one
`planner.model.scaling.serving`     the cheapest model of a loss, serving included
`planner.model.scaling.repetition`  data that is repeated, and the best split where it is scarce
`planner.model.scaling.batch`       critical batch, what larger batches cost, the latency wall
`planner.model.scaling.experts`     mixtures of experts: leverage, loss by sparsity, savings
`planner.model.scaling.distilling`  loss of a student, when distillation pays, what it takes
`planner.model.scaling.reward`      reinforcement learning: reward by compute, share of generation
`planner.model.scaling.ranges`      whether a law is used beyond the runs it was fitted on
==================================  ============================================================

Laws come from the catalog (kind ``scaling-law``) by name. Every function takes one law: coefficients, losses
and optima of different laws are not comparable and are never mixed.
"""
