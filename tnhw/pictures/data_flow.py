"""What pictures of data flow share: columns of boxes from left to right, and edges between neighbours."""

from typing import Any

__all__ = ["add_column", "draw", "formula"]


def draw(drawn: Any) -> str:
    """SVG text of hardware, or of anything else that has a `diagram`."""
    return drawn.diagram().svg()


def formula(synapse):
    """The term of a rule as a formula."""
    text = synapse.formula or synapse.name
    return f"({text}) << e" if synapse.gain else text


def add_column(columns, edges, column, links=None):
    """Add a column, with edges from every box of the column before, or those of `links`: pairs (from, to)."""
    before, here = len(columns) - 1, len(columns)
    if links is None:
        # The stream of loads leads to the parameters, which are below it in the same column.
        own = [
            k for k, box in enumerate(columns[-1].boxes) if not box.lines[0].startswith("stream p")
        ]
        loads = [
            k for k, box in enumerate(columns[-1].boxes) if box.lines[0].startswith("stream p")
        ]
        edges += [((before, k), (before, k + 1), "") for k in loads]
        links = [(a, b) for a in own for b in range(len(column.boxes))]
        links = [
            (a, b)
            for a, b in links
            if "more" not in (columns[-1].boxes[a].kind, column.boxes[b].kind)
        ]
    columns.append(column)
    edges += [((before, a), (here, b), "") for a, b in links]
