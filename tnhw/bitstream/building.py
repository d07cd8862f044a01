"""From a kernel and a board to a bitstream, with its utilisation and its clock.

Files appear in the output folder only when all of them are there: a failure or an interrupt leaves
earlier output as it was. A bitstream's identity is the hash of its build plan and of the versions of
the tools, and it is cached under it.
"""

import copy
import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
from amaranth.build import Clock

from .. import tools
from ..boards.board import BoardTop
from ..boards.harness import Harness, SelfTest
from ..boards.protocol import Sizes
from ..errors import DoesNotFit, InputError, TimingNotMet
from ..netlist import count
from ..tools.ladder import recorded
from . import toolchain
from .files import REPORT, cache_folder, fetch, hashes, store, workplace
from .vendor_plan import write_plan

__all__ = [
    "BuildRecord",
    "board_plan",
    "build",
    "build_component",
    "build_network",
    "find_record",
    "plan",
]

MAX_TRIES = 8


@dataclass(frozen=True)
class BuildRecord:
    """What a build gave; `report.json` holds the same.

    Parameters
    ----------
    name, board, family
        What was built for what.
    bitstream, netlist
        File names in the output folder.
    clock, frequency
        Clock of the board and frequency asked for, in Hz.
    pins
        Port names of the netlist: clock, rx, tx, led.
    baud, divisor, sizes
        Of the serial line, and what it carries.
    design
        Of a network: how it is folded.
    self_test
        Vectors that are stored to test it; 0 for a design behind a serial line.
    dsp, versions, digest
        How it was built; `digest` is its identity.
    seed, fmax, utilisation
        Of place and route: seed that was used, highest clock in Hz,
        ``{resource: {"used": n, "available": n}}``.
    cells
        Cells of the netlist by kind: LUT, carry, FF, RAM, DSP, LUTRAM.
    retries
        What was tried again because a tool died, a list of ``failure`` and ``change``; see `tnhw.tools.ladder`.
    files
        SHA-256 of the other files, but for logs.
    out_dir, seconds, cached
        Where it is, how long it took, and whether it came from the cache; not in `report.json`.
    """

    name: str
    board: str
    family: str
    bitstream: str
    netlist: str
    clock: int
    frequency: int
    pins: dict
    baud: int
    divisor: int
    sizes: dict
    dsp: bool
    versions: dict
    design: dict = field(default_factory=dict)
    self_test: int = 0
    digest: str = ""
    seed: int = 0
    fmax: float = 0.0
    utilisation: dict = field(default_factory=dict)
    cells: dict = field(default_factory=dict)
    retries: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    out_dir: Path = field(default=Path(), compare=False)
    seconds: float = field(default=0.0, compare=False)
    cached: bool = field(default=False, compare=False)

    @property
    def timing_met(self):
        """Whether the routed design is fast enough."""
        return self.fmax >= self.frequency

    def to_json(self):
        """Text of `report.json`."""
        facts = asdict(self)
        for key in ("out_dir", "seconds", "cached"):
            del facts[key]
        return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def build(kernel, board, out_dir, *, self_test=None, **options):
    """Build the bitstream of a kernel behind the harness.

    Parameters
    ----------
    kernel : Kernel
        What to build; its streams are plain ones here, whatever `interface` it has.
    board : Board
        For which board.
    out_dir : path
        Receives ``<name>.bin``, ``.bit`` or ``.fs``, ``<name>.netlist.v``, logs and ``report.json``.
    self_test : array, optional
        Vectors [n, inputs] that the board plays to itself, with the verdict on its LED, instead of the
        serial line. Parameters that do not come with the kernel are random ones.
    **options
        See `build_component`.

    Returns
    -------
    BuildRecord
    """
    component = kernel.create(interface="stream")
    if self_test is not None:
        options["stored"] = _stored(kernel, self_test)
    return build_component(
        component, Sizes.of(kernel), kernel.name, board, out_dir, design=kernel.options(), **options
    )


def _stored(kernel, x):
    """What a self-test stores: payloads of vectors, results and parameters."""
    memory, p = kernel.storage == "memory", None
    if not kernel.initialised:
        p = kernel.random_parameters(np.random.default_rng(0), None if memory else len(x))
    return {
        "vectors": kernel.pack_input(x, None if memory else p),
        "results": kernel.pack_output(kernel.golden(x, p)),
        "load": kernel.pack_parameters(p) if memory and p is not None else [],
    }


def build_component(
    component,
    sizes,
    name,
    board,
    out_dir,
    *,
    design=None,
    stored=None,
    seed=1,
    frequency=None,
    baud=None,
    allow_timing_fail=False,
    dsp=None,
    cache=True,
    timeout=300,
):
    """Build the bitstream of a component behind the harness.

    Parameters
    ----------
    component, sizes
        See `tnhw.boards.harness.Harness`.
    name : str
        Name of the files.
    design : dict, optional
        Kept in the record.
    stored : dict, optional
        `vectors`, `results` and `load` of a `SelfTest`, which then takes the place of the harness.
    seed : int
        For place and route; the same input and seed give the same bytes.
    frequency : int, optional
        Frequency in Hz that the routed design must reach, if not the board's clock.
    baud : int, optional
        Instead of the board's own.
    allow_timing_fail : bool
        Give a bitstream also if it is too slow.
    dsp : bool, optional
        Whether products may use DSP blocks; by default they do as long as there are enough.
    cache : bool
        Take a bitstream that was built before, and keep this one.
    timeout : float
        Limit in seconds for one run of place and route.

    Raises
    ------
    DoesNotFit
        If the device is too small; names the resource.
    TimingNotMet
        If the design is too slow; names both frequencies.
    InputError
        If the output folder cannot be written, or is in use by another build.
    """
    start = time.monotonic()
    out_dir = Path(out_dir)
    frequency = frequency or board.clock.frequency
    if board.vendor_tool:
        raise InputError(
            f"board {board.name}: only {board.vendor_tool} builds for it; write a build plan"
        )
    board.create_platform()  # refused before a folder is made
    harness, baud = _harness(component, sizes, board, stored, baud)
    clock = board.clock.frequency
    # Without a wish, DSP blocks are tried first, and left out if there are not enough.
    choices = (dsp,) if dsp is not None else (True, False) if board.capacity.DSP else (False,)
    with workplace(out_dir) as folder:
        for use_dsp in choices:
            plan = board_plan(harness, board, frequency, use_dsp)
            record = BuildRecord(
                name=name,
                board=board.name,
                family=board.family,
                bitstream=f"{name}.{board.bitstream}",
                netlist=f"{name}.netlist.v",
                clock=clock,
                frequency=frequency,
                pins=_pins(board, harness.uses),
                baud=baud,
                divisor=0 if stored else harness.divisor,
                self_test=len(stored["results"]) if stored else 0,
                sizes=asdict(sizes),
                design=design or {},
                dsp=use_dsp,
                versions=tools.versions(
                    "amaranth", *dict.fromkeys(toolchain.tool_names(plan, board.family))
                ),
            )
            record = replace(record, digest=_digest(plan, record, seed))
            files = folder / f"result{use_dsp:d}"
            entry = cache_folder() / record.digest if cache else None
            if entry and (known := fetch(entry, files)):
                routed = {key: known[key] for key in _ROUTED}
                record = replace(record, **routed, cached=True)
                break
            work = folder / f"work{use_dsp:d}"
            work.mkdir()
            with recorded() as retries:
                cells = toolchain.synthesise_plan(plan, work, board)
                counts = count(cells, board.family)
                if len(choices) > 1 and use_dsp and counts["DSP"] > board.capacity.DSP:
                    continue
                toolchain.check_fit(name, board, cells)
                routed = toolchain.execute(
                    plan, work, name, board, counts, frequency=frequency, seed=seed, timeout=timeout
                )
            record = replace(record, cells=counts, retries=retries, **asdict(routed))
            _collect(work, files, board)
            if entry:
                store(files, entry, record.to_json())
            break
        if not record.timing_met and not allow_timing_fail:
            raise TimingNotMet(
                f"{name} reaches {record.fmax / 1e6:.2f} MHz on {board.name}, but must run at "
                f"{frequency / 1e6:.2f} MHz; try another seed, narrower formats or fewer inputs, "
                "or allow the failure"
            )
        record = _install(files, out_dir, record)
    return replace(record, out_dir=out_dir, seconds=time.monotonic() - start)


def plan(kernel, board, out_dir, *, self_test=None, baud=None):
    """Archive the build plan of a kernel, for a board that only a vendor's tools build for.

    Parameters are those of `build`.

    Returns
    -------
    tnhw.bitstream.vendor_plan.PlanRecord
    """
    stored = None if self_test is None else _stored(kernel, self_test)
    component = kernel.create(interface="stream")
    harness, baud = _harness(component, Sizes.of(kernel), board, stored, baud)
    count = len(stored["results"]) if stored else 0
    return write_plan(
        harness, board, kernel.name, kernel.title, out_dir,
        baud=baud, self_test=count, design=kernel.options(),
    )  # fmt: skip


def _harness(component, sizes, board, stored, baud):
    """What stands around a component on a board, and its baud rate (0 without a serial line)."""
    clock = board.clock.frequency
    if stored is not None:
        if board.led is None:
            raise InputError(
                f"board {board.name}: a self-test shows its verdict on an LED; name one"
            )
        return SelfTest(component, **stored, clock=clock), 0
    if board.uart is None:
        raise InputError(
            f"board {board.name}: has no serial line; build a design that tests itself (--self-test N)"
        )
    baud = baud or board.uart.baud
    return Harness(component, sizes, clock=clock, baud=baud), baud


def build_network(
    network, board, out_dir, *, rom="auto", loadable=False, say=lambda text: None, **options
):
    """Build the fastest design of a network that fits a board.

    Parameters
    ----------
    network : Network
    say : callable
        Told in a sentence what is tried.
    **options
        As for `build`.

    Returns
    -------
    Design, BuildRecord

    Raises
    ------
    DoesNotFit
        If none of the few fastest that should fit does.
    """
    from ..network import fit

    misfit = None
    fitting = fit(network, board, rom=rom, dsp=bool(options.get("dsp")), loadable=loadable)
    for design, estimate in islice(fitting, MAX_TRIES):
        folds = design.options()["folds"]
        say(f"trying {folds}: {design.interval} cycles, about {estimate.cells:.0f} cells")
        try:
            return design, build(design, board, out_dir, **options)
        except DoesNotFit as error:
            misfit = error
    if misfit is None:
        raise DoesNotFit(
            f"{network.name} does not fit {board.name}: not even its smallest design; use fewer "
            "synapses, or a larger board"
        )
    raise misfit


def find_record(folder):
    """The record of the build that a folder holds.

    Raises
    ------
    InputError
        If it holds none, or one of its files is not what was built.
    """
    path = Path(folder) / REPORT
    try:
        record = BuildRecord(**json.loads(path.read_text()), out_dir=Path(folder))
        now, built = hashes(folder), dict(record.files)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{folder}: holds no build ({error}); make one with `tnhw build`"
        ) from None
    if {record.bitstream, record.netlist} - {*built}:
        raise InputError(f"{path}: has no hash of the bitstream; make it again with `tnhw build`")
    for name, value in built.items():
        if now.get(name) != value:
            state = "was changed after the build" if name in now else "is missing"
            raise InputError(f"{Path(folder) / name}: {state}; make it again with `tnhw build`")
    return record


def board_plan(harness, board, frequency, dsp):
    """Amaranth's build plan of a harness on a board; the same for the same input, wherever it is made."""
    platform = board.create_platform()
    if frequency != board.clock.frequency and board.clock.name is not None:
        key = board.clock.name, 0
        # The platform's class owns its resources.
        platform.resources[key] = resource = copy.copy(platform.resources[key])
        resource.clock = Clock(frequency)
    top = BoardTop(harness, board)
    return platform.prepare(top, toolchain.TOP, emit_src=False, **toolchain.overrides(board, dsp))


def _pins(board, uses):
    """Port names that Amaranth gives to the lines of the harness."""
    result = {}
    for key, resource, number in board.resources(uses):
        line = f"{board.led.line}__" if key == "led" and board.led.line else ""
        result[key] = f"{resource}_{number}__{line}io"
    if "uart" not in result:
        return result
    uart = result.pop("uart").removesuffix("__io")
    return result | {"rx": f"{uart}__rx__io", "tx": f"{uart}__tx__io"}


# What a build that was kept tells of itself.
_ROUTED = ("fmax", "utilisation", "cells", "seed", "retries")


def _digest(plan, record, seed):
    facts = json.dumps([seed, record.frequency, record.versions], sort_keys=True)
    return hashlib.blake2b(plan.digest() + facts.encode(), digest_size=16).hexdigest()


# What a build leaves, by the names of the toolchain and the suffixes in the output folder.
_KEPT = {
    toolchain.NETLIST: "netlist.v",
    toolchain.STAT: "stat.json",
    toolchain.TOP + ".rpt": "yosys.log",
    toolchain.TOP + ".tim": "nextpnr.log",
}


def _collect(work, files, board):
    files.mkdir()
    for name, suffix in _KEPT.items():
        if (work / name).exists():
            shutil.move(work / name, files / suffix)
    shutil.move(work / f"{toolchain.TOP}.{board.bitstream}", files / board.bitstream)


def _install(files, out_dir, record):
    """Move the files to the output folder, the report last; gives the record with their hashes."""
    (files / REPORT).unlink(missing_ok=True)
    made = {
        f"{record.name}.{name}": value
        for name, value in hashes(files).items()
        if not name.endswith(".log")  # has the time in it
    }
    record = replace(record, files=made)
    (files / REPORT).write_text(record.to_json())
    for path in sorted(files.iterdir(), key=lambda path: path.name == REPORT):
        name = REPORT if path.name == REPORT else f"{record.name}.{path.name}"
        os.replace(path, out_dir / name)
    return record
