"""Diagrams of columns of boxes, as SVG text: the same diagram gives the same bytes.

A diagram reads from left to right. A column has a heading, boxes one below the other, and a line of text at its foot.
Edges lead from a box to a box of a later column.
"""

from dataclasses import dataclass
from html import escape

__all__ = ["Box", "Column", "Diagram", "Edge"]

FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
LINE, CHARACTER = 16, 6.9  # height of a line and mean width of a character of 12 pixels, in pixels
GAP, PAD, MARGIN = 44, 10, 20
BETWEEN = {True: 4, False: 14}  # pixels between boxes, by whether both are small
HEADING = 24

#: From a box to a box, each (column, number), and a label.
Edge = tuple[tuple[int, int], tuple[int, int], str]

#: For each kind of box, the colours of its fill and its border.
COLOURS = {
    "stream": ("#dbeafe", "#1d4ed8"),
    "store": ("#fef3c7", "#b45309"),
    "term": ("#dcfce7", "#15803d"),
    "sum": ("#e0e7ff", "#4338ca"),
    "wait": ("#f8fafc", "#94a3b8"),
    "round": ("#fae8ff", "#a21caf"),
    "more": ("none", "none"),
}


@dataclass(frozen=True)
class Box:
    """A box.

    Parameters
    ----------
    lines : tuple of str
        Text; the first line is bold unless the box is small.
    kind : str
        Key of `COLOURS`.
    small : bool
        One short line.
    many : bool
        Whether it is drawn as a pile, because it stands for several of its kind.
    loop : bool
        Whether an arrow leads from its output back to its input.
    share : float or None
        If given, there is a bar below the text, of which this share (0 to 1) is filled.
    """

    lines: tuple
    kind: str
    small: bool = False
    many: bool = False
    loop: bool = False
    share: float | None = None

    @property
    def width(self):
        longest = max(len(line) for line in self.lines)
        return 34 if self.small else max(90, round(longest * CHARACTER) + 2 * PAD)

    @property
    def height(self):
        if self.small:
            return 17
        return LINE * len(self.lines) + PAD + (12 if self.share is not None else 0)


@dataclass(frozen=True)
class Column:
    """A column: its heading, its boxes, and a line of text below them."""

    heading: str
    boxes: tuple
    foot: str = ""

    @property
    def width(self):
        words = max(len(self.heading), len(self.foot)) * CHARACTER * 0.9
        return max(round(words), *(box.width for box in self.boxes))

    @property
    def height(self):
        gaps = [
            BETWEEN[a.small and b.small] for a, b in zip(self.boxes, self.boxes[1:], strict=False)
        ]
        return sum(box.height for box in self.boxes) + sum(gaps)


@dataclass(frozen=True)
class Diagram:
    """A diagram.

    Parameters
    ----------
    title, subtitle : str
    columns : tuple of Column
    edges : tuple of ((int, int), (int, int), str)
        From a box to a box, each as (column, number), and a label. Within one column they lead to the box below.
    caption : str
        Text below the diagram.
    """

    title: str
    subtitle: str
    columns: tuple
    edges: tuple = ()
    caption: str = ""

    def svg(self):
        """Text of an SVG file."""
        tall = max(column.height for column in self.columns)
        top = MARGIN + 44 + HEADING
        places, x = {}, MARGIN
        parts = []
        for number, column in enumerate(self.columns):
            y = top + (tall - column.height) // 2
            middle = x + column.width / 2
            parts.append(_text(middle, top - 12, column.heading, 12, "#475569", "middle"))
            if column.foot:
                parts.append(_text(middle, top + tall + 22, column.foot, 11, "#64748b", "middle"))
            for place, box in enumerate(column.boxes):
                places[number, place] = (x + (column.width - box.width) // 2, y, box)
                following = column.boxes[place + 1 : place + 2]
                between = BETWEEN[box.small and following[0].small] if following else 0
                y += box.height + between
            x += column.width + GAP
        words = max(len(self.title) * 8.8, max(len(self.subtitle), len(self.caption)) * CHARACTER)
        width = max(x - GAP, MARGIN + round(words)) + MARGIN
        height = top + tall + (58 if self.caption else 40)
        if self.caption:
            parts.append(_text(MARGIN, height - 12, self.caption, 11, "#64748b"))
        lines = [_edge(places[a], places[b], label) for a, b, label in self.edges]
        boxes = [_box(*place) for place in places.values()]
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" font-family="{FONT}">',
            "<!-- SPDX-License-Identifier: CC0-1.0 -->",
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>',
            _text(MARGIN, MARGIN + 8, self.title, 15, "#0f172a", weight="bold"),
            _text(MARGIN, MARGIN + 28, self.subtitle, 12, "#475569"),
        ]
        return "\n".join([*head, *lines, *parts, *boxes, "</svg>"]) + "\n"


def _number(value):
    return f"{value:.1f}".removesuffix(".0")


def _text(x, y, text, size, colour="#0f172a", anchor="start", weight="normal"):
    return (
        f'<text x="{_number(x)}" y="{_number(y)}" font-size="{size}" fill="{colour}" '
        f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
    )


def _rect(x, y, width, height, fill, stroke, radius=4):
    return (
        f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}" '
        f'rx="{radius}" fill="{fill}" stroke="{stroke}"/>'
    )


def _box(x, y, box):
    fill, stroke = COLOURS[box.kind]
    parts = []
    if box.many:
        parts += [_rect(x + d, y - d, box.width, box.height, fill, stroke) for d in (6, 3)]
    parts.append(_rect(x, y, box.width, box.height, fill, stroke))
    middle = x + box.width / 2
    if box.small:
        parts.append(_text(middle, y + 12.5, box.lines[0], 11, anchor="middle"))
        return "".join(parts)
    for number, line in enumerate(box.lines):
        weight = "normal" if number else "bold"
        parts.append(_text(middle, y + LINE * (number + 1), line, 12, "#0f172a", "middle", weight))
    if box.share is not None:
        bar = box.width - 2 * PAD
        y_bar = y + box.height - 14
        parts.append(_rect(x + PAD, y_bar, bar, 7, "#ffffff", stroke, 2))
        parts.append(_rect(x + PAD, y_bar, bar * min(1, box.share), 7, stroke, stroke, 2))
    if box.loop:
        right, low = x + box.width, y + box.height
        parts.append(
            f'<path d="M{_number(right - 16)} {_number(low)}v14H{_number(x + 16)}v-13" fill="none" '
            'stroke="#64748b" marker-end="url(#tip)"/>'
        )
    return "".join(parts)


def _edge(start, end, label):
    (x, y, a), (to_x, to_y, b) = start, end
    if to_x < x + a.width:
        middle = _number(max(x, to_x) + min(a.width, b.width) / 2)
        return (
            f'<path d="M{middle} {_number(y + a.height)}V{_number(to_y)}" fill="none" stroke="#64748b" '
            'marker-end="url(#tip)"/>'
        )
    x, y, to_y = x + a.width + (6 if a.many else 0), y + a.height / 2, to_y + b.height / 2
    bend = (to_x - x) * 0.5
    between = b.small
    stroke = '#94a3b8" stroke-width="0.8' if between else "#64748b"
    tip = "" if between else ' marker-end="url(#tip)"'
    path = (
        f'<path d="M{_number(x)} {_number(y)}C{_number(x + bend)} {_number(y)} {_number(to_x - bend)} '
        f'{_number(to_y)} {_number(to_x)} {_number(to_y)}" fill="none" stroke="{stroke}"{tip}/>'
    )
    if not label:
        return path
    return path + _text((x + to_x) / 2, (y + to_y) / 2 - 6, label, 11, "#475569", "middle")
