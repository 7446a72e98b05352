"""A chosen plan as launch arguments: the commands that start it, and what their program cannot be told.

================  ===================================================================
`export`          ``planner.export``: the question
`read`            an answer from a result, JSON or a scenario
`hosts`           hosts that a job or a replica lies on
`training`        facts of a training plan
`shape`           facts of the model, for programs that build it from its shape
`serving`         facts of a service, one set for each role and kind of host
`said`            facts as arguments, by the record of the launcher
`script`          arguments as files and text for a shell
`results`         typed answers
================  ===================================================================
"""

__all__: list[str] = []
