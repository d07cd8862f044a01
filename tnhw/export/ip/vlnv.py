"""Vendor, library, name and version, by which tools for IP call a core."""

import re
from dataclasses import dataclass

from ... import __version__
from ...errors import InputError

__all__ = ["Vlnv"]

_WORD = r"[A-Za-z][A-Za-z0-9_.-]*"
_FORM = re.compile(rf"({_WORD}):({_WORD}):([^:]+):(\d+\.\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Vlnv:
    """What a package calls itself; without a vendor and a library of one's own, FuseSoC gets none, and Vivado ``user.org:user``."""

    name: str
    version: str = __version__
    vendor: str = ""
    library: str = ""

    @classmethod
    def parse(cls, text: str, name: str) -> "Vlnv":
        """The four parts of ``VENDOR:LIBRARY:NAME:VERSION``.

        Raises
        ------
        InputError
            If the text has another form, or another name than `name`.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise InputError(
                "`vlnv` must be VENDOR:LIBRARY:NAME:VERSION, vendor and library of letters, digits and `_ . -` and the version like "
                f"1.0 or 1.0.2, not {text!r}"
            )
        vendor, library, own, version = found.groups()
        if own != name:
            raise InputError(
                f"the name in `vlnv` must be that of the design, {name!r}, not {own!r}"
            )
        return cls(name, version, vendor, library)

    @property
    def fusesoc(self) -> str:
        """As in a core file of FuseSoC."""
        return f"{self.vendor}:{self.library}:{self.name}:{self.version}"

    @property
    def vivado(self) -> tuple[str, str, str]:
        """Vendor, library and version for Vivado, whose versions have two numbers."""
        version = ".".join(self.version.split(".")[:2])
        return self.vendor or "user.org", self.library or "user", version
