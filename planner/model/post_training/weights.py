"""New weights on their way from the trainers to the engines.

References
----------
.. [1] Cursor, "Composer 2 technical report" and blog, as cited by the recipes: only what changed is sent.
"""

from __future__ import annotations

import numpy as np

from planner.errors import InputError
from planner.model.cost.values import Values, array
from planner.types import FloatArray

__all__ = ["publish_s"]


def publish_s(
    *,
    weights_bytes: Values,
    share: Values,
    replica_gpus: Values,
    trainers: Values,
    port_bytes_per_s: Values,
    efficiency: Values,
    overhead_s: Values,
    link_bytes_per_s: Values = np.inf,
) -> FloatArray:
    """Seconds until every engine has the new weights.

    Each replica needs one copy, taken in by all its ports; copies pass from engine to engine, so that the
    trainers send one. Between sites one copy crosses the link. The stages overlap: the slowest decides.

    Parameters
    ----------
    weights_bytes
        Of one copy, in the format that is served.
    share
        Of the bytes that is sent: 1 for all weights, far less for what has changed.
    replica_gpus, trainers
        Accelerators of a replica, and those that send.
    port_bytes_per_s, efficiency
        Of one accelerator's network ports, and the share of it that is reached.
    overhead_s
        To gather, convert and load, and to pause the engine.
    link_bytes_per_s
        Between the sites of trainers and engines; infinite on one fabric.

    Raises
    ------
    InputError
        A share that is not within 0 and 1.
    """
    part = array(share)
    if not np.all((part >= 0.0) & (part <= 1.0)):
        raise InputError("the share of the weights that is sent must lie between 0 and 1")
    sent = array(weights_bytes) * part
    port = array(port_bytes_per_s) * array(efficiency)
    narrow = np.minimum(
        np.minimum(array(replica_gpus) * port, array(trainers) * port), array(link_bytes_per_s)
    )
    return np.asarray(array(overhead_s) + sent / narrow)
