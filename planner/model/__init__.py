"""The physics: pure functions of keyword-only arrays, from one operator up to a training step.

Every function takes and returns arrays whose first axis is one configuration a row; see `planner.tables` for
the axes. Import what you need from its modules:

============================  ==============================================================
`planner.model.operators`     matrix multiplications, attention, memory-bound operations
`planner.model.collectives`   all-reduce, all-gather, all-to-all over tiers of a network
`planner.model.layer`         one layer, forward and backward, with its communication
`planner.model.memory`        what is kept, and the peak of a stage
`planner.model.training`      pipeline, data parallelism and the whole step
============================  ==============================================================
"""
