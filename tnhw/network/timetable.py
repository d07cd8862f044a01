"""When rows of results are computed in a design whose layers hold lines: its latency and interval, to the cycle.

A row of results begins as soon as its lines are there, the row before it has been read, and the next layer has room for it.
So nothing ever waits within a row, and each row's times follow from those of a few rows before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from ..gates.engine.depth import depth_of
from ..gates.engine.drain import Drain
from .stage import Stage
from .timing import pipeline_interval, slowest

__all__ = ["Times", "Timetable", "evenly", "interval_of"]

FREED_AFTER = 2  # cycles from the last read of a row of results until the lines that it frees count
MOST = 96  # images within which everything must repeat


class Times(NamedTuple):
    """Times of a design in cycles.

    Attributes
    ----------
    latency, interval, warm_up : int
        As for `Design`.
    pace : int
        Fewest cycles between the starts of two images, or 0 where results are evenly spaced without it.
    """

    latency: int
    interval: int
    warm_up: int
    pace: int


def evenly(stages: Sequence[Stage]) -> Times:
    """The times of a design all of whose stages hold lines, at the least pace with which results are evenly spaced."""
    pace = 0
    while True:
        settled = Timetable(stages, pace).settled()
        if settled and (not pace or settled[1] == pace):
            return Times(Timetable(stages).latency(), settled[1], settled[0], pace)
        pace = settled[1] if settled else max(slowest(stages), pace + 1)


def interval_of(stages: Sequence[Stage]) -> int:
    """The interval of a design with an engine for each stage, whether these hold lines or whole images."""
    return evenly(stages).interval if stages[0].fold.lines else pipeline_interval(stages)


class _Layer:
    """A layer with the times of its rows so far, those of all images in a row.

    Attributes
    ----------
    begun : list of int
        For each row of results, the cycle before its first word is read.
    there : list of int
        For each line, the first cycle in which a row that needs it may begin.
    free : list of int
        For each line, the first cycle in which its place counts as free.
    """

    def __init__(self, stage: Stage, beat: int) -> None:
        layer = stage.layer
        self.lines, self.height, self.rows = (
            stage.fold.lines,
            layer.in_shape[0],
            layer.out_shape[0],
        )
        self.needed, self.freed = layer.lines_needed, layer.lines_freed
        self.whole = layer.keys.kind == "dense"
        self.cycles = stage.cycles // self.rows
        self.into_words = 1 + (beat != stage.fold.simd)
        self.to_results = depth_of(stage) + Drain.latency_of([stage]) + stage.beats[1] - 1
        self.begun: list[int] = []
        self.there: list[int] = []
        self.free: list[int] = []

    def ended(self, row: int) -> int:
        """The cycle in which the last word of a row of results is read."""
        return self.begun[row] + self.cycles

    def room(self, line: int) -> int | None:
        """The first cycle in which there is room for a line; None if it is not known yet."""
        if line < self.lines:
            return 0
        return self.free[line - self.lines] if line - self.lines < len(self.free) else None


class Timetable:
    """The times of a design's rows, image by image, if nothing stalls.

    Parameters
    ----------
    stages : sequence of Stage
        All of them hold lines.
    pace : int
        Fewest cycles between the starts of two images, or 0 for no limit.
    """

    def __init__(self, stages: Sequence[Stage], pace: int = 0) -> None:
        beats = [stages[0].fold.simd, *(stage.fold.drain for stage in stages)]
        self._layers = [_Layer(*each) for each in zip(stages, beats, strict=False)]
        self._line = stages[0].line_words
        self._pace = pace
        # For each line of the network's input, the cycle of its last beat.
        self._sent: list[int] = []

    def latency(self) -> int:
        """Cycles from the acceptance of the first image's last beat to its result."""
        return self.results(1)[0] - self._sent[self._layers[0].height - 1]

    def results(self, images: int) -> list[int]:
        """The cycles of the results of so many images, which are offered without a pause."""
        last = self._layers[-1]
        moved = True
        while len(last.begun) < images * last.rows and moved:
            moved = self._send(images * self._layers[0].height)
            for layer, after in [*pairwise(self._layers), (last, None)]:
                while len(layer.begun) < images * layer.rows and self._begin(layer, after):
                    moved = True
        ends = range(last.rows - 1, len(last.begun), last.rows)
        return [last.ended(row) + last.to_results + 1 for row in ends]

    def _send(self, count: int) -> bool:
        """Send lines of input while it is known when there is room for them, up to so many; returns whether one was sent."""
        first, before = self._layers[0], len(self._sent)
        while len(self._sent) < count:
            room = first.room(len(self._sent))
            if room is None:
                break
            begins = max(room, self._sent[-1] + 1 if self._sent else 0)
            self._sent.append(begins + self._line - 1)
            first.there.append(self._sent[-1] + first.into_words)
        return len(self._sent) > before

    def _begin(self, layer: _Layer, after: _Layer | None) -> bool:
        """Begin the next row of a layer if it is known when; returns whether it is."""
        row = len(layer.begun)
        image, y = divmod(row, layer.rows)
        lines = image * layer.height + layer.needed[y]
        if lines > len(layer.there):
            return False
        times = [layer.there[lines - 1]]
        if row:
            times.append(layer.ended(row - 1))
        if after is not None and (not after.whole or y == 0):
            room = after.room(image if after.whole else row)
            if room is None:
                return False
            times.append(room)
        if self._pace and y == 0 and layer is self._layers[0] and image:
            times.append(layer.begun[row - layer.rows] + self._pace)
        layer.begun.append(max(times))
        end = layer.ended(row)
        freed = layer.freed[y] - (layer.freed[y - 1] if y else 0)
        layer.free += [end + FREED_AFTER] * freed
        if after is not None and (not after.whole or y == layer.rows - 1):
            after.there.append(end + layer.to_results + after.into_words)
        return True

    def settled(self) -> tuple[int, int] | None:
        """After how many images results are evenly spaced, and by how many cycles; None if they do not become so.

        A row waits for rows of a few images before its own at most, so if as many images have the times of the one before them,
        some cycles later, all further ones have too. The sender alone may still be ahead by more and more, until it has no room.
        """
        reach = 2 + max(-(-layer.lines // layer.height) for layer in self._layers)
        shifts: list[set[int]] = []
        for image in range(1, MOST):
            self.results(image + 1)
            shifts.append(set(self._shifts(image)))
            (shift, *others), recent = shifts[-1], shifts[-reach:]
            if not others and len(recent) == reach and all(own == {shift} for own in recent):
                if self._sends_slower(image, shift):
                    continue
                results = self.results(image + 1)
                spaces = [after - now for now, after in pairwise(results)]
                even = next(k for k in range(len(spaces)) if set(spaces[k:]) == {shift})
                return even, shift
        return None

    def _sends_slower(self, image: int, shift: int) -> bool:
        """Whether a line of an image is sent later after that of the image before it than rows are computed."""
        height = self._layers[0].height
        lines = range(image * height, (image + 1) * height)
        return any(self._sent[line] - self._sent[line - height] > shift for line in lines)

    def _shifts(self, image: int) -> list[int]:
        """By how many cycles the rows of an image come after those of the image before it."""
        found = []
        for layer in self._layers:
            rows = range(image * layer.rows, (image + 1) * layer.rows)
            found += [layer.begun[row] - layer.begun[row - layer.rows] for row in rows]
        return found
