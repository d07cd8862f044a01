"""The base class of all architectures of a kernel: their ports, and the facts that the rest of tnhw uses."""

from typing import ClassVar

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...support.config import Record

__all__ = ["Architecture"]


class Architecture(wiring.Component):
    """Base of the architectures: a component whose streams are those of a kernel.

    Parameters
    ----------
    kernel : Kernel
    **ports : wiring.Member
        Ports that only this architecture has.

    Attributes
    ----------
    kernel : Kernel
    latency : int
        Cycles from the acceptance of a vector's last beat to its result, if nothing stalls.
    interval : int
        Cycles from vector to vector, if nothing stalls.
    tree : AdderTree or None
        The pipelined adder tree of output 0, for pictures; None if there is none.

    Keys : type of Record or None
        Keys of a kernel file that only this architecture has; see `tnhw.kernel.own_keys`. Their values are in
        ``kernel.architecture_keys``.

    Members
    -------
    i, o : In, Out(stream.Signature)
        Stream `i` has the vector, or one element of it in each beat, and for storage ``ports`` its parameters.
        Stream `o` has the result vector.
    p : In(stream.Signature)
        Only for storage ``memory``: the load of parameters.
    may_start : Out(1), restart : In(1)
        Only for storage ``memory``: a vector may start, as parameters are complete and no load is offered; the load
        so far is void, and a whole one must follow.
    """

    Keys: ClassVar[type[Record] | None] = None

    def __init__(self, kernel, **ports):
        self._kernel = kernel
        members = {
            "i": In(stream.Signature(kernel.layout_i)),
            "o": Out(stream.Signature(kernel.layout_o)),
            **ports,
        }
        if kernel.storage == "memory":
            members |= {
                "p": In(stream.Signature(kernel.width_p)),
                "may_start": Out(1),
                "restart": In(1),
            }
        super().__init__(members)

    @property
    def kernel(self):
        return self._kernel

    @property
    def tree(self):
        return None
