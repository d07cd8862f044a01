"""Sweeps: which kernels a file stands for, and the command, which goes on where it stopped."""

import json

import pytest
from places import TOY

from tnhw import cli
from tnhw.comparison.sweep import kernels_of
from tnhw.errors import InputError


def write(folder, text):
    path = folder / "widths.toml"
    path.write_text(text)
    return path


def test_all_combinations(tmp_path):
    said = []
    path = write(
        tmp_path, 'rule = ["threshold", "mac", "shift", "ternary"]\nbits = [4, 8]\ninputs = 3\n'
    )
    name, kernels = kernels_of(path, said.append)
    assert name == "widths" and not said
    found = {
        k.name: (str(k.input), k.parameter and str(k.parameter), k.synapse.word_bits)
        for k in kernels
    }
    assert list(found)[:3] == [
        "widths_threshold_bits4", "widths_threshold_bits8", "widths_mac_bits4"]  # fmt: skip
    assert found["widths_threshold_bits8"] == ("u7", "u7", 8)
    assert found["widths_mac_bits4"] == ("u3", "s4", 4)
    assert found["widths_ternary_bits4"][:2] == ("u3", None)


def test_refused_ones_are_said_and_left_out(tmp_path):
    said = []
    path = write(tmp_path, 'rule = "threshold"\nbits = 4\ninputs = 2\nstorage = ["ports", "memory", "constant"]\n'
                           'interface = ["stream", "axi-stream"]\n')  # fmt: skip
    _, kernels = kernels_of(path, said.append)
    assert len(kernels) == 5 and len(said) == 1 and "storage `ports` has plain streams" in said[0]
    constant = next(k for k in kernels if k.storage == "constant")
    assert constant.initialised


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('rul = "mac"', "unknown key `rul`: did you mean `rule`"),
        ('rule = []\ninputs = 2', "`rule` is an empty list"),
        ('rule = "mac"\ninputs = 2\nbits = "8"', "`bits` must be an integer"),
        ('rule = "none"\ninputs = 2', "no combination is a valid kernel"),
        ('rule = "mac"\nparameters = "p.npz"', "takes random parameters"),
        (f"inputs = {list(range(50))}\nbits = {list(range(50))}", "2500 combinations are more than 2000"),
    ],
)  # fmt: skip
def test_wrong_files(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        kernels_of(write(tmp_path, text))


@pytest.mark.slow
@pytest.mark.needs("iverilog")
def test_command_goes_on_where_it_stopped(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))
    text = 'rule = "{}"\nbits = [3, 4]\ninputs = 2\narchitecture = "tile"\narithmetic = "heap"\nstorage = "memory"\n'
    file = write(tmp_path, text.format("threshold"))
    options = ["-t", f"liberty:{TOY}", "--vectors", "12", "-o", str(tmp_path), "--json"]
    assert cli.main(["sweep", str(file), *options]) == 0
    first = json.loads(capsys.readouterr().out)["rows"]
    file.write_text(text.replace('"{}"', '["threshold", "mac"]'))
    file.write_text(file.read_text().replace("bits = [3, 4]", 'bits = [3, 4]\nname = "widths"'))
    assert cli.main(["sweep", str(file), *options]) == 0
    seen = capsys.readouterr()
    rows = json.loads(seen.out)["rows"]
    assert [row["rule"] for row in rows] == ["threshold"] * 2 + ["mac"] * 2
    assert rows[0]["area"] == first[0]["area"]
    page = (tmp_path / "sweep" / "widths" / "kernels.html").read_text()
    assert "<script" not in page and 'src="' not in page and page.count("<svg") == 2
    assert str(tmp_path) not in page
    assert cli.main(["sweep", str(file), *options]) == 0
    assert "4 of 4 results were measured before" in capsys.readouterr().err
    assert cli.main(["sweep", str(tmp_path / "no.toml"), *options]) == 2
