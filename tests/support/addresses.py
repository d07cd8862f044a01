"""An assertion at every port of every memory: its address is below the memory's depth, in Amaranth's simulator.

In a memory that says so by its attribute ``no_rw_check``, no word is read in the cycle in which it is written.
"""

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
                if "no_rw_check" in part._attrs:
                    for port in part._read_ports:
                        fragment.add_statements(
                            port._domain, _apart(port, part._write_ports, inner)
                        )
            else:
                self._check(part, inner)


def _assertion(port, depth, name):
    address = Cat(port._addr)  # unsigned
    message = Format("address {} of memory `" + name + "`, which has " + f"{depth} words", address)
    return Assert(~port._en.any() | (address < depth), message)


def _apart(port, writes, name):
    meets = Cat(
        port._en & write._en.any() & (Cat(port._addr) == Cat(write._addr)) for write in writes
    )
    return Assert(
        ~meets.any(), Format("a word of memory `" + name + "` is read while it is written")
    )
