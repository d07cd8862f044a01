"""Wires without bits, which Amaranth writes for a counter that counts to one."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tnhw.verilog.emitting import as_rtlil
from tnhw.verilog.writer.text import verilog


class Nothing(wiring.Component):
    """A counter of no bits whose value is passed to a port by way of a submodule."""

    def __init__(self, inner=True):
        self._inner = inner
        super().__init__({"a": In(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        count, copy = Signal(range(1)), Signal(range(1))
        m.d.sync += count.eq(count + 1)
        m.d.comb += copy.eq(count)
        if not self._inner:
            m.d.comb += self.y.eq(self.a + copy)
        else:
            m.submodules.inner = inner = Nothing(inner=False)
            m.d.comb += inner.a.eq(self.a + copy)
            m.d.sync += self.y.eq(inner.y)
        return m


def test_wire_without_bits():
    text, ports = as_rtlil(Nothing(), "nothing")
    assert "width 0" in text
    made = verilog(text, ports)
    assert "module nothing" in made and "-1:0" not in made
