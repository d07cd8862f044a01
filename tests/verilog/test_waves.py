"""Lists of signals for GTKWave and Surfer."""

import re

import pytest

from tnhw.verilog.waves import MAX_SHOWN, wave_lists


def manifest(**stream):
    one = {"name": "o", "carries": "output", "valid": "o_valid", "ready": "o_ready", "last": None,
           "payload": "o_payload", "width": 8, "element": "s4", "elements": 2, "element_bits": 4}  # fmt: skip
    return {"top": "k", "clock": "clk", "reset": "rst", "error": None, "streams": [one | stream]}


def lines(suffix, **stream):
    return wave_lists(manifest(**stream), "k.fst")[f"k.{suffix}"].splitlines()


def test_gtkwave():
    assert lines("gtkw") == [
        '[dumpfile] "k.fst"', "[timestart] 0",
        "@800200", "-control", "@28", "k.clk", "k.rst", "@1000200", "-control",
        "@800200", "-o: output", "@28", "k.o_valid", "k.o_ready", "@22", "k.o_payload[7:0]",
        "@420", "#{o_payload[0]} " + " ".join(f"({n})k.o_payload[7:0]" for n in (4, 5, 6, 7)),
        "@420", "#{o_payload[1]} " + " ".join(f"({n})k.o_payload[7:0]" for n in (0, 1, 2, 3)),
        "@1000200", "-o: output",
    ]  # fmt: skip


@pytest.mark.parametrize(("element", "flag"), [("u8", "@24"), ("s8", "@420")])
def test_gtkwave_one_number(element, flag):
    made = lines("gtkw", element=element, elements=1, element_bits=8)
    assert made[made.index("k.o_payload[7:0]") - 1] == flag
    assert not any("#{" in line for line in made)


def test_gtkwave_many():
    """Fields beside x, and elements after the first ones, are in the payload only."""
    made = lines("gtkw", width=500, elements=100)
    assert sum("#{" in line for line in made) == MAX_SHOWN
    assert sum("#{" in line for line in lines("gtkw", elements=1)) == 1


def test_without_elements():
    stream = manifest()
    for key in ("element", "elements", "element_bits"):
        del stream["streams"][0][key]
    assert "k.o_payload[7:0]" in wave_lists(stream, "k.vcd")["k.gtkw"]


def test_surfer():
    assert lines("sucl") == [
        "divider_add control", "variable_add k.clk", "variable_add k.rst", "divider_add o",
        "variable_add k.o_valid", "variable_add k.o_ready", "variable_add k.o_payload",
        "item_set_format Hexadecimal", "zoom_fit",
    ]  # fmt: skip


@pytest.mark.parametrize(("element", "shown"), [("u8", "Unsigned"), ("s8", "Signed")])
def test_surfer_one_number(element, shown):
    made = lines("sucl", element=element, elements=1, element_bits=8)
    assert f"item_set_format {shown}" in made


def test_groups_are_closed():
    text = "\n".join(lines("gtkw"))
    assert re.findall(r"@800200\n-(.*)", text) == re.findall(r"@1000200\n-(.*)", text)
