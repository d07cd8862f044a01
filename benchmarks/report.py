"""Remake docs/results: kernels on every cell library at hand and on FPGA families, as one page, JSON and tables.

``python benchmarks/report.py [LIBRARY ...]`` (or ``make report``): libraries are those named, else osu018 of Debian's
package (or of ``TNHW_OSU018``) and what ``TNHW_LIBERTY`` names. Measurements are kept, so that a second run takes seconds. The tables of
docs/results/paper.md are between marks, and are made of the same rows.
"""

import sys
from pathlib import Path

import marks

from tnhw.catalogue import load
from tnhw.comparison import report as pages
from tnhw.comparison import row as records
from tnhw.comparison.kernels import measure_all, open_library, rows_of
from tnhw.comparison.out_of_context import SEEDS
from tnhw.comparison.sweep import kernels_of
from tnhw.support.environment import path as path_of

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results"
# Debian: qflow-tech-osu018
OSU018 = path_of("TNHW_OSU018") or Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
FAMILIES = ("ice40", "ecp5")
MAC_FORMS = ("booth", "booth_and_or", "digits", "rows", "sign_magnitude")
CONSTANT = 'name = "fixed"\nrule = ["threshold", "mac", "ternary"]\nbits = [8, 4]\ninputs = 16\noutputs = 8\n' \
           'architecture = "tile"\narithmetic = "heap"\nstorage = "constant"\nsharing = ["pairs", "none"]\n'  # fmt: skip


def libraries(named):
    """Paths of Liberty files."""
    if named:
        return [Path(name) for name in named]
    path = path_of("TNHW_LIBERTY")
    found = [OSU018] if OSU018.exists() else []
    if path:
        found += sorted(path.glob("*.lib*")) if path.is_dir() else [path]
    return found


def tiles():
    """Weight-stationary tiles with loaded parameters: thresholds, and MAC in every form for cells."""
    mac = load("tile_mac8")
    others = [
        mac.with_keys(name=f"tile_mac8_{form}", form=form) for form in MAC_FORMS if form != mac.form
    ]
    return [load("tile_threshold8"), mac, *others]


def constants(folder):
    """The same tile with parameters that never change."""
    path = Path(folder) / "fixed.toml"
    path.write_text(CONSTANT)
    return kernels_of(path)[1]


def measured(kernels, targets, **options):
    """Rows of all measurements. If some fail, the first failure is raised after the others have been kept."""
    found = measure_all(kernels, targets, say=say, **options)
    for result in found:
        if isinstance(result, Exception):
            raise result
    return rows_of(found)


def say(text):
    print(text, file=sys.stderr, flush=True)


def best(rows, what):
    """The best MAC over the first threshold row, or None where either was not measured."""
    first = next(row for row in rows if row.rule == "threshold")
    values = [what(row) for row in rows if row.rule == "mac" and row.products != "DSP"]
    values = [value for value in values if value]
    return min(values) / what(first) if values and what(first) else None


def table(groups):
    """Lines of the table of ratios: best MAC over threshold, of each metric."""
    lines = [
        "| kernels, target | area or logic | combinational | power (estimate) or activity |",
        "|---|---|---|---|",
    ]
    for title, rows in groups:
        ratios = (
            best(rows, lambda row: row.size),
            best(rows, lambda row: row.area.get("combinational")),
            best(rows, lambda row: row.pj_per_operation or row.activity),
        )
        lines.append(f"| {title} | " + " | ".join(f"{r:.2f}" if r else "" for r in ratios) + " |")
    return lines


def main():
    import tempfile

    groups = []
    for path in libraries(sys.argv[1:]):
        name = open_library(str(path)).name
        target = [f"liberty:{path}"]
        loaded = measured(tiles(), target)
        groups.append((f"tile 16 x 8, 8 bits, loaded, {name}", loaded))
        with tempfile.TemporaryDirectory() as folder:
            rows = measured(constants(folder), target, vectors=32)
        records.set_power([*loaded, *rows])  # one frequency for the page
        for bits, number in ((8, "u7"), (4, "u3")):
            own = [row for row in rows if row.input == number]
            groups.append((f"tile 16 x 8, {bits} bits, constant, {name}", own))
    pair = [load("threshold16"), load("mac16")]
    for family in FAMILIES:
        rows = measured(pair, [family], seeds=SEEDS)
        groups.append((f"16 inputs, 8 bits, parameters in ports, {family}", rows))
    page = [row for _, rows in groups for row in rows]
    record = records.report(page)
    html = pages.html(page, record, "make report", "Threshold neurons and multiply-accumulate")
    records.write(page, RESULTS, {"report.html": html})
    marks.put(RESULTS / "paper.md", "ratios", "\n".join(table(groups)))
    say(f"wrote {RESULTS.name}/report.html, kernels.json, kernels.csv, paper.md")


if __name__ == "__main__":
    main()
