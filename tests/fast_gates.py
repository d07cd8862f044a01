"""What `gates.simulate` does, on the emitted RTLIL instead of in Amaranth's simulator: many times faster."""

import random

import gates
import rtlil_model
from quick_amaranth import quick

from tnhw import verilog

_NAMES = {
    "i": ("s_axis_tdata", "s_axis_tvalid", "s_axis_tready", "s_axis_tlast"),
    "p": ("s_axis_param_tdata", "s_axis_param_tvalid", "s_axis_param_tready", "s_axis_param_tlast"),
    "o": ("m_axis_tdata", "m_axis_tvalid", "m_axis_tready", "m_axis_tlast"),
}


def simulate(component, script, count, *, seed=None, calm=(0, 0), change=lambda text: text):
    """Run a component; `change` is done to its RTLIL before. The rest is as of :func:`gates.simulate`."""
    with quick():
        text, _ = verilog.emit_rtlil(component, "top")
    return run(rtlil_model.compiled(change(text), "top"), script, count, seed=seed, calm=calm)


def run(model, script, count, *, seed=None, calm=(0, 0)):
    """Run a compiled model."""
    ins, outs, start = model
    axi = "m_axis_tdata" in outs
    name = {
        letter: _NAMES[letter] if axi else [f"{letter}_{k}" for k in ("payload", "valid", "ready")]
        for letter in "ipo"
    }
    given, got = list(ins), list(outs)
    put = {key: k for k, key in enumerate(given)}
    take = {key: k for k, key in enumerate(got)}
    rng = random.Random(seed)
    idle, busy = [rng.choice([0.15, 0.5, 0.85]) for _ in range(2)] if seed is not None else (0, 0)
    beats = [
        (letter, beat, 0 if number < calm[0] else idle)
        for number, (letter, beats) in enumerate(script)
        for beat in beats
    ]
    payload, valid, last = (take.get(key) for key in (*name["o"][:2], name["o"][-1] if axi else ""))
    error, own_ready = take.get("error"), put[name["o"][2]]
    trace = gates.Trace()
    ports, records = {}, {"i": trace.accepted, "p": trace.loaded}
    for letter in "ip":
        if name[letter][0] in ins:
            data, offer, ready, *more = name[letter]
            ports[letter] = (
                put[data], put[offer], take[ready], put[more[0]] if axi else None,
                0x5A5A5A5A5A5A5A5A & ((1 << ins[data]) - 1),
            )  # fmt: skip
    device, values = start(), [0] * len(given)
    next(device)
    sent, offered, waiting, quiet, rest = 0, None, None, 0, None
    for cycle in range(10**9):
        if offered is None and sent < len(beats) and not (rng.random() < beats[sent][2]):
            letter, beat, _ = beats[sent]
            at = offered = ports[letter]
            values[at[1]] = 1
            if at[3] is None:
                values[at[0]] = beat
            else:
                values[at[0]], values[at[3]] = beat
        values[own_ready] = int(rng.random() >= (0 if len(trace.appeared) < calm[1] else busy))
        out = device.send(values)
        moved = False
        for letter, at in ports.items():
            if values[at[1]] and out[at[2]]:
                records[letter].append(cycle)
                moved = True
        if offered is not None and out[offered[2]]:
            values[offered[1]], values[offered[0]] = 0, offered[4]
            offered, sent = None, sent + 1
        if error is not None and out[error]:
            trace.errors.append(cycle)
        shown = (out[payload], out[last] if axi else 0) if out[valid] else None
        assert waiting in (None, shown), "a result changed before it was taken"
        if shown is not None:
            if waiting is None:
                trace.appeared.append(cycle)
            if values[own_ready]:
                trace.results.append(shown)
                moved = moved or len(trace.results) <= count
                shown = None
        waiting = shown
        if rest is None and sent == len(beats) and len(trace.results) >= count:
            rest = cycle + 12  # nothing more may come
        if rest is not None and cycle >= rest:
            return trace
        quiet = 0 if moved else quiet + 1
        if quiet >= gates.PATIENCE:
            raise AssertionError(f"{len(trace.results)} of {count} results, and then nothing moves")
