"""Command `train`; torch is imported only when it runs."""

import json
import shlex
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer

from ...errors import InputError
from ...support.terminal import printable
from .options import datasets, say

__all__ = ["add_commands", "train"]


SECONDS = 5  # between lines of progress, where stderr is not a terminal


class QuantiseName(StrEnum):
    all = "all"
    each = "each"


class RuleName(StrEnum):
    threshold = "threshold"
    ternary = "ternary"
    shift = "shift"
    mac = "mac"
    addernet = "addernet"


Name = Annotated[
    str | None,
    typer.Argument(
        help="Data set: digits, optdigits, denoise, pendigits, letter, mnist, or one of a plug-in; or leave it out and give --data-file.",
        metavar="DATASET",
        autocompletion=datasets,
    ),
]
OwnFile = Annotated[
    Path | None,
    typer.Option(
        help="npz file of your own instead of a data set: integers `x` [n, ...], and `y`: labels [n] from 0, or vectors [n, outputs]. "
        "Perhaps also `x_test` and `y_test`. A fifth of `x` is kept for validation."
    ),
]
InputBits = Annotated[
    int | None,
    typer.Option(
        help="With --data-file: bits of an input, which is an unsigned integer.",
        min=1,
        max=8,
        show_default="4",
    ),
]
QuantiseOption = Annotated[
    QuantiseName | None,
    typer.Option(
        "--quantise",
        help="With --data-file, for real `x`: steps over one range for all inputs, or over a range for each. The ends are those of "
        "the training part. The model then takes real inputs.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Hidden = Annotated[
    str | None,
    typer.Option(
        help="All layers but the last, separated by commas: 32 is dense with 32 outputs; 8c3s2p1 is a convolution with 8 channels, window 3, stride 2, padding 1."
    ),
]
DATA_SETS = "the data set's"

Rule = Annotated[RuleName, typer.Option(help="Rule of the synapses.")]
Bits = Annotated[int, typer.Option(help="Bits of activations between layers.", min=1, max=8)]
Levels = Annotated[int, typer.Option(help="threshold: number of levels K.")]
MinLevel = Annotated[int, typer.Option(help="threshold: synapses with a lower level are left out.")]
Gain = Annotated[
    bool, typer.Option("--gain", help="threshold: train a level and a gain for each synapse.")
]
WeightBits = Annotated[int, typer.Option(help="mac: bits of a weight.")]
Complement = Annotated[
    bool,
    typer.Option(
        "--complement",
        help="Give the first layer the complement of each input (maximum - x) as well.",
    ),
]
Inject = Annotated[int, typer.Option(help="How many layers at the front use MAC synapses.", min=0)]
Epochs = Annotated[
    int | None, typer.Option(help="Passes through the training data.", show_default=DATA_SETS)
]
Rate = Annotated[float | None, typer.Option(help="Learning rate.", show_default=DATA_SETS)]
Prune = Annotated[float, typer.Option(help="Fraction of the synapses to remove.")]
Noise = Annotated[
    int | None,
    typer.Option(
        help="Largest random number that is added to inputs during training.",
        show_default=DATA_SETS,
    ),
]
Seed = Annotated[
    int, typer.Option(help="Seed of initial parameters and of the order of the data.", min=0)
]
Final = Annotated[
    bool, typer.Option("--final", help="Train on all training data and measure on test data.")
]
Table = Annotated[
    bool,
    typer.Option(
        "--table",
        help="Train final models of every kind of neuron, with seeds 0 to SEEDS - 1, and print a table.",
    ),
]
Tune = Annotated[
    bool,
    typer.Option(
        "--tune",
        help="Search for the best learning rate and initial spread on validation data.",
    ),
]
Seeds = Annotated[int, typer.Option(help="With --table or --tune: how many seeds.", min=1)]
Threads = Annotated[
    int,
    typer.Option(
        help="Threads of PyTorch. Another number gives a slightly different model.", min=1
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder with the files of data sets. Default: the variable TNHW_DATA."),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="File of the model (.npz); with --table a folder."),
]


def add_commands(app):
    """Add `train` to a typer app."""
    app.command()(train)


def train(
    dataset: Name = None,
    rule: Rule = RuleName.threshold,
    hidden: Hidden = None,
    bits: Bits = 4,
    levels: Levels = 8,
    min_level: MinLevel = 1,
    gain: Gain = False,
    weight_bits: WeightBits = 4,
    complement: Complement = False,
    inject: Inject = 0,
    epochs: Epochs = None,
    rate: Rate = None,
    prune: Prune = 0.0,
    noise: Noise = None,
    seed: Seed = 0,
    final: Final = False,
    table: Table = False,
    tune: Tune = False,
    seeds: Seeds = 5,
    threads: Threads = 1,
    data: Data = None,
    data_file: OwnFile = None,
    input_bits: InputBits = None,
    quantise: QuantiseOption = None,
    out: Out = None,
    as_json: Json = False,
):
    """Train a network and write it as a model of integers."""
    from ...train import part

    training = part("training")
    kind = _kind(str(rule), gain, complement, min_level, weight_bits)
    changes: dict[str, object] = {"bits": bits, "levels": levels, "prune": prune, "inject": inject}
    given = {"epochs": epochs, "rate": rate, "noise": noise}
    changes |= {key: value for key, value in given.items() if value is not None}
    if hidden is not None:
        changes["hidden"] = tuple(part for part in hidden.split(",") if part)
    own = {"complement": True} if complement else {}
    if data_file is None:
        loaded = _named(dataset, data, input_bits, quantise)
    else:
        if out is not None and out.resolve() == data_file.resolve():
            raise InputError(f"-o {out}: is the file of the data; name another one for the model")
        loaded = _owned(data_file, dataset, data, input_bits, quantise)
    recipe = _recipe(loaded.dataset, kind, changes, own, weight_bits, min_level)
    if table:
        with _progress() as line:
            rows = training.table(
                loaded, seeds=range(seeds), folder=out, threads=threads, changes=changes,
                report=lambda card: line(f"{card['kind']}, seed {card['seed']}: {card['score']:.2f}"),
            )  # fmt: skip
        _print_table(rows, as_json)
    elif tune:
        with _progress() as line:
            best = training.tune(
                recipe, loaded, range(seeds), report=lambda made: line(str(made)), threads=threads
            )
        _print(best, as_json)
    else:
        path = out or Path("build", "models", f"{loaded.dataset.word}_{kind}.npz".replace("-", "_"))
        network = _trained(recipe, seed, loaded, path, final, threads)
        _print({"model": str(path)} | network.card, as_json)


def _named(dataset, folder, input_bits, quantise):
    """The data set of a name."""
    from ...data import datasets

    if dataset is None:
        raise InputError("name a data set from `tnhw list`, or a file of your own with --data-file")
    if input_bits is not None or quantise is not None:
        raise InputError(
            "--input-bits and --quantise are for --data-file: a data set has a format of its own"
        )
    return datasets.load(dataset, folder)


def _owned(file, dataset, folder, input_bits, quantise):
    """The data set of a file of the user's own."""
    from ...data import own_set

    if dataset is not None or folder is not None:
        raise InputError("give either a data set, perhaps with --data, or --data-file")
    bits = 4 if input_bits is None else input_bits
    loaded = own_set.load(file, bits, None if quantise is None else quantise.value)
    parts = {"training": loaded.x_train, "validation": loaded.x_valid, "test": loaded.x_test}
    counts = ", ".join(f"{len(x):,} for {name}" for name, x in parts.items())
    say(f"rows: {counts}; an input has the format {loaded.dataset.input}; {loaded.dataset.summary}")
    return loaded


def _recipe(dataset, kind, changes, own, weight_bits, min_level):
    """The recipe of a kind of neuron; for a MAC with a number of bits that `KINDS` lacks, that of `mac` is changed."""
    from ...train import part

    recipes = part("recipes")
    if kind not in recipes.KINDS:
        kind, own = "mac", own | {"weight_bits": weight_bits}
    if kind == "threshold":
        own = own | {"min_level": min_level}
    return recipes.recipe_for(dataset, kind, **changes, **own)


def _trained(recipe, seed, data, path, final, threads):
    """Train one model and write it. Until then there is a checkpoint next to the model's file."""
    from ...train import part

    if path.suffix != ".npz":
        raise InputError(f"{path}: a model is an `.npz` file; name one with -o")
    checkpoint = path.with_suffix(".checkpoint")
    with _progress() as line:
        network = part("training").train(
            recipe, seed, data=data, name=path.stem, final=final, command=_command(),
            threads=threads, checkpoint=checkpoint, report=lambda record: line(_epoch(record)),
        )  # fmt: skip
    network.save(path)
    checkpoint.unlink(missing_ok=True)
    return network


def _kind(rule, gain, complement, min_level, weight_bits):
    """Name of the kind of neuron that the options ask for, as in `tnhw.train.recipes.KINDS`."""
    if rule != "threshold" and (gain or min_level > 1):
        raise InputError(f"--gain and --min-level are for the rule `threshold`, not `{rule}`")
    if gain:
        if min_level > 1:
            raise InputError("--min-level is for thresholds without --gain")
        return "gain-complement" if complement else "gain"
    if rule == "threshold" and min_level == 2:
        return "threshold4"
    return rule if rule != "mac" or weight_bits == 4 else f"mac{weight_bits}"


def _command():
    """The command line for the model's card: without the folders of data and result."""
    words, kept = sys.argv[1:], []
    while words:
        word = words.pop(0)
        if word in ("--data", "-o", "--out"):
            words = words[1:]
        elif word == "--data-file":
            kept += [word, Path(words.pop(0)).name]
        elif word.startswith("--data-file="):
            kept += ["--data-file", Path(word.partition("=")[2]).name]
        elif word != "--json" and not word.startswith(("--data=", "--out=", "-o")):
            kept.append(word)
    return shlex.join(["tnhw", *kept]) if kept[:1] == ["train"] else ""


def _epoch(record):
    text = f"epoch {record['epoch']} of {record['epochs']}, loss {record['loss']:.4f}"
    return text + (f", validation {record['score']:.2f}" if "score" in record else "")


@contextmanager
def _progress():
    """A function that shows a line on stderr: in place in a terminal, else one every few seconds."""
    from rich.console import Console

    console, last = Console(stderr=True), -SECONDS

    def line(text):
        nonlocal last
        if monotonic() - last >= SECONDS:
            last = monotonic()
            print(printable(text), file=sys.stderr, flush=True)

    if not console.is_terminal:
        yield line
        return
    with console.status("training") as status:
        yield status.update


def _print(record, as_json):
    if as_json:
        print(json.dumps(record, indent=2))
        return
    for key, value in record.items():
        if key not in ("recipe", "encoder"):
            print(printable(f"{key:12} {value}"))


def _print_table(rows, as_json):
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'neuron':16} {'test, ' + rows[0]['unit']:>16} {'+-':>6} {'synapses':>9} {'bits':>5}")
    for row in rows:
        error = "-" if row["error"] is None else f"{row['error']:.2f}"
        print(
            f"{row['kind']:16} {row['mean']:16.2f} {error:>6} {row['synapses']:9} {row['bits']:5.1f}"
        )
    count = len(rows[0]["scores"])
    print(f"+- is the standard error over seeds 0 to {count - 1}; bits are stored, a synapse")
