"""Request-level simulation of one replica, or of one unit of prefill and decode pools.

=========================================  ==================================================
`planner.model.simulation.requests`        arrivals and lengths
`planner.model.simulation.replica`         one replica with continuous batching
`planner.model.simulation.disaggregated`   prefill workers, the hand-over, decode replicas
`planner.model.simulation.result`          what was measured
=========================================  ==================================================
"""
