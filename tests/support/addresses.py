"""An assertion at every port of every memory: its address is below the memory's depth, in Amaranth's simulator."""

from amaranth.hdl import Assert, Cat, Elaboratable, Format, Fragment
from amaranth.hdl._mem import MemoryInstance

__all__ = ["Checked"]


class Checked(Elaboratable):
    """A design whose simulation fails where an enabled port of a memory has an address that has no word.

    Parameters
    ----------
    design : Elaboratable

    Attributes
    ----------
    ports : int
        Ports that are checked, once the design has been elaborated.
    """

    def __init__(self, design):
        self._design, self.ports = design, 0

    def elaborate(self, platform):
        fragment = Fragment.get(self._design, platform)
        self._check(fragment, "")
        return fragment

    def _check(self, fragment, place):
        for part, name, _ in fragment.subfragments:
            inner = f"{place}.{name}" if place else f"{name}"
            if isinstance(part, MemoryInstance):
                for port in part._read_ports + part._write_ports:
                    fragment.add_statements(port._domain, _assertion(port, part._data.depth, inner))
                    self.ports += 1
            else:
                self._check(part, inner)


def _assertion(port, depth, name):
    address = Cat(port._addr)  # unsigned
    message = Format("address {} of memory `" + name + "`, which has " + f"{depth} words", address)
    return Assert(~port._en.any() | (address < depth), message)
