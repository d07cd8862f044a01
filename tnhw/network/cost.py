"""What a design should cost: logic cells and block RAMs of its engines, estimated from their structure.

The estimate of an engine's cells is linear. Each feature counts bits of one part of it (`FEATURES`), and each device
family has a coefficient for each of them, in cells; lanes and parameter words also have one for each rule.
``benchmarks/calibrate.py`` fits the coefficients to tnhw's own synthesis, keeps them in ``boards/cost.json``, and
states the errors. Block RAMs are counted from the shapes of the memories.
"""

import json
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
from amaranth.hdl import Signal

from ..gates.engine.drain import BLOCK_ROM_BITS as BLOCK_BIAS_BITS
from ..gates.engine.engine import BLOCK_ROM_BITS
from ..gates.engine.results import BLOCK_ROM_BITS as BLOCK_TABLE_BITS
from ..gates.summing.tree import Reduction, normalise
from ..support import data_files

__all__ = [
    "BLOCKS",
    "FEATURES",
    "OF_RULE",
    "Cost",
    "activation_blocks",
    "coefficients",
    "cost",
    "features",
    "kind",
    "largest_error",
    "ram_blocks",
]

# Shapes that a block RAM can have: words, and bits of each word.
_DUAL_18 = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
BLOCKS = {
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
    "ecp5": _DUAL_18,
    "machxo2": ((512, 18), (1024, 9), (2048, 4), (4096, 2), (8192, 1)),
    "gowin": _DUAL_18,
    "gatemate": ((512, 40), (1024, 20), (2048, 10), (4096, 5), (8192, 2), (16384, 1)),
    "nexus": _DUAL_18,
    "xilinx": tuple((words, 2 * bits) for words, bits in _DUAL_18),  # a RAMB36, as boards count
    "intel": ((512, 18), (1024, 9), (2048, 4), (4096, 2), (8192, 1)),  # an M9K; an M10K has more
}
WITHOUT_LUT_RAM = ("ice40", "gatemate")  # others have small memories in look-up tables
# What Yosys compares where it chooses between them: for 16 words of 4 bits in look-up tables, and for a block RAM.
LUT_RAM, BLOCK_RAM = 4, 128
CELLS_OF_LUT_RAM = 6
LINES = 35  # cells of an engine that holds lines, as measured with mnist_conv_tn: 29 on iCE40, 35 on ECP5
# Families for which nothing was synthesised, and the one whose coefficients they get: all have LUTs and carry chains.
STAND_INS = dict.fromkeys(("machxo2", "gatemate", "nexus", "xilinx", "intel"), "ecp5")

# Features of an engine with coefficients of their own for each rule, and those that all rules share.
OF_RULE = ("lanes", "words")
FEATURES = (
    "engine",  # 1
    "trees",  # bits of registered adder-tree nodes
    "sums",  # bits of the sums of all outputs and images computed at a time
    "accumulators",  # the same where sums take more than one cycle
    "results",  # bits of sums that leave in a cycle
    "activations",  # bits of the activation words that are read in a cycle
    "images",  # images side by side, if there are several
    "entry",  # bits of the activation words of the first layer, if there are several images
    "logic_rom",  # bits of parameters that are too few for a block RAM
    "tables",  # bits of the constants of a requantiser that are read in a cycle
    "counters",  # bits of counters and addresses
    "lut_ram",  # bits of activation words that are kept in look-up tables
)


@dataclass(frozen=True)
class Cost:
    """An estimate of logic cells, in which a carry cell counts as one, and of block RAMs."""

    cells: float
    ram: int

    def __add__(self, other):
        return Cost(self.cells + other.cells, self.ram + other.ram)


@cache
def _tree(synapse, simd, width):
    """Bits of the registers in front of one lane's tree, and of all nodes of a tree of `simd` lanes."""
    word = synapse.word(Signal(synapse.word_bits, name="p"))
    leaves, _ = normalise(synapse.addends(Signal(synapse.input.shape), word)[0])
    tree = Reduction([leaf for _ in range(simd) for leaf in leaves], width)
    nodes = sum(len(signal) for level in tree.nodes for signal, _ in level)
    return sum(len(value) for value, _ in leaves), nodes


def features(stage, family, entry):
    """What the cells of a stage's engine are estimated from, in bits but for the first.

    Parameters
    ----------
    stage : Stage
    family : str
    entry : bool
        Whether it is the first stage, where images side by side arrive one after the other.

    Returns
    -------
    float array [2]
        `OF_RULE`: registers in front of the adder trees, in all lanes; bits of the parameter words that are read in a cycle.
    float array [12]
        `FEATURES`
    """
    synapse, fold, images = stage.synapse, stage.fold, stage.fold.images
    several = images > 1
    leaves, nodes = _tree(synapse, fold.simd, stage.sum_format.bits)
    words = fold.simd * fold.units * synapse.word_bits
    sums = fold.units * images * stage.sum_format.bits
    activations = fold.simd * images * synapse.input.bits
    tables = sum(width for _, width in stage.plan.memories(fold.drain)) * images
    counted = (stage.in_words, stage.rows, stage.layer.positions)
    return np.array([fold.lanes * leaves, words], float), np.array(
        [
            1,
            fold.units * images * nodes,
            sums,
            sums * (stage.steps > 1),
            fold.drain * images * stage.sum_format.bits,
            activations,
            images * several,
            activations * (several and entry),
            stage.rows * words * (stage.rows * words < BLOCK_ROM_BITS),
            tables,
            sum((number - 1).bit_length() for number in counted),
            activations * (not _in_blocks(stage, family)),
        ],
        float,
    )


def _in_blocks(stage, family):
    """Whether block RAMs hold the activations at a stage's input."""
    if family in WITHOUT_LUT_RAM:
        return True
    depth = _depth(stage)
    if not stage.fold.lines:
        return depth > 32
    choices = 2 * ceil(stage.word_bits / 4) * (ceil(depth / 16) - 1)  # between them
    in_luts = LUT_RAM * _lut_rams(stage) + choices
    return in_luts >= BLOCK_RAM * ram_blocks(family, depth, stage.word_bits)


def _lut_rams(stage):
    """Memories of 16 words of 4 bits, in look-up tables, that would hold the activations at a stage's input."""
    return ceil(_depth(stage) / 16) * ceil(stage.word_bits / 4)


def _depth(stage):
    """Words of the memory of activations: of all lines, or of two banks, each of which begins at a power of two."""
    lines = stage.fold.lines * stage.line_words
    return lines or 2 << (stage.in_words - 1).bit_length()


@cache
def _table():
    return json.loads((data_files.folder("boards") / "cost.json").read_text())


@cache
def coefficients(family, kind):
    """Coefficients for a device family and a kind of rule, in cells: float array [2] and float array [12].

    A rule that was not measured has those of the rule whose lanes take the most.
    """
    table = _table()[STAND_INS.get(family, family)]
    rules = table["rules"]
    own = rules.get(kind) or max(rules.values(), key=lambda one: one["lanes"])
    shared = table["all rules"]
    return np.array([own[name] for name in OF_RULE]), np.array([shared[name] for name in FEATURES])


def largest_error(family):
    """Largest error of the model for a device family in percent; None if nothing was synthesised for it."""
    return _table()[family]["largest_error_percent"] if family in _table() else None


def kind(synapse):
    """Name of a rule in the table of coefficients, with " gain" if it has one.

    Comparison with a threshold of as many bits as the input takes more cells than with one of fewer: " all levels".
    """
    fields = synapse.fields
    theta = next((fields[name] for name in ("theta", "not_theta") if name in fields), None)
    wide = theta is not None and "gain" not in fields and theta.bits >= synapse.input.bits
    return synapse.name + " gain" * ("gain" in fields) + " all levels" * wide


def ram_blocks(family, depth, bits):
    """Block RAMs of a device family that a memory of `depth` words of `bits` bits takes."""
    return min(ceil(depth / words) * ceil(bits / width) for words, width in BLOCKS[family])


def cost(stage, family, entry=True):
    """Estimate (a `Cost`) for a stage that has an engine of its own; `entry` is as for `features`."""
    (own, shared), (rule, common) = (
        coefficients(family, kind(stage.synapse)),
        features(stage, family, entry),
    )
    cells = float(own @ rule + shared @ common) + _of_lines(stage, family)
    return Cost(cells, _ram(stage, family, entry))


def _of_lines(stage, family):
    """Cells that an engine with lines has and that no feature counts, as no design of the fit holds lines."""
    if not stage.fold.lines:
        return 0
    return LINES + (0 if _in_blocks(stage, family) else CELLS_OF_LUT_RAM * _lut_rams(stage))


def _ram(stage, family, entry):
    """Block RAMs of a stage's engine: parameters, biases, tables of constants, activations."""
    fold, images = stage.fold, stage.fold.images
    bits = stage.synapse.word_bits * fold.simd * fold.units
    ram = ram_blocks(family, stage.rows, bits) if stage.rows * bits >= BLOCK_ROM_BITS else 0
    rows = ceil(stage.layer.keys.outputs / fold.drain)
    bits = stage.sum_format.bits * fold.drain
    ram += ram_blocks(family, rows, bits) if rows * bits >= BLOCK_BIAS_BITS else 0
    for words, width in stage.plan.memories(fold.drain):
        ram += images * ram_blocks(family, words, width) if words * width >= BLOCK_TABLE_BITS else 0
    return ram + activation_blocks(stage, family, entry)


def activation_blocks(stage, family, entry):
    """Block RAMs that hold the activations at a stage's input; arguments are as for `cost`."""
    if not _in_blocks(stage, family):
        return 0
    images = stage.fold.images
    memories = images if entry else 1
    return memories * ram_blocks(family, _depth(stage), stage.word_bits * images // memories)
