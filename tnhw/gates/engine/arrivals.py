"""The memories into which an engine's images arrive, made in the engine's own module."""

from amaranth.hdl import Cat, Signal, Value
from amaranth.lib.memory import Memory
from amaranth.utils import ceil_log2

from .banks import Banks
from .packer import Packer
from .places import Places

__all__ = ["Arrivals"]


class Arrivals:
    """Gathers beats into words, and writes them to the open bank.

    Parameters
    ----------
    m : Module
        The engine's.
    stage : Stage
        The layer that the images are for.
    i : stream
        `beat` elements in each beat; of all images side by side, unless this is the entry.
    beat : int
    entry : bool
        Whether images that are computed side by side arrive one after the other. Each of them then has a memory of its own.

    Attributes
    ----------
    banks : Banks or Places
    """

    def __init__(self, m, stage, i, beat, entry):
        images, simd, words = stage.fold.images, stage.fold.simd, stage.in_words
        self._entry, self._simd, self._depth_bits = entry, simd, ceil_log2(words)
        bits = stage.layer.input.bits * (1 if entry else images)
        beats = -(-stage.layer.in_shape[2] // beat) * words // stage.words
        self.banks = banks = Places(images, beats, words) if entry else Banks(beats, words)
        m.submodules.banks = banks
        m.submodules.packer = packer = Packer(bits, beat, simd, [stage.layer.in_shape[2]])
        m.d.comb += [
            i.ready.eq(banks.space),
            packer.beat_valid.eq(i.valid & banks.space),
            packer.beat_data.eq(Value.cast(i.payload)),
            banks.beat.eq(packer.beat_valid),
            banks.write.eq(packer.write),
        ]
        self._reads = []
        for number in range(images if entry else 1):
            # The bank is the highest bit of the address, so each bank begins at a power of two.
            memory = Memory(shape=bits * simd, depth=2 << self._depth_bits, init=[])
            m.submodules[f"activations_{number}" if entry else "activations"] = memory
            write, read = memory.write_port(), memory.read_port()
            self._reads.append(read)
            writes = packer.write & banks.write_memory[number] if entry else packer.write
            m.d.comb += [
                write.en.eq(writes),
                write.addr.eq(Cat(banks.address[: self._depth_bits], banks.write_bank)),
                write.data.eq(packer.word),
            ]

    def read_by(self, m, sequencer, enable):
        """Connect what a sequencer reads, and when it begins and ends."""
        banks = self.banks
        reading = Signal() if self._entry else banks.reading
        m.d.comb += [
            sequencer.enable.eq(enable),
            sequencer.start.eq(banks.start),
            reading.eq(sequencer.valid & (sequencer.layer == 0)),
            banks.release.eq(sequencer.release),
        ]
        address = sequencer.address[: self._depth_bits]
        for number, read in enumerate(self._reads):
            # A memory without an image that is computed now is read too, so that nothing unknown is computed with.
            bank = banks.read_bank[number] if self._entry else banks.read_bank
            m.d.comb += [read.addr.eq(Cat(address, bank)), read.en.eq(enable & reading)]
        if self._entry:
            m.d.comb += banks.begins.eq(sequencer.begins)

    @property
    def word(self):
        """What was read: a word in which the elements of all images with the same index lie together."""
        if not self._entry:
            return self._reads[0].data
        return _side_by_side([read.data for read in self._reads], self._simd)


def _side_by_side(words, simd):
    bits = len(words[0]) // simd
    return Cat(word[k * bits :][:bits] for k in range(simd) for word in words)
