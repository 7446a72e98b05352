"""``planner distill``: what a student learns of a teacher, what each way to teach costs, and when it pays.

===========  ==========================================================================
`question`   the question resolved: student, teacher, recipe, tokens, lengths
`teachers`   who teaches: a model of the catalog, or whoever sells its text
`fields`     numbers of a recipe, as samples
`speeds`     how fast student and teacher train, read and write, by accelerators
`split`      accelerators divided so that teacher and student finish together
`roles`      how long each role works, at what cost and power
`ways`       each way as a plan: roles, days, dollars, power
`keep`       what is stored of the teacher's words, and what is bought
`verdict`    the scaling law of distillation, and whether plain training would be better
`weigh`      all ways, against each other and against no teacher
`outcome`    the verdict in a sentence, mends, published figures
`answer`     `distill` itself
`parts`      parts of an answer
`results`    the result types, and the JSON that other programs read
`table`      rows for people
`words`      numbers for people
===========  ==========================================================================
"""
