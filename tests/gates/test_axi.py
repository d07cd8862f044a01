"""AXI4-Stream ports: widths, padding, sign extension, framing, and wrong framing."""

import gates
import numpy as np
import pytest
from faults import mutate
from random_kernels import unpack

from tnhw.gates.kernels import axi
from tnhw.hardware.payloads import axi_beats
from tnhw.kernel import Kernel

SHAPES = [
    {"architecture": architecture, "inputs": inputs, "outputs": outputs, "beat": beat}
    for architecture in ("parallel", "serial")
    for inputs, outputs, beat in (
        (4, 3, None),
        (4, 3, 1),
        (5, 3, 2),
        (5, 7, 3),
        (1, 1, 1),
        (6, 1, 4),
    )
]


def kernel(*, storage="constant", beat=None, **keys):
    keys = {"name": "k", "rule": "mac", "architecture": "parallel", "inputs": 4, "outputs": 3,
            "input": "s5", "parameter": "s4", "storage": storage, "bias": "s6",
            "interface": "axi-stream"} | keys  # fmt: skip
    keys |= {"beat": beat} if beat else {}
    return Kernel(**keys, arrays=parameters(keys, 0) if storage == "constant" else None)


def parameters(keys, seed):
    rng = np.random.default_rng(seed)
    size = (keys["outputs"], keys["inputs"])
    return {"weight": rng.integers(-8, 8, size), "bias": rng.integers(-32, 32, size[0])}


def sent(made, x):
    return axi_beats(x, made.input, min(made.beat or made.inputs, made.inputs))


def load(made, p):
    beats = made.pack_parameters(p)
    return [(beat, int(k == len(beats) - 1)) for k, beat in enumerate(beats)]


def vectors(made, count, seed=0):
    return made.random_input(np.random.default_rng(seed), count)


def label(shape):
    return "-".join(str(value) for value in shape.values())


# ---- Names and widths ----


def test_ports():
    made = kernel(storage="memory", beat=2)
    ports = {path[0]: member for path, member, _ in made.create().signature.flatten(made.create())}
    assert set(ports) == {
        *(f"s_axis_t{end}" for end in ("data", "valid", "ready", "last")),
        *(f"m_axis_t{end}" for end in ("data", "valid", "ready", "last")),
        *(f"s_axis_param_t{end}" for end in ("data", "valid", "ready", "last")),
        "error",
    }


@pytest.mark.parametrize(
    ("keys", "sink", "source"),
    [
        ({"input": "u4", "output": "u4"}, 8 * 4, 8 * 3),
        ({"input": "u8", "output": "s8"}, 8 * 4, 8 * 3),
        ({"input": "u9", "output": "s17"}, 16 * 4, 24 * 3),
        ({"input": "u9", "output": "s16", "beat": 3}, 16 * 3, 16 * 3),
        ({"input": "u9", "output": "s16", "beat": 4}, 16 * 4, 16 * 3),
        ({"input": "u9", "output": "s16", "beat": 1}, 16, 16),
    ],
)
def test_widths(keys, sink, source):
    component = kernel(**keys).create()
    assert (len(component.s_axis_tdata), len(component.m_axis_tdata)) == (sink, source)


# ---- Framing ----


@pytest.mark.parametrize("shape", SHAPES, ids=label)
def test_beats_latency_and_interval(shape):
    made = kernel(**shape)
    component, x = made.create(), vectors(made, 12)
    beats, back = sent(made, x), component.source_beats
    assert len(beats) == 12 * component.sink_beats
    trace = gates.simulate(component, [("i", beats)], 12 * back)
    assert unpack(made, trace.results) == made.golden(x).tolist()
    starts = trace.appeared[::back]
    assert starts[0] - trace.accepted[component.sink_beats - 1] == made.latency
    assert set(np.diff(starts)) == {made.interval}
    assert not trace.errors


@pytest.mark.parametrize("shape", SHAPES, ids=label)
@pytest.mark.parametrize("seed", [0, 1])
def test_stalls_lose_nothing(shape, seed):
    made = kernel(**shape)
    component, x = made.create(), vectors(made, 20, seed)
    trace = gates.simulate(
        component, [("i", sent(made, x))], 20 * component.source_beats, seed=seed
    )
    assert unpack(made, trace.results) == made.golden(x).tolist()


def test_bytes_of_a_beat():
    """Element 0 low, whole bytes, signs extended, the last beat padded with zeros."""
    made = Kernel(name="k", rule="mac", inputs=3, outputs=3, input="s5", parameter="s2", beat=2,
                  storage="constant", arrays={"weight": np.eye(3, dtype=int)}, output="s9",
                  interface="axi-stream")  # fmt: skip
    script = [("i", [(0xFFFE, 0), (0x03, 1)])]  # -2, -1, 3
    trace = gates.simulate(made.create(), script, 2)
    assert trace.results == [(0xFFFF_FFFE, 0), (0x0003, 1)]
    unsigned = kernel(input="u9", output="u10", inputs=2, outputs=1)
    assert axi_beats([[511, 1]], unsigned.input, 2) == [(0x0001_01FF, 1)]


# ---- Wrong tlast ----


def wrong(good, kind):
    """Beats of a vector or a load with a wrong tlast, and the number of the beat that shows it."""
    if kind == "early":
        return [(good[0][0], 1)], 0
    rest = {"longer": good[:1], "double": good, "triple": good + good}[kind]
    data = [beat for beat, _ in good + rest]
    return [(beat, int(k == len(data) - 1)) for k, beat in enumerate(data)], len(good) - 1


WRONG = [(shape, kind) for shape in SHAPES for kind in ("early", "longer", "double", "triple")
         if kind != "early" or -(-shape["inputs"] // (shape["beat"] or shape["inputs"])) > 1]  # fmt: skip


@pytest.mark.parametrize(("shape", "kind"), WRONG, ids=[f"{label(s)}-{k}" for s, k in WRONG])
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_wrong_tlast(shape, kind, seed):
    """The packet is discarded, `error` is up for a cycle, and the beat after `tlast` starts a vector."""
    check_wrong_tlast(shape, kind, seed)


def check_wrong_tlast(shape, kind, seed):
    made = kernel(**shape)
    component, x = made.create(), vectors(made, 9)
    beats, faulty = [], []
    for part in (x[:3], x[3:6], x[6:]):
        beats += sent(made, part)
        packet, shows = wrong(sent(made, vectors(made, 1, 9)), kind)
        faulty.append(len(beats) + shows)
        beats += packet
    trace = gates.simulate(component, [("i", beats)], 9 * component.source_beats, seed=seed)
    assert unpack(made, trace.results) == made.golden(x).tolist()
    assert trace.errors == [trace.accepted[beat] + 1 for beat in faulty]


@pytest.mark.parametrize("architecture", ["parallel", "serial"])
@pytest.mark.parametrize("kind", ["early", "longer", "double", "triple"])
def test_wrong_tlast_of_a_load(architecture, kind):
    """The load is void: vectors wait for a complete one, which the beat after `tlast` starts."""
    made = kernel(storage="memory", architecture=architecture, beat=2)
    keys = {"inputs": 4, "outputs": 3}
    old, new = parameters(keys, 1), parameters(keys, 2)
    x, good = vectors(made, 4), load(made, new)
    bad, shows = wrong(load(made, parameters(keys, 3)), kind)
    component = made.create()

    async def script(ctx, ports):
        await ports["p"].send(ctx, load(made, old))
        await ports["i"].send(ctx, sent(made, x))
        await ports["p"].send(ctx, bad)
        ctx.set(ports["i"].valid, 1)
        for _ in range(20):
            assert not ctx.get(ports["i"].ready)
            await ctx.tick()
        ctx.set(ports["i"].valid, 0)
        await ports["p"].send(ctx, good)
        await ports["i"].send(ctx, sent(made, x))

    trace = gates.simulate(component, script, 8 * component.source_beats)
    assert unpack(made, trace.results) == [
        *made.golden(x, old).tolist(),
        *made.golden(x, new).tolist(),
    ]
    assert trace.errors == [trace.loaded[len(good) + shows] + 1]


@pytest.mark.parametrize("architecture", ["parallel", "serial"])
def test_load_while_a_packet_is_dropped(architecture):
    """A packet that is too long keeps no load waiting, and none of its beats waits for the load."""
    made = kernel(storage="memory", architecture=architecture, beat=2)
    p, x = parameters({"inputs": 4, "outputs": 3}, 1), vectors(made, 3)
    packet, shows = wrong(sent(made, x[:1]), "double")
    component = made.create()

    async def script(ctx, ports):
        await ports["p"].send(ctx, load(made, parameters({"inputs": 4, "outputs": 3}, 2)))
        await ports["i"].send(ctx, packet[: shows + 1])
        words = load(made, p)
        await ports["p"].send(ctx, words[:3])
        await ports["i"].send(ctx, packet[shows + 1 :])
        await ports["p"].send(ctx, words[3:])
        await ports["i"].send(ctx, sent(made, x))

    trace = gates.simulate(component, script, 3 * component.source_beats)
    assert unpack(made, trace.results) == made.golden(x, p).tolist()
    assert len(trace.errors) == 1


@pytest.mark.parametrize("shape", SHAPES, ids=label)
def test_reload(shape):
    made = kernel(storage="memory", **shape)
    component, x = made.create(), vectors(made, 5)
    script, expected = [], []
    for seed in (1, 2, 3):
        p = parameters(shape, seed)
        script += [("p", load(made, p)), ("i", sent(made, x))]
        expected += made.golden(x, p).tolist()
    trace = gates.simulate(component, script, 15 * component.source_beats, seed=4)
    assert unpack(made, trace.results) == expected and not trace.errors


# ---- Faults ----


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("wrong.eq(take & (self.s_axis_tlast != at_end))", "wrong.eq(0)", "early"),
        ("Mux(at_end | wrong, 0, position + 1)", "Mux(at_end, 0, position + 1)", "early"),
        ("self.error.eq(Cat(errors).any())", "self.error.eq(0)", "early"),
        (
            "drop_rest(m, dropping, wrong, self.s_axis_tvalid, self.s_axis_tlast)",
            "drop_rest(Module(), dropping, wrong, self.s_axis_tvalid, self.s_axis_tlast)",
            "double",
        ),
        ("dropping | ~start & (position == 0)", "~start & (position == 0)", "double"),
    ],
)
@pytest.mark.parametrize("architecture", ["parallel", "serial"])
def test_fault_is_found(old, new, kind, architecture, monkeypatch):
    mutate(monkeypatch, axi.AxiStream, "elaborate", old, new)
    with pytest.raises(AssertionError):
        shape = {"architecture": architecture, "inputs": 5, "outputs": 3, "beat": 2}
        check_wrong_tlast(shape, kind, None)
