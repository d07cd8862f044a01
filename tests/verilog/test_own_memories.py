"""Memories of hardware of one's own: ports without a clock, and what is made of them."""

import pytest
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from emission import unequal
from own_hardware import Own

from tnhw.verilog.emitting import as_rtlil, emit
from tnhw.verilog.writer import processes

pytestmark = pytest.mark.needs("pyosys")


def queue(kind, width, depth):
    sizes = {"w_data": In(width), "w_en": In(1), "w_rdy": Out(1), "r_data": Out(width), "r_en": In(1), "r_rdy": Out(1),
             "level": Out(range(depth + 1))}  # fmt: skip

    def fill(m, own):
        m.submodules.queue = inner = kind(width=width, depth=depth)
        for name, member in sizes.items():
            mine, its = getattr(own, name), getattr(inner, name)
            m.d.comb += its.eq(mine) if member.flow == In else mine.eq(its)

    return Own(sizes, fill)


@pytest.mark.parametrize(
    ("kind", "width", "depth"),
    [(SyncFIFO, 1, 1), (SyncFIFO, 7, 2), (SyncFIFO, 4, 5), (SyncFIFO, 1, 8), (SyncFIFOBuffered, 3, 6)],
)  # fmt: skip
def test_queues(kind, width, depth):
    compared, others = unequal(*as_rtlil(queue(kind, width, depth), "queue"))
    assert compared > depth * width and others == []


def read_twice(depth=5):
    """A memory of which one word is the address of another, and both are also read as parts."""

    def fill(m, own):
        m.submodules.words = words = Memory(shape=8, depth=depth, init=[3, 1, 4][:depth])
        write, one, two = (
            words.write_port(granularity=4),
            words.read_port(domain="comb"),
            words.read_port(domain="comb"),
        )
        m.d.comb += [write.addr.eq(own.i), write.data.eq(own.a), write.en.eq(own.e)]
        m.d.comb += [one.addr.eq(own.i), two.addr.eq(one.data[:3] ^ own.i), own.y.eq(one.data)]
        m.d.comb += own.z.eq(two.data[2:5] + own.i)
        m.d.sync += own.q.eq(two.data)

    ports = {"a": In(8), "i": In(3), "e": In(2), "y": Out(8), "z": Out(4), "q": Out(8)}
    return Own(ports, fill)


@pytest.mark.parametrize("depth", [1, 2, 5, 8])
def test_ports_without_a_clock(depth):
    compared, others = unequal(*as_rtlil(read_twice(depth), "twice"))
    assert compared > 8 * depth and others == []


def test_words_are_wires():
    text = emit(read_twice(), "twice")
    assert "output wire [7:0] y" in text and "assign y = words[i];" in text
    assert text.index("reg [7:0] words") < text.index("assign y") < text.index("= words[two_addr]")


def test_a_clocked_port_is_found(monkeypatch):
    monkeypatch.setattr(processes, "_read_without_clock", lambda module: None)
    assert unequal(*as_rtlil(queue(SyncFIFO, 4, 5), "queue"))[1] != []
