"""Hardware of one's own: the writer takes what Amaranth makes of its operators, and says which it does not."""

import pytest
from amaranth.hdl import Array, Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from emission import unequal

from tnhw.errors import ToolFailed
from tnhw.verilog.emitting import as_rtlil


class Operators(wiring.Component):
    """Results of expressions of an unsigned, a short and a signed input."""

    def __init__(self, expression):
        self._expression = expression
        super().__init__({"a": In(8), "b": In(3), "s": In(signed(8)), "y": Out(signed(18))})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self._expression(self.a, self.b, self.s))
        return m


EXPRESSIONS = {
    "part at a place": lambda a, b, s: a.bit_select(b, 3),
    "part of a signed number": lambda a, b, s: s.bit_select(b, 1),
    "word at a place": lambda a, b, s: a.word_select(b, 2),
    "element": lambda a, b, s: Array([a, b, s])[b],
    "quotient": lambda a, b, s: a // b,
    "remainder": lambda a, b, s: a % b,
    "product": lambda a, b, s: s * a,
    "signed product": lambda a, b, s: s * s,
    "shifts": lambda a, b, s: (s >> b) + (a << b),
    "rotation": lambda a, b, s: a.rotate_left(3),
    "comparisons": lambda a, b, s: (s < a) + (b >= s) + (a == s),
    "negative": lambda a, b, s: -s + abs(s),
    "reductions": lambda a, b, s: a.xor() + a.any() + s.all(),
    "pattern": lambda a, b, s: a.matches("1--0---1", "00000000"),
    "choice": lambda a, b, s: Mux(b, s, a),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_operators(name):
    compared, others = unequal(*as_rtlil(Operators(EXPRESSIONS[name]), "own"))
    assert compared >= 18 and others == []


def test_signed_division_is_refused():
    with pytest.raises(ToolFailed, match="writes no division of signed numbers"):
        unequal(*as_rtlil(Operators(lambda a, b, s: s // 3), "own"))
