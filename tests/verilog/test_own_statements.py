"""Statements, memories and instances of hardware of one's own that tnhw's own designs do not use."""

import contextlib
import re

import pytest
from amaranth.hdl import Array, ClockDomain, Const, Instance, Module, Shape, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from emission import unequal
from faults import mutate
from own_fuzz import random_hardware
from own_hardware import Own

from tnhw.errors import ToolFailed
from tnhw.verilog.emitting import as_rtlil, emit
from tnhw.verilog.writer import memories, sharing, text

pytestmark = pytest.mark.needs("pyosys")

PORTS = {"a": In(8), "b": In(8), "i": In(2), "c": In(1), "y": Out(8), "z": Out(8)}


def overwritten(m, own):
    with m.If(own.c):
        m.d.sync += own.y.eq(own.a)
        m.d.comb += own.z.eq(own.a)
    m.d.sync += own.y[2:5].eq(own.b)
    m.d.comb += own.z[2:5].eq(own.b)


def next_is_read(m, own):
    after, q = Signal(8), Signal(8, reset_less=True)
    with m.If(own.c):
        m.d.comb += after.eq(own.a)
    m.d.sync += q.eq(after)
    m.d.comb += [own.y.eq(q), own.z.eq(after + 1)]


def next_is_a_part(m, own):
    after, q = Signal(8), Signal(4, reset_less=True)
    with m.If(own.c):
        m.d.comb += after.eq(own.a)
    m.d.sync += q.eq(after[2:6])
    m.d.comb += own.y.eq(q)


def next_of_two(m, own):
    after, p, q = Signal(8), Signal(8, reset_less=True), Signal(8, reset_less=True, init=3)
    with m.If(own.c):
        m.d.comb += after.eq(own.a)
    m.d.sync += [p.eq(after), q.eq(after)]
    m.d.comb += [own.y.eq(p), own.z.eq(q)]


def kept_after_all(m, own):
    m.d.sync += own.y.eq(own.a)
    with m.If(own.c):
        m.d.sync += own.y.eq(own.y)


def never_changes(m, own):
    q, p = (Signal(8, init=0xA5, reset_less=True) for _ in range(2))
    m.d.sync += [q.eq(q), p[7].eq(own.c)]
    m.d.comb += [own.y.eq(q), own.z.eq(p)]


def gray(m, own):
    m.d.comb += own.y[7].eq(own.a[7])
    for k in range(7):
        m.d.comb += own.y[k].eq(own.y[k + 1] ^ own.a[k])


def bits_of_sums(m, own):
    x = Signal(8)
    m.d.comb += [x[:4].eq(own.a), x[4:].eq(x[:4] + own.b[:4])]
    with m.If(own.c):
        m.d.comb += x[6:].eq(x[:3] * 3)
    m.d.comb += own.y.eq(x + 1)


def beyond_the_end(m, own):
    m.d.comb += own.y.eq(Array([own.a, own.a + 1, own.a ^ 3])[own.i])
    m.d.sync += Array([own.z[:4], own.z[4:], own.z[2:]])[own.i].eq(own.b)


def nothing(m, own):
    none = Signal(0)
    m.d.sync += [
        none.eq(own.a),
        own.y.eq(none.all() + none.any() + (none == 0) + (none < 0) + (own.a << none)),
    ]
    m.submodules.inner = inner = Own({"n": In(0), "o": Out(0), "p": In(8), "q": Out(8)}, copied)
    m.d.comb += [inner.p.eq(own.a), own.z.eq(inner.q)]


def copied(m, own):
    m.d.sync += own.q.eq(own.p + own.n)
    m.d.comb += own.o.eq(own.n)


def named_oddly(m, own):
    one, other = Signal(8, name="größe"), Signal(8, name="always")
    m.d.sync += [one.eq(own.a), other.eq(one + 1)]
    m.d.comb += own.y.eq(other - one)


def signed_pin(m, own):
    m.submodules.inner = inner = Own({"a": In(8), "q": Out(8)}, doubled)
    m.d.comb += [inner.a.eq(own.a.as_signed() * own.b[:3].as_signed()), own.y.eq(inner.q)]


def doubled(m, own):
    m.d.sync += own.q.eq(own.a * 2)


def transparent(m, own):
    m.submodules.words = words = Memory(shape=8, depth=4, init=[])
    write = words.write_port(granularity=4)
    read = words.read_port(transparent_for=[write])
    m.d.comb += [
        write.addr.eq(own.i),
        write.data.eq(own.a),
        write.en.eq(own.b[6:]),
        own.y.eq(read.data),
    ]
    m.d.comb += [read.addr.eq(own.b), read.en.eq(own.c)]


STATEMENTS = [
    overwritten, next_is_read, next_is_a_part, next_of_two, kept_after_all, never_changes, gray, bits_of_sums,
    beyond_the_end, named_oddly, nothing, signed_pin, transparent,
]  # fmt: skip


@pytest.mark.parametrize("fill", STATEMENTS, ids=lambda fill: fill.__name__)
def test_statements(fill):
    compared, others = unequal(*as_rtlil(Own(PORTS, fill), "own"))
    assert compared >= 8 and others == []


FAULTS = {
    "what Yosys misreads": (overwritten, text, "lower", "_overwrites(block)", "False"),
    "no driver left": (next_is_read, text, "lower", "read[wire.name] == 1", "True"),
    "a driver for one of two": (next_of_two, text, "lower", "read[wire.name] == 1", "True"),
    "all for a part": (next_is_a_part, text, "lower", "wire.width == width(d)", "True"),
    "bits without a driver": (never_changes, text, "lower", "_kept(q, block)", "[]"),
    "not all that is read": (gray, sharing, "_narrow", "_note_early(computed, note)", "None"),
    "an old word": (transparent, memories, "_read", "int(cell.parameters['TRANSPARENCY_MASK'])", "0"),
    "a sign at a pin": (signed_pin, text._Writer, "_wires", "wire.name in pins", "False"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    fill, *change = FAULTS[fault]
    mutate(monkeypatch, *change)
    with contextlib.suppress(ToolFailed):  # Yosys does not read what was written
        assert unequal(*as_rtlil(Own(PORTS, fill), "own"))[1]


@pytest.mark.parametrize("seed", range(2000, 2008))
def test_random(seed):
    compared, others = unequal(*as_rtlil(random_hardware(seed), "own"))
    assert compared and others == []


def test_ports_of_a_memory_keep_their_clocks():
    def fill(m, own):
        m.domains.other = other = ClockDomain(reset_less=True)
        m.submodules.words = words = Memory(shape=8, depth=4, init=[])
        write, read = words.write_port(), words.read_port(domain="other")
        m.d.comb += [
            other.clk.eq(own.c),
            write.addr.eq(own.i),
            write.data.eq(own.a),
            write.en.eq(1),
        ]
        m.d.comb += [read.addr.eq(own.b), own.y.eq(read.data)]

    written = emit(Own(PORTS, fill), "own")
    assert re.search(r"@\(posedge clk\)\s+words\[i\] <= a;", written)
    assert re.search(r"@\(posedge c\)\s+y <= words\[", written)


def test_a_port_that_is_never_enabled_reads_nothing():
    def fill(m, own):
        m.submodules.words = words = Memory(shape=8, depth=4, init=[1, 2, 3, 4])
        read = words.read_port()
        m.d.comb += [read.addr.eq(own.i), read.en.eq(0), own.y.eq(read.data)]

    assert "<=" not in emit(Own(PORTS, fill), "own")


def test_memories_of_like_names():
    def fill(m, own):
        for name, result in {"w_": own.y, "w": own.z}.items():
            m.submodules[name] = words = Memory(shape=8, depth=4, init=[len(name)] * 4)
            read = words.read_port(domain="comb")
            m.d.comb += [read.addr.eq(own.i), result.eq(read.data)]

    written = emit(Own(PORTS, fill), "own")
    first, second = re.findall(r"reg \[7:0\] (\w+) \[0:3\]", written)
    assert first != second and f"y = {first}[i]" in written and f"z = {second}[i]" in written


def test_instances():
    def fill(m, own):
        middle = Signal(8)
        m.submodules.one = Instance(
            "ONE", a_keep=1, p_N=5, p_M=-5, p_S='a "b"\\', p_R=1.5, p_C=Const(-3, Shape(4, True)), p_B=2**40,
            i_A=own.a, i_Y=own.b, o_Q=middle,
        )  # fmt: skip
        m.submodules.two = Instance("TWO", i_A=middle, o_Q=own.y)

    written = " ".join(emit(Own(PORTS, fill), "own").split())
    assert '(* keep = 1 *) ONE #(.N(5), .M(32\'shfffffffb), .S("a \\"b\\"\\\\"), .R(1.5), .C(4\'shd), .B(41\'h10000000000)) one' in written  # fmt: skip
    assert "wire [7:0] middle;" in written and ".A(a), .Y(b), .Q(middle)" in written
    assert "TWO two (.A(middle), .Q(y));" in written


def test_a_module_without_ports():
    def fill(m, own):
        m.submodules.inner = inner = Module()
        inner.submodules.one = Instance("ONE")
        m.d.comb += own.y.eq(own.a)

    assert "ONE one ();" in emit(Own(PORTS, fill), "own")
