"""The physics: pure functions of keyword-only arrays, from an operator to a training step or a service.

Every function takes and returns arrays whose first axis is one configuration a row; see `planner.tables` for
the axes. Import what you need from its modules:

==============================  ==================================================================
`planner.model.operators`       matrix multiplications, attention, memory-bound operations
`planner.model.collectives`     all-reduce, all-gather, all-to-all over tiers of a network
`planner.model.context`         rates and token counts that all blocks of a layer share
`planner.model.passes`          time of a pass by what it is spent on
`planner.model.blocks`          attention and dense MLP, tensor and context parallelism
`planner.model.experts`         mixture of experts: routing, grouped products, dispatch and combine
`planner.model.mixers`          linear mixers
`planner.model.layer`           one layer, the head and the embedding, forward and backward
`planner.model.activations`     what a layer leaves behind for its backward pass
`planner.model.sharding`        which ranks hold the same weights
`planner.model.pipeline`        layers per stage, micro-batches in flight, bubble and sends
`planner.model.memory`          the peak of a stage
`planner.model.data_parallel`   gradient reduction, parameter gathering, the optimizer
`planner.model.training`        the whole step
`planner.model.inference`       serving: kernels, a step, memory, a replica in steady state, pools
`planner.model.step_times`      times of serving steps, tabulated
`planner.model.prefix_cache`    what a prefix cache of limited size finds, by tier
`planner.model.queueing`        latencies of serving and their percentiles
`planner.model.simulation`      the same, request by request
`planner.model.equivalents`     accelerators counted as H100, by rules that are named
`planner.model.reliability`     failures, checkpoints, goodput, spare hosts
`planner.model.post_training`   reinforcement learning: rollouts, steps, weights, sandboxes
==============================  ==================================================================
"""
