"""A board made of Python, which may spoil its answers."""

from board_line import Adder

from tnhw.boards.protocol import Frame, Identity, Kind, Parser

SIZES = Adder().sizes


class FakeBoard:
    """A link to a board made of Python, which may spoil its answers.

    ``spoil`` gets each answer's bytes and gives the bytes that arrive.
    """

    baud, latency = 1e6, 0.0

    def __init__(self, sizes=SIZES, spoil=lambda data: data, identity=None):
        self.sizes, self.spoil = sizes, spoil
        self.identity = identity or Identity.of(sizes)
        self.parser, self.pending, self.requests = Parser(), b"", []

    def write(self, data):
        for frame in self.parser.feed(data):
            self.requests.append(frame)
            payload = b""
            if frame.kind == Kind.IDENTIFY:
                payload = self.identity.encode()
            elif frame.kind == Kind.VECTOR:
                payload = frame.payload[: self.sizes.answer_bytes]
            answer = Frame(frame.kind | 0x80, frame.sequence, payload).encode()
            self.pending += self.spoil(answer)

    def read(self, count, timeout):
        data, self.pending = self.pending[:count], self.pending[count:]
        return data

    def clock(self):
        return 0.0
