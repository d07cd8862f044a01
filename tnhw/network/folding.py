"""Choice of folds: the fastest design of a network with a given number of lanes, in the fewest cells.

For an interval, `Folds.chains` looks at every combination of folds that keeps to it, and leaves out those that another
one beats in everything that a device has little of: lanes, cells, block RAMs and products. Longer intervals only allow
more, so the shortest interval that fits is found by halving.

Images side by side share the parameters that are read in a cycle. So they make a design faster that lacks memory, and
not lanes: `images` says up to how many are tried. `tnhw.network.fitting` chooses for a board.
"""

from dataclasses import dataclass, replace
from functools import cache
from heapq import merge
from itertools import product
from math import ceil
from operator import le
from typing import Any

from ..errors import InputError
from .cost import Cost, activation_blocks, cost
from .design import Design
from .holding import in_lines, usual
from .network import Network
from .stage import MAX_IMAGES, Fold, Stage
from .timetable import interval_of
from .timing import bank_cycles, received, span

__all__ = ["Chain", "Folds", "fastest_first", "fold", "fold_shared", "smallest"]

MAX_SIMD = 64
FAMILY = "ecp5"  # whose cells are counted where no device is named
MORE = 2  # cycles by which two banks may lengthen the interval of the slowest layer
CELLS_PER_RAM = 100  # what a block RAM is worth there; most devices have one for 100 to 500 cells


@dataclass(frozen=True)
class Chain:
    """A stage for each of the last layers of a network, or of all, and what they take together.

    Attributes
    ----------
    stages : tuple of Stage
    lanes, products : int
    cost : Cost
    """

    stages: tuple[Stage, ...] = ()
    lanes: int = 0
    products: int = 0
    cost: Cost = Cost(0, 0)

    def before(self, stage: Stage, own: Cost) -> "Chain":
        """The same with a further stage in front, which costs `own`."""
        return Chain(
            (stage, *self.stages),
            self.lanes + stage.fold.lanes,
            self.products + stage.products,
            self.cost + own,
        )

    @property
    def folds(self) -> list[Fold]:
        return [stage.fold for stage in self.stages]

    def in_lines(self, family: str) -> "Chain":
        """The same design of a whole network with lines where these are smaller, and with its exact block RAMs."""
        if not _has_rows(stage.layer for stage in self.stages):
            return self
        stages = tuple(in_lines(self.stages, family) or self.stages)
        own = [cost(stage, family, number == 0) for number, stage in enumerate(stages)]
        return replace(self, stages=stages, cost=sum(own, Cost(0, 0)))

    @property
    def scarce(self) -> tuple[float, ...]:
        """All that a device may have too little of."""
        return self.cost.cells, self.cost.ram, self.lanes, self.products


def _has_rows(layers):
    """Whether one of the layers sees an image of several rows."""
    return any(layer.in_shape[0] > 1 for layer in layers)


def _least_of(labelled):
    """What no other one beats in everything: labels are tuples of numbers, the smaller the better; yields (label, thing)."""
    kept: list[tuple[tuple[float, ...], Any]] = []
    for label, thing in sorted(labelled, key=lambda pair: pair[0]):
        if not any(all(map(le, own, label)) for own, _ in kept):
            kept.append((label, thing))
    return kept


def _folds(layer):
    """Candidates for the fold of a layer, {simd: [units]}: those in which no lane is idle all the time."""
    channels, outputs = layer.in_shape[2], layer.keys.outputs
    units = sorted({ceil(outputs / groups) for groups in range(1, outputs + 1)})
    return {n: units for n in range(1, min(channels, MAX_SIMD) + 1) if channels % n == 0}


class Folds:
    """All folds of a network's layers.

    Parameters
    ----------
    network : Network
    family : str
        Device family for which cost is estimated.
    dsp : bool
        See `Design`.
    images : int
        Images side by side.
    """

    def __init__(self, network: Network, family: str, dsp: bool = False, images: int = 1) -> None:
        self._family, self.images, self._layers = family, images, network.layers
        self._stages: list[dict[int, list[Stage]]] = []
        for layer in network.layers:
            synapse = layer.kernel.synapse
            synapse = synapse.in_blocks() if dsp else synapse.in_logic()
            synapse = synapse.compact([layer.kernel.arrays])
            self._stages.append(
                {
                    simd: [Stage(layer, Fold(simd, n, images=images), synapse) for n in units]
                    for simd, units in _folds(layer).items()
                }
            )
        self._in_lines = images == 1 and _has_rows(network.layers)
        self._drained = cache(self._with_drain)

    def intervals(self) -> list[int]:
        """Intervals in cycles that are possible with some fold, the shortest first.

        They are the cycles of each layer with each fold, and one or two more, which banks between two layers that are equally
        slow may take.
        """
        layers = enumerate(self._stages)
        return sorted(
            {
                self._least(number, stage) + more
                for number, by_simd in layers
                for own in by_simd.values()
                for stage in own
                for more in range(MORE + 1)
            }
        )

    def _least(self, number: int, stage: Stage) -> int:
        """The fewest cycles that a layer needs: to receive its words, and to read and add them."""
        words = stage.in_words * (1 if number else self.images)
        return max(words, stage.layer.positions * stage.groups * stage.steps)

    def _with_drain(self, number: int, simd: int, place: int, drain: int) -> tuple[Stage, Cost]:
        """A layer's stage with a drain, and its cost; where it may hold lines, as if it held as many as are mostly enough."""
        plain = self._stages[number][simd][place]
        fold = replace(plain.fold, drain=drain)
        stage = Stage(plain.layer, fold, plain.synapse) if drain > 1 else plain
        own = cost(stage, self._family, number == 0)
        if self._in_lines and not stage.drains_slowly:
            whole, lines = (
                activation_blocks(one, self._family, number == 0) for one in (stage, usual(stage))
            )
            own = Cost(own.cells, own.ram - max(0, whole - lines))
        return stage, own

    def _drains(self, number, simd, place, following):
        """The stage with each `drain` that fits the layer after it, and its cost: yields (Stage, Cost)."""
        layer, units = self._layers[number], self._stages[number][simd][place].fold.units
        for drain in range(1, (1 if following is None else units) + 1):
            if units % drain or (following is not None and following % drain):
                continue
            if layer.positions == 1 or layer.keys.outputs % drain == 0:
                yield self._drained(number, simd, place, drain)

    def _candidates(self, number, following, interval):
        """Stages of a layer that keep to an interval and that no other one beats, by inputs a cycle: yields (simd, [(Stage, Cost)]).

        A stage is also better if it leaves more time to the banks before or behind it. More than a few cycles are of no use.
        """
        enough = interval - 2 * MORE
        for simd, stages in self._stages[number].items():
            found = []
            for place, plain in enumerate(stages):
                if self._least(number, plain) > interval:
                    continue
                for stage, own in self._drains(number, simd, place, following):
                    if stage.cycles <= interval:
                        times = max(stage.cycles, enough), max(span(stage), enough)
                        found.append(((own.cells, own.ram, *times), (stage, own)))
                        if max(times) == enough:
                            break  # further drains only take more cells
            if found:
                yield simd, [pair for _, pair in _least_of(found)]

    def chains(self, interval: int) -> list[Chain]:
        """The designs that keep to an interval and that no other one beats in everything, by cells."""
        enough = interval - 2 * MORE
        ends: dict[int | None, list[Chain]] = {None: [Chain()]}
        for number in reversed(range(len(self._stages))):
            longer: dict[int | None, list[Any]] = {}
            for following, chains in ends.items():
                for simd, stages in self._candidates(number, following, interval):
                    for stage, own in stages:
                        label = (max(stage.cycles, enough),)
                        longer.setdefault(simd, []).extend(
                            ((*made.scarce, *label), made)
                            for made in (chain.before(stage, own) for chain in chains)
                            if self._banks_suffice(number, made, interval)
                        )
            ends = {simd: [made for _, made in _least_of(own)] for simd, own in longer.items()}
        every = [(chain.scarce, chain) for chains in ends.values() for chain in chains]
        return [chain for _, chain in _least_of(every)]

    def _banks_suffice(self, number, chain, interval):
        """Whether the banks behind the first layer of a chain, and before it if it is the network's first, keep to an interval."""
        first = chain.stages[0]
        if number == 0 and bank_cycles(received(first), first.fold.simd, first) > interval:
            return False
        if len(chain.stages) == 1:
            return True
        return bank_cycles(span(first), first.fold.drain, chain.stages[1]) <= interval


def _up_to(images):
    """The numbers of images side by side that may be tried."""
    if not 1 <= images <= MAX_IMAGES:
        raise InputError(f"`images` must be 1 to {MAX_IMAGES}, not {images!r}")
    return range(1, images + 1)


def _choices(folds, fits, rank, apart=1.0):
    """For each interval with which a design fits, the one of least rank, the shortest first: yields (interval, Chain).

    With `apart`, intervals that are hardly longer than one before are left out: each is longer by at least this factor.
    """

    def best(interval):
        return min(filter(fits, folds.chains(interval)), key=rank, default=None)

    intervals = folds.intervals()
    low, high = 0, len(intervals)
    while low < high:  # what fits with an interval also fits with a longer one
        middle = (low + high) // 2
        if best(intervals[middle]) is None:
            low = middle + 1
        else:
            high = middle
    least = 0.0
    for interval in intervals[low:]:
        if interval >= least:
            yield interval, best(interval)
            least = apart * interval


def fastest_first(network, family, dsp, images, fits, rank, apart=1.0):
    """Designs of a network with up to so many images side by side, the most vectors a second first.

    Parameters
    ----------
    network, family, dsp
        See `Folds`.
    images : int
    fits, rank : callable
        Of a `Chain`: whether it is allowed, and something that is less for a better one of the same interval.
    apart : float
        Least ratio of two intervals.

    Yields
    ------
    interval, images, Chain

    Raises
    ------
    InputError
        If `images` is not 1 to 16.
    """

    def of(number):
        for interval, chain in _choices(Folds(network, family, dsp, number), fits, rank, apart):
            yield interval / number, number, chain

    for _, number, estimate in merge(*map(of, _up_to(images)), key=lambda one: one[:2]):
        chain = estimate.in_lines(family)
        if fits(chain):
            yield interval_of(chain.stages), number, chain


def smallest(network, family, dsp, images, fits, cycles):
    """The design of fewest cells that is allowed and takes at most so many cycles a vector.

    Arguments are as for `fastest_first`; `cycles` may be infinite.

    Returns
    -------
    Chain or None
    """
    found = []
    for number in _up_to(images):
        folds = Folds(network, family, dsp, number)
        interval = min(number * cycles, folds.intervals()[-1])
        for chain in filter(fits, folds.chains(int(interval))):
            found.append((chain.cost.cells, interval_of(chain.stages) / number, chain))
    exact = (chain.in_lines(family) for *_, chain in sorted(found, key=lambda one: one[:2]))
    return next(filter(fits, exact), None)


def fold(
    network: Network, lanes: int = 64, *, images: int = 1, dsp: bool = False, **options: Any
) -> Design:
    """The fastest design with an engine for each layer that has at most `lanes` lanes, in the fewest cells; `options` as for `Design`.

    Up to `images` images are computed side by side, each with lanes of its own.

    Raises
    ------
    InputError
        If there are fewer lanes than layers, or `images` is not 1 to 16.
    """

    def fits(chain):
        return chain.lanes <= lanes

    def in_cells(chain):
        return chain.cost.cells + CELLS_PER_RAM * chain.cost.ram

    for _, _, chain in fastest_first(network, FAMILY, dsp, images, fits, in_cells):
        return Design(network, chain.folds, dsp=dsp, **options)
    raise InputError(
        f"network {network.name}: {len(network.layers)} layers need at least as many lanes, "
        f"not {lanes}"
    )


def fold_shared(network: Network, lanes: int = 64, *, images: int = 1, **options: Any) -> Design:
    """The fastest design with one engine of at most `lanes` lanes for all layers; `options` as for `Design`.

    Up to `images` images are computed side by side, each with lanes of its own.

    Raises
    ------
    InputError
        If the layers cannot share an engine, or `images` is not 1 to 16.
    """
    synapse = network.layers[0].kernel.synapse
    best = None
    for number, simd in product(_up_to(images), range(1, min(lanes, MAX_SIMD) + 1)):
        for units in range(1, lanes // (simd * number) + 1):
            one = Fold(simd, units, images=number)
            try:
                stages = [Stage(layer, one, synapse) for layer in network.layers]
            except InputError:
                continue
            cycles = max(sum(stage.cycles for stage in stages), received(stages[0]))
            value = cycles / number, one.lanes, number
            if best is None or value < best[0]:
                best = value, one
    if best is None:
        raise InputError(f"network {network.name}: its layers cannot share an engine")
    return Design(network, [best[1]] * len(network.layers), schedule="shared", **options)
