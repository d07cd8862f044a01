"""What of Amaranth has no Verilog here is refused by name, and never left out."""

import pytest
from amaranth.hdl import Assert, Assume, ClockDomain, Cover, Instance, IOPort, Print, Signal
from amaranth.lib import io
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from own_hardware import Own

from tnhw.errors import InputError
from tnhw.verilog.emitting import emit


def clocked(memory=False, **domain):
    """A register, or a port of a memory, in a clock domain of its own."""

    def fill(m, own):
        m.domains.own = made = ClockDomain(**domain)
        m.d.comb += made.clk.eq(own.c)
        if not domain.get("reset_less"):
            m.d.comb += made.rst.eq(own.a[0])
        if not memory:
            m.d.own += own.y.eq(own.a)
            return
        m.submodules.words = words = Memory(shape=8, depth=4, init=[])
        port = words.read_port(domain="own")
        m.d.comb += [port.addr.eq(own.a), own.y.eq(port.data)]

    return fill


def without_clock(m, own):
    m.domains.own = ClockDomain(reset_less=True)
    m.d.own += own.y.eq(own.a)


def formal(kind):
    def fill(m, own):
        m.d.comb += [own.y.eq(own.a), kind(own.a == own.c)]

    return fill


def printed(m, own):
    m.d.sync += [own.y.eq(own.a), Print("a")]


def attribute(m, own):
    kept = Signal(8, attrs={"keep": "true"})
    m.d.sync += kept.eq(own.a)
    m.d.comb += own.y.eq(kept)


def pins(direction):
    def fill(m, own):
        m.submodules.pins = pins = io.Buffer(
            direction, io.SingleEndedPort(IOPort(8, name="pins"), direction=direction)
        )
        if direction != "i":
            m.d.comb += [pins.o.eq(own.a), pins.oe.eq(own.c)]
        m.d.comb += own.y.eq(pins.i if direction != "o" else own.a)

    return fill


def instance(kind="ONE", **parameters):
    def fill(m, own):
        m.submodules.one = Instance(kind, i_A=own.a, o_Y=own.y, **parameters)

    return fill


def signed_part(m, own):
    m.d.comb += own.y.eq(own.a.as_signed().bit_select(own.a[:3], 2))


def empty_memory(m, own):
    m.submodules.words = words = Memory(shape=0, depth=4, init=[])
    m.d.comb += own.y.eq(words.read_port().data)


REFUSED = {
    "falling": (clocked(clk_edge="neg", reset_less=True), "register `y` at the falling edge of a clock"),
    "falling, memory": (clocked(memory=True, clk_edge="neg", reset_less=True), "memory `words` at the falling edge"),
    "asynchronous": (clocked(async_reset=True), r"asynchronous reset \(`y`\); make its clock domain without `async"),
    "no clock": (without_clock, "register `y`, whose clock nothing drives"),
    "assert": (formal(Assert), "an `Assert`, `Assume` or `Cover`"),
    "assume": (formal(Assume), "an `Assert`, `Assume` or `Cover`"),
    "cover": (formal(Cover), "an `Assert`, `Assume` or `Cover`"),
    "print": (printed, "a `Print`; leave it out"),
    "attribute": (attribute, "attribute `keep` = \"true\" of signal `kept`"),
    "two ways": (pins("io"), "I/O port"),
    "three states": (pins("o"), "I/O port"),
    "not a number": (instance(p_R=float("inf")), "parameter `R` = inf of instance `one`"),
    "no identifier": (instance("a-b"), "name `a-b` of instance `one`"),
    "signed part": (signed_part, "a part of a signed number"),
    "empty memory": (empty_memory, "memory `words` without a word or a bit"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    fill, message = REFUSED[name]
    with pytest.raises(InputError, match=f"module `own.*`: tnhw writes no Verilog for .*{message}"):
        emit(Own({"a": In(8), "c": In(1), "y": Out(8)}, fill), "own")
