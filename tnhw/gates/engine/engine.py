"""An engine: in each cycle it computes a part of a layer, or of several layers in turn."""

from itertools import accumulate
from math import ceil

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from ...synapse import Format
from ..summing.terms import Terms
from ..summing.tree import AdderTree
from .arrivals import Arrivals
from .codes import Codes
from .depth import TO_TREES
from .drain import Drain
from .line_memory import LineMemory
from .packer import Packer
from .reload import Reload
from .sequencer import Sequencer
from .token import Token

__all__ = ["Engine"]

BLOCK_ROM_BITS = 1024


class Engine(wiring.Component):
    """Computes `simd` inputs of `units` outputs in each cycle, of one image or of several side by side.

    ::

        i --> words --> two banks --> x ----+
                            ^               v
             address <-- sequencer -->  lanes --> trees --> accumulators --> drain --> o
                            v               ^
                           row --> ROM --> codes

    The pipeline from the banks to the accumulators moves in lock-step. It stalls only while a group of results waits
    for the group before it to leave. With several layers, the results of all but the last layer are written to a
    memory of the engine, and a layer begins when the one before it is complete.

    Images side by side are read with the same row of parameters, and everything else happens to all of them at the same
    time: each has its own lanes, trees, accumulators and results. In words and beats, the elements of all images with
    the same index lie next to each other. Only the engine that takes images from outside gets them one after the other.

    Parameters
    ----------
    stages : list of Stage
        Layers with equal folds and equal synapses, in order.
    beat : int
        Elements in a beat of `i`; must divide `simd`.
    rom : str
        Where parameters are stored: in ``block`` RAM, in ``logic``, or ``auto`` to choose by size.
    pace : int
        Fewest cycles between the starts of two images, or 0 for no limit.
    entry : bool
        Whether it is the first engine, where images that are computed side by side arrive one after the other.
    onto : str
        Where inputs are held in lines: whether the next engine has room for a ``row`` of results at a time, for an
        ``image``, or, as there is none, for ``all``.

    Members
    -------
    i, o : In, Out(stream.Signature)
        Activations in raster order, channels last: `beat` channels of a position in each beat of `i`, and `drain`
        results in each beat of `o`; each of all images side by side.
    begins, together : Out
        Only of the entry of images side by side; see :class:`~tnhw.gates.engine.places.Places`.
    promised, has_room : In(1), Out(1)
        Only where inputs are held in lines, and of no first engine: a line will arrive; there is room for another one.
    room, promise : In(1), Out(1)
        The same of the engine that takes the results.
    load_beat, load_data, load_last : In(1), In, Out(1)
        Only if parameters can be loaded: a beat of a load arrives (never while an image is inside), its bits, and
        whether it is the last one.
    """

    def __init__(self, stages, beat, *, rom="auto", pace=0, entry=False, onto="all"):
        self._stages, self._beat, self._rom = list(stages), beat, rom
        self._pace = pace
        first, last = stages[0], stages[-1]
        self._fold, self._synapse = first.fold, first.synapse
        self._images = images = first.fold.images
        self._entry = entry and images > 1
        self._in_lines = first.fold.lines > 0
        self._announced = self._in_lines and not entry
        self._onto = onto if self._in_lines else ""
        formats = [stage.output_format for stage in stages]
        self._output = _union(formats)
        self._sum = _union([stage.sum_format for stage in stages])
        self._hidden_ends = list(accumulate(stage.in_words for stage in stages[1:]))
        self._hidden = sum(stage.in_words for stage in stages[1:])
        super().__init__(
            {
                "i": In(
                    stream.Signature(ArrayLayout(first.layer.input.shape, beat * self._arriving))
                ),
                "o": Out(
                    stream.Signature(
                        ArrayLayout(last.output_format.shape, self._fold.drain * images)
                    )
                ),
            }
            | ({"begins": Out(1), "together": Out(range(images))} if self._entry else {})
            | ({"promised": In(1), "has_room": Out(1)} if self._announced else {})
            | ({"room": In(1), "promise": Out(1)} if self._onto in ("row", "image") else {})
            | (
                {"load_beat": In(1), "load_data": In(self._load_bits()), "load_last": Out(1)}
                if first.loadable
                else {}
            )
        )
        self._lanes()

    @property
    def stages(self):
        return tuple(self._stages)

    @property
    def beat(self):
        return self._beat

    @property
    def _arriving(self):
        """Images of which a beat of `i` has elements."""
        return 1 if self._entry else self._images

    @property
    def depth(self):
        """Cycles from the read of a group's last word to the group's sums."""
        return TO_TREES + self._levels

    @property
    def images(self):
        """About as many images as it can hold, or groups of images side by side.

        Two are in the banks, and where an image is read in one word each register of the pipeline may hold one. A few are
        on their way in or out.
        """
        words = sum(stage.cycles for stage in self._stages)
        first = self._stages[0]
        held = 1 + ceil(first.fold.lines / first.layer.in_shape[0]) if self._in_lines else 2
        return held + ceil((self.depth + Drain.latency_of(self._stages)) / words) + 3

    @property
    def codes(self):
        """The `Codes` of the parameter words."""
        return self._codes

    def _load_bits(self):
        """Bits of a beat of a load, which is the words of a unit or a row of biases."""
        words = self._synapse.word_bits * self._fold.simd
        return max(words, self._sum.bits * self._fold.drain)

    def load(self, stages):
        """The beats that load the parameters of other stages with the same shapes: list of int."""
        bits, beats = self._codes.bits, []
        for stage in stages:
            for row in stage.parameter_rows:
                for unit in row:
                    beats.append(sum((word or 0) << (k * bits) for k, word in enumerate(unit)))
        for stage in stages:
            for row in stage.biases(self._sum.bits):
                beats.append(sum(bias << (k * self._sum.bits) for k, bias in enumerate(row)))
        return beats

    def _lanes(self):
        """Make codes, lanes and trees, which `elaborate` connects."""
        fold, synapse = self._fold, self._synapse
        rows = [row for stage in self._stages for row in stage.parameter_rows]
        words = [word for row in rows for unit in row for word in unit if word is not None]
        if self._stages[0].loadable:
            words = range(1 << synapse.word_bits)
        self._codes = codes = Codes(words, synapse.word_bits)
        self._row_bits = codes.bits * fold.simd * fold.units
        self._rows = []
        for row in rows:
            packed = 0
            for unit in reversed(row):
                for word in reversed(unit):
                    packed = packed << codes.bits | (0 if word is None else codes.encode(word))
            self._rows.append(packed)
        tags = [""] if self._images == 1 else [f"_{image}" for image in range(self._images)]
        self._x = [
            [Signal(synapse.input.shape, name=f"x_{k}{tag}", reset_less=True) for tag in tags]
            for k in range(fold.simd)
        ]
        self._code = Signal(self._row_bits, name="code")
        self._terms = Terms(synapse, False)
        self._trees, self._words = [], []
        shared_by = synapse.shared_by
        for first in range(0, fold.units, shared_by):
            units = range(first, min(first + shared_by, fold.units))
            leaves = {(u, image): [] for u in units for image in range(self._images)}
            for k in range(fold.simd):
                words = [Signal(synapse.word, name=f"word_{k}_{u}") for u in units]
                for u, word in zip(units, words, strict=True):
                    code = self._code.word_select(u * fold.simd + k, codes.bits)
                    self._words.append((word, codes.decode(code)))
                for image, (x, tag) in enumerate(zip(self._x[k], tags, strict=True)):
                    names = [f"{k}{tag.replace('_', 'i')}_{u}" for u in units]
                    for u, own in zip(units, self._terms.shared(x, words, names), strict=True):
                        leaves[u, image] += own
            for (u, image), own in leaves.items():
                tree = AdderTree([leaf for _, leaf in own], self._sum.bits)
                self._trees.append((f"{u}{tags[image]}", tree, own))
        (self._levels,) = {tree.levels for _, tree, _ in self._trees}

    def elaborate(self, platform):
        m = Module()
        if self._in_lines:
            announced = self.promised if self._announced else None
            arrivals = LineMemory(m, self._stages[0], self.i, self._beat, announced)
        else:
            arrivals = Arrivals(m, self._stages[0], self.i, self._beat, self._entry)
        # Whether the pipeline moves is computed one cycle ahead: the enable drives the whole engine, so it must
        # come from a register and not from the logic of the drain.
        enable, load = Signal(init=1), Signal()
        sequencer = self._order(m, enable, arrivals)
        tokens = [Token.of(sequencer)]
        for number in range(self.depth):
            tokens.append(tokens[-1].delayed(m, enable, number))
        hidden = self._activations(m, enable, sequencer, tokens[1], arrivals.word)
        self._parameters(m, enable, sequencer)
        drain = self._sums(m, enable, load, tokens[-1])
        token, before = tokens[-1], tokens[-2]
        ends_next = Mux(enable, before.valid & before.last, token.ends)
        m.d.sync += [
            enable.eq(~ends_next | drain.ready_next),
            load.eq(ends_next & drain.ready_next),
        ]
        self._results(m, drain, sequencer, hidden)
        return m

    def _order(self, m, enable, arrivals):
        """Make the sequencer, which gives the addresses in the banks that are read; returns it."""
        stages, first = self._stages, self._stages[0]
        bases = [0, 0, *self._hidden_ends][: len(stages)]
        held = first.fold.lines * first.line_words or first.in_words
        m.submodules.sequencer = sequencer = Sequencer(
            stages,
            bases,
            max(held, self._hidden),
            self._pace,
            signals_begin=self._entry,
            onto=self._onto,
        )
        arrivals.read_by(m, sequencer, enable)
        if self._announced:
            m.d.comb += self.has_room.eq(arrivals.room)
        if self._onto:
            m.d.comb += sequencer.room.eq(1 if self._onto == "all" else self.room)
        if self._onto in ("row", "image"):
            m.d.comb += self.promise.eq(sequencer.promise)
        if self._entry:
            m.d.comb += [
                self.begins.eq(sequencer.begins),
                self.together.eq(arrivals.banks.together),
            ]
        return sequencer

    def _activations(self, m, enable, sequencer, token, data):
        """Select the word for the lanes; returns the write port of the hidden layers' memory, or None."""
        stages, write_hidden = self._stages, None
        if self._hidden:
            bits = stages[0].layer.input.bits * self._images
            m.submodules.hidden = hidden = Memory(
                shape=bits * self._fold.simd, depth=max(2, self._hidden), init=[]
            )
            write_hidden, read_hidden = hidden.write_port(), hidden.read_port()
            # Only taps of later layers that are inside the image have a word in this memory.
            reads = enable & sequencer.valid & (sequencer.layer != 0) & ~sequencer.idle
            m.d.comb += [read_hidden.addr.eq(sequencer.address), read_hidden.en.eq(reads)]
            data = Mux(token.layer == 0, data, read_hidden.data)
        if any(stage.halves > 1 for stage in stages):
            data = data ^ token.invert.replicate(len(data))
        if any(any(stage.layer.pads) for stage in stages):
            data = data & ~token.idle.replicate(len(data))
        # x has a register because many lanes read it, and the RAM is slow.
        with m.If(enable):
            m.d.sync += Cat(*self._x).eq(data)
        return write_hidden

    def _parameters(self, m, enable, sequencer):
        """Read the row of the parameter ROM one cycle after the word of activations, which then is in `x`."""
        style = self._rom
        if style == "auto":
            style = "block" if self._row_bits * len(self._rows) >= BLOCK_ROM_BITS else None
        row = Signal.like(sequencer.row, name="row_0")
        with m.If(enable):
            m.d.sync += row.eq(sequencer.row)
        self._memories(m, row, enable, style)

    def _sums(self, m, enable, load, token):
        """Connect terms, trees and accumulators; returns the drain, which takes the sums of a group."""
        stages = self._stages
        m.d.comb += [word.as_value().eq(value) for word, value in self._words]
        lanes = self._terms.connected(m)
        with m.If(enable):
            m.d.sync += [register.eq(value) for register, value in lanes]
        m.submodules.drain = drain = Drain(stages, self._sum, self._output)
        if stages[0].loadable:
            reload = m.submodules.reload
            m.d.comb += [
                drain.write.eq(reload.write_bias),
                drain.write_row.eq(reload.row),
                drain.write_data.eq(self.load_data),
            ]
        for number, (name, tree, leaves) in enumerate(self._trees):
            m.submodules[f"tree_{name}"] = tree
            m.d.comb += tree.enable.eq(enable)
            for k, (value, _) in enumerate(leaves):
                m.d.comb += getattr(tree, f"leaf_{k}").eq(value)
            if all(stage.steps == 1 for stage in stages):
                m.d.comb += drain.sums[number].eq(tree.total)
                continue
            # The accumulator is cleared when its sum leaves. As the drain adds the bias, no start value and no
            # multiplexer in front of the adder are needed.
            total = Signal(self._sum.bits, name=f"total_{name}")
            m.d.comb += drain.sums[number].eq(total + tree.total)
            with m.If(enable & token.valid):
                m.d.sync += total.eq(Mux(load, 0, total + tree.total))
        m.d.comb += [
            drain.load.eq(load),
            drain.layer.eq(token.layer),
            drain.closing.eq(token.closing),
            drain.leave.eq(token.leave),
        ]
        return drain

    def _results(self, m, drain, sequencer, write_hidden):
        """Send results of the last layer to `o`, and those of other layers to the memory of activations."""
        m.d.comb += [
            left.eq(right) for left, right in zip(self.o.payload, drain.o.payload, strict=True)
        ]
        if not self._hidden:
            m.d.comb += [self.o.valid.eq(drain.o.valid), drain.o.ready.eq(self.o.ready)]
            return
        stages, fold = self._stages, self._fold
        bits = stages[0].layer.input.bits
        leaves = drain.o_layer == len(stages) - 1
        m.d.comb += [
            self.o.valid.eq(drain.o.valid & leaves),
            drain.o.ready.eq(self.o.ready | ~leaves),
        ]
        # The words of all layers are stored in order, so the address shows when a layer is complete.
        channels = [stage.layer.in_shape[2] for stage in stages[1:]]
        m.submodules.back = back = Packer(bits * self._images, fold.drain, fold.simd, channels)
        address = Signal.like(write_hidden.addr, name="hidden_address")
        complete = Cat(address == end - 1 for end in self._hidden_ends).any()
        m.d.comb += [
            back.beat_valid.eq(drain.o.valid & ~leaves),
            back.beat_data.eq(Cat(Value.cast(element)[:bits] for element in drain.o.payload)),
            back.layer.eq(drain.o_layer),
            write_hidden.en.eq(back.write),
            write_hidden.addr.eq(address),
            write_hidden.data.eq(back.word),
            sequencer.written.eq(back.write & complete),
        ]
        with m.If(back.write):
            m.d.sync += address.eq(Mux(address == self._hidden - 1, 0, address + 1))

    def _memories(self, m, row, enable, style):
        """Make the parameter ROM, or for each unit a memory that a load writes."""
        rows, bits = self._rows, self._row_bits
        if not self._stages[0].loadable:
            attributes = {"rom_style": style} if style else {}
            memory = Memory(shape=bits, depth=max(2, len(rows)), init=rows, attrs=attributes)
            m.submodules.parameters = memory
            read = memory.read_port()
            m.d.comb += [read.addr.eq(row), read.en.eq(enable), self._code.eq(read.data)]
            return
        biases = sum(len(stage.biases(self._sum.bits)) for stage in self._stages)
        m.submodules.reload = reload = Reload(self._fold.units, len(rows), biases)
        m.d.comb += [reload.beat.eq(self.load_beat), self.load_last.eq(reload.last)]
        own = bits // self._fold.units
        attributes = {"ram_style": style if style == "block" else "distributed"} if style else {}
        for u in range(self._fold.units):
            init = [row >> (u * own) & ((1 << own) - 1) for row in rows]
            memory = Memory(shape=own, depth=max(2, len(rows)), init=init, attrs=attributes)
            m.submodules[f"parameters_{u}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                write.en.eq(reload.write & (reload.unit == u)),
                write.addr.eq(reload.row),
                write.data.eq(self.load_data),
                read.addr.eq(row),
                read.en.eq(enable & ~reload.write),  # never both at once, so no bypass is needed
                self._code.word_select(u, own).eq(read.data),
            ]


def _union(formats):
    """The smallest format that holds all values of `formats`."""
    return Format.of_interval(min(f.min for f in formats), max(f.max for f in formats))
