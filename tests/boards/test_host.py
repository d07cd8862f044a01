import os
import pty
import re
import select
import sys
import threading

import numpy as np
import pytest
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from board_line import make_line
from fake_board import SIZES, FakeBoard
from places import ROOT

from tnhw.boards import Client, host, load_board
from tnhw.boards.host import SerialLink
from tnhw.boards.protocol import SYNC, Frame, Identity, Kind, Parser, Sizes, crc16
from tnhw.errors import DeviceError, InputError, ToolFailed, ToolMissing
from tnhw.kernel import Kernel


def once(change):
    """Spoils the first answer only."""
    left = [change]
    return lambda data: left.pop()(data) if left else data


# Protocol


def test_crc16_published():
    assert crc16(b"123456789") == 0x29B1  # the check value of CRC-16/IBM-3740
    assert crc16(b"tnhw") == CRC16_IBM_3740().compute(b"tnhw")


def test_frame_encode():
    assert Frame(2, 7, b"\x01\x02").encode() == bytes.fromhex("a5 02 07 0200 0102") + crc16(
        bytes.fromhex("02 07 0200 0102")
    ).to_bytes(2, "big")


def test_documented_example():
    """The frames at the end of docs/protocol.md."""
    text = (ROOT / "docs" / "protocol.md").read_text()
    host_side, board_side = re.findall(r"(?m)^(?:host|board): +(.*)$", text)
    assert Parser().feed(bytes.fromhex(host_side)) == [Frame(2, 7, b"\x21\x0f")]
    assert Parser().feed(bytes.fromhex(board_side)) == [Frame(0x82, 7, (513).to_bytes(2, "little"))]


@pytest.mark.parametrize(
    "noise", [b"", b"\0" * 9, b"\xa5", b"\xa5\xa5\x01", b"\xa5\x82\x01\x05\x00"]
)
def test_parser_finds_frames_in_noise(noise):
    frames = [Frame(0x82, n, bytes([SYNC] * n)) for n in range(4)]
    parser, found = Parser(16), []
    data = b"".join(noise + frame.encode() for frame in frames) + bytes(20)
    for byte in data:
        found += parser.feed(bytes([byte]))
    assert found == frames


def test_parser_drops_wrong_crc():
    data = bytearray(Frame(0x82, 1, b"abc").encode())
    data[6] ^= 1
    assert Parser().feed(bytes(data)) == []


def test_identity_round_trip():
    identity = Identity(1, 0xDEADBEEF, 64, 20, 1300)
    assert len(identity.encode()) == Identity.SIZE
    assert Identity.decode(identity.encode()) == identity


def test_sizes():
    assert (SIZES.vector_bytes, SIZES.answer_bytes, SIZES.load_bytes, SIZES.longest) == (
        6,
        3,
        4,
        13,
    )


@pytest.mark.parametrize(
    "arguments, text",
    [
        ((0, 1, 1), "`width_i` must be at least 1, not 0"),
        ((8, 70000, 1), r"at most 65535 bytes, but this design needs 70000 \(vector bytes\)"),
        ((8, 1, 8, 16, 40000), r"needs 80000 \(load bytes\)"),
    ],
)
def test_sizes_wrong(arguments, text):
    with pytest.raises(InputError, match=text):
        Sizes(*arguments)


def kernel(**keys):
    keys = {"name": "k", "rule": "threshold", "inputs": 3, "outputs": 2, "input": "u4"} | keys
    return Kernel(parameter="u4", storage="memory", **keys)


def test_design_number_tells_kernels_apart():
    numbers = [
        Sizes.of(made).design
        for made in (kernel(), kernel(architecture="serial"), kernel(input="u5"), kernel(bias="s8"))
    ]
    assert len(set(numbers)) == 4
    assert Sizes.of(kernel()).design == numbers[0]


# Client


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[1:],
        lambda data: data[:5] + bytes([data[5] ^ 4]) + data[6:],
        lambda data: Frame(0x82, 250, b"xyz").encode(),  # stale
        lambda data: Frame(0x81, data[2], b"xyz").encode(),  # another kind
        lambda data: Frame(0x82, data[2], b"wxyz").encode(),  # too long
    ],
)
def test_client_repeats(change):
    client = Client(FakeBoard(spoil=once(change)), SIZES)
    assert client.send_vector([1, 2, 3]) == 0x020001
    assert client.repeated == 1


def test_client_ignores_noise_and_stale_answers_before_the_right_one():
    stale = Frame(0x82, 200, b"\1\1\1").encode()
    client = Client(FakeBoard(spoil=lambda data: b"\xa5noise" + stale + data), SIZES)
    assert client.send_vector([1, 2, 3]) == 0x020001
    assert client.repeated == 0


def test_client_sequence_wraps():
    board = FakeBoard()
    client = Client(board, SIZES)
    for number in range(300):
        assert client.send_vector([number, 0, 0]) == number
    assert len({frame.sequence for frame in board.requests}) == 256


@pytest.mark.parametrize("answer", [b"", b"\xa5\x82", bytes(3)])
def test_client_gives_up(answer):
    board = FakeBoard(spoil=lambda data: answer)
    with pytest.raises(
        DeviceError, match=r"no correct answer to 3 requests \(vector\); check the port"
    ):
        Client(board, SIZES, retries=2).send_vector([1, 2, 3])
    assert len(board.requests) == 3


def test_client_survives_babble():
    class Babble(FakeBoard):
        def read(self, count, timeout):
            return bytes(count)

    with pytest.raises(DeviceError, match="no correct answer"):
        Client(Babble(), SIZES, retries=1).identify()


def test_client_check():
    assert Client(FakeBoard(), SIZES).check() == Identity.of(SIZES)
    other = Identity(1, 7, 6, 3, 4)
    with pytest.raises(DeviceError, match="holds design 00000007, but this design is 12345678"):
        Client(FakeBoard(identity=other), SIZES).check()
    newer = Identity(9, SIZES.design, 6, 3, 4)
    with pytest.raises(DeviceError, match="speaks version 9 of the protocol, this tnhw speaks 1"):
        Client(FakeBoard(identity=newer), SIZES).check()


def test_client_load_without_memory():
    made = Kernel(name="k", rule="ternary", inputs=2, input="u4", storage="ports")
    with pytest.raises(InputError, match="takes no load"):
        Client(FakeBoard(), made).load()


# Real kernels behind the harness in simulation, under the same host code as a board


@pytest.mark.parametrize("architecture", ["parallel", "serial"])
@pytest.mark.parametrize("storage", ["ports", "memory"])
def test_run_simulated_line(architecture, storage):
    rng = np.random.default_rng(1)
    made = Kernel(
        name="k", rule="threshold", architecture=architecture, inputs=5, outputs=3, input="u4",
        parameter="u4", bias="s8", storage=storage,
    )  # fmt: skip
    p, x = made.random_parameters(rng), made.random_input(rng, 4)
    line = make_line(made.create(), Sizes.of(made))
    record = host.run(made, line, x, p)
    assert (record.vectors, record.equal, record.repeated) == (4, 4, 0)
    assert record.rate > 0 and (record.y == made.golden(x, p)).all()
    if storage == "memory":
        # Other parameters, after the board was left in the middle of a frame.
        line.write(Frame(Kind.LOAD, 3, bytes(Sizes.of(made).load_bytes)).encode()[:9])
        p = made.random_parameters(rng)
        assert host.run(made, line, x, p).equal == 4


def test_run_counts_wrong_answers():
    made = Kernel(
        name="k", rule="ternary", inputs=2, input="u4", storage="constant",
        arrays={"sign": np.array([[1, -1]])},
    )  # fmt: skip
    board = FakeBoard(Sizes.of(made))
    record = host.run(made, board, np.array([[0, 1], [0, 0]]))
    assert (record.vectors, record.equal) == (2, 1)


# Ports and programmers


def test_serial_link_loops_back():
    pytest.importorskip("serial")
    with SerialLink("loop://", 115200) as link:
        link.write(b"abc")
        assert link.read(3, 1.0) == b"abc"
        assert link.read(1, 0.01) == b""


@pytest.fixture
def terminal():
    """Both ends of a line that is no board: a file number, and the name of a port."""
    pytest.importorskip("serial")
    inner, outer = pty.openpty()
    yield inner, os.ttyname(outer)
    os.close(inner)
    os.close(outer)


def test_a_port_that_nobody_reads(terminal):
    _, port = terminal
    with (
        SerialLink(port, 1_000_000) as link,
        pytest.raises(DeviceError, match="takes no more bytes") as info,
    ):
        link.write(bytes(1 << 17))
    assert info.value.exit_status == 6


def test_a_byte_now_and_then(terminal):
    """A request ends at its deadline, although something comes all the time."""
    inner, port = terminal
    over = threading.Event()

    def trickle():
        while not over.wait(0.01):
            os.write(inner, b"\0")

    def drain():
        while not over.is_set():
            if select.select([inner], [], [], 0.01)[0]:
                os.read(inner, 4096)

    threads = [threading.Thread(target=work) for work in (trickle, drain)]
    for thread in threads:
        thread.start()
    try:
        with SerialLink(port, 1_000_000, latency=0.02) as link:
            asked = Asked(link)
            with pytest.raises(DeviceError, match="no correct answer to 2 requests"):
                Client(asked, SIZES, retries=1).identify()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    # Before there was a deadline, as many bytes as four frames were waited for one by one.
    assert asked.reads < 40


class Asked:
    """A link that counts how often it is read."""

    def __init__(self, link):
        self.link, self.reads = link, 0
        self.baud, self.latency, self.write, self.clock = (
            link.baud,
            link.latency,
            link.write,
            link.clock,
        )

    def read(self, count, timeout):
        self.reads += 1
        return self.link.read(count, timeout)


def test_serial_link_missing_port():
    pytest.importorskip("serial")
    with pytest.raises(DeviceError, match="cannot open absent-port: .*is the board plugged in"):
        SerialLink("absent-port")


def test_serial_link_without_pyserial(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ToolMissing, match=r'pip install "tnhw\[host\]"'):
        SerialLink("x")


def test_upload(tmp_path, monkeypatch):
    bitstream, calls = tmp_path / "k.bin", []
    with pytest.raises(InputError, match="k.bin: no such bitstream; make it with `tnhw build`"):
        host.upload(load_board("icebreaker"), bitstream)
    bitstream.write_bytes(b"x")
    monkeypatch.setattr(host.tools, "run", lambda *a, **k: calls.append((a, k["cwd"])))
    host.upload(load_board("icebreaker"), bitstream)
    assert calls == [(("openFPGALoader", ["-b", "ice40_generic", "k.bin"]), tmp_path)]

    def fail(*_, **__):
        raise ToolFailed("unable to open ftdi device")

    monkeypatch.setattr(host.tools, "run", fail)
    with pytest.raises(DeviceError, match="cannot program iCEBreaker .*unable to open ftdi"):
        host.upload(load_board("icebreaker"), bitstream)
