"""`planner compare`: answers to one question side by side, and what explains the difference.

==============================  =================================================================
`planner.plan.compare.compare`  `compare`: the question
`.grammar`                      what a side says: words to names, layouts and inputs
`.sides`                        from words and a base question to the questions of the sides
`.asked`                        asks each side, with the samples that its intervals are made of
`.shared`                       what the errors of two answers share, and draws that share so much
`.curated`, `.others`           headline figures of the other questions, as data, and in their answers
`.figures`                      figures of an answer by question, with the error each is exposed to
`.pairs`                        what the interval of a ratio may rest on, where that was not measured
`.ratios`                       figures side by side, ratios by common samples, and ranks
`.factors`                      factors of time, throughput and cost, and their exact shares
`.sheets`                       clusters and accelerators without a job
`.results`, `.table`            frozen result types, and the answer as rows
==============================  =================================================================
"""
