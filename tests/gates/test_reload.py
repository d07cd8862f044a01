"""Networks whose parameters are loaded: when a load takes effect, and where each word goes."""

import gates
import network_oracle
import numpy as np
import pytest
from faults import mutate
from folded_networks import image, plain, shared, short, wide
from full_network import fill
from random_networks import cases

from tnhw.catalogue import load_design
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.gates.engine import Engine, chain, reload

MADE = {"plain": plain, "image": image, "wide": wide, "shared": shared}


def with_arrays(network, p):
    """The network of a case with other parameters, for the oracle."""
    layers = [{"name": f"{keys['kind']}{k}", **keys} for k, keys in enumerate(network["layers"])]
    arrays = [
        {
            name.split(".")[1]: array
            for name, array in p.items()
            if name.startswith(f"{keys['name']}.")
        }
        for keys in layers
    ]
    return network | {"layers": layers, "arrays": arrays}


def check(case, seed=0, sets=2):
    """Vectors, a load that comes while they are inside, vectors, and so on: against naive loops."""
    design, rng = case.design(), np.random.default_rng(seed)
    assert design.loadable
    corners = design.corner_parameters()
    loads = [design.random_parameters(rng), corners[rng.integers(len(corners))]][:sets]
    script, expected = [], []
    for p in (None, *loads):
        x = design.random_input(rng, 3)
        if p is not None:
            script.append(("p", design.pack_parameters(p)))
        script.append(("i", design.pack_input(x)))
        network = case.network if p is None else with_arrays(case.network, p)
        expected += [network_oracle.result(network, vector) for vector in x]
        assert design.golden(x, p).tolist() == expected[-3:], "golden model"
    trace = gates.simulate(design.create(), script, len(expected), seed=seed)
    assert design.unpack_output(trace.payloads).tolist() == expected
    assert len(trace.loaded) == len(loads) * design.beats_p
    return design, trace


@pytest.mark.parametrize("made", MADE)
def test_load(made):
    check(MADE[made](loadable=True))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_random(part):
    made = [case for case in cases(64, 77 + part) if case.loadable]
    assert len(made) >= 3
    for case in made:
        check(case, seed=part)


def test_reset_within_a_load():
    """What a reset cuts off is not computed with: the network waits for a whole load."""
    design, rng = plain(loadable=True).design(), np.random.default_rng(3)
    p, x = design.random_parameters(rng), design.random_input(rng, 2)
    beats, entered = design.pack_parameters(p), []

    async def script(ctx, ports):
        await ports["p"].send(ctx, beats[:-1])
        ctx.set(gates.reset, 1)
        await ctx.tick()
        ctx.set(gates.reset, 0)
        ctx.set(ports["i"].valid, 1)
        for _ in range(50):
            entered.append(ctx.get(ports["i"].ready))
            await ctx.tick()
        ctx.set(ports["i"].valid, 0)
        await ports["p"].send(ctx, beats)
        await ports["i"].send(ctx, design.pack_input(x))

    trace = gates.simulate(design.create(), script, len(x))
    assert not any(entered)
    assert design.unpack_output(trace.payloads).tolist() == design.golden(x, p).tolist()


def test_a_load_does_not_overtake():
    """A load that is offered with vectors inside waits; while it is offered, no image starts."""
    design = plain(loadable=True).design()
    _, trace = check(plain(loadable=True), sets=1)
    assert trace.appeared[2] < trace.loaded[0] < trace.accepted[3 * design.beats_in]


def test_a_full_network_is_not_at_rest():
    """With short images the pipeline holds many; all of them count. It held more than the counter could, once."""
    assert fill(short(loadable=True).design()) > 15
    for made in (plain, image, shared):
        fill(made(loadable=True).design(), results=20)


def test_images_are_counted(monkeypatch):
    """A counter that is too short, and no limit, are found."""
    mutate(monkeypatch, reload.Turnstile, "elaborate", "ceil_log2(self._most + 1)", "3")
    with pytest.raises(AssertionError, match="load overtakes"):
        fill(short(loadable=True).design())


def test_what_does_not_fit_is_refused():
    design = load_design("digits_tn", folds="8x7,8x1", loadable=True)
    own = design.arrays
    name = next(name for name in own if name.endswith("theta"))
    layer = name.split(".")[0]
    odd = own | {name: own[name] | 1, f"{layer}.sign": np.ones_like(own[name])}
    with pytest.raises(InputError, match=f"layer `{layer}`: these parameters need longer words"):
        design.pack_parameters(odd)
    with pytest.raises(InputError, match=f"layer `{layer}`: a bias is outside s"):
        design.pack_parameters(own | {f"{layer}.bias": own[f"{layer}.bias"] + 100_000})
    with pytest.raises(InputError, match=f"the array `{name}` is missing"):
        design.pack_parameters({n: a for n, a in own.items() if n != name})


FAULTS = {
    "units in the wrong order": (Engine, "_memories", "reload.unit == u",
                                 "reload.unit == self._fold.units - 1 - u"),
    "rows a place too far": (Engine, "_memories", "write.addr.eq(reload.row)", "write.addr.eq(reload.row + 1)"),
    "biases not written": (reload.Reload, "elaborate", "self.beat & in_biases", "0"),
    "load while images are inside": (reload.Turnstile, "elaborate", "self.p.ready.eq(self.at_rest)",
                                     "self.p.ready.eq(1)"),
    "images enter within a load": (reload.Turnstile, "elaborate", "(loaded & ~self.p.valid & (inside != self._most))", "1"),
    "results not counted": (reload.Turnstile, "elaborate", "inside + begun - self.o_beat", "inside + begun"),
    "all beats to the first engine": (chain.Chain, "_gated", "(number + 1) % len(self._engines)", "0"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_found(fault, monkeypatch):
    mutate(monkeypatch, *FAULTS[fault])
    with pytest.raises(AssertionError):
        for seed in range(3):
            check(image(loadable=True), seed)
        test_reset_within_a_load()


def test_command(tmp_path, capsys):
    folds = ["--folds", "8x7,8x1", "-o", str(tmp_path)]
    assert main(["generate", "digits_tn", "--loadable", *folds]) == 0
    assert "stream p" in capsys.readouterr().out
    assert main(["generate", "threshold16", "--loadable", "-o", str(tmp_path)]) == 2
    assert "a kernel has no `loadable`" in capsys.readouterr().err
