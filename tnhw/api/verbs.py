"""`generate`, `simulate`, `prove` and `build`.

Each takes what the command line takes, a name from ``tnhw list`` or a file, or the object itself. A network is folded
with the defaults of the command line, or as the keywords of :class:`tnhw.catalogue.Folding` say (`folds`, `lanes`,
`schedule`, `rom`, `dsp`, `loadable`). Each writes files below the folder `out`, and returns a record with fields,
`to_dict()` for JSON, and `table()` for printing.
"""

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import ArrayLike

from .. import tools
from ..boards import Board, load_board
from ..catalogue import Folding, load, load_design, load_kernel
from ..errors import InputError
from ..network import Network
from ..network.hardware import NetworkHardware
from ..support.config import plain_number
from .generated import Generated

if TYPE_CHECKING:
    from .. import bitstream, proof, simulation
    from ..bitstream.vendor_plan import PlanRecord
    from ..catalogue import Source

__all__ = ["build", "generate", "prove", "simulate"]

Out = str | Path


def _silent(text: str) -> None:
    """Do nothing."""


def generate(
    source: "Source",
    *,
    interface: str | None = None,
    beat: int | None = None,
    vlnv: str | None = None,
    out: Out = "build",
    **folding: Unpack[Folding],
) -> Generated:
    """Write Verilog, manifest, FuseSoC core file and golden vectors; with AXI4-Stream an IP package too.

    Parameters
    ----------
    source : str, path, Kernel, Network, Design or other hardware
    interface : str, optional
        ``stream`` or ``axi-stream``, by default as in a kernel's file, and ``stream`` for a network.
    beat : int, optional
        For a kernel with ``axi-stream``: elements in a beat, by default all.
    vlnv : str, optional
        With ``axi-stream``: ``VENDOR:LIBRARY:NAME:VERSION`` by which FuseSoC and Vivado call the IP package.
    out : path
        Files go to ``<out>/<name>/rtl``, the IP package to ``<out>/<name>/ip``.
    **folding
        For a network: see :class:`tnhw.catalogue.Folding`.

    Raises
    ------
    InputError
        If the source or an option is not valid, or the folder cannot be written.
    """
    from ..verilog import emitting

    design = load_design(source, interface=interface, beat=plain_number(beat), **folding)
    folder, package, called = Path(out) / design.name / "rtl", None, None
    if vlnv is not None:
        from ..export.ip.vlnv import Vlnv

        called = Vlnv.parse(vlnv, design.name)
        if design.interface != "axi-stream":
            raise InputError("`vlnv` is for an IP package: use --interface axi-stream")
    manifest = emitting.generate(design, folder)
    if design.interface == "axi-stream":
        from ..export import ip

        package = Path(out) / design.name / "ip"
        ip.package(design, package, manifest, (folder / f"{design.name}.v").read_text(), called)
    return Generated(design.name, folder, manifest, design.options(), package)


def simulate(
    source: "Source",
    *,
    vectors: int = 100,
    seed: int = 0,
    x: ArrayLike | None = None,
    params: Mapping[str, ArrayLike] | None = None,
    waves: bool = False,
    simulator: str = "icarus",
    netlist: str | None = None,
    rtl: Iterable[Out] | None = None,
    fast: bool = False,
    out: Out = "build",
    **folding: Unpack[Folding],
) -> "simulation.Result":
    """Simulate the Verilog with stalls and back-pressure, and compare its results with the golden model.

    Parameters
    ----------
    source : str, path, Kernel, Network, Design or other hardware
    vectors : int
        Number of random vectors, in addition to corner vectors.
    seed : int
        Seed of random vectors and parameters.
    x : array_like of int, [n, inputs] or one vector [inputs], optional
        Your own vectors, which are sent as well. Their results are the record's `y`, [n, outputs].
    params : dict of arrays, optional
        Parameters for storage `ports` and `memory`, by name.
    waves : bool
        Whether to keep waves.
    simulator : str
        ``icarus`` or ``verilator``.
    netlist : str, optional
        Simulate the netlist after synthesis for ``ice40``, ``ecp5``, ``gowin`` or ``xc7``.
    rtl : list of path, optional
        Verilog files of your own, instead of what tnhw emits.
    fast : bool
        Whether all vectors stream through Verilator's model from C++, for whole data sets: checked are results, with and
        without stalls, latency and interval. There are no waves.
    out : path
        Files go to ``<out>/<name>/sim``, or ``sim-<netlist>``.
    **folding
        For a network: see :class:`tnhw.catalogue.Folding`.

    Raises
    ------
    CheckFailed
        If the hardware differs from the golden model; its attribute `result` is the record.
    InputError, ToolMissing, ToolFailed
        If an argument is wrong, or the simulator is missing or fails.
    """
    from .. import simulation

    design = load_design(source, **folding)
    return simulation.simulate(
        design,
        Path(out) / design.name / (f"sim-{netlist}" if netlist else "sim"),
        vectors=plain_number(vectors),
        seed=plain_number(seed),
        x=None if x is None else np.atleast_2d(x),
        params=None if params is None else {name: np.asarray(a) for name, a in params.items()},
        waves=waves,
        simulator=simulator,
        netlist=netlist,
        rtl=None if rtl is None else list(rtl),
        fast=fast,
    )


def prove(
    source: "Source",
    *,
    properties: Iterable[str] | None = None,
    method: str = "lemmas",
    netlist: str | None = None,
    solver: str | None = None,
    limit: float = 120,
    rtl: Iterable[Out] | None = None,
    out: Out = "build",
    say: Callable[[str], None] = _silent,
    **folding: Unpack[Folding],
) -> "proof.Result":
    """Prove that Verilog computes its definition for all inputs; of a kernel also that its streams lose nothing.

    Parameters
    ----------
    source : str, path, Kernel, Network or Design
        The other arguments but `rtl`, `out` and `say` are for kernels.
    properties : list of str, optional
        ``function``, ``stream`` or both; by default both.
    method : str
        How to prove the function: ``lemmas``, or ``whole``, as one formula, for small kernels.
    netlist : str, optional
        Also prove the netlist after synthesis for ``ice40``, ``ecp5`` or ``gowin``.
    solver : str, optional
        ``z3``, ``bitwuzla``, ``yices`` or ``boolector``; by default Bitwuzla if it is installed, else z3.
    limit : float
        Seconds for one question to the solver.
    rtl : list of path, optional
        Verilog files of your own, instead of what tnhw emits.
    out : path
        Files go to ``<out>/<name>/proof``.
    say : callable
        Called with a line of text for each step.
    **folding
        For a network: see :class:`tnhw.catalogue.Folding`.

    Raises
    ------
    CheckFailed, Undecided
        If a property is disproved, or neither proven nor disproved; the attribute `result` is the record.
    InputError, ToolMissing, ToolFailed
        If an argument is wrong, or a tool is missing or fails.
    """
    tools.find("z3")
    if isinstance(loaded := load(source), (Network, NetworkHardware)):
        given = {"properties": properties, "netlist": netlist, "solver": solver}
        given["method"] = None if method == "lemmas" else method
        return _prove_network(load_design(loaded, **folding), given, rtl, out, say)
    kernel = load_kernel(source, "prove")
    if any(value is not None for value in folding.values()):
        load_design(kernel, **folding)  # says that a kernel has no folds
    from .. import proof

    return proof.prove(
        kernel,
        Path(out) / kernel.name / "proof",
        properties=proof.PROPERTIES if properties is None else list(properties),
        method=method,
        netlist=netlist,
        solver=solver,
        limit=plain_number(limit),
        say=say,
        rtl=None if rtl is None else list(rtl),
    )


def _prove_network(design, given, rtl, out, say):
    """Prove a network; `given` are the arguments that only kernels have."""
    from ..proof.networks.proving import prove_network

    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"`{name}` is for kernels: a network is executed for all inputs; leave it out"
            )
    folder = Path(out) / design.name / "proof"
    return prove_network(design, folder, rtl=None if rtl is None else list(rtl), say=say)


def build(
    source: "Source",
    board: str | Path | Board,
    *,
    seed: int = 1,
    frequency: float | str | None = None,
    baud: int | None = None,
    allow_timing_fail: bool = False,
    self_test: "int | ArrayLike | None" = None,
    out: Out = "build",
    say: Callable[[str], None] = _silent,
    **folding: Unpack[Folding],
) -> "bitstream.BuildRecord | PlanRecord":
    """Build a bitstream of a kernel or network behind a serial line, or with a self-test.

    A network without `folds`, `lanes` and `schedule` gets the fastest design that fits the board.

    Parameters
    ----------
    source : str, path, Kernel, Network, Design or other hardware
    board : str, path or Board
        A name from ``tnhw list``, or a board TOML.
    seed : int
        Seed for place and route.
    frequency : float or str, optional
        Frequency in Hz at which the design runs, ``board`` (the default) or ``max``: see `tnhw.bitstream.BuildOptions`.
    baud : int, optional
        Bits a second on the serial line, by default the board's baud rate.
    allow_timing_fail : bool
        Whether a design that is too slow gives a bitstream all the same.
    self_test : int, or array_like of int [n, inputs], optional
        Number of random vectors, or your own, with which the board tests itself; it shows the verdict on an LED.
    out : path
        Files go to ``<out>/<name>/<board>``.
    say : callable
        Called with a line of text for each design that is tried.
    **folding
        For a network: see :class:`tnhw.catalogue.Folding`. For a kernel `dsp` says whether DSP blocks compute products.

    Returns
    -------
    BuildRecord or PlanRecord
        A PlanRecord, with an archived build plan, for a board that only a vendor's tools build for.

    Raises
    ------
    DoesNotFit, TimingNotMet
        If the device is too small, or the design too slow.
    InputError, ToolMissing, ToolFailed
        If an argument is wrong, or a tool is missing or fails.
    """
    from .. import bitstream

    target = board if isinstance(board, Board) else load_board(str(board))
    loaded = load(source)
    if not isinstance(loaded, Network):
        load_design(loaded, **folding)  # refuses what is for networks only
    folder = Path(out) / loaded.name / target.name
    options = {
        "seed": plain_number(seed),
        "frequency": max(1, round(frequency)) if isinstance(frequency, Real) else frequency,
        "baud": plain_number(baud),
        "allow_timing_fail": allow_timing_fail,
        "dsp": folding.get("dsp"),
    }
    if self_test is not None:
        options["self_test"] = _vectors(loaded, self_test)
    if target.vendor_tool:
        given = {key: options.get(key) for key in ("self_test", "baud")}
        return bitstream.plan(load_design(loaded, **folding), target, folder, **given)
    chosen = any(folding.get(key) is not None for key in ("folds", "lanes", "schedule"))
    if isinstance(loaded, Network) and not chosen:
        images = folding.get("images")
        options["images"] = 1 if images is None else images
        rom, loadable = folding.get("rom") or "auto", bool(folding.get("loadable"))
        _, record = bitstream.build_network(
            loaded, target, folder, rom=rom, loadable=loadable, say=say, **options
        )
        return record
    return bitstream.build(load_design(loaded, **folding), target, folder, **options)


def _vectors(loaded, given):
    """The vectors of a self-test: those that were given, or so many random ones."""
    if np.ndim(given) == 0:
        return loaded.random_input(np.random.default_rng(0), plain_number(given))
    return np.atleast_2d(given)
