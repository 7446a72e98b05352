"""Training by a recipe of stages: batches that grow, sequences that get longer, experiments beside the run.

===========  ======================================================
`run`        ``planner.staged``: the question
`answer`     sums over the stages, what binds, reasons
`shares`     experiments and failed runs
`results`    typed answers
`table`      answers as rows for people
===========  ======================================================
"""

__all__: list[str] = []
