"""The register map of hardware whose parameters are loaded, from which all files about it are made."""

from dataclasses import asdict, dataclass, field
from math import ceil

from ... import __version__

__all__ = ["ADDRESS_BITS", "MAGIC", "Field", "Register", "map_version", "register_map", "to_json"]

ADDRESS_BITS = 6  # of addresses in bytes
MAGIC = 0x746E6877  # "tnhw"
MAP_VERSION = (1, 0)


@dataclass(frozen=True)
class Field:
    """Bits `high` to `low` of a register; `access` is ro, rw, w1 (writing 1 acts) or w1c (writing 1 clears)."""

    name: str
    high: int
    low: int
    access: str
    text: str


@dataclass(frozen=True)
class Register:
    """A register of 32 bits.

    Parameters
    ----------
    name, offset
        Name, and address in bytes.
    access
        ro, rw or wo.
    reset
        Value after reset, or None if it depends on the state of the core.
    text
        What it is for.
    fields
        Named bits, if the register is not a plain number.
    """

    name: str
    offset: int
    access: str
    reset: int | None
    text: str
    fields: tuple[Field, ...] = field(default=())


def map_version():
    """Value of the register VERSION: version of the map (bits 31 to 16) and of tnhw (15 to 0), as major.minor."""
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return MAP_VERSION[0] << 24 | MAP_VERSION[1] << 16 | major << 8 | minor


def register_map(hardware, design):
    """The registers of hardware with storage `memory`; `design` is the number that identifies the design."""
    parts = ceil(hardware.width_p / 32)
    several = f" A word takes {parts} writes, the low part first." if parts > 1 else ""
    return [
        Register("ID", 0x00, "ro", MAGIC, 'The letters "tnhw".'),
        Register("VERSION", 0x04, "ro", map_version(), "Version of this map and of the generator.", (
            Field("MAP_MAJOR", 31, 24, "ro", "A driver needs its own major version."),
            Field("MAP_MINOR", 23, 16, "ro", "Higher ones only add."),
            Field("TNHW_MAJOR", 15, 8, "ro", "Of the generator."),
            Field("TNHW_MINOR", 7, 0, "ro", "Of the generator."),
        )),
        Register("DESIGN", 0x08, "ro", design, "Number of what the core computes, from its definition."),
        Register("CONTROL", 0x0C, "rw", 1, "What the core does.", (
            Field("ENABLE", 0, 0, "rw", "Vectors are taken; 0 holds s_axis_tready low."),
            Field("ABORT", 1, 1, "w1", "Write 1: the load so far is void, the next word is the first."),
        )),
        Register("STATUS", 0x10, "rw", None, "How the core is.", (
            Field("LOADED", 0, 0, "ro", "All parameters are there; 0: vectors wait for a whole load."),
            Field("LOADING", 1, 1, "ro", "A load has begun and is not complete."),
            Field("PARAM_READY", 2, 2, "ro", "A write to PARAM would be taken at once."),
            Field("FRAME_ERROR", 3, 3, "w1c", "A tlast on s_axis was wrong; write 1 to clear."),
        )),
        Register("PARAM", 0x14, "wo", None,
                 "Next word of a load. The write waits until the core takes it, which it does when no "
                 f"vector is inside: results must be taken meanwhile.{several}"),
        Register("LOAD_WORDS", 0x18, "ro", hardware.beats_p, "Words of a load."),
        Register("LOAD_COUNT", 0x1C, "ro", 0, "Words taken of the present load."),
        Register("VECTORS", 0x20, "ro", 0, "Results given since reset, modulo 2^32."),
        Register("INPUTS", 0x24, "ro", hardware.inputs, "Elements of a vector."),
        Register("OUTPUTS", 0x28, "ro", hardware.outputs, "Elements of a result."),
    ]  # fmt: skip


def to_json(registers):
    """The map as a list for JSON."""
    return [asdict(register) for register in registers]
