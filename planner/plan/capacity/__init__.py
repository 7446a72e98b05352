"""The dossier of a cluster: what it is, how it fails, what it trains and serves.

===========  ======================================================
`capacity`   ``planner.capacity``: the question
`work`       its sections, as tasks
`pool`       tasks on several processes
`results`    typed answers
`words`      the dossier in sentences
`table`      the dossier as tables for people
===========  ======================================================
"""

__all__: list[str] = []
