"""Stream: no vector is lost, duplicated, reordered or influenced by another, whoever stalls.

Clocks are *moves* (the result is taken, or there is none) or *stalls* (a result waits). Each lemma is about one
clock, or about the few moves from a beat to its result, from an arbitrary state, so it holds at every time.
`docs/proof.md` combines the lemmas.
"""

from ..formulas.solver import Refuted
from .core import Core, StreamFailure
from .elements import Elements
from .loads import Load, Rest, TileLoad
from .moves import Moves

__all__ = ["prove_stream"]


def prove_stream(binding, solver):
    """Prove all lemmas about a core with plain streams; returns what was proven: list of str.

    Raises
    ------
    StreamFailure
        If a lemma is false.
    Undecided
        If the solver does not decide one.
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
