"""Pictures of a comparison, as SVG text: stacked bars of area and power, accuracy against cost."""

import io
from functools import wraps

from ..errors import ToolMissing

__all__ = ["PAPER", "bars", "folds", "fronts", "pareto", "pictures"]

# Kernel level, MAC over Threshold Neuron: abstract of arXiv 2412.13902.
PAPER = {"area": (3.89, 4.33), "power": (7.51, 8.19)}

COLOURS = {
    "combinational": "#4477aa",
    "sequential": "#ccbb44",
    "clock": "#ee6677",
    "leakage": "#bbbbbb",
    "LUT": "#4477aa",
    "carry": "#66ccee",
}


LOOKS = {
    "svg.hashsalt": "tnhw",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def _with_looks(draw):
    """Decorator: a function that draws with the settings `LOOKS`, without changing those of Matplotlib."""

    @wraps(draw)
    def drawn(*arguments, **options):
        try:
            import matplotlib
        except ImportError:
            raise ToolMissing('Pictures need Matplotlib: pip install "tnhw[plot]".') from None
        with matplotlib.rc_context(LOOKS):
            return draw(*arguments, **options)

    return drawn


def _axes(width, height):
    """A Matplotlib figure that opens no window, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _text(figure):
    file = io.StringIO()
    figure.savefig(
        file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
    )
    text = file.getvalue()
    return text[text.index("<svg") :]


@_with_looks
def bars(rows, parts, unit, title, paper=None):
    """Stacked horizontal bars, one for each row, with a band for the ratio that the paper claims.

    Parameters
    ----------
    rows : list of (label, dict of part to value)
        The others are compared with the first.
    parts : sequence of str
        The parts, in the order in which they are stacked.
    unit, title : str
    paper : (low, high), optional
        Range of the claimed ratio to the first row.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes(8, 0.9 + 0.42 * len(rows))
    labels, at = [label for label, _ in rows], range(len(rows))
    left = [0.0] * len(rows)
    for part in parts:
        values = [found.get(part, 0.0) for _, found in rows]
        if any(values):
            axes.barh(at, values, left=left, color=COLOURS.get(part), label=part, height=0.7)
            left = [before + value for before, value in zip(left, values, strict=True)]
    first = left[0]
    for place, total in zip(at, left, strict=True):
        shown = f" {total:,.0f}" if total >= 1000 else f" {total:.4g}"
        shown += f"  ({total / first:.2f} x)" if first else ""
        axes.text(total, place, shown, va="center", fontsize=9)
    if paper and first:
        axes.axvspan(paper[0] * first, paper[1] * first, color="#228833", alpha=0.2,
                     label="paper's claim over the first")  # fmt: skip
    axes.set_yticks(list(at), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2 * max([*left, (paper or (0, 0))[1] * first]))
    axes.set_xlabel(unit)
    axes.set_title(title, loc="left", fontsize=11)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return _text(figure)


@_with_looks
def pareto(points, unit, title):
    """Accuracy against cost, with the front of points to which no other is better in both.

    Parameters
    ----------
    points : list of (label, rule, cost, accuracy)
        The accuracy is in percent.
    unit, title : str

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes(8, 4.5)
    rules = list(dict.fromkeys(rule for _, rule, _, _ in points))
    for rule in rules:
        own = [(cost, accuracy) for _, r, cost, accuracy in points if r == rule]
        axes.scatter(*zip(*own, strict=True), label=rule, s=36)
    best, front = -1.0, []
    for _, _, cost, accuracy in sorted(points, key=lambda point: (point[2], -point[3])):
        if accuracy > best:
            best = accuracy
            front.append((cost, accuracy))
    axes.step(*zip(*front, strict=True), where="post", color="#888888", linewidth=1, label="front")
    for label, _, cost, accuracy in points:
        axes.annotate(
            label, (cost, accuracy), fontsize=8, xytext=(4, 4), textcoords="offset points"
        )
    axes.set_xscale("log")
    axes.set_xlabel(unit)
    axes.set_ylabel("accuracy on the test set, %")
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    return _text(figure)


@_with_looks
def fronts(groups, unit, score, title):
    """Scores against costs, with the front of each group and that of all.

    Parameters
    ----------
    groups : dict of str to list of (cost, score, label)
        Less cost and more score are better.
    unit, score, title : str
        What the axes are, and the title.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib.ticker import LogLocator

    figure, axes = _axes(8, 5)
    for name, points in groups.items():
        made = axes.scatter([p[0] for p in points], [p[1] for p in points], label=name, s=22)
        colour = made.get_facecolor()[0]
        axes.step(*_staircase(points), where="post", color=colour, linewidth=0.8, alpha=0.6)
    every = [point for points in groups.values() for point in points]
    own = _staircase(every)
    axes.step(*own, where="post", color="#888888", linewidth=2.5, alpha=0.5, label="front of all")
    top, bottom = max(own[1]), min(own[1])
    if bottom < top:  # the front in the whole height; what is far below it is not shown
        axes.set_ylim(bottom - 0.08 * (top - bottom), top + 0.08 * (top - bottom))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
    axes.xaxis.set_minor_formatter("{x:,g}")
    axes.set_xlabel(unit)
    axes.set_ylabel(score)
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    return _text(figure)


def _staircase(points):
    """Costs and scores of the front of points, the cheapest first."""
    found = []
    for cost, score, *_ in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or score > found[-1][1]:
            found.append((cost, score))
    return [cost for cost, _ in found], [score for _, score in found]


@_with_looks
def folds(points, capacity, title):
    """Cells against vectors a second, with a line at the cells of a board that can be used.

    Parameters
    ----------
    points : list of (rate, cells, fits)
    capacity : dict
        See `tnhw.comparison.folds.FoldFront`.
    title : str

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes(8, 4.5)
    for fits, colour, label in ((True, "#4477aa", "fits"), (False, "#bbbbbb", "does not fit")):
        own = [(rate, cells) for rate, cells, one in points if one == fits]
        if own:
            axes.scatter(*zip(*own, strict=True), color=colour, s=24, label=label)
    axes.axhline(capacity["usable"], color="#ee6677", linewidth=1, label="cells that can be used")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("vectors a second at the clock of the board (estimate)")
    axes.set_ylabel("logic cells (estimate)")
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    return _text(figure)


def pictures(rows):
    """All pictures for the rows of a comparison: dict of file name to SVG text."""
    found = {}
    for target in dict.fromkeys(row.target for row in rows):
        own = [row for row in rows if row.target == target]
        name = "".join(c if c.isalnum() else "_" for c in target.removeprefix("liberty:"))
        labels = [f"{row.name}{', ' if row.products else ''}{row.products}" for row in own]
        if own[0].area:
            areas = list(zip(labels, (row.area for row in own), strict=True))
            found[f"area_{name}.svg"] = bars(
                areas, ("combinational", "sequential"), "um2", f"area on {target}", PAPER["area"]
            )
            powers = [
                {part: value / row.frequency / row.operations for part, value in row.power.items()}
                for row in own
            ]
            found[f"power_{name}.svg"] = bars(
                list(zip(labels, powers, strict=True)),
                ("combinational", "sequential", "clock", "leakage"),
                "pJ a synapse, inertial glitches (estimate)",
                f"energy on {target}",
                PAPER["power"],
            )
        else:
            cells = []
            for label, row in zip(labels, own, strict=True):
                beside = max(0, row.cells["logic"] - row.cells["LUT"])
                cells.append((label, {"LUT": row.cells["LUT"], "carry": beside}))
            found[f"logic_{name}.svg"] = bars(
                cells,
                ("LUT", "carry"),
                "LUTs, carry cells counted",
                f"logic on {target}",
                PAPER["area"],
            )
    for kind, unit in (("pj_per_operation", "pJ a synapse"), ("size_per_operation", "um2 or LUTs for a synapse a cycle")):  # fmt: skip
        for target in dict.fromkeys(row.target for row in rows):
            points = [
                (row.name, row.rule, getattr(row, kind), row.accuracy)
                for row in rows
                if row.target == target and row.accuracy is not None and getattr(row, kind)
            ]
            if len(points) > 1:
                name = "".join(c if c.isalnum() else "_" for c in target.removeprefix("liberty:"))
                found[f"pareto_{kind}_{name}.svg"] = pareto(points, unit, f"accuracy on {target}")
    return found
