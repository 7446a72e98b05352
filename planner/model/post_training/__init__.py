"""Reinforcement learning after pre-training: how long a step takes, and what keeps it from being shorter.

=========================================  =====================================================
`planner.model.post_training.lengths`      rollouts of unlike length, and the longest of many
`planner.model.post_training.decoding`     sequences that decode, those that wait for tools, memory
`planner.model.post_training.rollouts`     generating a batch to its end, or without end
`planner.model.post_training.steps`        a synchronous step, an asynchronous one, what binds it
`planner.model.post_training.weights`      how long new weights take to the engines
`planner.model.post_training.sandboxes`    environments at a time, starts per second, hosts
=========================================  =====================================================

Reward by compute is `planner.model.scaling.reward`.
"""
