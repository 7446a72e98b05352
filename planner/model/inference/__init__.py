"""Physics of serving: from one kernel up to the steady state of a replica.

Import what you need from its modules:

=======================================  =============================================================
`planner.model.inference.limbs`          how the limbs of a kernel law join
`planner.model.inference.kernels`        linear layers, routed experts, memory-bound kernels
`planner.model.inference.attention`      attention cores at decode and prefill, grouped and latent
`planner.model.inference.network`        collectives and expert traffic inside domains and across
=======================================  =============================================================
"""
