"""Mutation scores: how many faults in emitted kernels the bench of `sim/` finds.

score = killed / (all - proven equivalent). A fault that is neither killed nor proven equivalent survives.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import product
from pathlib import Path

import equivalence
import gate_model
import numpy as np

from tnhw import tools
from tnhw.errors import CheckFailed
from tnhw.kernel import ARCHITECTURES, Kernel
from tnhw.kernel.remainder import folded
from tnhw.simulation import traffic
from tnhw.simulation.simulating import run_bench
from tnhw.support.data_files import folder as data_folder
from tnhw.synapse import RULES
from tnhw.verilog import emitting

__all__ = ["KINDS", "SAMPLE", "biases", "in_icarus", "kernel", "run", "score", "source"]

STORAGES = ("ports", "memory", "constant")
#: Every kind: rule, architecture, storage, arithmetic.
KINDS = [
    (rule, architecture, storage, arithmetic)
    for rule, architecture, storage in product(sorted(RULES), sorted(ARCHITECTURES), STORAGES)
    for arithmetic in ("operators", "heap")
]
#: One kind for each rule and architecture, all storages and both arithmetics among them.
SAMPLE = [
    (rule, architecture, "constant" if (k + j) % 2 else "ports", "heap" if k % 4 == 3 else "operators")
    for k, rule in enumerate(sorted(RULES))
    for j, architecture in enumerate(sorted(ARCHITECTURES))
]  # fmt: skip
SAMPLE[-1] = (*SAMPLE[-1][:2], "memory", "operators")
_BENCH = Path(__file__).with_name("bench_on_model.py")


def kernel(rule, architecture, storage, arithmetic="operators", **more):
    """A small kernel of a kind, with rounding and clamp."""
    keys = {"name": "little", "rule": rule, "architecture": architecture, "storage": storage,
            "arithmetic": arithmetic, "inputs": 3, "outputs": 2, "input": "u4", "bias": "s6",
            "output": "s5", "shift": 2}  # fmt: skip
    if RULES[rule].only_input:
        keys["input"] = str(RULES[rule].only_input)
    if RULES[rule].has_parameter:
        keys["parameter"] = {"shift": "u2", "mac": "s4"}.get(rule, "u4")
    if rule == "addernet":
        keys["output"] = "s4"  # so that there are results beyond either end for every rule
    keys |= more
    arrays = None
    if storage == "constant":
        rng = np.random.default_rng(3)
        arrays = Kernel(**keys | {"storage": "memory"}).random_parameters(rng)
    return Kernel(**keys, arrays=arrays)


def _emitted(made):
    """Verilog, manifest and traffic of a kernel."""
    text, manifest = emitting.emitted(made)
    return text, manifest, traffic.make(made, manifest, idle="junk").record


def source(made, *, bench=None):
    """Digest of what a score depends on: the Verilog, the traffic, the bench, and how faults are put in."""
    text, _, sent = _emitted(made)
    files = sorted(Path(bench or data_folder("sim")).glob("*.py"))
    parts = [text, json.dumps(sent), gate_model.RECIPE, *(file.read_text() for file in files)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def run(made, count, folder, *, seed=1, bench=None):
    """Run the bench on a kernel's compiled faults; for the arguments see :func:`score`.

    Returns
    -------
    list of Mutant
    dict
        Manifest.
    dict
        For each fault the kind of the first failure, or None if it lives.
    """
    text, manifest, sent = _emitted(made)
    mutants = gate_model.make(text, made.name, folder, count, seed)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "traffic.json").write_text(json.dumps(sent))
    job = {"sim": str(bench or data_folder("sim")), "mutants": [0, *(m.number for m in mutants)]}
    (folder / "job.json").write_text(json.dumps(job))
    done = subprocess.run(
        [sys.executable, str(_BENCH), str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (_, test, kind), *outcomes = json.loads(done.stdout)
    assert test is None, f"the bench finds fault with the good design: {test}, {kind}"
    return mutants, manifest, {m: k for m, (_, _, k) in zip(mutants, outcomes, strict=True)}


def in_icarus(made, mutant, folder):
    """Kind of the first failure of the bench in Icarus on a kernel with a fault, or None."""
    text, manifest, _ = _emitted(made)
    folder.mkdir()
    (folder / "design.v").write_text(text)
    script = (
        f"{gate_model.READ.format(top=made.name)}{mutant.command}\nwrite_verilog -noattr faulty.v\n"
    )
    tools.yosys(script, cwd=folder)
    try:
        run_bench([folder / "faulty.v"], manifest, traffic.make(made, manifest), folder / "sim")
    except CheckFailed as error:
        return error.result.mismatch["kind"]
    return None


def score(made, count, *, seed=1, prove=True, bench=None):
    """Score of one kernel.

    Parameters
    ----------
    made : Kernel
    count : int
        Faults.
    seed : int
        Of which faults.
    prove : bool
        Whether survivors are tried to be proven equivalent.
    bench : path, optional
        Folder of another bench than that of `sim/`.

    Returns
    -------
    dict
        ``kernel``, ``faults``, ``killed``, ``equivalent``, ``survivors`` (text to ``different``,
        ``undecided`` or ``not tried``), ``score``, ``by`` (faults killed by each kind of failure),
        ``seconds``.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        mutants, manifest, outcomes = run(made, count, Path(folder), seed=seed, bench=bench)
        alive = [m for m in mutants if outcomes[m] is None]
        said = _verdicts(made, alive, manifest, Path(folder)) if prove else {}
    killed = len(mutants) - len(alive)
    left = {m: said.get(m, "not tried") for m in alive if said.get(m) != "equivalent"}
    same = len(alive) - len(left)
    return {
        "kernel": f"{made.rule} {made.architecture} {made.storage} {made.arithmetic}",
        "faults": len(mutants),
        "killed": killed,
        "equivalent": same,
        "survivors": {m.text: v for m, v in left.items()},
        "score": killed / max(1, len(mutants) - same),
        "by": dict(Counter(kind for kind in outcomes.values() if kind).most_common()),
        "seconds": round(time.monotonic() - begin, 1),
    }


def _verdicts(made, mutants, manifest, folder):
    if not mutants:
        return {}
    read = gate_model.READ.format(top=made.name)
    commands = [m.command for m in mutants]
    said = equivalence.verdicts(read, made.name, commands, manifest, folder, biases(made))
    return dict(zip(mutants, said, strict=True))


def biases(made):
    """Which folded biases a load of a kernel may have: a range around all of them."""
    if made.storage != "memory":
        return None
    values = product(*(range(low, high + 1) for low, high in made.synapse.ranges.values()))
    p = {
        n: np.array(v)[:, None, None]
        for n, v in zip(made.synapse.ranges, zip(*values, strict=True), strict=True)
    }
    owed = folded(made.synapse, p | {"bias": np.zeros((len(next(iter(p.values()))), 1), int)})
    least = made.bias_format.min + made.inputs * int(owed.min()) + made.half
    most = made.bias_format.max + made.inputs * int(owed.max()) + made.half
    words, bits = made.inputs * made.synapse.word_bits, made.sum_format.bits
    if made.architecture == "tile":
        lows = [j * (words + bits) + words for j in range(made.outputs)]
        return equivalence.Biases(1, lows, bits, least, most)
    return equivalence.Biases(made.inputs + 1, [0], bits, least, most)
