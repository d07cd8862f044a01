"""Bench of a board's netlist: its clock, and its serial line at the service of a host.

The host is another process, at the other end of a socket. It writes bytes and asks for bytes; time
passes in the simulation only while it waits for some, so that a run is the same every time.
"""

import json
import os
import socket
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import Combine, Event, FallingEdge, First, Timer
from cocotb.utils import get_sim_time

JOB = json.loads(os.environ["TNHW_JOB"])
STEP = 1000  # femtoseconds: the simulator counts picoseconds
BIT = round(JOB["divisor"] * 1e15 / JOB["clock"] / STEP) * STEP


class Line:
    """Bytes to the board and from it: 8 data bits, no parity, 1 stop bit."""

    def __init__(self, rx, tx):
        self.rx, self.tx = rx, tx
        self.outgoing, self.incoming = deque(), bytearray()
        self.written, self.arrived = Event(), Event()
        self.sent = Event()
        self.sent.set()

    def write(self, data):
        self.outgoing.extend(data)
        self.sent.clear()
        self.written.set()

    async def send(self):
        while True:
            while self.outgoing:
                byte = self.outgoing.popleft()
                for bit in (0, *((byte >> n) & 1 for n in range(8)), 1):
                    self.rx.value = bit
                    await Timer(BIT, "fs")
            self.sent.set()
            self.written.clear()
            await self.written.wait()

    async def receive(self):
        while True:
            await FallingEdge(self.tx)
            await Timer(BIT // 2 // STEP * STEP, "fs")
            byte = 0
            for n in range(8):
                await Timer(BIT, "fs")
                byte |= int(self.tx.value) << n
            await Timer(BIT, "fs")
            assert self.tx.value == 1, "the board sent a byte without stop bit"
            self.incoming.append(byte)
            self.arrived.set()

    async def read(self, count, timeout):
        """Up to `count` bytes; waits `timeout` seconds, and at least until all is sent."""
        limit = cocotb.start_soon(self._wait(timeout))
        while len(self.incoming) < count and not limit.done():
            self.arrived.clear()
            await First(limit, self.arrived.wait())
        limit.cancel()
        data = bytes(self.incoming[:count])
        del self.incoming[:count]
        return data

    async def _wait(self, timeout):
        pause = cocotb.start_soon(self._pause(timeout))
        await Combine(pause, cocotb.start_soon(self._all_sent()))

    async def _pause(self, timeout):
        await Timer(max(STEP, round(timeout * 1e15 / STEP) * STEP), "fs")

    async def _all_sent(self):
        await self.sent.wait()


@cocotb.test()
async def line(dut):
    """Serve the host until it is done."""
    half = round(0.5e15 / JOB["clock"] / STEP) * STEP
    cocotb.start_soon(Clock(getattr(dut, JOB["pins"]["clock"]), 2 * half, "fs").start())
    line = Line(getattr(dut, JOB["pins"]["rx"]), getattr(dut, JOB["pins"]["tx"]))
    line.rx.value = 1
    await Timer(round(JOB["settle"] * 1e15 / STEP) * STEP, "fs")
    cocotb.start_soon(line.send())
    cocotb.start_soon(line.receive())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(JOB["socket"])
        with connection.makefile("rw") as stream:
            for text in stream:
                request = json.loads(text)
                if "write" in request:
                    line.write(bytes.fromhex(request["write"]))
                elif "clock" in request:
                    stream.write(f"{get_sim_time('sec')!r}\n")
                    stream.flush()
                else:
                    data = await line.read(request["read"], request["timeout"])
                    stream.write(data.hex() + "\n")
                    stream.flush()
