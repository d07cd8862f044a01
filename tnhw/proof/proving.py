"""Prove a kernel, and write what was proven by which method, with a counter-example if a part fails."""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..kernel import Kernel
from ..support.files import make_folder, write_files
from ..tools.ladder import recorded
from ..verilog import emitting
from ..verilog import foreign as own
from .options import ProofOptions
from .parts import Ended, Parts
from .result import Result, raise_unless_proven

__all__ = ["Result", "prove", "prove_text"]


#: Pairs of architecture and arithmetic that the proofs cover.
COVERED = {
    *((name, "operators") for name in ("parallel", "serial")),
    *((name, "heap") for name in ("parallel", "serial", "tile")),
}


def check_covered(kernel):
    """Raise InputError for a kernel whose architecture and arithmetic the proofs do not cover."""
    given = kernel.architecture, kernel.arithmetic
    if given not in COVERED:
        known = ", ".join(" in ".join(pair) for pair in sorted(COVERED))
        raise InputError(
            f"{kernel.name}: proofs do not cover architecture `{given[0]}` in arithmetic `{given[1]}` yet, only "
            f"{known}; `tnhw simulate` checks it on vectors"
        )


def prove(
    kernel: Kernel,
    out_dir: str | os.PathLike[str],
    *,
    rtl: Iterable[str | os.PathLike[str]] | None = None,
    **options: Any,
) -> Result:
    """Prove a kernel's emitted Verilog.

    Parameters
    ----------
    kernel : Kernel
    out_dir : path
        Receives the Verilog, ``manifest.json``, ``proof.json``, and ``counterexample.vcd`` or
        ``counterexample.fst`` if there is a counter-example. Earlier files stay until the proof has ended.
    rtl : list of path, optional
        Verilog files of your own, which are proven instead of what tnhw emits. With `netlist` they hold a netlist of
        cells of that family, which is proven equal to what tnhw emits.
    **options
        See `ProofOptions`.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a property is disproved; its attribute `result` is the `Result`.
    Undecided
        If a property is neither proven nor disproved; it has an attribute `result` as well.
    InputError
        If an argument is wrong, or your Verilog lacks the module or ports of the kernel.
    """
    check_covered(kernel)
    text, manifest = emitting.emitted(kernel)
    mapped, netlist = None, options.get("netlist")
    if rtl:
        given = own.given(rtl, manifest, cells=netlist is not None)
        text, mapped = (given, None) if netlist is None else (text, given)
    return prove_text(kernel, text, manifest, out_dir, mapped=mapped, **options)


def prove_text(
    kernel: Kernel,
    text: str,
    manifest: dict[str, Any],
    out_dir: str | os.PathLike[str],
    *,
    mapped: str | None = None,
    **options: Any,
) -> Result:
    """Prove that a Verilog text, wherever it comes from, is a kernel's.

    Parameters
    ----------
    kernel : Kernel
        What the Verilog is checked against.
    text : str
        Verilog with the module and ports that the manifest describes, and all modules that it uses. Names inside are
        not trusted. A text of another form than the emitted one may end undecided; it is then tested.
    manifest : dict
        As :func:`tnhw.verilog.manifest` returns it.
    out_dir : path
        Receives the text, ``manifest.json``, ``proof.json``, and ``counterexample.vcd`` or ``counterexample.fst``
        if there is a counter-example.
    mapped : str, optional
        Verilog of a netlist of the family that the option `netlist` names, which is proven equal to the text. By
        default the netlist that synthesis makes of the text.
    **options
        See `ProofOptions`.

    Returns
    -------
    Result

    Raises
    ------
    CheckFailed
        If a property is disproved: a run from a reset goes wrong, by the reference of the proof and by the golden
        model. Its attribute `result` is the `Result`, with the counter-example.
    Undecided
        If a property is neither proven nor disproved. Its attribute `result` says what was proven and what was
        tested.

    Examples
    --------
    A file that was changed by hand::

        kernel = load("threshold16")
        manifest = verilog.generate(kernel, "rtl")
        prove_text(kernel, Path("mine.v").read_text(), manifest, "proof")
    """
    asked = ProofOptions(**options)
    make_folder(out_dir)  # a folder that cannot be written is refused before the work
    start = time.monotonic()
    parts = Parts(kernel, text, manifest, asked)
    try:
        with recorded() as parts.result.retries:
            parts.run()
            if asked.netlist:
                parts.netlist(asked.netlist, mapped)
    except Ended:
        pass
    parts.result.seconds = time.monotonic() - start
    _write(parts, manifest, out_dir)
    raise_unless_proven(parts.result)
    return parts.result


def _write(parts, manifest, out_dir):
    """Write Verilog, manifest, results, and the waves of a counter-example if there is one."""
    name, result = parts.kernel.name, parts.result
    waves = {}
    if parts.wave:
        wave, contents = parts.wave
        path = str(Path(out_dir) / wave)
        waves[wave] = contents
        result.counter_example |= {"vcd": path if wave.endswith(".vcd") else None, "waves": path}
    files = result.files(name, parts.text, manifest) | waves
    write_files(out_dir, files)
    for name in {"counterexample.vcd", "counterexample.fst"} - set(files):
        Path(out_dir, name).unlink(missing_ok=True)
