"""Which ranks hold the same weights, and so share out states and add up gradients.

References
----------
.. [1] S. Rajbhandari et al., "ZeRO", arXiv:1910.02054.
.. [2] Megatron Core user guide, "Mixture of Experts": experts fold over the ranks of one pipeline stage.
"""

from __future__ import annotations

import numpy as np

from planner.tables import Strategy
from planner.types import FloatArray

__all__ = ["dense_ranks", "expert_ranks"]


def dense_ranks(strategy: Strategy) -> FloatArray:
    """Ranks with the same dense weights: data and context parallel."""
    return strategy.dp * strategy.cp


def expert_ranks(strategy: Strategy) -> FloatArray:
    """Ranks with the same routed experts: what expert parallelism leaves of the ranks of a stage [2]."""
    st = strategy
    return np.maximum(st.dp * st.cp * st.tp / (st.etp * st.ep), 1.0)
