"""The ends of the front: fitted to all rows but those of the test part, measured on that once, and built for the board."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..bitstream import BuildRecord, build, build_network
from ..comparison.activity import FAMILIES, activity
from ..errors import TnhwError
from ..network import Design, Network
from ..support import kept
from ..support.files import make_folder, write_files
from ..train.recipes import Recipe
from ..train.training import train
from .costing import IMAGES, design_of
from .front import Point
from .trials import Task

__all__ = ["Made", "finish", "made_before"]

VECTORS = 8  # for the activity


@dataclass(frozen=True)
class Made:
    """A point of the front after its last training and its build.

    Attributes
    ----------
    what : str
        Which point it is: ``chosen``, ``most accurate`` or ``cheapest``.
    trial : int
    file : str
        The network, in the folder of the search.
    score : float
    measured_on : str
        The rows that the score is of.
    folds : str
        Empty if it was not built, as the following fields.
    cycles : float
        Cycles a vector of the design that was built.
    fmax, frequency : float
        Routed Fmax and the clock at which the design runs, in Hz.
    cells : dict
        Of the netlist, by kind.
    bitstream : str
        Its file, in the folder of the search.
    activity : float or None
        Changes of nets for one vector, weighted by fan-out, by simulation of the netlist.
    unbuilt : str
        Why it was not built.
    """

    what: str
    trial: int
    file: str
    score: float
    measured_on: str
    folds: str = ""
    cycles: float = 0.0
    fmax: float = 0.0
    frequency: float = 0.0
    cells: dict[str, int] = field(default_factory=dict)
    bitstream: str = ""
    activity: float | None = None
    unbuilt: str = ""

    @property
    def rate(self) -> float:
        """Vectors a second at the clock; 0 if it was not built, or is too slow for the clock."""
        return self.frequency / self.cycles if self.fmax >= self.frequency > 0 else 0.0


def finish(
    what: str,
    point: Point,
    task: Task,
    folder: Path,
    *,
    built: bool = True,
    say: Callable[[str], object] = lambda text: None,
    report: Callable[[dict[str, Any]], object] | None = None,
) -> Made:
    """Train and build a point of the front.

    The network is ``networks/<data>_trial<number>.npz`` in the folder. One that is there already, of the same recipe, seed
    and data, is neither trained nor measured again. A build that fails is no error; `Made.unbuilt` says why.
    """
    network = _network(point, task, folder, say, report)
    made = Made(
        what,
        point.trial,
        f"networks/{network.name}.npz",
        network.card["score"],
        network.card["measured_on"],
    )
    if not built:
        return replace(made, unbuilt="not asked for")
    say(f"trial {point.trial}, {what}: build for {task.board.name}")
    try:
        design, record = _built(network, point, task, folder, say)
    except TnhwError as error:
        say(f"trial {point.trial}: not built: {error}")
        return replace(made, unbuilt=str(error))
    made = replace(
        made,
        folds=",".join(map(str, design.folds)),
        cycles=design.interval / design.images,
        fmax=record.fmax,
        frequency=float(record.frequency),
        cells=record.cells,
        bitstream=f"bitstreams/{network.name}/{task.board.name}/{record.bitstream}",
        unbuilt=""
        if record.timing_met
        else f"too slow for the clock of {record.frequency / 1e6:g} MHz",
    )
    return replace(made, activity=_activity(design, record.dsp, task, folder, say))


def made_before(folder: Path) -> list[Made]:
    """What the last report of a search said of the ends of its front."""
    try:
        rows = json.loads((folder / "front.json").read_text(encoding="utf-8"))["built"]
        return [Made(**{key: row[key] for key in Made.__dataclass_fields__}) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _network(
    point: Point,
    task: Task,
    folder: Path,
    say: Callable[[str], object],
    report: Callable[[dict[str, Any]], object] | None,
) -> Network:
    data, seed = task.data, task.seed + point.trial
    name = f"{data.dataset.word}_trial{point.trial}"
    path = make_folder(folder / "networks") / f"{name}.npz"
    recipe = Recipe.from_dict(point.recipe)
    wanted = {"recipe": point.recipe, "seed": seed, **data.card}
    if path.is_file():
        network = Network.load(path)
        if all(network.card.get(key) == value for key, value in wanted.items()):
            return network
    if not len(
        data.x_test
    ):  # nothing to measure on but the validation part, which it was not fitted to
        network = Network.load(folder / "trials" / f"{point.trial}.npz")
        network.save(path)
        return network
    say(f"trial {point.trial}, {point.label}: last training, with the validation part")
    checkpoint = path.with_suffix(".checkpoint")
    network = train(
        recipe,
        seed,
        data=data,
        name=name,
        final=True,
        threads=task.threads,
        checkpoint=checkpoint,
        report=report,
    )
    network.save(path)
    checkpoint.unlink(missing_ok=True)
    return network


def _built(
    network: Network, point: Point, task: Task, folder: Path, say: Callable[[str], object]
) -> tuple[Design, BuildRecord]:
    out = folder / "bitstreams" / network.name / task.board.name  # where `tnhw upload` looks
    if task.objective == "speed":
        return build_network(
            network, task.board, out, images=IMAGES, say=say, allow_timing_fail=True
        )
    design = design_of(network, point.estimate)
    return design, build(design, task.board, out, allow_timing_fail=True)


def _activity(
    design: Design, dsp: bool, task: Task, folder: Path, say: Callable[[str], object]
) -> float | None:
    """The activity for the first vectors of the validation part, kept with a hash of the design."""
    if task.board.family not in FAMILIES:
        return None
    count = -(-VECTORS // design.images) * design.images
    x = np.asarray(task.data.x_valid)[:count]
    path = folder / "bitstreams" / design.name / f"{task.board.name}.activity.json"
    asked = {
        "folds": ",".join(map(str, design.folds)),
        "dsp": dsp,
        "card": design.network.card,
    }
    known = kept.read(path)
    if known and known["asked"] == json.loads(json.dumps(asked)):
        return known["total"]
    say(f"{design.name}: activity of its netlist, by simulation")
    try:
        found = activity(design, task.board.family, x, dsp=dsp)
    except TnhwError as error:
        say(f"{design.name}: no activity: {error}")
        return None
    write_files(
        path.parent, {path.name: kept.text({"asked": asked, "total": found.total, **asdict(found)})}
    )
    return found.total
