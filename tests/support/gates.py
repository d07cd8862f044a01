"""Components with streams in Amaranth's simulator: senders, a receiver and a monitor."""

from dataclasses import dataclass, field

import numpy as np
from addresses import Checked
from amaranth.hdl import Const, ResetInserter, Signal, Value
from amaranth.sim import Simulator

PATIENCE = 1_000  # cycles without a transfer

reset = Signal()  # of every component that is simulated here


@dataclass
class Trace:
    """What the monitor saw, by cycle.

    Attributes
    ----------
    accepted : list of int
        Cycles in which a beat of the input was accepted.
    loaded : list of int
        Cycles in which a beat of the parameters was accepted.
    appeared : list of int
        First cycle in which each result beat was valid.
    results : list of (int, int)
        Payload and `last` of each result beat taken.
    errors : list of int
        Cycles with `error`.
    """

    accepted: list = field(default_factory=list)
    loaded: list = field(default_factory=list)
    appeared: list = field(default_factory=list)
    results: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    @property
    def payloads(self):
        return [payload for payload, _ in self.results]


class Port:
    """Payload, valid, ready and last of one stream, whatever their names are."""

    def __init__(self, component, letter):
        if hasattr(component, "s_axis_tdata"):
            prefix = {"i": "s_axis_t", "p": "s_axis_param_t", "o": "m_axis_t"}[letter]
            names = ("data", "valid", "ready", "last")
            self.payload, self.valid, self.ready, self.last = (
                getattr(component, prefix + name) for name in names
            )
        else:
            stream = getattr(component, letter)
            self.payload, self.last = Value.cast(stream.payload), None
            self.valid, self.ready = stream.valid, stream.ready

    async def send(self, ctx, beats, pause=lambda: False):
        """Offer beats, integers or (integer, last), one after the other."""
        for beat in beats:
            while pause():
                await ctx.tick()
            data, last = beat if isinstance(beat, tuple) else (beat, None)
            ctx.set(self.payload, data)
            if last is not None:
                ctx.set(self.last, last)
            ctx.set(self.valid, 1)
            await ctx.tick().until(self.ready)
            ctx.set(self.valid, 0)
            ctx.set(self.payload, 0x5A5A5A5A5A5A5A5A & ((1 << len(self.payload)) - 1))


def ports(component):
    has_load = hasattr(component, "p") or hasattr(component, "s_axis_param_tdata")
    return {letter: Port(component, letter) for letter in ("iop" if has_load else "io")}


def simulate(component, script, count, *, seed=None, calm=(0, 0)):
    """Run a component.

    Parameters
    ----------
    component : wiring.Component
        Plain streams `i`, `o` and perhaps `p`, or AXI4-Stream ports.
    script : list of (str, list), or async function of (ctx, ports)
        Stream (``i`` or ``p``) and the beats that are sent to it, in order.
    count : int
        Result beats to wait for.
    seed : int, optional
        Both sides stall at random; without it, nobody stalls.
    calm : (int, int)
        Entries of the script, and result beats, before the first stall.

    Returns
    -------
    Trace
    """
    streams, trace = ports(component), Trace()
    rng = np.random.default_rng(seed)
    idle, busy = rng.choice([0.15, 0.5, 0.85], 2) if seed is not None else (0, 0)

    sent = []

    async def sender(ctx):
        if callable(script):
            await script(ctx, streams)
        else:
            for number, (letter, beats) in enumerate(script):
                likely = 0 if number < calm[0] else idle
                await streams[letter].send(ctx, beats, lambda likely=likely: rng.random() < likely)
        sent.append(True)

    async def receiver(ctx):
        quiet, before = 0, None
        while quiet < PATIENCE:
            likely = 0 if len(trace.appeared) < calm[1] else busy
            ctx.set(streams["o"].ready, int(rng.random() >= likely))
            await ctx.tick()
            if sent and len(trace.results) >= count:
                return await ctx.tick().repeat(12)  # nothing more may come
            now = len(trace.accepted) + len(trace.loaded) + min(len(trace.results), count)
            quiet, before = quiet + 1 if now == before else 0, now
        raise AssertionError(f"{len(trace.results)} of {count} results, and then nothing moves")

    async def monitor(ctx):
        i, o, p = streams["i"], streams["o"], streams.get("p")
        watched = [i.valid & i.ready, p.valid & p.ready if p else Const(0)]
        watched += [getattr(component, "error", Const(0)), o.ready, o.valid, o.payload]
        watched += [Const(0) if o.last is None else o.last]
        cycle, waiting = 0, None
        async for _, reset, accepted, loaded, error, ready, *offered in ctx.tick().sample(*watched):
            valid, payload, last = offered
            assert waiting in (None, offered) or reset, "a result changed before it was taken"
            for happened, record in (
                (accepted, trace.accepted), (loaded, trace.loaded), (error, trace.errors),
                (valid and waiting is None, trace.appeared),
            ):  # fmt: skip
                if happened:
                    record.append(cycle)
            if valid and ready:
                trace.results.append((payload, last))
            waiting = offered if valid and not ready else None
            cycle += 1

    run(component, monitor, sender, receiver)
    return trace


def run(component, *benches):
    """Run benches; one named `monitor` does not keep the simulation going."""
    simulator = Simulator(Checked(ResetInserter(reset)(component)))
    simulator.add_clock(1e-6)
    for bench in benches:
        simulator.add_testbench(bench, background=bench.__name__ == "monitor")
    simulator.run()
