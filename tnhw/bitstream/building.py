"""From hardware and a board to a bitstream, with utilisation and clock frequency.

Files appear in the output folder only when all of them have been made: a failure or an interrupt leaves
earlier output as it was. Bitstreams are cached; the key is a hash of build plan, seed, frequency and the
versions of the tools.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib.wiring import Component

from .. import tools
from ..boards.board import Board
from ..boards.pll import Setting
from ..boards.protocol import Sizes
from ..errors import DoesNotFit, InputError
from ..hardware import Hardware
from ..netlist import count
from ..network import Design, Network
from ..support.config import plain_number
from ..tools.ladder import recorded
from . import toolchain
from .clocking import fastest, setting
from .files import cache_folder, fetch, install, store, workplace
from .harnessed import around, board_plan, pins, stored
from .record import BuildRecord
from .vendor_plan import PlanRecord, write_plan

__all__ = ["BuildOptions", "build", "build_component", "build_network", "plan"]

MAX_TRIES = 8
REPEAT = "route.sh"
FILES = 2  # another number whenever a build keeps other files, so that none comes from the cache without them


@dataclass(frozen=True)
class BuildOptions:
    """How a bitstream is built.

    Parameters
    ----------
    seed : int
        For place and route; the same input and seed give the same bytes.
    frequency : int or str, optional
        Frequency in Hz at which the design runs, and which the routed design must reach: ``board``, which is the default,
        is that of the board's clock. For another one the device's phase-locked loop makes the highest frequency that it
        can at or below it; ``max`` is the highest below what the routed design reaches.
    baud : int, optional
        Bits a second on the serial line; by default the board's own baud rate.
    allow_timing_fail : bool
        Whether a design that is too slow gives a bitstream all the same, instead of an error.
    dsp : bool, optional
        Whether products may use DSP blocks; by default they do if the device has enough of them.
    cache : bool
        Whether an identical earlier build may be used, and this one is kept.
    timeout : float
        Limit in seconds for one run of place and route.
    """

    seed: int = 1
    frequency: int | str | None = None
    baud: int | None = None
    allow_timing_fail: bool = False
    dsp: bool | None = None
    cache: bool = True
    timeout: float = 300

    def __post_init__(self):
        for one in fields(self):  # NumPy's numbers would not go into the record's JSON
            object.__setattr__(self, one.name, plain_number(getattr(self, one.name)))


def build(
    hardware: Hardware,
    board: Board,
    out_dir: str | os.PathLike[str],
    *,
    self_test: np.ndarray | None = None,
    **options: Any,
) -> BuildRecord:
    """Build the bitstream of hardware behind the harness.

    Parameters
    ----------
    hardware : Hardware
        What to build. The build uses its plain streams, whatever its `interface` is.
    board : Board
        The board to build for.
    out_dir : path
        Receives ``<name>.bin``, ``.bit`` or ``.fs``, ``<name>.netlist.v``, logs, ``report.json``, and what place and
        route needs: the netlist ``<name>.json``, constraints, and ``<name>.route.sh``, which repeats it.
    self_test : array, optional
        Vectors [n, inputs] that the board computes over and over without a host, with the verdict on its
        LED; there is no serial line then. If the hardware has no parameters of its own, they are random.
    **options
        See `BuildOptions`.

    Returns
    -------
    BuildRecord

    Raises
    ------
    DoesNotFit, TimingNotMet, InputError
        See `build_component`.
    """
    component = hardware.create(interface="stream")
    if self_test is not None:
        options["stored"] = stored(hardware, self_test)
    record = build_component(
        component,
        Sizes.of(hardware),
        hardware.name,
        board,
        out_dir,
        design=hardware.options(),
        **options,
    )
    return replace(record, interval=hardware.interval, images=hardware.images)


def build_component(
    component: Any,
    sizes: Sizes,
    name: str,
    board: Board,
    out_dir: str | os.PathLike[str],
    *,
    design: Mapping[str, Any] | None = None,
    stored: Mapping[str, Any] | None = None,
    **options: Any,
) -> BuildRecord:
    """Build the bitstream of a component behind the harness.

    Parameters
    ----------
    component, sizes
        See `tnhw.boards.harness.Harness`.
    name : str
        Name of the files.
    board : Board
    out_dir : path
    design : dict, optional
        Options of the design, for the record.
    stored : dict, optional
        `vectors`, `results` and `load` of a `SelfTest`, which then replaces the harness.
    **options
        See `BuildOptions`.

    Returns
    -------
    BuildRecord

    Raises
    ------
    DoesNotFit
        If the device is too small; the message names the resource.
    TimingNotMet
        If the design is too slow; the message names both frequencies.
    InputError
        If the board needs a vendor's tool or lacks what the design needs, or the output folder cannot be written.
    """
    asked = BuildOptions(**options)
    start = time.monotonic()
    out_dir = Path(out_dir)
    if board.vendor_tool:
        raise InputError(
            f"board {board.name}: only {board.vendor_tool} builds for it; write a build plan"
        )
    board.create_platform()  # refused before a folder is made
    if asked.frequency == "max":
        trial = partial(
            build_component, component, sizes, name, board, design=design, stored=stored
        )
        return fastest(board, trial, out_dir, options)
    pll = setting(board, asked.frequency)
    runs_at = round(pll.frequency) if pll else board.clock.frequency
    harness, baud = around(component, sizes, board, stored, asked.baud, runs_at)
    record = BuildRecord(
        name=name,
        board=board.name,
        family=board.family,
        bitstream=f"{name}.{board.bitstream}",
        netlist=f"{name}.netlist.v",
        clock=board.clock.frequency,
        frequency=runs_at,
        pll=pll.kind if pll else "",
        pins=pins(board, harness.uses),
        baud=baud,
        divisor=0 if stored else harness.divisor,
        self_test=len(stored["results"]) if stored else 0,
        sizes=asdict(sizes),
        design=dict(design or {}),
    )
    record = _first_that_fits(harness, board, record, asked, pll, out_dir)
    return replace(record, out_dir=out_dir, seconds=time.monotonic() - start)


def _first_that_fits(harness, board, record, asked, pll, out_dir):
    """Build with DSP blocks, and without them if there are not enough, or as was asked; the finished record."""
    both = (True, False) if board.capacity.DSP else (False,)
    choices = both if asked.dsp is None else (asked.dsp,)
    with workplace(out_dir) as folder:
        attempts = (
            _Attempt(harness, board, record, use_dsp, asked, pll).make(
                folder, or_without=use_dsp and len(choices) > 1
            )
            for use_dsp in choices
        )
        record, files = next(made for made in attempts if made is not None)
        if not asked.allow_timing_fail:
            record.check_timing()
        return install(files, out_dir, record)


@dataclass(frozen=True)
class _Attempt:
    """One way to build a design: with or without DSP blocks for products."""

    harness: Component
    board: Board
    record: BuildRecord  # what is known before the build
    dsp: bool
    asked: BuildOptions
    pll: Setting | None

    def make(self, folder, or_without):
        """Build in a folder, or take the same build from the cache.

        Returns
        -------
        (BuildRecord, Path) or None
            The record and the folder with the files; None if the device has too few DSP blocks and
            `or_without` says that the design may be built without them.
        """
        plan = board_plan(self.harness, self.board, self.dsp, self.pll)
        used = dict.fromkeys(toolchain.tool_names(plan, self.board.family))
        record = replace(self.record, dsp=self.dsp, versions=tools.versions("amaranth", *used))
        record = replace(record, digest=_digest(plan, record, self.asked.seed))
        files = folder / f"result{self.dsp:d}"
        entry = cache_folder() / record.digest if self.asked.cache else None
        if entry and (known := fetch(entry, files)):
            return replace(record, **{key: known[key] for key in _ROUTED}, cached=True), files
        work = folder / f"work{self.dsp:d}"
        work.mkdir()
        with recorded() as retries:
            cells = toolchain.synthesise_plan(plan, work, self.board)
            counts = count(cells, self.board.family)
            if or_without and counts["DSP"] > self.board.capacity.DSP:
                return None
            toolchain.check_fit(record.name, self.board, cells)
            routed = toolchain.execute(
                plan, work, record.name, self.board, counts,
                frequency=record.frequency, seed=self.asked.seed, timeout=self.asked.timeout,
            )  # fmt: skip
        record = replace(record, cells=counts, retries=retries, **asdict(routed))
        again = toolchain.repetition(
            plan, record.name, self.board, frequency=record.frequency, seed=record.seed
        )
        (work / REPEAT).write_text(again)
        _collect(work, files, self.board, toolchain.kept_inputs(plan))
        if entry:
            store(files, entry, record.to_json())
        return record, files


def plan(
    hardware: Hardware,
    board: Board,
    out_dir: str | os.PathLike[str],
    *,
    self_test: np.ndarray | None = None,
    baud: int | None = None,
) -> PlanRecord:
    """Archive the build plan of hardware, for a board that only a vendor's tools build for.

    The parameters are those of `build`.

    Returns
    -------
    tnhw.bitstream.vendor_plan.PlanRecord

    Raises
    ------
    InputError
        If open tools build for the board, it lacks the serial line or the LED that is needed, or the folder
        cannot be written.
    """
    vectors = None if self_test is None else stored(hardware, self_test)
    component = hardware.create(interface="stream")
    harness, baud = around(component, Sizes.of(hardware), board, vectors, baud)
    count = len(vectors["results"]) if vectors else 0
    return write_plan(
        harness, board, hardware.name, hardware.title, out_dir,
        baud=baud, self_test=count, design=hardware.options(),
    )  # fmt: skip


def build_network(
    network: Network,
    board: Board,
    out_dir: str | os.PathLike[str],
    *,
    images: int = 1,
    rom: str = "auto",
    loadable: bool = False,
    say: Callable[[str], object] = lambda text: None,
    **options: Any,
) -> tuple[Design, BuildRecord]:
    """Build the fastest design of a network that fits a board.

    Parameters
    ----------
    network : Network
    board, out_dir
        As for `build`.
    images : int
        Most images that may be computed side by side.
    rom, loadable
        See `tnhw.network.Design`.
    say : callable
        Called with a sentence that says what is tried next.
    **options
        See `BuildOptions`, and `self_test` as for `build`.

    Returns
    -------
    Design, BuildRecord

    Raises
    ------
    DoesNotFit, ToolTimeout
        If no design should fit by the estimate, or none of the `MAX_TRIES` fastest of those does or is placed in time.
    """
    from ..network.fitting import fit, shortage

    misfit = None
    fitting = fit(
        network, board, images=images, rom=rom, dsp=bool(options.get("dsp")), loadable=loadable
    )
    for design, estimate in islice(fitting, MAX_TRIES):
        folds = design.options()["folds"]
        cycles = f"{design.interval / design.images:.4g} cycles a vector"
        say(f"trying {folds}: {cycles}, about {estimate.cells:.0f} cells")
        try:
            return design, build(design, board, out_dir, **options)
        except (
            DoesNotFit,
            tools.ToolTimeout,
        ) as error:  # a device that is nearly full takes long to place
            misfit = error
    if misfit is None:
        lacking = shortage(network, board, dsp=bool(options.get("dsp")))
        raise DoesNotFit(
            f"{network.name} does not fit {board.name}: {lacking}; use fewer synapses, or a larger board"
        )
    raise misfit


# What is taken from the report of a cached build.
_ROUTED = ("fmax", "utilisation", "cells", "seed", "retries")


def _digest(plan, record, seed):
    facts = json.dumps([FILES, seed, record.frequency, record.versions], sort_keys=True)
    return hashlib.blake2b(plan.digest() + facts.encode(), digest_size=16).hexdigest()


# Files of a build that go to the output folder: the toolchain's name for each, and its suffix there.
_KEPT = {
    toolchain.NETLIST: "netlist.v",
    toolchain.STAT: "stat.json",
    toolchain.TOP + ".rpt": "yosys.log",
    toolchain.TOP + ".tim": "nextpnr.log",
}


def _collect(work, files, board, inputs):
    files.mkdir()
    for name, suffix in {**_KEPT, **inputs, REPEAT: REPEAT}.items():
        if (work / name).exists():
            shutil.move(work / name, files / suffix)
    shutil.move(work / f"{toolchain.TOP}.{board.bitstream}", files / board.bitstream)
