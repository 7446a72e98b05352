"""The questions planner answers, one module each, with typed results.

Import what you need from its modules; none of them is imported here, since a question must start quickly.

=======================  =========================================================================
`planner.plan.train`     `train`: layout, step time, days and GPU-hours of a training job
`planner.plan.serve`     `serve`: users, latency and throughput, or the accelerators that a load needs
`planner.plan.serving`   its parts
`planner.plan.cluster`   clusters as a whole: fact sheets, sizes, comparisons, H100 equivalents
`planner.plan.places`    the hardware that a question names
`planner.plan.results`   the result types, and the JSON that other programs read
`planner.plan.explain`   where each number of an answer comes from
`planner.plan.table`     rows for people; the command line renders them
=======================  =========================================================================
"""
