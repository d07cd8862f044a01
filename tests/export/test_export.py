"""The registry of formats behind `tnhw export`."""

import json

import pytest

from tnhw import export as exporting
from tnhw.cli import main
from tnhw.errors import InputError
from tnhw.export import FORMATS, ExportFormat, export


def fake(file, out, say, **options):
    say(f"writing {file}")
    return {"written": str(out), **options}


@pytest.fixture
def formats(monkeypatch):
    """One more format, whose function is `fake`."""
    entry = ExportFormat("fake", "nothing to nothing", "model:fake", ("lanes",))
    monkeypatch.setitem(FORMATS, "fake", entry)
    from tnhw.export import model

    monkeypatch.setattr(model, "fake", fake, raising=False)


def test_options_that_are_not_given_do_not_count(formats):
    said = []
    made = export("x", "fake", "y", say=said.append, lanes=4, folds=None)
    assert made == {"written": "y", "lanes": 4} and said == ["writing x"]


def test_export_wrong_option(formats):
    with pytest.raises(InputError, match="`fake` does not take --folds; leave it out"):
        export("x", "fake", folds="8x8")


def test_export_unknown_format():
    with pytest.raises(InputError, match="no format 'modell'; did you mean `model`"):
        export("x", "modell")


def test_export_model_needs_a_file():
    with pytest.raises(InputError, match="name the model to write with -o FILE.npz"):
        export("x")


def test_command(formats, capsys):
    assert main(["export", "x", "--format", "fake", "-o", "y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": "y"}
    assert main(["export", "x", "--format", "none"]) == 2
    assert "there is no format 'none'" in capsys.readouterr().err


def test_every_format_has_its_function():
    for name, entry in FORMATS.items():
        module, function = entry.function.split(":")
        module = exporting.import_module(f".{module}", "tnhw.export")
        assert entry.name == name and callable(getattr(module, function)), name
