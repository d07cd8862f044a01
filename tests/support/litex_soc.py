"""A SoC of LiteX with the core of an IP package: ``python litex_soc.py PACKAGE SOC.v``.

Its ports are those of the package's top, so that `ip_bench` fits; the registers, if there are any, are on LiteX's bus at
0x30000000, behind its interconnect.
"""

import sys
from importlib import import_module
from pathlib import Path

from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect.axi import AXILiteInterface
from migen import ClockDomain

LITE = {"awaddr": 32, "awprot": 3, "awvalid": 1, "awready": 1, "wdata": 32, "wstrb": 4, "wvalid": 1,
        "wready": 1, "bresp": 2, "bvalid": 1, "bready": 1, "araddr": 32, "arprot": 3, "arvalid": 1,
        "arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1, "rready": 1}  # fmt: skip
BASE = 0x3000_0000


def pins(sizes):
    return [Subsignal(name, Pins(width)) for name, width in sizes.items()]


class Soc(SoCMini):
    def __init__(self, platform, core):
        super().__init__(platform, clk_freq=100_000_000, bus_standard="axi-lite")
        self.cd_sys = ClockDomain("sys")
        self.comb += [
            self.cd_sys.clk.eq(platform.request("aclk")),
            self.cd_sys.rst.eq(~platform.request("aresetn")),
        ]
        self.submodules.core = core
        if hasattr(core, "bus"):
            host = AXILiteInterface(data_width=32, address_width=32)
            self.comb += host.connect_to_pads(platform.request("s_axil"), mode="slave")
            self.bus.add_master("host", master=host)
            self.bus.add_slave("core", core.bus, SoCRegion(origin=BASE, size=0x100, cached=False))
        for end, name in ((core.sink, "s_axis"), (core.source, "m_axis")):
            sizes = {"tdata": len(end.data), "tvalid": 1, "tready": 1, "tlast": 1}
            platform.add_extension([(name, 0, *pins(sizes))])
            pads = platform.request(name)
            forth = [(end.data, pads.tdata), (end.valid, pads.tvalid), (end.last, pads.tlast)]
            back = (pads.tready, end.ready)
            if name == "m_axis":
                forth, back = [(b, a) for a, b in forth], back[::-1]
            self.comb += [target.eq(value) for target, value in [*forth, back]]


def main(package, out):
    sys.path.insert(0, str(package / "python"))
    module = import_module(f"{package.name}_litex")
    core = getattr(module, "".join(word.capitalize() for word in package.name.split("_")))
    io = [("aclk", 0, Pins(1)), ("aresetn", 0, Pins(1)), ("s_axil", 0, *pins(LITE))]
    platform = SimPlatform("SIM", io)
    soc = Soc(platform, core(platform))
    soc.finalize()
    out.write_text(str(platform.get_verilog(soc, name="soc")))
    sources = {Path(source).name for source, *_ in platform.sources}
    assert sources == {path.name for path in (package / "rtl").glob("*.v")}, sources


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
