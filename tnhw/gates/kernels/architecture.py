"""What all architectures of a kernel have in common: their ports, and what others ask of them."""

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
        Cycles from the acceptance of a vector's last beat to its result, nobody stalling.
    interval : int
        Cycles from vector to vector, nobody stalling.
    tree : AdderTree or None
        What sums output 0 with a register a level, for pictures; None if nothing does.

    Keys : type of Record or None
        Keys of a kernel file that only this architecture has, see `tnhw.kernel.own_keys`; those of a kernel are in
        ``kernel.architecture_keys``.

    Members
    -------
    i, o : In, Out(stream.Signature)
        Vector, or one element of it, with its parameters for storage ``ports``; result vector.
    p : In(stream.Signature)
        Parameter load, for storage ``memory``.
    may_start : Out(1), restart : In(1)
        Parameters are complete and none wait; make the load void. For storage ``memory``.
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
