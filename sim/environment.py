"""Clock, reset and the loop that moves traffic through a kernel."""

import json
import os
import random
from pathlib import Path

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from memories import Memories
from patterns import BACK_PRESSURE, IDLE
from scoreboard import Scoreboard
from streams import Driver, Failure, Monitor, Port, Receiver

FOLDER = Path(os.environ["TNHW_BENCH"])
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
TRAFFIC = json.loads((FOLDER / "traffic.json").read_text())
STREAMS = {stream["carries"]: stream for stream in MANIFEST["streams"]}
LOADS = "parameters" in STREAMS
FRAMED = STREAMS["input"]["last"] is not None


def vectors_of(segment, chosen=None):
    """Vectors of a segment: (number, input beats, output beats), payloads as integers."""
    step_i, step_o = STREAMS["input"]["beats"], STREAMS["output"]["beats"]
    return [
        (
            n,
            [int(beat, 16) for beat in segment["i"][n * step_i : (n + 1) * step_i]],
            [int(beat, 16) for beat in segment["o"][n * step_o : (n + 1) * step_o]],
        )
        for n in (range(len(segment["i"]) // step_i) if chosen is None else chosen)
    ]


def frame(payloads):
    """Beats (payload, last) of a vector or a load, rightly framed."""
    return [(payload, int(k == len(payloads) - 1)) for k, payload in enumerate(payloads)]


class Work:
    """One segment ready for driving.

    Attributes
    ----------
    load, input : list of (payload, last)
        Beats of a load, or none, and of vectors.
    output : list of (number, payloads)
        What must come out, and the number of its vector in the traffic.
    """

    def __init__(self, load=()):
        self.load = list(load)
        self.input, self.output = [], []

    @classmethod
    def of(cls, segment, offset=0, chosen=None):
        """Work for a segment whose first vector has number `offset`, or for chosen vectors of it."""
        work = cls(frame([int(beat, 16) for beat in segment["p"]]))
        for n, beats, expected in vectors_of(segment, chosen):
            work.add(offset + n, beats, expected)
        return work

    def add(self, number, beats, expected):
        """Add a vector."""
        self.input += frame(beats)
        self.output.append((number, expected))

    def split(self):
        """One work a vector; the load is in the first."""
        beats = len(self.input) // len(self.output)
        for n, output in enumerate(self.output):
            work = Work(() if n else self.load)
            work.input = self.input[n * beats : (n + 1) * beats]
            work.output = [output]
            yield work


class Bench:
    """A kernel under test, its streams, and the checks that hold in every cycle.

    Parameters
    ----------
    dut : cocotb handle
    idle, back_pressure : str
        Names of patterns.
    seed : int
    """

    def __init__(self, dut, idle="never", back_pressure="never", seed=0):
        self.dut = dut
        self.clock = getattr(dut, MANIFEST["clock"])
        self.rst = getattr(dut, MANIFEST["reset"])
        self.error = getattr(dut, MANIFEST["error"]) if MANIFEST.get("error") else None
        self.memories = Memories(dut, FOLDER / "memories.json")
        self.cycle = 0
        self.fault = False  # whether a beat of the cycle before shows a wrong `tlast`
        self.vectors = 0
        self.loaded = 0  # beats of parameters before the load that is offered last
        self._edge = RisingEdge(self.clock)
        self._rng = random.Random(seed)
        self.input = self._driver("input", idle)
        self.load = self._driver("parameters", idle) if LOADS else None
        self.drivers = [driver for driver in (self.load, self.input) if driver]
        port = Port(dut, STREAMS["output"])
        self.scoreboard = Scoreboard(port)
        self.receiver = Receiver(port, BACK_PRESSURE[back_pressure](self._rng))
        self.monitor = Monitor(port, self.scoreboard.take)
        # Longest time that a correct kernel may pass without a transfer.
        self.patience = MANIFEST["latency"] + 2 * MANIFEST["interval"] + 64
        if FRAMED:  # a network fills up a packet that was too short
            self.patience += sum(stream["beats"] for stream in STREAMS.values())

    def _driver(self, carries, idle):
        port = Port(self.dut, STREAMS[carries])
        return Driver(port, IDLE[idle](self._rng), TRAFFIC["idle"])

    async def start(self):
        """Start the clock and reset."""
        self.memories.clear()
        Clock(self.clock, 10, "ns", impl="gpi").start(start_high=False)
        self.rst.value = 1
        await self.reset()

    async def reset(self, more=3, then=None):
        """Reset for one cycle and `more`, and drop all that is under way; `valid` must be low.

        `then` is called at the end: what it offers is offered from the first cycle after the reset.
        """
        for driver in self.drivers:
            driver.clear()
        self.scoreboard.clear()
        self.loaded, self.fault = 0, False
        self.rst.value = 1
        await self._edge
        self.cycle += 1
        for _ in range(more):
            await self._edge
            self.cycle += 1
            if self.monitor.port.bit("valid"):
                name = self.monitor.port.names["valid"]
                raise Failure("reset", f"`{name}` is high during reset.")
        self.monitor.forget()
        self.rst.value = 0
        if then:
            then()
            for driver in self.drivers:
                driver.drive(False)

    async def step(self):
        """One cycle; returns whether anything was transferred."""
        await self._edge
        self.cycle += 1
        self.memories.check()
        taken = [driver.sample(self.cycle) for driver in self.drivers]
        before, ended = self.scoreboard.count, len(self.scoreboard.cycles)
        valid = self.monitor.sample(self.cycle, self.receiver.ready)
        if self.error is not None:
            self._check_error()
        if LOADS:
            self._check_load(*taken, ended)
        for driver, was_taken in zip(self.drivers, taken, strict=True):
            driver.drive(was_taken)
        self.receiver.drive(valid)
        return self.scoreboard.count != before or any(taken)

    def _check_load(self, load_taken, input_taken, ended):
        """No input in the middle of a load, and no load before the vectors that came in have `ended`."""
        if input_taken and self.loaded < len(self.load.taken) < len(self.load.beats):
            raise Failure("load", "An input was taken in the middle of a load of parameters.")
        inside = len(self.input.taken) - input_taken > ended * self.input.port.beats
        if load_taken and inside and not FRAMED:  # ports with frames may hold results back
            raise Failure("load", "A beat of a load was taken while a vector was inside.")

    def _check_error(self):
        """`error` is high in the cycle after a beat that shows a wrong `tlast`, and in no other."""
        value, wanted = str(self.error.value), int(self.fault)
        if value not in "01":
            raise Failure("unknown", f"`{MANIFEST['error']}` is {value}, neither 0 nor 1.")
        if int(value) != wanted:
            raise Failure(
                "error",
                f"`{MANIFEST['error']}` is {value}; the beats of the cycle before it were framed "
                f"{'wrongly' if wanted else 'rightly'}, so it must be {wanted}.",
            )
        self.fault = any(driver.faulty for driver in self.drivers)

    def offer_load(self, beats):
        """Offer a load after those before it."""
        self.loaded = len(self.load.beats)
        self.load.beats += beats

    async def begin(self, work):
        """Start the load of a work, if it has one, then offer its inputs."""
        if work.load:
            self.offer_load(work.load)
            await self.until(lambda: len(self.load.taken) > self.loaded)
        self.offer(work)

    def offer(self, work):
        """Offer the inputs of a work, and expect its results."""
        for number, expected in work.output:
            self.scoreboard.expect(expected, number)
        self.input.beats += work.input
        self.vectors += len(work.output)

    async def run(self, works):
        """Move works through the kernel until everything came out, and see that no more does.

        The inputs of a work come after the first beat of its load, and its load after all inputs of
        the work before it.
        """
        for work in works:
            await self.begin(work)
            await self.until(lambda: self.input.done)
        await self.finish()

    async def finish(self):
        """Wait for everything that is still to come, and see that no more does."""
        await self.until(lambda: self.scoreboard.done and all(d.done for d in self.drivers))
        await self.idle(MANIFEST["latency"] + MANIFEST["interval"] + 4)

    async def idle(self, cycles):
        """Let time pass."""
        for _ in range(cycles):
            await self.step()

    async def until(self, condition):
        """Step until a condition holds; fail when nothing moves any more."""
        quiet = 0
        while not condition():
            quiet = 0 if await self.step() else quiet + 1
            if quiet > self.patience:
                raise self._stuck()

    def _stuck(self):
        names = self.monitor.port.names
        for driver in self.drivers:
            if driver.offering and self.scoreboard.done:
                other = driver.port.names
                return Failure(
                    "stuck",
                    f"`{other['ready']}` stayed low for {self.patience} cycles with "
                    f"`{other['valid']}` high and nothing left to come out.",
                )
        if not self.receiver.ready:
            return Failure(
                "dependency",
                f"`{names['valid']}` stayed low for {self.patience} cycles while "
                f"`{names['ready']}` was low: valid must not wait for ready.",
            )
        return self.scoreboard.missing()
