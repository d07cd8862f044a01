"""One of two processes that fit models together: ``python fit_together.py RANK FOLDER WHAT``.

WHAT is ``whole`` (several fits, whose results go to FOLDER), ``killed`` (the second process ends in the middle of an epoch, after
checkpoints) or ``resumed`` (the fit goes on from them).
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed
from train_models import conv, dense, random_data

from tnhw.train import Checkpoint, fit, processes, shifts_and_flips
from tnhw.train.layers import Layer
from tnhw.train.passes import Fit

CASES = {
    "dense": ("threshold", dense, {}),
    "conv": ("gain", conv, {"augment": shifts_and_flips(1)}),
    "adder": ("addernet", dense, {}),
    "rest": ("mac", dense, {"average": 0.9, "patience": 9, "prune": 0.3}),
}
ROWS = 99  # the last batch has 3 rows, of which the processes compute 2 and 1


def result(name, **options):
    """Records and state of the model after a small fit."""
    kind, make, own = CASES[name]
    torch.manual_seed(processes.is_first())  # parameters are those of the first
    model, shape = make(kind)
    x, y = random_data(shape, ROWS)
    records = fit(
        model, x, y, epochs=3, batch=32, shape=shape, valid=(x[:40], y[:40]), noise=1, freeze=0.5, **own, **options,
    )  # fmt: skip
    return {"records": records, "state": model.state_dict()}


def faulty():
    """The first steps with a fault: each process centres with the statistics of its own part."""

    def own(z):
        return z.mean(0), (z - z.mean(0)).detach().square().mean().sqrt()

    right, Layer._centre.__globals__["moments"] = processes.moments, own
    found = result("dense")
    Layer._centre.__globals__["moments"] = right
    return found


def main(rank, folder, what):
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/{what}_store", rank=rank, world_size=2,
        timeout=timedelta(seconds=60),
    )  # fmt: skip
    checkpoint = Checkpoint(folder / "fit", minutes=1e-9)
    if what == "whole":
        found = {name: result(name) for name in CASES} | {"fault": faulty()}
        torch.save(found, folder / f"whole_{rank}")
    elif what == "killed":
        step, steps = Fit.step, iter(range(6))  # in the second epoch

        def killed(run, batch):
            if next(steps) == 5 and rank == 1:
                os._exit(9)
            return step(run, batch)

        Fit.step = killed
        result("conv", checkpoint=checkpoint)
    else:
        reports = []
        found = result("conv", checkpoint=checkpoint, report=reports.append)
        torch.save(found | {"reports": len(reports)}, folder / f"resumed_{rank}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
