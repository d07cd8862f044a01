"""The circular memory of lines into which an engine's images arrive, made in the engine's own module."""

from amaranth.hdl import Value
from amaranth.lib.memory import Memory

from .lines import Lines
from .packer import Packer

__all__ = ["LineMemory"]


class LineMemory:
    """Gathers beats into words, and writes them to the next line; `Arrivals` does the same for whole images.

    Parameters
    ----------
    m : Module
        The engine's.
    stage : Stage
        The layer that the images are for.
    i : stream
        `beat` elements in each beat.
    beat : int
    announced : Value or None
        A line is announced in this cycle: then its beats are taken whenever they come. None if beats come without that, and
        wait for room.

    Attributes
    ----------
    room : Value
        There is room for the line to which the next beat belongs, or for another line that is announced.
    """

    def __init__(self, m, stage, i, beat, announced):
        words, bits, channels = stage.line_words, stage.word_bits, stage.layer.in_shape[2]
        waits = announced is None
        beats = -(-channels // beat) * stage.layer.in_shape[1] if waits else 0
        needs, frees = stage.layer.lines_needed, stage.layer.lines_freed
        m.submodules.lines = lines = Lines(stage.fold.lines, words, needs, frees, beats)
        m.submodules.packer = packer = Packer(
            stage.layer.input.bits, beat, stage.fold.simd, [channels]
        )
        # No word is read in the cycle in which it is written, so no bypass is needed.
        depth, attributes = max(2, stage.fold.lines * words), {"no_rw_check": 1}
        memory = Memory(shape=bits, depth=depth, init=[], attrs=attributes)
        m.submodules.activations = memory
        write = memory.write_port()
        taken = i.valid & lines.room if waits else i.valid
        m.d.comb += [
            i.ready.eq(lines.room if waits else 1),
            packer.beat_valid.eq(taken),
            packer.beat_data.eq(Value.cast(i.payload)),
            lines.arrives.eq(taken if waits else announced),
            lines.write.eq(packer.write),
            write.en.eq(packer.write),
            write.addr.eq(lines.address),
            write.data.eq(packer.word),
        ]
        self._lines, self._read, self.room = lines, memory.read_port(), lines.room

    def read_by(self, m, sequencer, enable):
        """Connect what a sequencer reads, and when rows of results begin and end."""
        lines, read = self._lines, self._read
        m.d.comb += [
            sequencer.enable.eq(enable),
            sequencer.start.eq(lines.start),
            lines.begins.eq(sequencer.begins),
            lines.ends.eq(sequencer.ends),
            read.addr.eq(sequencer.address),
            # A tap in the padding has no word, and its place may be written now.
            read.en.eq(enable & sequencer.valid & ~sequencer.idle),
        ]

    @property
    def word(self):
        """What was read."""
        return self._read.data
