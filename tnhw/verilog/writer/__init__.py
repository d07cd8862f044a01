"""Writes Verilog from the RTLIL text that Amaranth makes of a design; docs/verilog.md says in which steps."""

from .text import Written, modules, verilog

__all__ = ["Written", "modules", "verilog"]
