"""What computing costs: by the hour of an accelerator, by the run, by the token, by the contract.

=============================  ==================================================================
`planner.model.cost.capital`   what is bought, and the yearly charge for it
`planner.model.cost.hour`      an accelerator-hour: owned, in colocation, rented; break-even
`planner.model.cost.tokens`    runs, tokens, users, revenue of a service
`planner.model.cost.contract`  what a sum of money or a monthly lease buys
=============================  ==================================================================
"""
