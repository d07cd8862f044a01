"""Changes of every net in Icarus Verilog against a simulator in plain Python, and faults it must notice."""

from dataclasses import replace

import numpy as np
import pytest
from cell_kernels import kernel
from naive_gates import Naive, bit
from places import TOY, liberty_files

from tnhw.cells import Library, analyse, energy, synthesise
from tnhw.cells.gate_simulation import simulate
from tnhw.cells.mapping import Mapped
from tnhw.cells.roles import choose
from tnhw.cells.timing import wire_capacitance
from tnhw.comparison import kernels as comparison

pytestmark = pytest.mark.needs("iverilog")
CASES = [("zero", "zero"), ("inertial", "inertial"), ("inertial", "textbook"), ("transport", "transport")]  # fmt: skip
OPTIONS = [{}, {"registers": "latch"}, {"rule": "mac", "parameter": "s3", "form": "rows", "registers": "latch"}]  # fmt: skip


def design(library, vectors, **keys):
    """A mapped kernel, its timing, its rows of inputs, and the cycles that count."""
    made = kernel(**keys)
    x, p, _ = comparison.operands(made, vectors)
    mapped = synthesise(made.create("stream"), library, name="k")
    timing = analyse(mapped, wire_capacitance(library, choose(library)))
    return mapped, timing, *comparison._rows(made, x, p)


def spread(timing, seed=0):
    """The same with a delay of its own for every arc and edge, within 30 %: the toy library's are alike."""
    rng = np.random.default_rng(seed)
    arcs = {
        place: {pin: tuple(time * rng.uniform(0.7, 1.3) for time in pair) for pin, pair in own.items()}
        for place, own in timing.arcs.items()
    }  # fmt: skip
    return replace(timing, arcs=arcs)


def both(mapped, timing, rows, start, end, model="inertial", mine=None, given=None):
    """Changes a net by our tool, with the timing `given`, and by the naive simulator: two dicts."""
    seen = simulate(mapped, given or timing, rows, model=model, warm_up=start, last=end)
    period = max(200, round(1000 * (1.5 * timing.period)))
    naive = Naive(mapped, timing, mine or model).run(rows, period, start, end)
    nets = seen.rises.keys() | naive.keys()
    theirs = {net: seen.rises.get(net, 0) + seen.falls.get(net, 0) for net in nets}
    return theirs, {net: naive[net] for net in nets}


def agree(theirs, naive, *, nets=20):
    """Within 5 % in total, and within 10 % on 95 % of the nets with over 100 changes."""
    total = sum(naive.values())
    assert abs(sum(theirs.values()) - total) <= 0.05 * total
    busy = [net for net, changes in naive.items() if changes > 100]
    near = [net for net in busy if abs(theirs[net] - naive[net]) <= 0.1 * naive[net]]
    assert len(busy) >= nets and len(near) >= 0.95 * len(busy)


@pytest.mark.parametrize("keys", OPTIONS[:2], ids=["flip-flops", "latches"])
def test_changes(keys):
    """Equal net by net by the definitions of docs/cells.md; textbook inertial delays are near."""
    mapped, timing, *run = design(Library(TOY), 200, **keys)
    timing = spread(timing)
    for model, mine in CASES:
        theirs, naive = both(mapped, timing, *run, model, mine)
        agree(theirs, naive)
        if model == mine:
            assert theirs == naive, model


@pytest.mark.nightly
@pytest.mark.parametrize("keys", OPTIONS, ids=["flip-flops", "latches", "mac"])
def test_changes_on_real_libraries(keys):
    files = liberty_files()
    if not files:
        pytest.skip("TNHW_LIBERTY names no Liberty file")
    for file in files:
        mapped, timing, *run = design(Library(file), 300, **keys)
        for model, mine in CASES:
            theirs, naive = both(mapped, timing, *run, model, mine)
            agree(theirs, naive)
            if model == "zero":
                assert theirs == naive


def test_faults_are_noticed():
    """In delays that the tool is given and the naive simulator is not."""
    mapped, timing, *run = design(Library(TOY), 200)
    timing = spread(timing)
    adders = {place for place, (name, _) in mapped.cells.items() if name == "FA"}
    late = {
        place: {pin: (8 * rise, 8 * fall) for pin, (rise, fall) in own.items()}
        if place[0] in adders else own
        for place, own in timing.arcs.items()
    }  # fmt: skip
    with pytest.raises(AssertionError):
        agree(*both(mapped, timing, *run, given=replace(timing, arcs=late)))
    theirs, naive = both(mapped, timing, *run, "transport", "inertial")
    with pytest.raises(AssertionError):
        agree(theirs, naive)


def pulses():
    """y = q & ~~q', a pulse as long as two inverters: A of the gate is fast, B is slow."""
    cells = {
        "ff": ("DFF", {"CK": 1, "D": 2, "Q": 3}),
        "inv": ("INV", {"A": 3, "Y": 4}),
        "x": ("XOR2", {"A": 3, "B": 4, "Y": 5}),
    }
    ports = {"clk": ("input", [1]), "d": ("input", [2]), "y": ("output", [5])}
    mapped = Mapped(Library(TOY), "pulses", cells, ports)
    timing = analyse(mapped, wire_capacitance(mapped.library, choose(mapped.library)))
    arcs = timing.arcs | {("inv", "Y"): {"A": (0.2, 0.2)}, ("x", "Y"): {"A": (0.1, 0.1), "B": (0.3, 0.3)}}  # fmt: skip
    return mapped, replace(timing, arcs=arcs)


def test_swapped_arcs_are_noticed():
    """q comes by A after 0.1, the inverter's 0.2 ns later: a pulse. With arcs swapped it is lost."""
    mapped, timing = pulses()
    rows = [{"d": k & 1} for k in range(24)]
    theirs, naive = both(mapped, timing, rows, 4, 24)
    assert theirs == naive and naive[5] >= 38
    swapped = timing.arcs | {("x", "Y"): {"A": (0.3, 0.3), "B": (0.1, 0.1)}}
    wrong, _ = both(mapped, timing, rows, 4, 24, given=replace(timing, arcs=swapped))
    assert wrong[5] == 0


def test_doubled_frequency_doubles_dynamic_power():
    """Nothing else changes: the changes a cycle are the same at half the period."""
    mapped, timing, rows, start, end = design(Library(TOY), 24)
    parts = []
    for factor in (2, 1):
        period = 1.5 * factor * timing.period
        seen = simulate(mapped, timing, rows, period=period, warm_up=start, last=end)
        parts.append(energy(mapped, timing, seen).power(1000 / period))
    slow, fast = parts
    for name in ("combinational", "sequential", "clock"):
        assert slow[name] > 0 and fast[name] == pytest.approx(2 * slow[name], rel=1e-3)
    assert fast["leakage"] == slow["leakage"]


@pytest.mark.parametrize(
    "function, table",
    [("(A B)'", "1110"), ("!A + B'", "1110"), ("(A !B) + (!A B)", "0110"), ("A^B", "0110"), ("A B^B", "0000"),
     ("(A'|B)&1", "1011")],
)  # fmt: skip
def test_functions(function, table):
    assert "".join(str(bit(function, {"A": k & 1, "B": k >> 1})) for k in range(4)) == table
