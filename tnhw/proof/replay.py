"""Runs of vectors through the emitted Verilog: what came out, and a VCD of the run."""

import io
import re
from dataclasses import dataclass

import numpy as np
import z3

from ..hardware.payloads import axi_beats
from ..support import interrupts
from ..support.templating import render
from .formulas.circuit import of_verilog
from .formulas.compiled import compiled

__all__ = ["Replay", "Run", "beats_of", "expected_of"]

_FLAGS = {1: "wrong", 2: "changed before it was taken", 3: "too many", 4: "missing"}


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes
    ----------
    fault : str or None
        What is wrong with a result: ``wrong``, ``missing`` and so on; None if nothing is.
    beat : int
        Index of the result beat at which it shows.
    got : int
        Payload of that beat.
    vcd : callable
        Returns the VCD as text.
    """

    fault: str | None
    beat: int
    got: int
    vcd: object


def beats_of(kernel, x, p):
    """The beats that load a parameter set and send vectors x [n, inputs]: list of (stream, payload, last)."""
    axi = kernel.interface == "axi-stream"
    script = []
    if kernel.storage == "memory" and p is not None:
        beats = kernel.pack_parameters(p)
        script += [("p", beat, int(k == len(beats) - 1)) for k, beat in enumerate(beats)]
    if axi:
        beat = min(kernel.beat or kernel.inputs, kernel.inputs)
        script += [("i", *pair) for pair in axi_beats(x, kernel.input, beat)]
    else:
        own = p if kernel.storage == "ports" else None
        script += [("i", payload, 0) for payload in kernel.pack_input(x, own)]
    return script


def expected_of(kernel, y):
    """The result beats for results y [n, outputs]: list of (payload, last)."""
    if kernel.interface == "axi-stream":
        beat = min(kernel.beat or kernel.outputs, kernel.outputs)
        return axi_beats(y, kernel.output_format, beat)
    return [(payload, 0) for payload in kernel.pack_output(np.asarray(y))]


class Replay:
    """Sends beats through the Verilog, clock by clock, and compares the results with those expected.

    Parameters
    ----------
    text : str
        Verilog of the module, with all modules that it uses.
    manifest : dict
    script : list of (str, int, int)
        Beats to send, as :func:`beats_of` returns them.
    expected : list of (int, int)
        Result beats, as :func:`expected_of` returns them.
    """

    def __init__(self, text, manifest, script, expected):
        bench = _bench(manifest, script, expected)
        self._circuit = of_verilog(text + bench, "replay", zero=True)
        self._names = list(self._circuit.next)
        self._step = compiled([self._circuit.next[name] for name in self._names], self._names)
        self._beats, self._latency = len(script) + len(expected), manifest["latency"]

    def run(self, seed=None):
        """Do one `Run`. With a `seed` both sides stall at random; without it nothing stalls."""
        limit = 56 + 4 * self._latency + self._beats * (1 if seed is None else 4)
        start = {
            "limit": limit,
            "stalls": int(seed is not None),
            "noise": (seed or 0) * 2654435761 % 65535 + 1,
        }
        initial = self._circuit.initial | start
        state = [initial[name] for name in self._names]
        place = {name: k for k, name in enumerate(self._names)}
        history = [state]
        for _ in range(limit + 4):
            interrupts.check()
            state = self._step(*state)
            history.append(state)
            if state[place["fault"]]:
                break
        fault, beat, got = (state[place[name]] for name in ("fault", "fault_beat", "fault_got"))
        return Run(_FLAGS.get(fault), beat, got, lambda: _vcd(self._circuit, self._names, history))


def _vcd(circuit, names, history):
    """The VCD of a run: all registers, and the ports of the module."""
    from vcd import VCDWriter

    ports = [n for n in circuit.wires if re.fullmatch(r"(i|o|p)_(payload|valid|ready|last)", n)]
    values = compiled([circuit.wires[name] for name in ports], names)
    widths = {n: circuit.wires[n].size() if z3.is_bv(circuit.wires[n]) else 1 for n in ports}
    widths |= {
        name: register.size() for name, register in circuit.registers.items() if z3.is_bv(register)
    }
    text = io.StringIO()
    with VCDWriter(text, timescale="1 ns", date="", version="tnhw prove") as writer:
        clock = writer.register_var("replay", "clk", "wire", size=1, init=0)
        signals = {}
        for name, width in widths.items():
            scope, _, leaf = name.rpartition(".")
            leaf = re.sub(r"\W+", "_", leaf)
            path = ".".join(filter(None, ("replay", re.sub(r"[^\w.]+", "_", scope))))
            signals[name] = writer.register_var(path, leaf, "wire", size=width, init=0)
        for number, state in enumerate(history):
            now = dict(zip(names, state, strict=True)) | dict(
                zip(ports, values(*state), strict=True)
            )
            for name, signal in signals.items():
                writer.change(signal, 10 * number, int(now[name]))
            writer.change(clock, 10 * number, 1)
            writer.change(clock, 10 * number + 5, 0)
    return text.getvalue()


def _bench(manifest, script, expected):
    """Verilog of a bench that sends the beats of a script to the module and compares its results."""
    streams = {stream["name"]: stream for stream in manifest["streams"]}
    sinks = [name for name in ("i", "p") if name in streams]
    ports = {manifest["clock"]: "clk", manifest["reset"]: "rst"}
    for name, stream in streams.items():
        for signal in ("payload", "valid", "ready", "last"):
            if stream[signal]:
                ports[stream[signal]] = f"{name}_{signal}"
    if manifest["error"]:
        ports[manifest["error"]] = ""
    return render(
        "proof",
        "replay.v",
        manifest=manifest,
        streams=streams,
        sinks=sinks,
        width=max(streams[name]["width"] for name in sinks),
        script=script,
        expected=expected,
        ports=[f".{port}({signal})" for port, signal in ports.items()],
    )
