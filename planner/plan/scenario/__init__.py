"""Scenarios: questions with their inputs in a file, which can be kept, shared and asked again.

===========================  ===================================================================
`planner.plan.scenario.run`  `run`: ask the question of a scenario
`.questions`                 the questions that scenarios know, as a table
`.inputs`                    what a question takes, read from the signature of its function
`.values`                    values that can be refused before the question is asked
`.read`                      a scenario from a file, a name or a mapping, and places of its mistakes
`.check`                     everything that is wrong with a scenario, at once
`.save`                      a question as the text of a scenario
===========================  ===================================================================
"""
