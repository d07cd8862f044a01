"""The steps of the test benches in a package: one list, for the Verilog bench and for the cocotb bench."""

from ...simulation.traffic import make

__all__ = ["OPS", "Scenario"]

#: Steps, in the order of their codes. Each has a payload or a number; `x` and `p` also have tlast and a mark.
OPS = ("x", "p", "refuse_x", "refuse_p", "reset", "stall", "idle", "drain", "latency", "busy")

SHORT = 200  # most beats of a load that is sent with wrong tlast in several ways
VECTORS = 40
PATIENCE = 32  # cycles for which a beat must not be taken


class Scenario:
    """The steps of a bench and the expected results, for hardware and its manifest.

    Attributes
    ----------
    steps : list of (str, int, int, int)
        Step, payload or number, tlast, and whether a wrong tlast is detected at this beat.

        ====================  =====================================================================
        ``x``, ``p``          offer a beat of a vector or a load until it is taken
        ``refuse_x`` ``_p``   offer a beat for so many cycles; it must not be taken, and is withdrawn
        ``reset``             reset for so many cycles; vectors inside are discarded
        ``stall``             take no result for so many cycles from now on
        ``idle``              wait for so many cycles
        ``drain``             wait until there have been so many result beats in all
        ``latency``           the result begins exactly so many cycles after the beat before
        ``busy``              take results always (0), with pauses (1), or only once they are offered (2)
        ====================  =====================================================================
    results : list of (int, int)
        Result beats (payload, tlast), in order.
    fresh : (int, int)
        Numbers of steps and results at the beginning that are valid only before the first load, and not after a
        later reset.
    """

    def __init__(self, hardware, manifest):
        self.steps, self.results = [], []
        self._streams = {stream["name"]: stream for stream in manifest["streams"]}
        self._latency, self._interval = manifest["latency"], manifest["interval"]
        record = make(hardware, manifest, vectors=VECTORS).record
        self._segments = [self._decoded(segment) for segment in record["segments"]]
        self._loads = "p" in self._streams
        if record["initial"]:
            for x, y in self._decoded(record["initial"])[1]:
                self._vector(x, y)
            self._drain()
        elif self._loads:
            self._refuse_x()
        self.fresh = len(self.steps), len(self.results)
        self._traffic()
        self._resets()
        self._wrong()
        self._waits()
        self._drain()
        self._add("idle", self._latency + self._interval + 8)

    def _decoded(self, segment):
        """A load, and vectors with their results, with beats as integers."""
        beats = {name: [int(beat, 16) for beat in segment[name]] for name in "pio"}
        i, o = self._streams["i"]["beats"], self._streams["o"]["beats"]
        count = len(beats["i"]) // i
        return beats["p"], [
            (beats["i"][k * i : (k + 1) * i], beats["o"][k * o : (k + 1) * o]) for k in range(count)
        ]

    # ---- Steps ----

    def _add(self, step, value=0, last=0, wrong=0):
        self.steps.append((step, value, last, wrong))

    def _frame(self, step, beats, shows=None):
        """Add beats with tlast on the last; at beat number `shows` a wrong tlast is detected."""
        for k, beat in enumerate(beats):
            self._add(step, beat, int(k == len(beats) - 1), int(k == shows))

    def _vector(self, x, y):
        self._frame("x", x)
        self.results += [(beat, int(k == len(y) - 1)) for k, beat in enumerate(y)]

    def _drain(self):
        self._add("drain", len(self.results))

    def _refuse_x(self):
        self._add("refuse_x", PATIENCE)

    def _load(self, number=0):
        if self._loads:
            self._frame("p", self._segments[number][0])

    def _some(self, count=3, number=0):
        """Add vectors of a segment, whose parameters have been loaded."""
        for x, y in self._segments[number][1][:count]:
            self._vector(x, y)

    # ---- Parts ----

    def _traffic(self):
        """Add all vectors; each load follows at once the vectors before it."""
        for number, (_, vectors) in enumerate(self._segments):
            self._add("busy", number % 2)
            self._load(number)
            for k, (x, y) in enumerate(vectors):
                if k % 16 == 5:
                    self._add("stall", self._latency + 3 * self._interval + 8)
                self._vector(x, y)
        self._add("busy", 0)
        self._load()
        self._drain()
        for x, y in self._segments[0][1][:6]:
            self._vector(x, y)
            self._add("latency", self._latency)
            self._drain()

    def _resets(self):
        """Add resets: in a vector, while results wait, in a packet that is being discarded, in a load."""
        first = self._segments[0][1][0][0]
        for cycles in (1, 3):
            for cut in sorted({1, len(first) // 2, len(first) - 1} & set(range(1, len(first)))):
                for beat in first[:cut]:
                    self._add("x", beat)
                self._after_reset(cycles)
            for wait in range(min(self._latency + 1, 6)):
                self._add("stall", 1000)
                self._frame("x", first)
                self._add("idle", wait)
                self._after_reset(cycles)
            for k, beat in enumerate(first):
                self._add("x", beat, 0, int(k == len(first) - 1))
            self._after_reset(cycles)
        words = self._segments[0][0]
        for cut in sorted({1, len(words) // 2, len(words) - 1} & set(range(1, len(words)))):
            for word in words[:cut]:
                self._add("p", word)
            self._add("reset", 1)
            self._refuse_x()
            self._load()
            self._some()
            self._drain()

    def _after_reset(self, cycles):
        """Add a reset: afterwards parameters must be the same, and no earlier result may appear."""
        self._add("reset", cycles)
        self._add("idle", self._latency + self._interval + 2)
        self._some()
        self._drain()

    def _wrong(self):
        """Add packets with a wrong tlast, each followed at once by a good one; then the same for loads."""
        vectors = self._segments[0][1]
        for k, (beats, shows) in enumerate(_wrong_frames(vectors[0][0])):
            self._add("busy", k % 3)
            if k % 3 == 0:  # a good result waits meanwhile
                self._add("stall", 3 * self._latency + 2 * self._interval + 16)
                self._vector(*vectors[-1])
                self._add("idle", self._latency + 4)
            self._frame("x", beats, shows)
            self._vector(*vectors[k % len(vectors)])
        self._add("busy", 0)
        self._drain()
        words = self._segments[-1][0]
        for beats, shows in _wrong_frames(words) if 0 < len(words) <= SHORT else ():
            self._frame("p", beats, shows)
            self._refuse_x()
            self._load()
            self._some()

    def _waits(self):
        """Add loads that must wait, and two loads in a row, of which the second counts.

        A load waits for the rest of a vector, and for one, two or three vectors whose results are not taken yet.
        """
        if not self._loads:
            return
        x, y = self._segments[0][1][1]
        self._drain()
        for count in (1, 2, 3):
            stall = 3 * (self._latency + self._interval) + len(self._segments[-1][0]) + 8
            self._add("stall", stall)
            self._some(count)
            self._load(len(self._segments) - 1)
            self._load()
            self._some()
            self._drain()
        if len(x) > 1:
            self._add("x", x[0])
            self._add("refuse_p", PATIENCE)
            self._frame("x", x[1:])
            self.results += [(beat, int(k == len(y) - 1)) for k, beat in enumerate(y)]
        self._load(len(self._segments) - 1)
        self._load()
        self._some()


def _wrong_frames(beats):
    """Packets with a wrong tlast, each with the index of the beat at which that is detected."""
    count = len(beats)
    for cut in sorted({1, count // 2, count - 1} & set(range(1, count))):
        yield beats[:cut], cut - 1
    for more in (1, count, 2 * count):
        yield (3 * beats)[: count + more], count - 1
