"""What running a plan takes: failures and goodput, power, energy and carbon, storage, cost.

`Estate` holds what surrounds one kind of hardware (site, prices, failures, fabric) as tables of samples.
Plans of training and of serving, and the fact sheets of clusters, put their accelerators and hours to it.
"""
