"""The depth of an engine's pipeline, without the engine."""

from functools import cache

from amaranth.hdl import Signal

from ..summing.terms import Terms
from ..summing.tree import Reduction

__all__ = ["TO_TREES", "depth_of"]

TO_TREES = 3  # cycles from the read of a word to the sum of its lanes without the levels of a tree


def depth_of(stage):
    """Cycles from the read of a group's last word to the group's sums, for a stage that has an engine of its own."""
    together = min(stage.fold.units, stage.synapse.shared_by)
    levels = _levels(stage.synapse, stage.fold.simd, together, stage.sum_format.bits)
    return TO_TREES + levels


@cache
def _levels(synapse, simd, together, width):
    """Levels of the tree of one of so many outputs that share gates."""
    terms, leaves = Terms(synapse, False), []
    for k in range(simd):
        x = Signal(synapse.input.shape, name=f"x_{k}")
        words = [Signal(synapse.word, name=f"word_{k}_{u}") for u in range(together)]
        own, *_ = terms.shared(x, words, [f"{k}_{u}" for u in range(together)])
        leaves += own
    return len(Reduction(leaves, width).nodes)
