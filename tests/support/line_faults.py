"""Faults of layers that hold a few rows of their images: what is replaced by what, and a network in which it matters."""

from line_networks import even, late, level, sparse, strided

from tnhw.gates.engine import chain, lines, sequencer
from tnhw.network import lines as held
from tnhw.network import timetable

__all__ = ["FAULTS"]

Lines, Sequencer = lines.Lines, sequencer.Sequencer
FAULTS = {
    "room for a line more": (Lines, "elaborate", "taken != most", "taken < most + 1", level),
    "a row begins a line too early": (Lines, "elaborate", "beyond >= 0", "beyond >= -1", strided),
    "a line counts before it is whole": (Lines, "_last", "count == number - 1", "count == number - 2", strided),
    "a row frees the lines of the next one": (Lines, "elaborate", "[done[-1], *done[:-1]]", "done", strided),
    "a row frees a line too many": (Lines, "elaborate", "now - before", "now - before + 1", level),
    "lines are never free": (Lines, "elaborate", "taken + line_taken - freed", "taken + line_taken", level),
    "a row needs the lines of the one before it": (Lines, "elaborate", "_mostly(further, row)", "_mostly(further[-1:] + further[:-1], row)", strided),
    "the next image needs a line too many": (Lines, "elaborate", "needs[:1]", "[needs[0] + 1]", strided),
    "the first image needs no line": (Lines, "elaborate", "init=-needs[0]", "init=0", strided),
    "rows of the next image are not the first": (Lines, "elaborate", "Mux(row == len(needs) - 1, 0, row + 1)", "row + 1", strided),
    "written behind the last word": (Lines, "elaborate", "self._lines * self._words - 1", "self._lines * self._words", sparse),
    "read behind the last word": (sequencer._Walk, "around", "Mux(before < 0, position + moving, before)", "position + moving", sparse),
    "the next image is read where this one was": (Sequencer, "_addresses", "stages[0].in_words", "0", strided),
    "a row begins without its lines": (Sequencer, "_rows_start", "(self.ends | ~self.valid) & self.start", "self.ends | ~self.valid", level),
    "a row begins without room": (Sequencer, "_rows_start", "(self.ends | ~self.valid) & self.start & room",
                                  "(self.ends | ~self.valid) & self.start", level),
    "a row begins before the pace": (Sequencer, "_rows_start", "due | ~first", "1", even),
    "each row needs room for an image": (Sequencer, "_rows_start", "self.room | ~first", "self.room", strided),
    "each row announces an image": (Sequencer, "_rows_start", "image_begins if self._onto == 'image' else self.begins", "self.begins", strided),
    "an image begins only once": (Sequencer, "_rows_start", "waits_first.eq(self.leave)", "waits_first.eq(0)", late),
    "room for a row of a dense layer": (chain, "_onto", "'image' if stages[0].layer.keys.kind == 'dense' else 'row'", "'row'", strided),
    "the last line is not needed": (held, "needed", "y * layer.strides[0] - layer.pads[0] + extent",
                                    "y * layer.strides[0] - layer.pads[0] + extent - 1", strided),
    "a line is freed too early": (held, "freed", "y * layer.strides[0] - layer.pads[0]",
                                  "(y + 1) * layer.strides[0] - layer.pads[0]", strided),
    "a place is known to be free too early": (timetable.Timetable, "_begin", "end + FREED_AFTER", "end", level),
    "lines are known to be there too early": (timetable.Timetable, "_begin", "end + layer.to_results + after.into_words",
                                              "end + layer.to_results", strided),
}  # fmt: skip
