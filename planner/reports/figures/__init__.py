"""Figures of reports: those that suit the answer of a question, as data that `planner.plot` draws.

Nothing is computed here but curves, which ask `planner.curve` with the inputs of the question.
"""
