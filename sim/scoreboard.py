"""What must come out, in order, compared with what does."""

from streams import Failure


class Scoreboard:
    """The exact sequence of output beats.

    Parameters
    ----------
    port : Port
        The output stream; its entry in the manifest says how elements lie in beats.

    Attributes
    ----------
    count : int
        Beats that came and were right.
    cycles : list of int
        Cycle of each vector's last beat.
    """

    def __init__(self, port):
        self.port = port
        stream = port.names
        self.signed, self.bits = stream["element"][0] == "s", int(stream["element"][1:])
        self.stride, self.elements = stream["element_bits"], stream["elements"]
        self.per_beat = port.width // self.stride
        self.clear()

    def clear(self):
        """Expect nothing, as after a reset."""
        self.expected, self.origin = [], []
        self.received, self.cycles = [], []
        self.count = 0

    def expect(self, beats, origin):
        """Add the beats of one vector; `origin` is its number in the traffic."""
        self.expected += [format(beat, f"0{self.port.width}b") for beat in beats]
        self.origin.append(origin)

    @property
    def done(self):
        """Whether everything that was expected came."""
        return self.count == len(self.expected)

    def take(self, payload, last, cycle):
        """Compare the next beat."""
        if self.done:
            raise Failure(
                "extra",
                f"An output came after the last of {len(self.origin)} vectors: "
                f"{self._decoded(payload, 0)}.",
            )
        position = self.count % self.port.beats
        if payload != self.expected[self.count]:
            raise self._mismatch(payload)
        at_end = position == self.port.beats - 1
        if last is not None and last != at_end:
            raise Failure(
                "last",
                f"`{self.port.names['last']}` is {int(last)} on beat {position + 1} of "
                f"{self.port.beats} of an output vector; it must be {int(at_end)}.",
                vector=self.origin[self.count // self.port.beats],
            )
        self.received.append(payload)
        self.count += 1
        if at_end:
            self.cycles.append(cycle)

    def missing(self):
        """Failure for what did not come."""
        vector = self.count // self.port.beats
        return Failure(
            "missing",
            f"The output of vector {self.origin[vector]} did not come.",
            vector=self.origin[vector],
        )

    def _mismatch(self, payload):
        beats = self.port.beats
        vector, position = divmod(self.count, beats)
        origin = self.origin[vector]
        wanted = self.expected[self.count]
        earlier = self.expected[self.count - beats] if vector else None
        later = self.expected[self.count + beats : self.count + beats + 1]
        if payload == earlier:
            kind, text = "duplicated", "the output of the vector before it came again"
        elif [payload] == later:
            kind, text = "lost", "the output of the vector after it came instead"
        else:
            kind, text = "value", ""
        got, want = self._decoded(payload, position), self._decoded(wanted, position)
        element = next((k for k in range(len(got)) if got[k] != want[k]), None)
        if element is None:
            text = text or "padding bits differ"
            number, detail = None, {}
        else:
            number = position * self.per_beat + element
            text = f"output {number} is {got[element]}, expected {want[element]}" + (
                f" ({text})" if text else ""
            )
            detail = {"output": number, "expected": want[element], "got": got[element]}
        return Failure(
            kind,
            f"Vector {origin}: {text}.",
            vector=origin,
            **detail,
            expected_beat=format(int(wanted, 2), "x"),
            got_beat=format(int(payload, 2), "x"),
        )

    def _decoded(self, payload, position):
        """Elements of a beat."""
        pattern = int(payload, 2)
        here = min(self.per_beat, self.elements - position * self.per_beat)
        values = []
        for k in range(here):
            value = pattern >> (k * self.stride) & ((1 << self.bits) - 1)
            values.append(value - (1 << self.bits) * (self.signed and value >> (self.bits - 1)))
        return values
