"""Hardware of one's own: components that a function fills."""

from amaranth.hdl import Module
from amaranth.lib import wiring

__all__ = ["Own"]


class Own(wiring.Component):
    """A component with some ports, whose statements and submodules a function of a module and the component adds."""

    def __init__(self, ports, fill):
        self._fill = fill
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        self._fill(m, self)
        return m
