"""Simulation of emitted Verilog or of a netlist, compared with the golden model.

The benches in `sim/` run in the simulator and know only a manifest and a traffic file. This module prepares both, runs
a bench in a process of its own, and turns its records into a `Result`.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CheckFailed, InputError, ToolFailed
from ..hardware import Hardware
from ..support.files import rename_all, work_folder
from ..tools.ladder import recorded
from ..verilog import foreign as own
from . import simulators, streaming, traffic
from .result import Result, mismatch, received, sentence
from .simulators import SIMULATORS

__all__ = ["SIMULATORS", "Result", "run_bench", "simulate"]

MAX_VECTORS = 1_000_000


def simulate(
    hardware: Hardware,
    out_dir: str | os.PathLike[str],
    *,
    vectors: int = 100,
    seed: int = 0,
    x: Any = None,
    waves: Any = False,
    simulator: str = "icarus",
    netlist: str | None = None,
    params: Mapping[str, np.ndarray] | None = None,
    rtl: Iterable[str | os.PathLike[str]] | None = None,
    fast: bool = False,
) -> Result:
    """Simulate the Verilog of hardware, and compare its results with the golden model.

    Parameters
    ----------
    hardware : Hardware
    out_dir : path
        Receives the Verilog, ``manifest.json``, ``traffic.json``, ``results.json``, ``simulate.log``, and waves. If a
        test fails, these files stay as they were, and the new ones are in its folder ``failed/``.
    vectors : int
        Number of random vectors, in addition to corner vectors.
    seed : int
        Seed of random vectors and parameters.
    x : array_like of int [n, inputs], optional
        Your own vectors, which are sent as well.
    waves : bool
        Whether to keep waves, with lists of ports for GTKWave and Surfer.
    simulator : str
        ``icarus`` or ``verilator``.
    netlist : str, optional
        FPGA family whose netlist after synthesis is simulated: ``ice40``, ``ecp5``, ``gowin``, ``xc7``.
    params : dict of arrays, optional
        Parameters for storage `ports` and `memory`.
    rtl : list of path, optional
        Verilog of your own instead of what tnhw emits, with `netlist` of cells of that family. Waves of a failure are kept.
    fast : bool
        Whether the vectors stream through Verilator's model from C++, without waves (see `tnhw.simulation.streaming`).

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a test fails. Its attribute `result` is the `Result`.
    InputError
        If an argument is wrong, or your Verilog lacks the module or ports of the hardware.
    ToolMissing, ToolFailed
        See `run_bench`.
    """
    from ..verilog import emitting

    simulator = _check(vectors, simulator, netlist, waves, fast)
    with _Work(out_dir) as work:
        manifest = emitting.generate(hardware, work.folder / "rtl")
        sent = traffic.make(
            hardware, manifest, vectors=vectors, seed=seed, x=x, params=params,
            idle=simulators.IDLE[simulator],
        )  # fmt: skip
        source = work.folder / f"{hardware.name}.v"
        os.replace(work.folder / "rtl" / source.name, source)
        shutil.rmtree(work.folder / "rtl")
        job = simulators.Job([source], manifest["top"], simulator, waves=waves)
        if rtl:
            text = own.given(rtl, manifest, cells=netlist is not None)
            source.write_text(text)
            manifest["files"] = {source.name: hashlib.sha256(text.encode()).hexdigest()}
        with recorded() as retries:
            if netlist:
                job = simulators.netlist_job(job, netlist, work.folder, mapped=bool(rtl))
            elif not rtl and not fast:  # memories in other Verilog may have any form
                job = simulators.watched_job(job, work.folder)
        return work.run(job, manifest, sent, netlist, retries, rtl, _bench(manifest, sent, fast))


def run_bench(sources, manifest, sent, out_dir, *, simulator="icarus", waves=False, fast=False):
    """Run the bench on any Verilog whose ports a manifest describes.

    Parameters
    ----------
    sources : list of path
        Verilog files with the module ``manifest["top"]`` and all modules that it uses.
    manifest : dict
        ``top``, ``clock``, ``reset``, ``error``, ``latency``, ``interval`` and ``streams``, as
        :func:`tnhw.verilog.manifest` returns them.
    sent : Traffic
        Vectors, parameters and expected results, as :func:`tnhw.simulation.traffic.make` returns them.
    out_dir : path
        Receives ``manifest.json``, ``traffic.json``, ``results.json``, ``simulate.log``, and waves. If a test fails,
        these files stay as they were, and the new ones are in its folder ``failed/``.
    simulator : str
        ``icarus`` or ``verilator``.
    waves, fast : bool
        As for `simulate`.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a test fails. Its attribute `result` is the `Result`.
    ToolMissing
        If the simulator is missing or too old.
    ToolFailed
        If the simulator rejects the Verilog, or stops early.

    Examples
    --------
    A file that was changed by hand, with a thousand random vectors::

        kernel = load("threshold16")
        manifest = verilog.generate(kernel, "rtl")
        sent = traffic.make(kernel, manifest, vectors=1000)
        run_bench(["mine.v"], manifest, sent, "sim", waves=True)
    """
    simulator = _check(0, simulator, None, waves, fast)
    with _Work(out_dir) as work:
        job = simulators.Job(list(sources), manifest["top"], simulator, waves=waves)
        return work.run(job, manifest, sent, None, bench=_bench(manifest, sent, fast))


def _bench(manifest, sent, fast):
    """What runs a job: a function of the job and its folder."""
    return partial(streaming.run, manifest=manifest, sent=sent) if fast else simulators.run


def _check(vectors, simulator, netlist, waves, fast):
    """Raise InputError for wrong arguments; return the simulator to use."""
    if fast and (waves or netlist):
        raise InputError(
            "a fast simulation has no waves and takes no netlist: leave these out, or leave `fast` out"
        )
    simulator = "verilator" if fast else simulator
    if simulator not in SIMULATORS:
        raise InputError(f"the simulator must be {' or '.join(SIMULATORS)}, not {simulator!r}")
    if not isinstance(vectors, (int, np.integer)) or not 0 <= vectors <= MAX_VECTORS:
        raise InputError(f"the number of vectors must be 0 to {MAX_VECTORS}, not {vectors}")
    if netlist is not None:
        from ..netlist.synthesis import family_of

        family_of(netlist)
        if simulator != "icarus":
            raise InputError("a netlist is simulated by icarus only: leave the simulator out")
    return simulator


class _Work:
    """A temporary folder for a simulation, whose files are moved to the output folder at the end."""

    def __init__(self, out_dir):
        self.out_dir = Path(out_dir)

    def __enter__(self):
        try:
            self.out_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.out_dir, error) from None
        self._temporary = tempfile.TemporaryDirectory(prefix="tnhw-")
        self.folder = Path(self._temporary.name)
        return self

    def __exit__(self, *_):
        self._temporary.cleanup()

    def run(self, job, manifest, sent, netlist, retries=(), rtl=None, bench=simulators.run):
        """Run the bench and publish its files; return a `Result`, or raise CheckFailed or ToolFailed."""
        (self.folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
        (self.folder / "traffic.json").write_text(json.dumps(sent.record) + "\n")
        try:
            tests, seconds = bench(job, self.folder)
        except ToolFailed as error:
            place = self._publish(self.out_dir / "failed")
            raise type(error)(f"{error} The log is {place / 'simulate.log'}.") from None
        failed = [test for test in tests if not test["passed"]]
        place = self.out_dir / "failed" if failed else self.out_dir
        if failed and rtl and not job.waves and bench is simulators.run:
            job = self._again_with_waves(job)
        waves = simulators.collect_waves(job, manifest, self.folder)
        result = Result(
            name=manifest["top"],
            simulator=job.simulator,
            netlist=netlist,
            passed=not failed,
            vectors=sum(test["vectors"] for test in tests),
            cycles=sum(test["cycles"] for test in tests),
            seconds=round(seconds, 2),
            tests=tests,
            mismatch=mismatch(failed[0], sent) if failed else None,
            waves=waves and place / waves.name,
            log=place / "simulate.log",
            y=received(self.folder, manifest, sent),
            retries=list(retries),
            rtl=rtl and [str(path) for path in rtl],
        )
        (self.folder / "results.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n")
        self._publish(place)
        if failed:
            raise CheckFailed(sentence(result), result=result)
        self._forget_failure()
        return result

    def _again_with_waves(self, job):
        """Run once more up to the first failure, and record waves; returns a job with `waves`."""
        job = replace(job, waves=True, first_failure=True)
        with tempfile.TemporaryDirectory(prefix="tnhw-") as folder:
            for name in ("manifest.json", "traffic.json"):
                shutil.copyfile(self.folder / name, Path(folder, name))
            simulators.run(job, Path(folder))
            made = Path(folder, "compiled", f"{job.top}.fst"), Path(folder, "dump.vcd")
            for path in filter(Path.exists, made):
                (self.folder / path.relative_to(folder).parent).mkdir(exist_ok=True)
                shutil.copyfile(path, self.folder / path.relative_to(folder))
        return job

    def _forget_failure(self):
        """Remove the files of an earlier failure."""
        place = self.out_dir / "failed"
        if (place / "simulate.log").exists():
            shutil.rmtree(place, ignore_errors=True)

    def _publish(self, place):
        """Move the files to the folder `place`: copy all to a folder beside them, then rename each."""
        try:
            place.mkdir(parents=True, exist_ok=True)
            with work_folder(place, ".new-") as new:
                files = [path for path in self.folder.iterdir() if path.name in _kept(self.folder)]
                for path in files:
                    shutil.copyfile(path, new / path.name)
                rename_all(new, place, [path.name for path in files])
        except OSError as error:
            raise _unwritable(place, error) from None
        return place


def _kept(folder):
    """Names of the files that the user gets."""
    reports = {"manifest.json", "traffic.json", "results.json", "simulate.log"}
    products = {
        path.name
        for path in folder.iterdir()
        if path.suffix in (".v", ".fst", ".vcd", ".gtkw", ".sucl")
    }
    return reports | products


def _unwritable(place, error):
    return InputError(
        f"{place}: cannot be written ({error.strerror}); choose another folder with -o"
    )
