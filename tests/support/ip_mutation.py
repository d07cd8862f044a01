"""Mutation scores of the benches that travel with an IP package: how many faults in the core each finds."""

import subprocess
import sys
import tempfile
from pathlib import Path

import equivalence
import gate_model
import mutation
import numpy as np

from tnhw import tools
from tnhw.export import ip
from tnhw.kernel import Kernel
from tnhw.support.environment import for_child

__all__ = ["BENCHES", "KERNELS", "score"]


def _kernel(name, storage="memory", **keys):
    keys = {"name": name, "rule": "threshold", "inputs": 3, "outputs": 2, "input": "u4",
            "parameter": "u4", "bias": "s6", "interface": "axi-stream", "storage": storage} | keys  # fmt: skip
    loadable = Kernel(**(keys | {"storage": "memory"}))
    arrays = loadable.random_parameters(np.random.default_rng(0)) if storage != "memory" else None
    return Kernel(**keys, arrays=arrays)


#: Kernels whose packages are scored.
KERNELS = {
    made.name: made
    for made in (
        _kernel("parallel_beats", outputs=3, beat=2, output="u5", shift=1),
        _kernel("serial_bytes", architecture="serial", rule="mac", parameter="s3", beat=1),
        _kernel("fixed_beats", storage="constant", beat=2, output="u4", shift=1),
    )
}


def _verilog(folder, name):
    """Whether the Verilog bench of a package finds fault with its core."""
    sources = [f"{name}_tb.v", f"../rtl/{name}.v", f"../rtl/{name}_axis.v"]
    subprocess.run(["iverilog", "-g2012", "-o", "tb.vvp", *sources], cwd=folder / "tb", check=True)
    done = subprocess.run(
        ["vvp", "-n", "tb.vvp"], cwd=folder / "tb", capture_output=True, text=True
    )
    return "PASS" not in done.stdout


def _cocotb(folder, name):
    """Whether the cocotb bench of the ports finds fault with it; that of the registers is not asked."""
    program = "import sys, run; run.TESTS = {'test_stream': sys.argv[1]}; sys.exit(run.main())"
    environment = for_child({"PYTEST_CURRENT_TEST": "", "COCOTB_LOG_LEVEL": "CRITICAL"})
    done = subprocess.run([sys.executable, "-c", program, f"{name}_axis"], cwd=folder / "test",
                          env=environment, capture_output=True, text=True)  # fmt: skip
    assert "test_stream: " in done.stdout, done.stdout + done.stderr
    return done.returncode != 0


BENCHES = {"verilog": _verilog, "cocotb": _cocotb}


def score(name, bench, count, *, seed=1):
    """Score of one bench on one kernel: dict with ``faults``, ``killed``, ``equivalent``, ``survivors``, ``score``."""
    made = KERNELS[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        manifest = ip.package(made, folder)
        core = folder / "rtl" / f"{name}.v"
        text = core.read_text()
        mutants = gate_model.faults(text, name, folder, count, seed)

        def found(command):
            script = f"{command}\nwrite_verilog -noattr faulty.v\n"
            tools.yosys(gate_model.READ.format(top=name) + script, cwd=folder)
            core.write_text((folder / "faulty.v").read_text())
            return BENCHES[bench](folder, name)

        assert not found(""), "the bench finds fault with the good core"
        alive = [mutant for mutant in mutants if not found(mutant.command)]
        said = equivalence.verdicts(
            gate_model.READ.format(top=name), name, [m.command for m in alive], manifest, folder,
            mutation.biases(made),
        ) if alive else []  # fmt: skip
    left = {m.text: v for m, v in zip(alive, said, strict=True) if v != "equivalent"}
    same = len(alive) - len(left)
    return {
        "kernel": name,
        "bench": bench,
        "faults": len(mutants),
        "killed": len(mutants) - len(alive),
        "equivalent": same,
        "survivors": left,
        "score": (len(mutants) - len(alive)) / max(1, len(mutants) - same),
    }
