"""From an exact sum to a narrower format: shift, then clamp."""

from amaranth.hdl import Cat, Const, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Requantise"]


class Requantise(wiring.Component):
    """y = clamp(z >> shift), or clamp(z << -shift) for a negative shift. Combinational.

    The rounding constant (a half, so that ties round towards +inf) must already be in z: as it is a constant, it is
    part of the bias.

    Parameters
    ----------
    sum_format : Format
        Format of z.
    shift : int
    output : Format
        Format of y.

    Members
    -------
    z : In(sum_format)
    y : Out(output)
    """

    def __init__(self, sum_format, shift, output):
        self._sum_format = sum_format
        self._shift = shift
        self._output = output
        super().__init__({"z": In(sum_format.shape), "y": Out(output.shape)})

    @property
    def sum_format(self):
        return self._sum_format

    @property
    def shift(self):
        return self._shift

    @property
    def output(self):
        return self._output

    def elaborate(self, platform):
        m = Module()

        # The shift is wiring. There is a sign bit on top even if z is unsigned.
        top = self.z[-1] if self._sum_format.signed else Const(0, 1)
        if self._shift >= 0:
            kept = self.z[self._shift :] if self._shift < len(self.z) else Const(0, 0)
        else:
            kept = Cat(Const(0, -self._shift), self.z)
        magnitude = self._output.bits - self._output.signed
        kept = Cat(kept, top.replicate(max(1, magnitude + 1 - len(kept))))

        # The value is in range if all bits above the magnitude equal the sign (0 for unsigned y).
        above = kept[magnitude:]
        negative = kept[-1]
        too_high = ~negative & above.any()
        too_low = negative & ~above.all() if self._output.signed else negative
        low = Const(self._output.encode(self._output.min), self._output.bits)
        high = Const(self._output.encode(self._output.max), self._output.bits)
        inside = Cat(kept[:magnitude], negative) if self._output.signed else kept[:magnitude]
        m.d.comb += self.y.eq(Mux(too_high, high, Mux(too_low, low, inside)))
        return m
