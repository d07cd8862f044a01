"""Convert two networks of real numbers to threshold neurons, and write the table of `docs/paths/trained_network.md`.

python benchmarks/convert.py      # needs the folder of TNHW_DATA, with MNIST; takes about a quarter of an hour

The two networks are trained here, with PyTorch. Each is quantised to 4-bit MAC neurons as `tnhw import --calibrate` does it, and
converted to MAC and to threshold neurons as `tnhw convert` does it. Cells are counted after synthesis for ECP5, of the
network alone, with products in look-up tables.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import marks
import numpy as np
import torch
from torch import nn

from tnhw import importing
from tnhw.data import datasets
from tnhw.data.scores import percent_correct
from tnhw.netlist import count
from tnhw.netlist.synthesis import cells_of, passes, run
from tnhw.network import fold
from tnhw.train import convert
from tnhw.verilog import emit

PAGE = Path(__file__).resolve().parent.parent / "docs" / "paths" / "trained_network.md"
LANES, FAMILY = 64, "ecp5"
TEACHER_EPOCHS, EPOCHS = 4, 5
CONVERTED = {
    "MAC, converted": {"rule": "mac"},
    "threshold": {},
    "threshold, in 4 bits": {"min_level": 2},
    "threshold, level and gain": {"gain": True},
}
HEAD = """\
| network | neurons | accuracy % | before fine-tuning % | bits a synapse | lanes | LUT4 | carry | block RAM |
|---|---|--:|--:|--:|--:|--:|--:|--:|
"""


def mlp():
    return nn.Sequential(
        nn.Linear(784, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(),
        nn.Linear(64, 10),
    )  # fmt: skip


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 6 * 6, 10),
    )  # fmt: skip


NETWORKS = {"784-64-64-10": (mlp, (784,)), "8c3s2-16c3s2-10": (convolutions, (1, 28, 28))}


def trained(model, x, y):
    """Train a model of real numbers with Adam; the rate falls as a cosine."""
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    steps = TEACHER_EPOCHS * -(-len(x) // 128)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(TEACHER_EPOCHS):
        for rows in torch.randperm(len(x)).split(128):
            error = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def calibrated(model, x, folder):
    """What `tnhw import --calibrate --bits 4` makes of the model."""
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, torch.as_tensor(x[:1]), str(path), dynamo=False)
    return importing.load(path, calibrate=x[:1000], bits=4)


def cells(network, folder):
    """Cells of a network on `LANES` lanes, alone: lanes, LUT4, carry cells and block RAMs."""
    design = fold(network, LANES)
    (folder / "design.v").write_text(emit(design.create(), design.name))
    script = ["read_verilog -sv design.v", *passes(design.name, FAMILY, dsp=False)]
    run([*script, "tee -q -o stat.json stat -json"], FAMILY, folder)
    counts = count(cells_of((folder / "stat.json").read_text()), FAMILY)
    lanes = sum(stage.fold.lanes for stage in design.stages)
    return [lanes, *(counts[kind] for kind in ("LUT", "carry", "RAM"))]


def rows(name, folder):
    """Rows of one network: lists of cells of the table."""
    made, shape = NETWORKS[name]
    data = datasets.load("mnist")
    parts = {
        part: (getattr(data, f"x_{part}") / 15).astype(np.float32).reshape(-1, *shape)
        for part in ("train", "valid", "test")
    }
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = trained(made(), parts["train"], data.y_train)
    with torch.no_grad():
        classes = model(torch.as_tensor(parts["test"])).argmax(1).numpy()
    yield [
        name,
        "real numbers",
        percent_correct(classes[:, None], data.y_test),
        None,
        32,
        *[None] * 4,
    ]
    imported = calibrated(model, parts["train"], folder)
    results = imported.network.results(imported.encode(parts["test"]))
    yield [
        name,
        "MAC, quantised",
        percent_correct(results, data.y_test),
        None,
        4,
        *cells(imported.network, folder),
    ]
    for text, options in CONVERTED.items():
        done = convert(
            model, parts["train"], data.y_train, valid=(parts["valid"], data.y_valid), test=(parts["test"], data.y_test),
            epochs=EPOCHS, report=lambda line: print(f"  {line}", file=sys.stderr), **options,
        )  # fmt: skip
        card = done.network.card
        bits = round(card["stored_bits"] / card["synapses"], 2)
        yield [name, text, done.after, done.before, bits, *cells(done.network, folder)]


def line(row):
    name, neurons, after, before, bits, *counts = row
    texts = [name, neurons, f"{after:.2f}", "" if before is None else f"{before:.2f}", f"{bits:g}"]
    return "| " + " | ".join(texts + ["" if n is None else f"{n:,}" for n in counts]) + " |\n"


def words(table):
    """The table in words, from its own text."""
    found = {}
    for text in table.splitlines()[2:]:
        name, neurons, after, *_, lut, carry, _ = (cell.strip() for cell in text.split("|")[1:-1])
        cells = [int(cell.replace(",", "")) if cell else 0 for cell in (lut, carry)]
        found[name, neurons] = float(after), sum(cells)
    parts = []
    for name in NETWORKS:
        real, mac, tn = (
            found[name, kind] for kind in ("real numbers", "MAC, converted", "threshold, in 4 bits")
        )
        parts.append(
            f"`{name}` is right for {tn[0]:.2f} % with threshold neurons in 4 bits ({real[0]:.2f} % with real numbers, {mac[0]:.2f} % "
            f"with converted MACs), and takes {tn[1] / mac[1]:.2f} times the look-up tables and carry cells of the converted MACs"
        )
    return "; ".join(parts) + "."


def main():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            print(f"{name} ...", file=sys.stderr)
            for row in rows(name, Path(folder)):
                lines.append(line(row))
                print(lines[-1], end="", flush=True)
    table = HEAD + "".join(lines)
    marks.put(PAGE, "converted", table)
    marks.put(PAGE, "converted in words", words(table))


if __name__ == "__main__":
    main()
