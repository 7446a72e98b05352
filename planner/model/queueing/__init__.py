"""Latency of serving replicas in steady state, from queueing theory; percentiles without simulation.

===================================  =========================================================
`planner.model.queueing.steady`      what a planner asks: latencies of operating points
`planner.model.queueing.operating`   the fixed point of batch and prefill share
`planner.model.queueing.parts`       the parts of latencies: waits, prefill, slots, decoding
`planner.model.queueing.chunks`      the queue of prompts in front of chunked steps
`planner.model.queueing.step_chain`  how full those steps are
`planner.model.queueing.slots`       the wait for a slot of the batch or of memory
`planner.model.queueing.decoding`    time of decoding, gaps between tokens
`planner.model.queueing.capacity`    the largest rate, requests that fit in memory
`planner.model.queueing.laws`        laws on a grid of time and their quantiles
`planner.model.queueing.lengths`     lengths of prompts and outputs as weighted points
`planner.model.queueing.formulas`    Erlang, Pollaczek-Khinchine, Kimura, Halfin-Whitt
===================================  =========================================================
"""
