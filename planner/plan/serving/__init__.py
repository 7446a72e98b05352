"""The parts of a serving question, in the order in which `planner.plan.serve.serve` uses them.

=======================================  ==============================================================
`planner.plan.serving.job`               the question: model, traffic, load, targets
`planner.plan.serving.words`             how its words and numbers are read, and what they leave open
`planner.plan.serving.request`           engines and precisions on hardware, put to the search
`planner.plan.serving.cache`             what a prefix cache of limited size finds
`planner.plan.serving.fleet`             replicas, spares for what fails, users
`planner.plan.serving.solve`             the searches that a question needs
`planner.plan.serving.results`           the result types, and the JSON that other programs read
`planner.plan.serving.parts`              the parts of a plan in them
`planner.plan.serving.answer`            from fleets to results
=======================================  ==============================================================
"""
