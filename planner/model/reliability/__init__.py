"""Failures of synchronous jobs, what is done about them, and the share of time that is left: goodput.

=======================================  =================================================================
`planner.model.reliability.goodput`      what a planner asks: goodput and losses of a policy, the best policy
`planner.model.reliability.rates`        failures of a job, silent corruption, stragglers
`planner.model.reliability.restarts`     checkpoint and restart: Young, Daly, Meta's effective time
`planner.model.reliability.replicas`     fault-tolerant data parallelism
`planner.model.reliability.costs`        seconds of a checkpoint and of a restart from the size of the state
`planner.model.reliability.spares`       spare hosts, an exact binomial quantile
=======================================  =================================================================
"""
