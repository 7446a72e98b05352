"""`planner compare`: answers to one question side by side, and what explains the difference.

==============================  =================================================================
`planner.plan.compare.compare`  `compare`: the question
`.grammar`                      what a side says: words to names, layouts and inputs
`.sides`                        from words and a base question to the questions of the sides
`.asked`                        asks each side, with the samples that its intervals are made of
`.shared`                       what the errors of two answers share, and draws that share so much
`.figures`                      figures of an answer by question, with the error each is exposed to
`.ratios`                       figures side by side, ratios by common samples, and ranks
`.factors`                      factors of time, throughput and cost, and their exact shares
`.sheets`                       clusters and accelerators without a job
`.results`, `.table`            frozen result types, and the answer as rows
==============================  =================================================================
"""
