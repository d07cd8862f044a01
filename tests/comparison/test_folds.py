"""`folds`: the table, the picture and the record of the folds that a board leaves."""

import json

import pytest

import tnhw
from tnhw.catalogue import load_design
from tnhw.cli import main
from tnhw.errors import InputError


def test_folds_of_a_board(tmp_path, capsys):
    path = tmp_path / "digits_tn" / "folds_icebreaker.svg"
    command = [
        "folds",
        "digits_tn",
        "-b",
        "icebreaker",
        "--images",
        "2",
        "-o",
        str(tmp_path),
        "--json",
    ]
    assert main(command) == 0
    made = json.loads(capsys.readouterr().out)
    assert "does not fit" in path.read_text() and made["capacity"]["RAM"] == 30
    fitting = [row for row in made["folds"] if not row["lacks"]]
    faster = made["folds"][: -len(fitting)]
    assert len(fitting) > 8 and all(row["lacks"] for row in faster)
    for row in fitting:
        design = load_design("digits_tn", folds=row["folds"])
        assert (design.interval, design.images, design.lanes) == (
            row["interval"], row["images"], row["lanes"],
        )  # fmt: skip
        assert row["rate"] == pytest.approx(12e6 * row["images"] / row["interval"])


def test_folds_of_a_board_that_is_too_small():
    found = tnhw.folds("mnist_dense_tn", "icestick", images=1)
    assert found.rows and all(row.lacks for row in found.rows)
    assert "none fits" in repr(found) and "RAM" in found.table()


def test_folds_where_cells_were_not_measured():
    found = tnhw.folds("digits_tn", "de0nano", images=1)
    assert found.error is None and "of another family" in found.tables()[0].title


def test_folds_are_of_networks():
    with pytest.raises(InputError, match="only a network has folds"):
        tnhw.folds("mac16", "icebreaker")
