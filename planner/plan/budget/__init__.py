"""What an amount of money, power, accelerators or accelerator-hours comes to in everything else.

==========  ==============================================================================
`results`   the answer
`parts`     what it is made of
`asked`     the question: which amount, on what, for how long
`hardware`  the hardware with what surrounds it, prices of its hours
`amounts`   from the amount that is given to accelerators, hours and money
`hours`     hours at every cited price, what the money buys, power and energy
`counted`   runs, operations and services in which it is counted
`deals`     what a deal pays, and the prices at which it breaks even
`words`     sentences
`table`     rows for people
==========  ==============================================================================
"""
