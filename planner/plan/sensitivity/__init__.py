"""What moves an answer: a tornado over inputs and their ranges, elasticities, and what a statement rests on.

===================================  =====================================================================
`planner.plan.sensitivity.results`   frozen result types
`.figures`                           figures of an answer by path, short name and unit
`.profiles`                          how a question is asked many times, and what of it is its layout
`.asking`                            the question with something changed, on all cores
`.levers`                            what can be moved: inputs, numbers of the catalog, the estimator
`.varied`                            levers that a person names
`.ranges`                            levers of an answer: stated ranges, its physics, its estimator
`.tornado`                           bars, and the screening that keeps them few
`.slopes`                            elasticities
`.thresholds`                        where a statement stops to hold, along one lever
`.claims`                            statements about a figure, read
`.corners`                           all ranges together, and how likely a statement is
`.statements`                        what must be true for a statement
`.words`                             sentences
`.table`                             rows for people and flat records
`.sensitivity`                       `sensitivity`: all of it
===================================  =====================================================================
"""
