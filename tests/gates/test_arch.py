"""Streams, loads and resets of the architectures; and faults that the checks must find."""

import gates
import numpy as np
import pytest
from faults import mutate
from random_kernels import Case, check, unpack

from tnhw.gates.kernels import axi, loader, parallel, serial
from tnhw.gates.summing import requantise, terms, tree
from tnhw.kernel import Kernel
from tnhw.synapse import booth
from tnhw.synapse.rules import addernet, mac, threshold

ARCHITECTURES = ["parallel", "serial"]


def kernel(architecture, *, initial=None, **keys):
    keys = {"name": "k", "rule": "mac", "inputs": 3, "outputs": 2, "input": "u4", "parameter": "s4",
            "bias": "s6", "storage": "memory", "architecture": architecture} | keys  # fmt: skip
    return Kernel(**keys, arrays=initial)


def weights(value, bias=0):
    return {"weight": np.full((2, 3), value), "bias": np.full(2, bias)}


def vectors(count, seed=0):
    return np.random.default_rng(seed).integers(0, 16, (count, 3))


def results(made, script, count, **options):
    return unpack(made, gates.simulate(made.create(), script, count, **options).results)


# ---- Latency, interval ----


@pytest.mark.parametrize(
    ("keys", "latency", "interval"),
    [
        ({"architecture": "parallel", "inputs": 1, "bias": None, "parameter": "u4"}, 1, 1),
        ({"architecture": "parallel", "inputs": 16, "bias": None, "input": "u8", "parameter": "u8"}, 5, 1),
        ({"architecture": "parallel", "inputs": 16, "bias": None, "input": "u8", "parameter": "u8",
          "output": "u8"}, 6, 1),
        # The half that rounds is a seventeenth operand.
        ({"architecture": "parallel", "inputs": 16, "bias": None, "input": "u8", "parameter": "u8",
          "output": "u8", "shift": 4}, 7, 1),
        ({"architecture": "serial", "inputs": 7, "bias": None}, 2, 7),
        ({"architecture": "serial", "inputs": 7, "output": "u4"}, 3, 7),
        ({"architecture": "serial", "inputs": 7, "storage": "memory"}, 3, 7),
    ],
)  # fmt: skip
def test_latency_and_interval(keys, latency, interval):
    """The formulas of the docstrings; that they are true is checked for every random kernel."""
    made = kernel(**{"storage": "ports"} | keys)
    assert (made.latency, made.interval) == (latency, interval)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", range(6))
def test_stalls_lose_nothing(architecture, seed):
    made = kernel(architecture, initial=weights(3, -5))
    x = vectors(40, seed)
    got = results(made, [("i", made.pack_input(x))], 40, seed=seed)
    assert got == made.golden(x).tolist()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_valid_does_not_wait_for_ready(architecture):
    made = kernel(architecture, initial=weights(1))
    seen = []

    async def script(ctx, ports):
        ctx.set(ports["i"].valid, 1)
        for _ in range(made.latency + made.interval + 5):
            ctx.set(ports["o"].ready, 0)
            await ctx.tick()
        seen.append(ctx.get(ports["o"].valid))
        seen.append(ctx.get(ports["i"].ready))

    component = made.create()

    async def bench(ctx):
        await script(ctx, gates.ports(component))

    gates.run(component, bench)
    assert seen == [1, 0]


# ---- Loads ----


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_reload(architecture, seed):
    """Vectors in flight finish with the old set; those after the load see the new one."""
    made, x = kernel(architecture), vectors(8)
    script, expected = [], []
    for p in (weights(2, 1), weights(-8, -32), weights(7, 31)):
        script += [("p", made.pack_parameters(p)), ("i", made.pack_input(x))]
        expected += made.golden(x, p).tolist()
    assert results(made, script, 24, seed=seed) == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_initial_set_and_reload(architecture):
    made, x = kernel(architecture, initial=weights(5, 9)), vectors(4)
    new = weights(-1, 2)
    script = [
        ("i", made.pack_input(x)),
        ("p", made.pack_parameters(new)),
        ("i", made.pack_input(x)),
    ]
    assert results(made, script, 8) == made.golden(x).tolist() + made.golden(x, new).tolist()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_vector_before_the_first_load(architecture):
    made = kernel(architecture)
    component = made.create()

    async def bench(ctx):
        ports = gates.ports(component)
        ctx.set(ports["i"].valid, 1)
        for _ in range(30):
            assert not ctx.get(ports["i"].ready)
            await ctx.tick()
        # Nor while the load is under way.
        for beat in made.pack_parameters(weights(1)):
            ctx.set(ports["p"].payload, beat)
            ctx.set(ports["p"].valid, 1)
            assert ctx.get(ports["p"].ready) and not ctx.get(ports["i"].ready)
            await ctx.tick()
            ctx.set(ports["p"].valid, 0)
            last = ctx.get(ports["i"].ready)
        assert last

    gates.run(component, bench)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_load_waits_for_vectors_inside(architecture):
    made = kernel(architecture, initial=weights(5, 9))
    component = made.create()

    async def bench(ctx):
        ports = gates.ports(component)
        await ports["i"].send(ctx, made.pack_input(vectors(1)))
        ctx.set(ports["p"].valid, 1)
        for _ in range(20):
            assert not ctx.get(ports["p"].ready)
            await ctx.tick()
        assert ctx.get(ports["o"].valid)
        ctx.set(ports["o"].ready, 1)
        await ctx.tick()
        assert ctx.get(ports["p"].ready)

    gates.run(component, bench)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_upper_bits_of_short_words_are_not_read(architecture):
    """As the README of a package says: a word of a load may have anything above its own bits."""
    made = kernel(architecture)
    rng = np.random.default_rng(1)
    x, p = made.random_input(rng, 8), made.random_parameters(rng)
    beats, total = made.pack_parameters(p), made.sum_format.bits
    sizes = ([made.synapse.word_bits] * made.inputs + [total]) * made.outputs
    assert len(beats) == len(sizes) and made.width_p == max(sizes) > min(sizes)
    spoilt = [
        beat | int(rng.integers(1, 1 << made.width_p - size)) << size
        if size < made.width_p
        else beat
        for beat, size in zip(beats, sizes, strict=True)
    ]
    assert spoilt != beats
    script = [("p", spoilt), ("i", made.pack_input(x))]
    assert results(made, script, 8) == made.golden(x, p).tolist()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("initial", [None, weights(5, 9)], ids=["empty", "initialised"])
@pytest.mark.parametrize("loaded", [1, 3, 4, 7])
def test_reset_in_a_load(architecture, initial, loaded):
    """The kernel waits for a complete load, and takes it from its beginning."""
    made, x, p = kernel(architecture, initial=initial), vectors(3), weights(-3, 7)
    beats = made.pack_parameters(p)

    async def script(ctx, ports):
        await ports["p"].send(ctx, beats[:loaded])
        ctx.set(gates.reset, 1)
        await ctx.tick()
        ctx.set(gates.reset, 0)
        ctx.set(ports["i"].valid, 1)
        for _ in range(20):
            assert not ctx.get(ports["i"].ready)
            await ctx.tick()
        ctx.set(ports["i"].valid, 0)
        await ports["p"].send(ctx, beats)
        await ports["i"].send(ctx, made.pack_input(x))

    assert results(made, script, 3) == made.golden(x, p).tolist()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_reset_after_a_load(architecture):
    """Parameters survive; vectors inside do not, and valid is low."""
    made, x, p = kernel(architecture), vectors(4), weights(-3, 7)

    async def script(ctx, ports):
        await ports["p"].send(ctx, made.pack_parameters(p))
        await ports["i"].send(ctx, made.pack_input(x)[: made.beats_in])
        ctx.set(gates.reset, 1)
        for _ in range(3):
            await ctx.tick()
            assert not ctx.get(ports["o"].valid)
        ctx.set(gates.reset, 0)
        await ports["i"].send(ctx, made.pack_input(x[1:]))

    assert results(made, script, 3) == made.golden(x[1:], p).tolist()


def test_abort():
    """The serial kernel forgets the elements of the current vector."""
    made = kernel("serial", initial=weights(2, 3))
    x = vectors(3)
    beats = made.pack_input(x)
    component = made.create()

    async def script(ctx, ports):
        await ports["i"].send(ctx, beats[:5])  # one vector, and two elements of the next
        ctx.set(component.abort, 1)
        ctx.set(ports["i"].valid, 1)
        assert not ctx.get(ports["i"].ready)
        await ctx.tick()
        ctx.set(component.abort, 0)
        ctx.set(ports["i"].valid, 0)
        await ports["i"].send(ctx, beats[6:])

    trace = gates.simulate(component, script, 2)
    assert unpack(made, trace.results) == made.golden(x[[0, 2]]).tolist()


# ---- Faults: each must be found by the check that random kernels pass ----


def case(rule="threshold", architecture="parallel", storage="memory", **keys):
    keys = {"name": "k", "rule": rule, "architecture": architecture, "inputs": 5, "outputs": 3,
            "input": "u4", "storage": storage, "parameter": "u4", "bias": "s6"} | keys  # fmt: skip
    return Case(keys, None, 1)


Q = {"output": "s5", "shift": 1}
AXI = {"interface": "axi-stream", "beat": 2}
REQUANTISED = (case(**Q), case(architecture="serial", **Q))
FAULTS = {
    "threshold off by one": (threshold.Threshold, "_difference", "x - p.theta", "x - p.theta - 1",
                             case(form="subtract")),
    "complement without its carry": (threshold.Threshold, "_difference", "Cat(Const(1, 1), _extended(v, shape.width))",
                                     "Cat(Const(0, 1), _extended(v, shape.width))", case(form="complement")),
    "threshold never rectifies": (threshold.Threshold, "addends", "gate(~difference[-1], difference[: rectified.bits])",
                                  "difference[: rectified.bits]",
                                  case(form="subtract")),
    "max takes the minimum": (threshold.Threshold, "addends", "x > p.theta", "x < p.theta", case()),
    "gain 2 lost": (threshold.Threshold, "_scale", "value << 2", "value << 1",
                    case(gain=True)),
    "distance off by one": (addernet.AdderNet, "_distance", "Addend(~negative)", "Addend(negative)",
                            case("addernet")),
    "booth: a digit never negative": (booth.Booth, "_masked_row", "negate_if(high, Mux(middle ^ low, once, twice)[: self._row_bits(digit)])",
                                      "Mux(middle ^ low, once, twice)[: self._row_bits(digit)]", case("mac", form="booth")),
    "booth: 2 for 1": (booth.Booth, "_masked_row", "middle ^ low", "middle & low", case("mac", form="booth")),
    "booth: ones for nothing": (booth.Booth, "_masked_row", "Mux(none, 0, row)", "row",
                                case("mac", form="booth", parameter="s4")),
    "booth: a digit owes too much": (booth.Booth, "correction", "bits < 7", "bits < 8", case("mac", form="booth")),
    "and-or: no double": (booth.Booth, "_gated_row", "gate(once, x_once) | gate(twice, x_twice)", "gate(once, x_once)",
                          case("mac", form="booth_and_or"), case("mac", form="digits", parameter="s4")),
    "and-or: once where it is twice": (booth.Booth, "_selection", "(high ^ middle) & ~once", "high ^ middle",
                                       case("mac", form="booth_and_or")),
    "and-or: the digit -0 owes nothing": (booth.Booth, "correction", "self.kind == 'and-or'", "self.kind == 'none'",
                                          case("mac", form="booth_and_or")),
    "digits: carried away too rarely": (booth.Booth, "digits_of", "[0, 1, 2, -1, 0, 1, -2, -1]", "[0, 1, 2, -1, 0, 1, -2, 3]", case("mac", form="digits", parameter="s4")),
    "digits: never negative": (booth.Booth, "encode", "digit < 0", "digit < -2", case("mac", form="digits", parameter="s4")),
    "sign and magnitude: never inverted": (mac.Mac, "addends", "negate_if(p.sign, x)", "x", case("mac", form="sign_magnitude", parameter="s4")),
    "sign and magnitude: owes too much": (mac.Mac, "remainder", "weight < 0", "weight < 7", case("mac", form="sign_magnitude", parameter="s4")),
    "split: halves apart": (mac.Mac, "addends", "1 << half", "2 << half", case("mac", form="split")),
    "inhibitory adds": (terms.Terms, "runtime", "polarity * addend.weight", "addend.weight", case(excitatory=2),
                        case("mac", excitatory=2, form="booth")),
    "inhibitory owes with the wrong sign": (terms.Terms, "runtime", "polarity * constant", "constant",
                                            case("addernet", "tile", "ports", excitatory=2)),
    "tree: a bit too few": (tree.Reduction, "_node", "(signal, operand.value)", "(signal, operand.value[:-1])",
                            case()),
    "tree: a carry dropped": (tree.Reduction, "_add", "a.value[low:] + b.value",
                              "a.value[low:] ^ b.value", case()),
    "tree: a register too few": (tree.AdderTree, "elaborate", "self._registered",
                                 "self._registered and nodes is not self._plan.nodes[0]", case()),
    "floor": (Kernel, "start", 'int(self._arrays["bias"][output]) + self.half', 'int(self._arrays["bias"][output])', case(storage="constant", **Q)),
    "clamp off by one": (requantise.Requantise, "elaborate", "self._output.encode(self._output.max)",
                         "self._output.encode(self._output.max) - 1", *REQUANTISED),
    "no clamp below": (requantise.Requantise, "elaborate", "Mux(too_low, low, inside)", "inside",
                       *REQUANTISED),
    "parallel ignores o.ready": (parallel.Parallel, "elaborate", "self.o.ready | ~self.o.valid", "1",
                                 case()),
    "serial ignores o.ready": (serial.Serial, "elaborate", "self.o.ready | ~self.o.valid", "1",
                               case(architecture="serial")),
    "valid bit stuck": (parallel.Parallel, "elaborate", "Cat(start, valids)", "Cat(1, valids)", case()),
    "valid bit lost": (parallel.Parallel, "elaborate", "Cat(start, valids)",
                       "Cat(start & ~valids[0], valids)", case()),
    "serial keeps its sum": (serial.Serial, "_accumulators", "Mux(first, starts[j], total)",
                             "total", case(architecture="serial")),
    "load in the wrong order": (loader.Loader, "elaborate",
                                "self.column == self._inputs", "self.column == 0", case()),
    "tlast never comes": (axi.AxiStream, "_drain", "self.m_axis_tlast.eq(left == 1)",
                          "self.m_axis_tlast.eq(0)", case(**AXI)),
    "results out of order": (axi.AxiStream, "_drain", "held >> len(self.m_axis_tdata)", "held",
                             case(**AXI)),
    "element lost": (axi.AxiStream, "_feed_vector", "Cat(gathered[len(data) :], data)",
                     "Cat(data, gathered)", case(**AXI)),
}  # fmt: skip


def test_no_fault():
    seen = []
    for _, _, _, _, *cases in FAULTS.values():
        for one in cases:
            if one.keys not in seen:
                seen.append(one.keys)
                check(with_own(one))


def with_own(one):
    """Storage `constant` with parameters of its own."""
    if one.keys["storage"] != "constant":
        return one
    rng = np.random.default_rng(0)
    arrays = {"theta": rng.integers(0, 16, (3, 5)), "sign": rng.integers(-1, 2, (3, 5)),
              "bias": rng.integers(-32, 32, 3)}  # fmt: skip
    return Case(one.keys, arrays, one.seed)


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    owner, method, old, new, *cases = FAULTS[fault]
    mutate(monkeypatch, owner, method, old, new)
    for one in cases:
        with pytest.raises(AssertionError):
            check(with_own(one))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("test", "old", "new"),
    [
        (test_load_waits_for_vectors_inside, "self.p.ready.eq(self.idle)", "self.p.ready.eq(1)"),
        (test_no_vector_before_the_first_load, "self.ready.eq(loaded & ~self.p.valid)",
         "self.ready.eq(1)"),
    ],
)  # fmt: skip
def test_fault_of_loader_is_found(test, old, new, architecture, monkeypatch):
    mutate(monkeypatch, loader.Loader, "elaborate", old, new)
    with pytest.raises(AssertionError):
        test(architecture)
