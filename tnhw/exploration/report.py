"""The files of a search: front.json, trials.csv and report.html. They are written together, and each as a whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from ..comparison.plots import fronts as picture_of
from ..errors import ToolMissing
from ..support.files import write_files
from ..support.templating import render_html
from .costing import IMAGES, OBJECTIVES
from .result import SearchResult

__all__ = ["html", "write"]


def write(result: SearchResult, settings: Mapping[str, Any]) -> None:
    """Write the report to the folder of the search.

    The caller reads the trials and writes the report under one lock, so that an older report does not replace a newer one.
    """
    write_files(
        result.folder,
        {
            "front.json": json.dumps(result.to_dict(), indent=1) + "\n",
            "trials.csv": _csv(result),
            "report.html": html(result, settings),
        },
    )


def html(result: SearchResult, settings: Mapping[str, Any]) -> str:
    """The report as one HTML file that needs no others."""
    picture, why = "", "no network was trained to its end yet."
    heading, what = OBJECTIVES[result.objective]
    title = f"{result.data} on {result.board}: accuracy against {result.objective}"
    if result.points:
        groups = {
            kind: [
                (point.cost, point.score, point.label)
                for point in result.points
                if point.kind == kind
            ]
            for kind in result.fronts()
        }
        try:
            picture = picture_of(groups, heading, f"validation part, {result.unit}", title)
        except ToolMissing as error:
            why = str(error)
    return render_html(
        "exploration",
        "search.html",
        title=title,
        result=result,
        fronts=result.fronts(),
        picture=picture,
        no_picture=why,
        commands=result.next_commands(),
        stopped=[
            ("trial", "network", "why"),
            *((one["trial"], one["label"], one["why"]) for one in result.stopped),
        ],
        what=what,
        images=IMAGES,
        mhz=f"{result.clock / 1e6:g}",
        settings=json.dumps(settings, indent=1),
    )


def _csv(result: SearchResult) -> str:
    """One line a trial, the finished ones and those that were stopped, by their numbers."""
    on_front = {point.trial for point in result.front}
    lines: list[dict[str, Any]] = []
    for point in result.points:
        lines.append(
            {
                "trial": point.trial, "network": point.label, "kind": point.kind, "score": point.score,
                "cycles": point.estimate.cycles, "rate": point.estimate.rate(result.clock),
                "cells": point.estimate.cells, "ram": point.estimate.ram, "folds": point.estimate.folds,
                "synapses": point.synapses, "stored_bits": point.stored_bits,
                "front": int(point.trial in on_front), "seconds": point.seconds, "stopped": "",
            }
        )  # fmt: skip
    names = list(lines[0]) if lines else ["trial", "network", "seconds", "stopped"]
    lines += [
        {
            "trial": one["trial"],
            "network": one["label"],
            "seconds": one["seconds"],
            "stopped": one["why"],
        }
        for one in result.stopped
    ]
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    table.writerows(sorted(lines, key=lambda line: line["trial"]))
    return text.getvalue()
