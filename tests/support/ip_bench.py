"""Foreign ends, of cocotbext-axi, on the tops of an IP package: loads and vectors with pauses everywhere.

Runs inside the simulator. TNHW_JOB says the package's folder, the top module, the width of a word of parameters, and for a
top around the package's whether it has registers, and from which address on.
"""

import itertools
import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)

JOB = json.loads(os.environ["TNHW_JOB"])
VECTORS = json.loads(Path(JOB["package"], "test", "vectors.json").read_text())
REGISTERS = JOB.get("registers", "axil" in JOB["top"])
BASE = JOB.get("base", 0)
CONTROL, STATUS, PARAM, LOAD_WORDS, VECTOR_COUNT = (
    BASE + offset for offset in (0x0C, 0x10, 0x14, 0x18, 0x20)
)


def pauses(seed, often):
    rng = random.Random(seed)
    return (rng.random() < often for _ in itertools.count())


def bytes_of(beats, width):
    return b"".join(data.to_bytes(width // 8, "little") for data, _ in beats)


def frames(beats, width):
    """AXI4-Stream frames of beats, each up to its tlast."""
    frame = []
    for beat in beats:
        frame.append(beat)
        if beat[1]:
            yield AxiStreamFrame(bytes_of(frame, width))
            frame = []


class Ends:
    def __init__(self, dut, often):
        self.dut, clock = dut, dut.aclk

        def stream(kind, bus):
            return kind(
                AxiStreamBus.from_prefix(dut, bus), clock, dut.aresetn, reset_active_level=False
            )

        self.source, self.sink = stream(AxiStreamSource, "s_axis"), stream(AxiStreamSink, "m_axis")
        channels = [self.source, self.sink]
        if REGISTERS:
            bus = AxiLiteBus.from_prefix(dut, "s_axil")
            self.lite = AxiLiteMaster(bus, clock, dut.aresetn, reset_active_level=False)
            write, read = self.lite.write_if, self.lite.read_if
            channels += [write.aw_channel, write.w_channel, write.b_channel]
            channels += [read.ar_channel, read.r_channel]
        elif VECTORS["beats_load"]:
            self.loads = stream(AxiStreamSource, "s_axis_param")
            channels.append(self.loads)
        if often:
            for number, channel in enumerate(channels):
                channel.set_pause_generator(pauses(number, often))

    async def load(self, part):
        if not VECTORS["beats_load"]:
            return
        if not REGISTERS:
            (frame,) = frames(part["p"], len(self.dut.s_axis_param_tdata))
            await self.loads.send(frame)
            await self.loads.wait()
            return
        assert await self.lite.read_dword(LOAD_WORDS) == len(part["p"])
        width = JOB["width_p"]
        for word, _ in part["p"]:
            for at in range(0, width, 32):
                await self.lite.write_dword(PARAM, word >> at & 0xFFFF_FFFF)
        while await self.lite.read_dword(STATUS) & 3 != 1:
            pass

    async def vectors(self, part):
        dut, expected = self.dut, list(frames(part["y"], len(self.dut.m_axis_tdata)))
        for frame in frames(part["x"], len(dut.s_axis_tdata)):
            await self.source.send(frame)
        for number, frame in enumerate(expected):
            got = await with_timeout(self.sink.recv(), 1, "ms")
            assert bytes(got.tdata) == bytes(frame.tdata), f"result {number}"
        assert self.sink.empty()


@cocotb.test()
@cocotb.parametrize(often=[0.0, 0.3, 0.7])
async def test_traffic(dut, often):
    cocotb.start_soon(Clock(dut.aclk, 10, "ns").start())
    dut.aresetn.value = 0
    ends = Ends(dut, often)
    for _ in range(5):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1
    count = 0
    for part in VECTORS["parts"]:
        await with_timeout(ends.load(part), 20, "ms")
        await ends.vectors(part)
        count += len(part["y"]) // VECTORS["beats_out"]
    if not REGISTERS:
        return
    assert await ends.lite.read_dword(VECTOR_COUNT) == count
    answer = await ends.lite.write(BASE + 0x3C, bytes(4))
    assert answer.resp == AxiResp.SLVERR
    answer = await ends.lite.write(CONTROL + 1, b"\0")  # one byte of a word
    assert answer.resp == AxiResp.SLVERR and await ends.lite.read_dword(CONTROL) == 1
