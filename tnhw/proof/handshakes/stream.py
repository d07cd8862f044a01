"""Stream: no vector is lost, duplicated, reordered or touched by another, whoever stalls.

Time is split in *moves* (the result is taken, or there is none) and *stalls* (a result waits). Each
lemma is about one clock, or about the few moves from a beat to its result, from an arbitrary state:
so it holds at every time. `docs/proof.md` puts them together.
"""

from ..formulas.solver import Refuted
from .core import Core, StreamFailure
from .elements import Elements
from .loads import Load, Rest, TileLoad
from .moves import Moves

__all__ = ["prove_stream"]


def prove_stream(binding, solver):
    """All lemmas of a core with plain streams; returns the list of what they say.

    Raises
    ------
    StreamFailure, Undecided
    """
    core, reference = Core(binding, solver), binding.reference
    arguments = [Moves]
    if reference.serial:
        arguments.append(Elements)
    if reference.storage == "memory":
        arguments += [Rest, TileLoad if reference.tile else Load]
    try:
        for argument in arguments:
            argument(core).lemmas()
    except Refuted as refuted:
        raise StreamFailure(f"not true: {refuted.what}", refuted.values) from None
    return core.shown
