"""A network with a fold for each layer: the hardware that is generated, simulated and built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..gates.engine import Chain
from ..hardware import Hardware
from ..hardware.interface import Arrays
from ..hardware.payloads import axi_beats, join
from ..pictures.svg import Diagram
from ..support.config import content
from ..synapse import Format
from . import timing
from .checks import check_folds
from .diagram import network_diagram
from .facts import facts
from .hardware import NetworkHardware
from .network import Network
from .stage import Fold, Stage
from .timetable import Times, evenly

__all__ = ["Design"]


class Design(NetworkHardware):
    """Hardware of a network: engines that compute its layers.

    Parameters
    ----------
    network : Network
    folds : list of Fold
        One for each layer; all the same if the layers share an engine.
    schedule : str
        ``pipeline``: an engine for each layer, and all engines work at the same time; ``shared``: one engine
        computes all layers in turn.
    rom : str
        Where parameters are stored: in ``block`` RAM, in ``logic``, or ``auto`` to choose by size.
    dsp : bool
        Whether products stay whole, for the DSP blocks of a device. Otherwise the gates of a rule are those
        that take the least logic.
    loadable : bool
        Whether other parameters may be loaded through a stream `p`. The hardware starts with the parameters
        of the network.
    interface : str
        ``stream``, or ``axi-stream`` for the ports of `tnhw.gates.engine.axi.AxiChain`.

    Attributes
    ----------
    stages : list of Stage
        Each layer with its fold.
    engines : list of list of Stage
        The stages that each engine computes.
    images : int
        Vectors that are computed side by side.
    interval : int
        Cycles from vector to vector, if nothing stalls; with several side by side, from one group of `images` vectors to
        the next.
    latency : int
        Cycles from the acceptance of a vector's last beat to its result, if nothing stalls and, with several side by side,
        no other vector is inside.

    Raises
    ------
    InputError
        If a fold does not fit its layer or the layers around it; the message names the layer.
    """

    def __init__(
        self,
        network: Network,
        folds: Iterable[Fold],
        *,
        schedule: str = "pipeline",
        rom: str = "auto",
        dsp: bool = False,
        loadable: bool = False,
        interface: str = "stream",
    ) -> None:
        super().__init__(network, interface)
        self.schedule, self.rom = schedule, rom
        if schedule not in ("pipeline", "shared"):
            raise InputError(
                f'`schedule` must be "pipeline" or "shared", not {schedule!r}; "unrolled" is an `UnrolledDesign`'
            )
        if rom not in ("auto", "block", "logic"):
            raise InputError(f'`rom` must be "auto", "block" or "logic", not {rom!r}')
        folds = list(folds)
        if len(folds) != len(network.layers):
            raise InputError(
                f"network {self.name}: {len(network.layers)} layers, but {len(folds)} folds"
            )
        shared = schedule == "shared"
        layers = network.layers
        self.dsp, self.loadable = dsp, loadable
        rules = [layer.kernel.synapse for layer in layers]
        rules = [rule.in_blocks() if dsp else rule.in_logic() for rule in rules]
        arrays = [[layer.kernel.arrays] for layer in layers]
        if shared and rules.count(rules[0]) == len(rules):
            arrays = [[layer.kernel.arrays for layer in layers]] * len(layers)
        self.stages = [
            Stage(layer, fold, rule.compact(own), loadable)
            for layer, fold, rule, own in zip(layers, folds, rules, arrays, strict=True)
        ]
        self.engines = [self.stages] if shared else [[stage] for stage in self.stages]
        try:
            check_folds(self.stages, self.engines, network.result)
        except InputError as error:
            raise InputError(f"network {self.name}: {error}") from None

    # Facts

    @property
    def _content(self):
        options = self.schedule, self.rom, self.dsp, self.loadable, self.interface
        return content((self.network, self.folds, *options))

    @property
    def images(self) -> int:
        return self.stages[0].fold.images

    @property
    def lanes(self) -> int:
        """Lanes of all engines: synapses that are computed in one cycle."""
        return sum(stages[0].fold.lanes for stages in self.engines)

    @property
    def products(self) -> int:
        """Multiplications in one cycle that DSP blocks could compute."""
        return sum(stages[0].products for stages in self.engines)

    @property
    def folds(self) -> list[Fold]:
        """Fold of each layer."""
        return [stage.fold for stage in self.stages]

    def __repr__(self) -> str:
        folds = ",".join(map(str, self.folds))
        extra = ", loadable" if self.loadable else ""
        return f"<Design {self.name}: folds {folds}, {self.lanes} lanes, {self.schedule}{extra}>"

    @property
    def output_format(self) -> Format:
        if self.network.result == "class":
            return super().output_format
        return self.stages[-1].output_format

    # Parameters that may change

    @property
    def storage(self) -> str:
        return "memory" if self.loadable else "constant"

    @property
    def arrays(self) -> dict[str, np.ndarray] | None:
        """Parameters that the hardware starts with, by ``layer.array``; None if they cannot change."""
        return self.network.arrays if self.loadable else None

    @property
    def width_p(self) -> int:
        """Payload of a beat of stream `p` in bits, or 0 if there is no such stream."""
        return len(self._hardware.p.payload) if self.loadable else 0

    @property
    def beats_p(self) -> int:
        """Beats of stream `p` for one load, or 0 if there is no such stream."""
        return len(self.pack_parameters()) if self.loadable else 0

    def _sets(self, of):
        """Parameter sets of the network, made of those of its layers: `of` gives a list of sets for a kernel."""
        sets = [of(stage.kernel) for stage in self.stages]
        for k in range(max(map(len, sets))):
            yield {
                f"{stage.layer.name}.{name}": stage.layer.shaped(name, array)
                for stage, own in zip(self.stages, sets, strict=True)
                for name, array in stage.synapse.nearest(own[k % len(own)]).items()
            }

    def random_parameters(
        self, rng: np.random.Generator, vectors: int | None = None
    ) -> dict[str, np.ndarray]:
        """One set of random parameters that can be loaded, by ``layer.array``; `vectors` must be None."""
        if vectors is not None:
            raise InputError(
                "parameters of a network are loaded: they cannot differ from vector to vector"
            )
        return next(self._sets(lambda kernel: [kernel.random_parameters(rng)]))

    def corner_parameters(self) -> list[dict[str, np.ndarray]]:
        """Parameter sets with every array at an end of its range."""
        return list(self._sets(lambda kernel: kernel.corner_parameters()))

    def pack_parameters(self, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `p` for a load: list of int.

        Parameters
        ----------
        p : dict of arrays, optional
            By ``layer.array``; the network's own by default.

        Raises
        ------
        InputError
            If parameters do not fit into the words or sums of the hardware; the message names the layer.
        """
        network = self.network if p is None else self.network.with_arrays(p)
        beats, layers = [], iter(network.layers)
        for engine, stages in zip(self._hardware.engines, self.engines, strict=True):
            beats += engine.load([stage.loaded(next(layers)) for stage in stages])
        return beats

    @cached_property
    def _measured(self):
        """For each engine, its pipeline depth in cycles, and the bits that its memory stores for one synapse."""
        return [(engine.depth, engine.codes.bits) for engine in self._hardware.engines]

    @cached_property
    def _delays(self) -> list[timing.Delay]:
        return timing.delays(self.engines, [depth for depth, _ in self._measured])

    @cached_property
    def latency(self) -> int:
        if self._in_lines:
            return self._times.latency
        return timing.latency(self._delays, self.images)

    @cached_property
    def interval(self) -> int:
        if self._one_engine:
            return timing.shared_interval(self.stages, self._delays)
        return self._times.interval if self._in_lines else timing.pipeline_interval(self.stages)

    @property
    def warm_up(self) -> int:
        """Number of vectors after which results come regularly: each `interval` cycles after the one `images` before it.

        The first may be closer or farther apart.
        """
        if self._in_lines:
            return self._times.warm_up
        return 0 if self._one_engine else timing.warm_up(self.stages)

    @property
    def _in_lines(self) -> bool:
        """Whether layers hold a few rows of their input images, and not two whole ones."""
        return self.stages[0].fold.lines > 0

    @cached_property
    def _times(self) -> Times:
        return evenly(self.stages)

    @property
    def _one_engine(self) -> bool:
        return len(self.engines) == 1 and len(self.stages) > 1

    @property
    def _pace(self) -> int:
        """Cycles that the first engine leaves between the starts of two images, or 0 if it need not wait.

        It waits where two banks are too few for the slowest engine: results would otherwise alternately
        come too early and too late. With images side by side it always waits, so that groups are full whenever vectors
        follow each other.
        """
        if self._in_lines:
            return self._times.pace
        if self.images > 1:
            return timing.received(self.stages[0]) if self._one_engine else self.interval
        if self._one_engine or self.interval <= timing.slowest(self.stages):
            return 0
        return self.interval

    def _made(self) -> Chain:
        return Chain(self.engines, self.network.result, rom=self.rom, pace=self._pace)

    def facts(self) -> dict[str, Any]:
        """What the manifest says of the design besides names, times and streams: a dict for JSON."""
        return facts(self, [bits for _, bits in self._measured])

    def diagram(self) -> Diagram:
        """A picture of its layers in a row."""
        return network_diagram(self)

    def options(self) -> dict[str, Any]:
        """Keyword arguments with which `tnhw.catalogue.load_design` makes this design of its network again."""
        folds = ",".join(str(fold) for fold in self.folds)
        made = {"folds": folds, "schedule": self.schedule, "rom": self.rom, "dsp": self.dsp}
        made["loadable"] = self.loadable
        return made | ({"interface": self.interface} if self.interface != "stream" else {})

    def identity(self) -> Iterator[str]:
        """Lines of text that differ if what the hardware computes differs."""
        yield f"{self.network.input} {self.network.shape} {self.network.result} {self.folds}"
        yield f"{self.schedule} {self.rom} {self.dsp} {self.loadable}"
        if self.loadable:
            yield repr([(stage.synapse, stage.kernel.bias_format) for stage in self.stages])
        for layer in self.network.layers:
            yield repr(layer.keys)
            if self.loadable:
                continue
            for name, array in sorted(layer.arrays.items()):
                yield f"{name}={array.tolist()}"

    # Streams

    @property
    def beats_in(self) -> int:
        """Beats of stream `i` for one vector."""
        return self.stages[0].in_words

    @property
    def width_i(self) -> int:
        """Payload of a beat of stream `i` in bits: `simd` channels of one position."""
        return self.input.bits * self.stages[0].fold.simd

    def pack_input(self, x: Any, p: Arrays | None = None) -> list[int]:
        """Payloads of stream `i` for vectors x [n, inputs], in order: list of int."""
        return [join(word, self.input) for word in self._words(x)]

    def axi_input(self, x: Any) -> list[tuple[int, int]]:
        """AXI4-Stream beats (tdata, tlast) of vectors x [n, inputs], in order."""
        words, count = self._words(x), self.beats_in
        data = [data for data, _ in axi_beats(words, self.input, self.stages[0].fold.simd)]
        return [(one, int(k % count == count - 1)) for k, one in enumerate(data)]

    def _words(self, x):
        """Elements of each beat of stream `i`, with those of idle lanes: list of lists."""
        stage, x = self.stages[0], self.network.check_x(x)
        height, width, channels = stage.layer.in_shape
        simd = stage.fold.simd
        x = x.reshape(len(x), height * width, channels)
        idle = stage.words * simd - channels
        return np.pad(x, ((0, 0), (0, 0), (0, idle))).reshape(-1, simd).tolist()


if TYPE_CHECKING:  # a type checker compares each member with the interface
    _: type[Hardware] = Design
