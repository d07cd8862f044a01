"""A run of a module's control as a VCD file: handshakes, and the registers that they depend on."""

import io
import re

import numpy as np

__all__ = ["trace"]


def trace(control, inputs):
    """The VCD text of a run from the start; `inputs` has a dict of handshake signals for each clock."""
    from vcd import VCDWriter

    registers = {name: np.array([value]) for name, value in control.initial.items()}
    text = io.StringIO()
    with VCDWriter(text, timescale="1 ns", date="", version="tnhw prove") as writer:
        clock = writer.register_var("ports", "clk", "wire", size=1, init=0)
        ports = {
            n: writer.register_var("ports", p, "wire", size=1) for n, p in control.ports.items()
        }
        signals = {}
        for name, width in control.registers.items():
            scope, _, leaf = name.rpartition(".")
            path = ".".join(filter(None, ("registers", re.sub(r"[^\w.]+", "_", scope))))
            leaf = re.sub(r"\W+", "_", leaf)
            signals[name] = writer.register_var(path, leaf, "wire", size=width)
        for number, given in enumerate(inputs):
            now, _, after = control.clock(
                registers, {name: np.array([value]) for name, value in given.items()}
            )
            values = given | {name: value[0] for name, value in now.items()}
            for name, port in ports.items():
                writer.change(port, 10 * number, int(values[name]))
            for name, signal in signals.items():
                writer.change(signal, 10 * number, int(registers[name][0]))
            writer.change(clock, 10 * number, 1)
            writer.change(clock, 10 * number + 5, 0)
            registers = after
    return text.getvalue()
