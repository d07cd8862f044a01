"""Tables of speeds, with the other columns of these tables, made from the measurements of `speeds.py`.

``python benchmarks/speed_tables.py`` writes each into its place in README or in a page of ``docs/results``. A speed is
shown as the median of five routed seeds, with the lowest and the highest in brackets; rates and ratios are those of the
medians.
"""

import json
import statistics

import marks
import numpy as np
from speeds import (
    DEMO_BOARDS,
    DEVICES,
    KEPT,
    NETWORKS,
    PAIR_DEVICES,
    PAIRS,
    RESULTS,
    ROOT,
    RULES,
    SHOWN,
    WHOLE,
)

from tnhw.boards import load_board

README = ROOT / "README.md"
DIGITS_PAGE = RESULTS / "digits.md"
NETWORKS_PAGE = RESULTS / "networks.md"


def spread(values, digits=1):
    """Median with the lowest and the highest."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def lines(headings, rows):
    """A table in Markdown."""
    return "\n".join(
        "| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows]
    )  # fmt: skip


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


def cycles_a_vector(row):
    """The interval of a row, divided by the images that are computed side by side."""
    return row["counts"]["cycles"] / row["counts"]["images"]


def times(row, reference):
    """Time of a vector of a row over that of another, for every pair of seeds: the median of both, then the extremes."""
    cycles = cycles_a_vector(row) / cycles_a_vector(reference)
    middle = statistics.median(reference["fmax"]) / statistics.median(row["fmax"])
    pairs = np.divide.outer(np.array(reference["fmax"]), np.array(row["fmax"]))
    return cycles * middle, cycles * pairs.min(), cycles * pairs.max()


def ratio(row, reference, key):
    """A count of a row divided by that of another."""
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
    """A sentence that sums up the table of networks."""
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
    taken, there = mac["counts"]["DSP"], load_board(device).capacity.DSP
    blocks = f"all {there}" if taken == there else f"{taken} of the {there}"
    return (
        f"Where a device has multipliers to spare, a MAC is nearly free: on the ULX3S the 4-bit MAC network takes "
        f"{mac['counts']['logic']} LUTs and {blocks} multipliers at {rates[0]:.1f} M vectors a second, "
        f"the threshold network {own['counts']['logic']} LUTs at {rates[1]:.1f} M."
    )


PAIR_ROWS = {
    ("letter_tn", "none"): "threshold, 16 levels, hidden 72-72",
    ("letter_mac", "lut"): "4-bit MAC in logic, hidden 64-64",
    ("letter_mac", "dsp"): "4-bit MAC in DSP blocks, hidden 64-64",
    ("digits_tn", "none"): "threshold, 8 levels, hidden 32",
    ("digits_mac", "lut"): "4-bit MAC in logic, hidden 32",
    ("digits_mac", "dsp"): "4-bit MAC in DSP blocks, hidden 32",
}


def pair_rows(shown, dataset):
    """The fastest row of each network of a pair, with products of each kind: yields (name, products, device, row)."""
    for device in PAIR_DEVICES:
        for name, products in PAIR_ROWS:
            if name in PAIRS[dataset] and (found := fastest(shown, name, products, device)):
                yield name, products, device, found


def fastest(shown, name, products, device):
    """The row with most vectors a second, or None if there is none."""
    keys = [
        key
        for key in shown["pairs"]
        if key.startswith(f"{name}, {products}, ") and key.endswith(f" on {device}")
    ]
    return max((shown["pairs"][key] for key in keys), key=_rate, default=None)


def _rate(row):
    """M vectors a second at the median clock."""
    return statistics.median(row["fmax"]) / cycles_a_vector(row)


def pairs_table(shown):
    """Pairs of networks alone on several devices, images side by side."""
    rows = []
    for dataset in PAIRS:
        for name, products, device, row in pair_rows(shown, dataset):
            count = row["counts"]
            rows.append(
                [dataset, PAIR_ROWS[name, products], device, count["folds"]]
                + [f"{count['accuracy']:.1f}"]
                + [count[key] for key in ("bits", "logic", "RAM", "DSP")]
                + [spread(row["fmax"]), f"{cycles_a_vector(row):.1f}", f"{_rate(row):.2f}"]
                + [f"{count['activity'] / 1000:.0f}"]
            )
    headings = "data, neuron, device, folds, test %, bits, logic cells, RAM, DSP, Fmax MHz, cycles a vector, M vectors/s, activity k"
    return lines(headings.split(", "), rows)


def pairs_in_short(shown):
    """The table of README: the same on one device."""
    rows = [
        [dataset, PAIR_ROWS[name, products], f"{row['counts']['accuracy']:.1f}"]
        + [row["counts"][key] for key in ("bits", "logic")]
        + [f"{_rate(row):.2f}", f"{row['counts']['activity'] / 1000:.0f}"]
        for dataset in PAIRS
        for name, products, device, row in pair_rows(shown, dataset)
        if device == SHOWN
    ]
    headings = "data, neuron, test %, bits a synapse, logic cells, M images/s, activity k"
    return lines(headings.split(", "), rows)


def against(shown, dataset, device):
    """Rows of the threshold network and of that of MACs in logic, each at its fastest."""
    own, mac = PAIRS[dataset]
    return fastest(shown, own, "none", device), fastest(shown, mac, "lut", device)


def pairs_sentence(shown):
    """What thresholds gain over MACs in logic, on each device."""
    told = []
    for dataset in PAIRS:
        for device in PAIR_DEVICES:
            own, mac = against(shown, dataset, device)
            speed = times(mac, own)
            told.append(
                f"- {dataset} on {device}: {speed[0]:.2f} times the vectors a second ({speed[1]:.2f} to {speed[2]:.2f} over all pairs of "
                f"seeds), {ratio(own, mac, 'logic'):.2f} times the cells, {1 / ratio(own, mac, 'activity'):.2f} times less activity"
            )
    return "\n".join(told)


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
    (README, "pairs"): pairs_in_short,
    (DIGITS_PAGE, "demo"): demo_table,
    (NETWORKS_PAGE, "networks"): networks_table,
    (NETWORKS_PAGE, "networks in words"): networks_sentence,
    (NETWORKS_PAGE, "devices"): devices_table,
    (NETWORKS_PAGE, "blocks in words"): blocks_sentence,
    (NETWORKS_PAGE, "boards"): boards_table,
    (NETWORKS_PAGE, "pairs"): pairs_table,
    (NETWORKS_PAGE, "pairs in words"): pairs_sentence,
    (RESULTS / "paper.md", "system"): claims_table,
}


def render(shown):
    """Write every table into its page."""
    for (page, name), make in PLACES.items():
        marks.put(page, name, make(shown))


if __name__ == "__main__":
    render(json.loads(KEPT.read_text(encoding="utf-8")))
