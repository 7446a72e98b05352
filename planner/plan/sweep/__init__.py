"""Sweeps: one question asked of every row of a grid, in bounded memory.

==============================  ================================================================
`planner.plan.sweep.sweep`      `sweep`: into a file; `frames`: as pandas frames, some rows at a time
`.grid`                         a grid as its file says it
`.question`                     what is asked of every row
`.check`, `.check_axis`         a grid checked, all mistakes at once; its axes
`.axes`, `.rows`                values of axes; every row as a pure function of its number
`.columns`                      figures of an answer that become columns
`.engine`                       which engine answers, and rows as frames
`.full`                         question by question: any question, any axes
`.training`, `.training_case`,  rows of training as arrays: what they share, their layouts, their
`.training_rows`,               figures
`.training_figures`
`.serving`, `.serving_points`   operating points of serving as arrays
`.fast`, `.arrays`              what fast engines have in common
`.frame`                        rows as columns; CSV, Arrow and pandas
`.spool`, `.stamp`              what is done survives; what it depends on
`.executors`                    this process, others, a Dask cluster
`.results`                      the summary
==============================  ================================================================
"""
