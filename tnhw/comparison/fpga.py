"""A kernel on an FPGA family: cells after synthesis, speed when it is routed alone, activity of its netlist."""

import statistics
import tempfile
from dataclasses import dataclass

from ..bitstream.toolchain import check_fit
from ..boards import load_board
from ..errors import DoesNotFit, ToolFailed
from ..netlist import synthesise
from ..netlist.synthesis import logic
from ..tools.ladder import recorded
from ..verilog import emit
from .activity import FAMILIES as WITH_ACTIVITY
from .activity import WARM_UP, activity
from .out_of_context import DEVICES as ROUTED
from .out_of_context import SEEDS, place
from .row import describe

__all__ = ["DEVICES", "WARM_UP", "Variant", "measure", "router", "variants"]

# For each family, the board whose device is used for routing. Other families are only synthesised.
DEVICES = {"ice40": "ice40_hx8k_b_evn", "ecp5": "ulx3s_25f", "gowin": "tang_nano_9k"}


FAILED = "failed"


@dataclass(frozen=True)
class Variant:
    """A way to build products.

    Parameters
    ----------
    title : str
    dsp, booth : bool
        Whether DSP blocks may be used; whether Yosys makes them in logic from Booth rows.
    rows : bool
        Whether the rule makes the rows itself, which the pipelined tree of the kernel adds.
    """

    title: str = ""
    dsp: bool = False
    booth: bool = False
    rows: bool = False


def variants(kernel):
    """Every way to build a kernel's products: a list of Variant."""
    if not kernel.synapse.multiplies or kernel.storage == "constant":
        return [Variant()]
    found = [Variant("logic"), Variant("logic, Booth", booth=True), Variant("DSP", dsp=True)]
    if kernel.form == "auto" and kernel.arithmetic == "operators":
        found.insert(2, Variant("logic, rows in the tree", rows=True))
    return found


def router(family):
    """Name of the tool for place and route with which a family's speed is measured, or None."""
    return ROUTED[DEVICES[family]][2] if family in DEVICES else None


def measure(kernel, family, variant, x, p, source, *, seeds=SEEDS, vectors=32):
    """Measure a kernel on a family.

    Parameters
    ----------
    kernel : Kernel
    family : str
    variant : Variant
    x, p, source : int array [n, inputs], dict of arrays, str
        Operands for the activity, and where they come from.
    seeds : sequence of int
        Seeds for place and route; empty for synthesis only.
    vectors : int
        How many vectors of x are used; 0 for no activity.

    Returns
    -------
    Row
    """
    if variant.rows:
        kernel = kernel.with_keys(form=kernel.synapse.in_logic().form)
    options = {"dsp": variant.dsp, "booth": variant.booth}
    text = emit(kernel.create("stream"), kernel.name)
    row = describe(kernel, family)
    with recorded() as row.retries:
        with tempfile.TemporaryDirectory() as folder:
            found = synthesise(text, kernel.name, family, folder, **options)
        _measure(row, kernel, found, options, x, p, seeds, vectors)
    row.products, row.operands = variant.title, source
    return row


def _measure(row, kernel, found, options, x, p, seeds, vectors):
    """Fill in a row from a netlist: its cells, its speed alone on a device, its activity.

    If there is no speed because the device is too small or a tool failed, `no_fmax` says so.
    """
    family = found.family
    row.cells = found.counts | {"logic": logic(found.counts, family)}
    board = load_board(DEVICES[family]) if family in DEVICES and seeds else None
    if board:
        try:
            check_fit(kernel.name, board, found.cells)
            alone = place(kernel, board.name, seeds=seeds, **options)
        except DoesNotFit as error:
            row.no_fmax = f"does not fit: {str(error).splitlines()[0]}"
        except ToolFailed as error:
            row.no_fmax = f"{FAILED}: {str(error).splitlines()[0]}"
        else:
            row.device, row.fmax_seeds = board.name, alone.fmax
            row.fmax = statistics.median(alone.fmax)
            if family == "ice40":
                row.cells["logic"] = alone.logic
    if vectors and family in WITH_ACTIVITY:
        given = None if kernel.storage == "constant" else p
        seen = activity(kernel, family, x[:vectors], _first(given, vectors), **options)
        synapses = kernel.inputs * kernel.outputs
        row.activity = round(seen.total / synapses, 3)


def _first(p, vectors):
    """Parameters for the first vectors, if there is a set for each vector; otherwise the only set."""
    if p is None:
        return None
    return {
        name: array[:vectors] if array.ndim == (2 if name == "bias" else 3) else array
        for name, array in p.items()
    }
