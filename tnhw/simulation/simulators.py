"""Run a bench of `sim/` in a simulator, in a process of its own."""

import json
import shutil
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import tools
from ..errors import ToolFailed
from ..support import environment
from ..support.data_files import folder as data_folder
from ..support.progress import progress
from ..tools.last_words import last_lines
from ..tools.process import ToolTimeout, execute
from ..verilog.waves import wave_lists
from .address_check import watched

__all__ = ["IDLE", "SIMULATORS", "Job", "collect_waves", "netlist_job", "run", "watched_job"]

SIMULATORS = ("icarus", "verilator")

#: Payload while nothing is offered; Verilator has no unknown values, so there it is meaningless data.
IDLE = {"icarus": "x", "verilator": "junk"}

_OPTIONS = {"icarus": [], "verilator": ["-Wno-fatal", "--no-timing"]}


@dataclass(frozen=True)
class Job:
    """What is simulated, and in which simulator.

    Parameters
    ----------
    sources
        Verilog files.
    top
        Name of the top module.
    simulator
        One of `SIMULATORS`.
    waves
        Whether waves are recorded.
    defines
        Names of macros, which are defined as 1.
    timeout
        Limit in seconds for compilation and simulation.
    first_failure
        Whether to stop at the first test that fails.
    only
        Name of the only test to run; by default all run.
    """

    sources: list[Path]
    top: str
    simulator: str
    waves: bool = False
    defines: list[str] = field(default_factory=list)
    timeout: float = 3600
    first_failure: bool = False
    only: str | None = None


def run(job: Job, folder: Path) -> tuple[list[dict], float]:
    """Run the bench with `manifest.json` and `traffic.json` of a folder.

    Returns
    -------
    tests : list of dict
        Records of the tests, in order.
    seconds : float
        Time for compilation and simulation.

    Raises
    ------
    ToolMissing
        If the simulator is missing or too old.
    ToolFailed
        If it rejects the sources, stops early or takes too long. ``simulate.log`` in `folder` has its output.
    """
    variables = _environment(job.simulator)
    order = {
        "folder": str(folder),
        "sources": [str(Path(source).resolve()) for source in job.sources],
        "top": job.top,
        "simulator": job.simulator,
        "defines": {name: "1" for name in job.defines},
        "includes": [],
        "build_args": _OPTIONS[job.simulator],
        "waves": job.waves,
        "first_failure": job.first_failure,
        "only": job.only,
    }
    (folder / "job.json").write_text(json.dumps(order))
    command = [sys.executable, "-B", str(data_folder("sim") / "run.py"), str(folder / "job.json")]
    begin = time.monotonic()

    def state():
        return f"{len(_records(folder / 'results.jsonl'))} tests done"

    with progress(f"Simulating {job.top} in {job.simulator}", state):
        try:
            done = execute(job.simulator, command, cwd=folder, timeout=job.timeout, env=variables)
        except ToolTimeout as error:
            (folder / "simulate.log").write_text(error.output, encoding="utf-8")
            raise
    seconds = time.monotonic() - begin
    log = done.stdout + done.stderr
    (folder / "simulate.log").write_text(log, encoding="utf-8")
    tests = _records(folder / "results.jsonl")
    summary = folder / "summary.json"
    failed = sum(not test["passed"] for test in tests)
    complete = summary.exists()
    if complete and not (job.first_failure and failed):  # cocotb counts what did not run as failed
        complete = json.loads(summary.read_text())["failed"] == failed
    broken = [f"test {test['test']}: {test['exception']}" for test in tests if "exception" in test]
    if not tests or not complete or broken:
        said = "".join(f"\n  {line}" for line in broken[:3] or last_lines(log, 5))
        raise ToolFailed(f"the simulation of {job.top} in {job.simulator} broke off:{said}\n")
    return tests, seconds


def _records(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _environment(simulator):
    """Environment variables for the simulator's process: the tools that were found, and nothing of an outer test."""
    result = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_CURRENT_TEST": "", "NO_COLOR": "1"}
    # The bench must not depend on Python's options. Icarus passes the name of its temporary folder to a shell.
    result |= {"PYTHONOPTIMIZE": "", "PYTHONWARNINGS": "", "TMPDIR": "."}
    if simulator == "verilator":
        return result | tools.verilator_environment()
    return result | {"PATH": environment.search_path(last=(tools.find("iverilog").parent,))}


def netlist_job(job: Job, family: str, folder: Path, *, mapped: bool = False) -> Job:
    """The job with a netlist for an FPGA family and the models of its cells as sources.

    The netlist is made from the job's sources by synthesis, unless they already are one (`mapped`). For Gowin products
    are in logic, as Yosys has no model of Gowin's DSP blocks.
    """
    from ..netlist import synthesise
    from ..netlist.cell_models import cell_models

    sources = job.sources
    if not mapped:
        made = synthesise(job.sources, job.top, family, folder, dsp=family != "gowin")
        sources = [made.path]
    models, defines = cell_models(family, folder)
    return replace(job, sources=[*sources, *models], defines=list(defines))


def watched_job(job: Job, folder: Path) -> Job:
    """The job with a copy of its source in which the addresses of memories are checked; see `address_check`.

    ``memories.json`` in the folder tells the bench which registers hold a fault.
    """
    copies = folder / "watched"
    copies.mkdir()
    (source,) = job.sources
    text, memories = watched(source.read_text(), job.top)
    (copies / source.name).write_text(text)
    if memories:
        (folder / "memories.json").write_text(json.dumps(memories))
    return replace(job, sources=[copies / source.name])


def collect_waves(job: Job, manifest: dict, folder: Path) -> Path | None:
    """Move the waves to `folder`, with lists of the ports for GTKWave and Surfer; returns their path, or None."""
    if not job.waves:
        return None
    for made, name in (
        (folder / "compiled" / f"{job.top}.fst", f"{job.top}.fst"),
        (folder / "dump.vcd", f"{job.top}.vcd"),
    ):
        if made.exists():
            waves = folder / name
            shutil.move(made, waves)
            break
    else:
        return None
    for name, text in wave_lists(manifest, waves.name).items():
        (folder / name).write_text(text)
    return waves
