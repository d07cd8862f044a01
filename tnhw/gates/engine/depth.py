"""The depth of an engine's pipeline, without the engine."""

from amaranth.hdl import Signal

from ..summing.terms import Terms
from ..summing.tree import Reduction

__all__ = ["TO_TREES", "depth_of"]

TO_TREES = 3  # cycles from the read of a word to the sum of its lanes without the levels of a tree


def depth_of(stage):
    """Cycles from the read of a group's last word to the group's sums, for a stage that has an engine of its own."""
    synapse = stage.synapse
    units = range(min(stage.fold.units, synapse.shared_by))
    terms, leaves = Terms(synapse, False), []
    for k in range(stage.fold.simd):
        x = Signal(synapse.input.shape, name=f"x_{k}")
        words = [Signal(synapse.word, name=f"word_{k}_{u}") for u in units]
        own, *_ = terms.shared(x, words, [f"{k}_{u}" for u in units])
        leaves += own
    return TO_TREES + len(Reduction(leaves, stage.sum_format.bits).nodes)
