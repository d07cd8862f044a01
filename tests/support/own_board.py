"""The file of a board of the user's own."""

OWN = """
title = "iCEBreaker with a serial adapter on PMOD 1A"
platform = "amaranth_boards.icebreaker:ICEBreakerPlatform"
family = "ice40"
bitstream = "bin"
program = ["-b", "ice40_generic"]
[clock]
resource = "clk12"
frequency = 12_000_000
[uart]
rx = "4"
tx = "2"
attributes = {IO_STANDARD = "SB_LVCMOS"}
[capacity]
LUT = 5280
FF = 5280
RAM = 30
DSP = 8
"""
