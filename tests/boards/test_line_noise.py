"""Noise on the serial line: host and gates find the next frame again, and take no wrong answer for a right one.

A frame has a CRC of 16 bits: noise that is made to look like a frame passes one time in 65536. The seeds here are
fixed; damage of up to 16 neighbouring bits is always found, whatever the seed.
"""

import random

import pytest
from board_line import Adder, make_line
from fake_board import SIZES, FakeBoard
from places import NIGHTLY

from tnhw.boards import Client
from tnhw.boards.protocol import OVERHEAD, SYNC, Frame, Identity, Kind, Parser, crc16
from tnhw.errors import DeviceError

ROUNDS = 20_000 if NIGHTLY else 4000
BEATS = [1, 2, 3]
RIGHT = 0x020001


def noise(rng, longest=40):
    """Random bytes, rich in what looks like the beginning of a frame."""
    starts = [SYNC, Kind.VECTOR, Kind.VECTOR | 0x80, 0, 3]
    return bytes(
        rng.choice(starts) if rng.random() < 0.4 else rng.randrange(256)
        for _ in range(rng.randrange(longest))
    )


def flipped(rng, data, burst=16):
    """One burst of wrong bits, at most `burst` long: what CRC-16 always finds."""
    length = rng.randrange(1, burst + 1)
    at = rng.randrange(8 * len(data) - length + 1)
    pattern = rng.getrandbits(length) | 1 | 1 << (length - 1)
    return (int.from_bytes(data, "big") ^ pattern << at).to_bytes(len(data), "big")


def cut(rng, data):
    """Some bytes lost, anywhere."""
    start = rng.randrange(len(data))
    return data[:start] + data[rng.randrange(start + 1, len(data) + 1) :]


def doubled(rng, data):
    at = rng.randrange(len(data))
    return data[: at + 1] + data[at:]


DAMAGE = [
    lambda rng, data: b"",
    flipped,
    cut,
    doubled,
    lambda rng, data: noise(rng) + data,
    lambda rng, data: data + noise(rng),
    lambda rng, data: noise(rng),
    lambda rng, data: cut(rng, data) + noise(rng) + flipped(rng, data),
    lambda rng, data: Frame(data[1], (data[2] + 1) % 256, b"\1\1\1").encode(),
]


def test_parser_finds_every_frame_between_noise():
    """Whatever stands before it: a frame that `longest` zeros follow is found, and nothing is made up."""
    rng = random.Random(1)
    for _ in range(ROUNDS):
        sent, line = [], b""
        for _ in range(rng.randrange(1, 5)):
            frame = Frame(rng.randrange(256), rng.randrange(256), rng.randbytes(rng.randrange(17)))
            sent.append(frame)
            line += noise(rng) + bytes(16 + OVERHEAD) + frame.encode()
        line += bytes(16 + OVERHEAD)
        parser, found = Parser(16), []
        while line:
            size = rng.randrange(1, 30)
            found += parser.feed(line[:size])
            line = line[size:]
        assert found == sent


def test_parser_takes_no_damaged_frame():
    rng = random.Random(2)
    for _ in range(ROUNDS):
        frame = Frame(rng.randrange(256), rng.randrange(256), rng.randbytes(rng.randrange(17)))
        line = flipped(rng, frame.encode()) + bytes(16 + OVERHEAD)
        assert frame not in Parser(16).feed(line)


def test_checker_sees_a_parser_without_crc(monkeypatch):
    """The tests of parser and client fail for a parser that takes every CRC."""
    monkeypatch.setattr("tnhw.boards.protocol.crc16", lambda body: Blind(crc16(body)))
    with pytest.raises(AssertionError):
        test_parser_finds_every_frame_between_noise()
    with pytest.raises(AssertionError):
        test_client_takes_no_wrong_answer(0.5)


class Blind(int):
    """A CRC that equals every other; as bytes it is right."""

    def __eq__(self, other):
        return True

    __hash__ = int.__hash__


def exchange(spoil, count, seed):
    """Vectors through a client; how many came back right, how many wrong, and how many were given up."""
    rng = random.Random(seed)
    board = FakeBoard(spoil=lambda data: spoil(rng, data))
    client, came, wrong, lost = Client(board, SIZES, retries=2), 0, 0, 0
    for _ in range(count):
        try:
            if client.send_vector(BEATS) == RIGHT:
                came += 1
            else:
                wrong += 1
        except DeviceError:
            lost += 1
    # As soon as the line is quiet, the next request is answered.
    board.spoil = lambda data: data
    board.pending = noise(rng)
    client.resynchronise()
    assert client.identify() == Identity.of(SIZES)
    assert client.send_vector(BEATS) == RIGHT
    return came, wrong, lost


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_client_takes_no_wrong_answer(share):
    """Answers lost, cut, changed, doubled, late, and noise around them.

    The head of an answer and noise after it may have the CRC of a frame, one time in 65536: of 20,000 vectors, up to
    two such answers are no fault.
    """

    def spoil(rng, data):
        return rng.choice(DAMAGE)(rng, data) if rng.random() < share else data

    came, wrong, lost = exchange(spoil, ROUNDS, seed=3)
    assert wrong <= ROUNDS // 10_000
    assert came and (lost or share < 0.5)


class NoisyLine:
    """A simulated line whose requests are damaged on their way."""

    def __init__(self, line, rng):
        self.line, self.rng, self.share = line, rng, 0.6
        self.baud, self.latency = line.baud, line.latency

    def write(self, data):
        if any(data) and self.rng.random() < self.share:
            data = self.rng.choice([*DAMAGE, *[flipped] * 9])(self.rng, data)
        if data:
            self.line.write(data)

    def read(self, count, timeout):
        return self.line.read(count, timeout)

    def clock(self):
        return self.line.clock()


def test_gates_find_the_next_frame():
    """The receiver in gates, under random bytes and damaged requests: every answer that is taken is right."""
    made = Adder()
    line = NoisyLine(make_line(made, made.sizes), random.Random(4))
    client = Client(line, made.sizes, retries=12)
    client.resynchronise()
    client.send_load([0, 7])
    for number in range(200 if NIGHTLY else 6):
        beats = [number, 2 * number + 1, 5]
        assert client.send_vector(beats) == made.golden(beats, offset=7)
    assert client.repeated
    line.share = 0
    line.line.write(noise(line.rng, 60))
    client.resynchronise()
    assert client.check() == Identity.of(made.sizes)
