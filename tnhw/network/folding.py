"""Choice of folds: the fastest design of a network with a given number of lanes, or on a board.

Images side by side share the parameters that are read in a cycle. So they make a design faster that lacks memory, and
not lanes: `images` says up to how many are tried.

The estimate of an engine's cells is linear: a constant, and terms that grow with its lanes, its accumulators
and its activation words. ``benchmarks/calibrate.py`` fits the coefficients to tnhw's own synthesis and prints
the errors. Whether a design really fits a board, only its build shows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from math import ceil
from typing import Any

import numpy as np

from ..boards import Board
from ..errors import InputError
from ..gates.engine.drain import BLOCK_ROM_BITS as BLOCK_BIAS_BITS
from ..gates.engine.engine import BLOCK_ROM_BITS
from ..gates.engine.results import BLOCK_ROM_BITS as BLOCK_TABLE_BITS
from ..support import data_files
from .design import Design
from .network import Network
from .stage import MAX_IMAGES, Fold, Stage
from .timing import received

__all__ = ["Cost", "Folds", "cost", "features", "fit", "fold", "fold_shared", "kind", "ram_blocks"]

MAX_SIMD = 64
HARNESS_CELLS, HARNESS_RAM = 500, 1  # serial line, framing and buffers, measured on iCEBreaker
SIDE_BY_SIDE = (
    1.1  # a margin for images side by side, to whose designs the coefficients were not fitted
)
FILL = 0.9  # share of a device's cells that place and route can still use without trouble

# Shapes that a block RAM can have: words, and bits of each word.
BLOCKS = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "machxo2": ((512, 18), (1024, 9), (2048, 4), (4096, 2), (8192, 1)),
    "gowin": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "gatemate": ((512, 40), (1024, 20), (2048, 10), (4096, 5), (8192, 2), (16384, 1)),
    "nexus": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
}
WITHOUT_LUT_RAM = ("ice40", "gatemate")  # others have small memories in look-up tables


@dataclass(frozen=True)
class Cost:
    """An estimate of logic cells, in which a carry cell counts as one, and of block RAMs."""

    cells: float
    ram: int

    def __add__(self, other):
        return Cost(self.cells + other.cells, self.ram + other.ram)


def features(stage):
    """Features of a stage from which the cells of its engine are estimated: float array [4].

    They are 1, the lanes times the bits that each adds up, the accumulators times the bits of their sums, and
    the bits of an activation word.
    """
    synapse, fold = stage.synapse, stage.fold
    low, high = synapse.interval()
    term_bits = max(int(high).bit_length(), int(-low).bit_length())
    work = term_bits * synapse.word_bits if synapse.name == "mac" else term_bits + synapse.word_bits
    return np.array(
        [
            1.0,
            fold.lanes * work,
            fold.units * fold.images * stage.sum_format.bits,
            fold.simd * fold.images * synapse.input.bits,
        ]
    )


@cache
def _coefficients():
    path = data_files.folder("boards") / "cost.json"
    return json.loads(path.read_text())


def coefficients(family, synapse):
    """Coefficients of `features` for a device family and a rule, in cells: float array [4]."""
    table = _coefficients()[family]
    return np.array(table.get(kind(synapse), table["mac"])["cells"])


def kind(synapse):
    """Name of a rule in the table of coefficients, with " gain" if it has one."""
    return synapse.name + " gain" * ("gain" in synapse.fields)


def ram_blocks(family, depth, bits):
    """Block RAMs of a device family that a memory of `depth` words of `bits` bits takes."""
    return min(ceil(depth / words) * ceil(bits / width) for words, width in BLOCKS[family])


def cost(stage, family, entry=True):
    """Estimate (a `Cost`) for a stage that has an engine of its own; the `entry` keeps images side by side apart."""
    cells = float(coefficients(family, stage.synapse) @ features(stage))
    images = stage.fold.images
    cells *= SIDE_BY_SIDE if images > 1 else 1
    bits = stage.synapse.word_bits * stage.fold.simd * stage.fold.units
    ram = ram_blocks(family, stage.rows, bits) if stage.rows * bits >= BLOCK_ROM_BITS else 0
    rows = ceil(stage.layer.keys.outputs / stage.fold.drain)
    bits = stage.sum_format.bits * stage.fold.drain
    ram += ram_blocks(family, rows, bits) if rows * bits >= BLOCK_BIAS_BITS else 0
    for words, width in stage.plan.memories(stage.fold.drain):
        cells += width * images  # about a comparator
        ram += images * ram_blocks(family, words, width) if words * width >= BLOCK_TABLE_BITS else 0
    bank = 1 << (stage.in_words - 1).bit_length()
    if family in WITHOUT_LUT_RAM or bank > 16:
        bits, memories = stage.fold.simd * stage.synapse.input.bits, images if entry else 1
        ram += memories * ram_blocks(family, 2 * bank, bits * images // memories)
    return Cost(cells, ram)


def _folds(layer):
    """Candidates for the fold of a layer, (simd, units): those in which no lane is idle all the time."""
    channels, outputs = layer.in_shape[2], layer.keys.outputs
    units = sorted({ceil(outputs / groups) for groups in range(1, outputs + 1)})
    for simd in (n for n in range(1, min(channels, MAX_SIMD) + 1) if channels % n == 0):
        for number in units:
            yield simd, number


def _least(stage, entry):
    """The fewest cycles that a layer needs: to receive its words, and to read and add them."""
    words = stage.in_words * (stage.fold.images if entry else 1)
    return max(words, stage.layer.positions * stage.groups * stage.steps)


def _drain(stage, simd_next, interval):
    """The stage with the smallest `drain` with which it keeps to an interval, or None if none does."""
    for drain in range(1, stage.fold.units + 1):
        if stage.fold.units % drain or (simd_next is not None and simd_next % drain):
            continue
        if stage.layer.positions > 1 and stage.layer.keys.outputs % drain:
            continue
        slower = Stage(stage.layer, replace(stage.fold, drain=drain), stage.synapse)
        if slower.cycles <= interval:
            return slower
        if simd_next is None:
            return None
    return None


class Folds:
    """All folds of a network's layers, from which the cheapest for an interval can be chosen.

    Parameters
    ----------
    network : Network
    family : str
        Device family for which cost is estimated.
    dsp : bool
        See `Design`.
    images : int
        Images side by side.
    """

    def __init__(self, network, family, dsp=False, images=1):
        self._family, self.images = family, images
        self._stages = []
        for layer in network.layers:
            synapse = layer.kernel.synapse
            synapse = synapse.in_blocks() if dsp else synapse.in_logic()
            synapse = synapse.compact([layer.kernel.arrays])
            self._stages.append(
                [
                    Stage(layer, Fold(simd, units, images=images), synapse)
                    for simd, units in _folds(layer)
                ]
            )

    def intervals(self):
        """Intervals in cycles that are possible with some fold, the shortest first."""
        layers = enumerate(self._stages)
        return sorted({_least(stage, number == 0) for number, own in layers for stage in own})

    def cheapest(self, interval, rank):
        """For each layer, the stage of least rank that keeps to an interval.

        Parameters
        ----------
        interval : int
            Cycles.
        rank : callable
            Takes a `Cost` and its stage, and gives something that can be ordered.

        Returns
        -------
        list of Stage, or None if a layer has none
        """
        chosen, simd_next = [], None
        for number, stages in reversed([*enumerate(self._stages)]):
            best, entry = None, number == 0
            for stage in stages:
                if _least(stage, entry) > interval:
                    continue
                drained = _drain(stage, simd_next, interval)
                if drained is None:
                    continue
                value = rank(cost(drained, self._family, entry), drained)
                if best is None or value < best[0]:
                    best = value, drained
            if best is None:
                return None
            chosen.append(best[1])
            simd_next = best[1].fold.simd
        return chosen[::-1]


def _up_to(images):
    """The numbers of images side by side that may be tried."""
    if not 1 <= images <= MAX_IMAGES:
        raise InputError(f"`images` must be 1 to {MAX_IMAGES}, not {images!r}")
    return range(1, images + 1)


def _fastest_first(network, family, dsp, images):
    """All intervals with up to so many images side by side, the most vectors a second first: yields (Folds, interval)."""
    choices = [Folds(network, family, dsp, number) for number in _up_to(images)]
    pairs = [(folds, interval) for folds in choices for interval in folds.intervals()]
    yield from sorted(pairs, key=lambda pair: (pair[1] / pair[0].images, pair[0].images))


def fold(
    network: Network, lanes: int = 64, *, images: int = 1, dsp: bool = False, **options: Any
) -> Design:
    """The fastest design with an engine for each layer that has at most `lanes` lanes; `options` as for `Design`.

    Up to `images` images are computed side by side, each with lanes of its own.

    Raises
    ------
    InputError
        If there are fewer lanes than layers, or `images` is not 1 to 16.
    """
    for folds, interval in _fastest_first(network, "ecp5", dsp, images):
        stages = folds.cheapest(interval, lambda cost, stage: (stage.fold.lanes, cost.cells))
        if stages is not None and sum(stage.fold.lanes for stage in stages) <= lanes:
            return Design(network, [stage.fold for stage in stages], dsp=dsp, **options)
    raise InputError(
        f"network {network.name}: {len(network.layers)} layers need at least as many lanes, "
        f"not {lanes}"
    )


def fold_shared(network: Network, lanes: int = 64, *, images: int = 1, **options: Any) -> Design:
    """The fastest design with one engine of at most `lanes` lanes for all layers; `options` as for `Design`.

    Up to `images` images are computed side by side, each with lanes of its own.

    Raises
    ------
    InputError
        If the layers cannot share an engine, or `images` is not 1 to 16.
    """
    synapse = network.layers[0].kernel.synapse
    best = None
    for number, simd in product(_up_to(images), range(1, min(lanes, MAX_SIMD) + 1)):
        for units in range(1, lanes // (simd * number) + 1):
            one = Fold(simd, units, images=number)
            try:
                stages = [Stage(layer, one, synapse) for layer in network.layers]
            except InputError:
                continue
            cycles = max(sum(stage.cycles for stage in stages), received(stages[0]))
            value = cycles / number, one.lanes, number
            if best is None or value < best[0]:
                best = value, one
    if best is None:
        raise InputError(f"network {network.name}: its layers cannot share an engine")
    return Design(network, [best[1]] * len(network.layers), schedule="shared", **options)


def fit(
    network: Network, board: Board, *, images: int = 1, dsp: bool = False, **options: Any
) -> Iterator[tuple[Design, Any]]:
    """Designs of a network that should fit a board, the fastest first, with their estimates.

    Up to `images` images are computed side by side; `options` are as for `Design`. The estimates are for parameters that
    cannot be loaded, even if `options` ask for a loadable design.

    Yields
    ------
    Design, Cost

    Raises
    ------
    InputError
        If `images` is not 1 to 16.
    """
    capacity = board.capacity
    scarce = capacity.RAM / capacity.LUT

    def in_cells(cost, stage):
        return cost.cells + cost.ram / scarce

    def in_products(cost, stage):
        return stage.products, in_cells(cost, stage)

    before = None
    for folds, interval in _fastest_first(network, board.family, dsp, images):
        for rank in (in_cells, in_products) if dsp else (in_cells,):
            stages = folds.cheapest(interval, rank)
            products = sum(stage.products for stage in stages or ())
            if not dsp or products <= capacity.DSP:
                break
        else:
            continue
        chosen = stages and [stage.fold for stage in stages]
        if chosen is None or chosen == before:
            continue
        before = chosen
        each = (cost(one, board.family, number == 0) for number, one in enumerate(stages))
        total = sum(each, Cost(HARNESS_CELLS, HARNESS_RAM))
        if total.cells <= FILL * capacity.LUT and total.ram <= capacity.RAM:
            yield Design(network, chosen, dsp=dsp, **options), total
