"""Where things are that more than one test reads, and whether this run takes the larger sizes."""

from datetime import date
from pathlib import Path

from tnhw.support import environment

__all__ = ["DESIGNS", "NIGHT", "NIGHTLY", "REGRESSIONS", "ROOT", "SUPPORT", "TOY", "liberty_files"]

SUPPORT = Path(__file__).resolve().parent
ROOT = SUPPORT.parents[1]
#: A library of about a dozen cells with round numbers.
TOY = SUPPORT / "toy.lib"
#: Verilog written by hand.
DESIGNS = SUPPORT / "designs"
#: Kernel files of cases that once failed.
REGRESSIONS = SUPPORT / "regressions"
NIGHTLY = environment.flag("TNHW_NIGHTLY")
#: Number of the day: what would take too long for one night is divided among a few.
NIGHT = date.today().toordinal()


def models():
    """The folder of networks of others that the user names with TNHW_MODELS; one that is not there without it."""
    return environment.path("TNHW_MODELS") or Path("none")


def liberty_files():
    """Libraries that the user names with TNHW_LIBERTY: a file, or a folder of them."""
    path = environment.path("TNHW_LIBERTY") or Path("none")
    files = sorted(path.glob("*.lib*")) if path.is_dir() else [path]
    return [file for file in files if file.is_file()]
