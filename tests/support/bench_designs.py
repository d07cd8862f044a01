"""Designs written by hand, with manifests and traffic, to test the bench without the generator."""

from pathlib import Path

import numpy as np
from places import DESIGNS

from tnhw.simulation.simulating import run_bench
from tnhw.simulation.traffic import Traffic


def _stream(name, carries, ports, width, beats, element="u4", elements=4, bits=4):
    role = "source" if carries == "output" else "sink"
    record = {"name": name, "role": role, "carries": carries, **ports, "width": width}
    layout = {"element": element, "elements": elements, "element_bits": bits}
    return record | {"beats": beats} | layout


def _plain(name):
    return {key: f"{name}_{key}" for key in ("payload", "valid", "ready")} | {"last": None}


def _axi(prefix):
    names = {"payload": "tdata", "valid": "tvalid", "ready": "tready", "last": "tlast"}
    return {key: f"{prefix}_{name}" for key, name in names.items()}


STREAMS = {
    "parallel": [
        _stream("i", "input", _plain("i"), 16, 1),
        _stream("o", "output", _plain("o"), 16, 1, "s8", 2, 8),
    ],
    "serial": [
        _stream("i", "input", _plain("i"), 4, 3, elements=3),
        _stream("p", "parameters", _plain("p"), 8, 4),
        _stream("o", "output", _plain("o"), 16, 1, "u16", 1, 16),
    ],
    "axi": [
        _stream("i", "input", _axi("s_axis"), 16, 2, bits=8),
        _stream("o", "output", _axi("m_axis"), 8, 1, "u8", 1, 8),
    ],
}
TIMING = {"parallel": (2, 1), "serial": (2, 3), "axi": (1, 2)}  # latency, interval


def manifest_of(design):
    """What the bench must know of a design."""
    latency, interval = TIMING[design]
    return {
        "top": design,
        "clock": "clk",
        "reset": "rst",
        "error": "error" if design == "axi" else None,
        "latency": latency,
        "interval": interval,
        "streams": STREAMS[design],
    }


def _beats(design, x, p):
    if design == "parallel":
        y = [((int(v[0]) - int(v[3])) & 255, int(sum(v))) for v in x]
        i = [sum(int(e) << (4 * k) for k, e in enumerate(v)) for v in x]
        return i, [high << 8 | low for high, low in y]
    if design == "serial":
        return x.reshape(-1).tolist(), [int(v @ p[:3] + p[3]) for v in x]
    pairs = x.reshape(-1, 2).tolist()
    return [a | b << 8 for a, b in pairs], [int(sum(v)) for v in x]


def traffic_of(design, vectors=60, idle="x"):
    """Random traffic; three loads for the design that has some."""
    rng = np.random.default_rng(0)
    width = 3 if design == "serial" else 4
    segments, sent, results = [], [], []
    for _ in range(3 if design == "serial" else 1):
        x = rng.integers(0, 16, (vectors, width))
        x[0], x[1] = 0, 15
        p = rng.integers(1, 16, 4)
        i, o = _beats(design, x, p)
        hexadecimal = [[format(v, "x") for v in values] for values in (p.tolist(), i, o)]
        segments.append(dict(zip(("p", "i", "o"), hexadecimal, strict=True)))
        if design != "serial":
            segments[-1]["p"] = []
        sent.append(x)
        results.append(np.array(o).reshape(-1, 1))
    record = {
        "seed": 0,
        "idle": idle,
        "segments": segments,
        "quick": [list(range(20))] * len(segments),
        "initial": None,
    }
    return Traffic(np.concatenate(sent), np.concatenate(results), slice(0, 0), record)


def run_design(design, out_dir, *, edits=(), manifest=(), simulator="icarus", fast=False):
    """Run the bench on a design with (old, new) edits of its text and of its manifest."""
    text = (DESIGNS / f"{design}.v").read_text()
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {design}.v"
        text = text.replace(old, new)
    source = Path(out_dir, f"{design}_source.v")
    source.write_text(text)
    idle = "x" if simulator == "icarus" else "junk"
    return run_bench(
        [source],
        manifest_of(design) | dict(manifest),
        traffic_of(design, idle=idle),
        Path(out_dir, "sim"),
        simulator=simulator,
        fast=fast,
    )
