"""Runs a bench of `sim/` in a simulator, in a process of its own."""

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

#: Payload while nothing is offered: Verilator has no unknown values.
IDLE = {"icarus": "x", "verilator": "junk"}

_OPTIONS = {"icarus": [], "verilator": ["-Wno-fatal", "--no-timing"]}


@dataclass(frozen=True)
class Job:
    """What is simulated, and where.

    Parameters
    ----------
    sources
        Verilog files.
    top
        Top module.
    simulator
        One of `SIMULATORS`.
    waves
        Whether signals are recorded.
    defines
        Macros.
    timeout
        Limit in seconds for compiling and running.
    first_failure
        Whether to stop at the first test that fails.
    only
        Name of the only test that runs; all by default.
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
    """Run the bench on what `folder` has: `manifest.json` and `traffic.json`.

    Returns
    -------
    tests : list of dict
        Records of the tests, in order.
    seconds : float

    Raises
    ------
    ToolMissing
        If the simulator is missing or too old.
    ToolFailed
        If it does not compile the sources or stops early. ``simulate.log`` in `folder` tells more.
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
    """Variables for the simulator's process: found tools, and nothing of an outer test run."""
    result = {"PYTHONDONTWRITEBYTECODE": "1", "PYTEST_CURRENT_TEST": "", "NO_COLOR": "1"}
    # The bench is one program, whoever runs it; Icarus hands the name of its temporary folder to a shell.
    result |= {"PYTHONOPTIMIZE": "", "PYTHONWARNINGS": "", "TMPDIR": "."}
    if simulator == "verilator":
        return result | tools.verilator_environment()
    return result | {"PATH": environment.search_path(last=(tools.find("iverilog").parent,))}


def netlist_job(job: Job, family: str, folder: Path, *, mapped: bool = False) -> Job:
    """The job with the netlist after synthesis for a family, and its cell models, as sources.

    Sources that are `mapped` are such a netlist. Yosys has no model of Gowin's multiplier blocks: there products are in logic.
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
    """The job with copies of its emitted sources in which memories watch their addresses.

    ``memories.json`` in the folder tells the bench where to look.
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
    """Move the waves to `folder`, with lists of the ports for GTKWave and Surfer."""
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
