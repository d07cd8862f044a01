"""Vendor, library, name and version of IP packages."""

import pytest

from tnhw.cli import main
from tnhw.export.ip.vlnv import Vlnv


def test_default(tmp_path):
    assert main(["generate", "threshold_axi", "-o", str(tmp_path)]) == 0
    core = (tmp_path / "threshold_axi" / "ip" / "threshold_axi.core").read_text()
    assert f"\nname: ::threshold_axi:{Vlnv('x').version}\n" in core
    assert Vlnv("x", "1.2.3").vivado == ("user.org", "user", "1.2")


def test_own(tmp_path):
    own = ["--vlnv", "acme.com:ml:threshold_axi:1.2.3"]
    assert main(["generate", "threshold_axi", *own, "-o", str(tmp_path)]) == 0
    folder = tmp_path / "threshold_axi" / "ip"
    assert (
        "\nname: acme.com:ml:threshold_axi:1.2.3\n" in (folder / "threshold_axi.core").read_text()
    )
    script = (folder / "package_ip.tcl").read_text()
    assert "-vendor acme.com -library ml " in script and "set_property version 1.2 $core" in script
    assert "-vlnv acme.com:ml:threshold_axi:1.2 " in (folder / "block_design.tcl").read_text()


@pytest.mark.parametrize(
    ("name", "vlnv", "text"),
    [
        ("threshold_axi", "acme:ml:threshold_axi", "must be VENDOR:LIBRARY:NAME:VERSION"),
        ("threshold_axi", "acme:ml:threshold_axi:1", "the version like 1.0 or 1.0.2, not"),
        ("threshold_axi", "[exec x]:ml:threshold_axi:1.0", "vendor and library of letters"),
        (
            "threshold_axi",
            "acme:ml:other:1.0",
            "must be that of the design, 'threshold_axi', not 'other'",
        ),
        (
            "threshold16",
            "acme:ml:threshold16:1.0",
            "is for an IP package: use --interface axi-stream",
        ),
    ],
)
def test_wrong(name, vlnv, text, tmp_path, capsys):
    assert main(["generate", name, "--vlnv", vlnv, "-o", str(tmp_path)]) == 2
    assert text in capsys.readouterr().err and list(tmp_path.iterdir()) == []
