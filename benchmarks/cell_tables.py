"""Tables of docs/results/cells.md and docs/cells.md from docs/results/cells_*.json: ``python benchmarks/cell_tables.py``."""

import json
from pathlib import Path

import marks

from tnhw.support.files import write_files

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "results"
PAGE = FOLDER.parent / "cells.md"


def tables(record):
    """Markdown of a library's figures."""
    lines = [f"## {record['library']}", "", "| definition | design | comb. um2 | seq. um2 | Fmax MHz (static timing) | comb. pJ | seq. pJ "
             "| clock pJ | total pJ | active % |", "|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, found in record["results"].items():
        for row in found["rows"]:
            e, area = row["energy"]["inertial"], row["area"]
            parts = " | ".join(
                f"{e[k]:.2f}" for k in ("combinational", "sequential", "clock", "dynamic")
            )
            lines.append(
                f"| {name} | {row['name']} | {area['combinational']:,.0f} | {area['sequential']:,.0f} | "
                f"{row['fmax']:.0f} | {parts} | {row.get('active', '')} |"
            )
    lines += ["", "| best MAC / neuron | neuron | area | comb. area | power, zero delay | inertial | transport | inertial, comb. |",
              "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for found in record["results"].values():
        for name, ratio in found["ratios"].items():
            keys = ("neuron", "area", "area combinational", "power zero", "power inertial",
                    "power transport", "power inertial combinational")  # fmt: skip
            lines.append(
                f"| {name} | " + " | ".join(str(ratio.get(key, "")) for key in keys) + " |"
            )
    return "\n".join([*lines, ""])


#: What docs/cells.md shows of sky130hd: name of a ratio to what it is.
HEADLINES = {
    "same8": "8-bit tile, equal inputs (`same8`)",
    "same16": "16-bit tile, equal inputs (`same16`)",
    "serial8": "8-bit element in series, own operands (`serial8`)",
    "serial16": "16-bit element in series (`serial16`)",
    "dot8": "8-bit dot of 9, runtime signs (`dot8`)",
    "dot16": "16-bit dot of 9, runtime signs (`dot16`)",
    "static8": "8-bit dot of 9, static signs on both sides (`static8`)",
    "letter": "**equal accuracy on a hard task**, whole inferences: 4-bit MAC (95.95 %) / 16-level neuron (95.75 %) (`letter`)",
    "equal mac8 / tn3": "**equal accuracy**: 8-bit MAC (98.22 %) / u3 neuron (98.44 %)",
    "equal mac8 / tn4": "equal accuracy: 8-bit MAC (98.22 %) / u4 neuron (98.00 %)",
    "equal mac4 / tn4": "4-bit MAC (97.33 %) / u4 neuron (98.00 %)",
    "equal mac4 / tn3": "4-bit MAC (97.33 %) / u3 neuron (98.44 %)",
}


def headlines(record):
    """The table of docs/cells.md."""
    ratios = {
        key: ratio for found in record["results"].values() for key, ratio in found["ratios"].items()
    }
    lines = [
        "| definition | area | combinational | power | combinational |",
        "|---|---|---|---|---|",
    ]
    for key, title in HEADLINES.items():
        keys = ("area", "area combinational", "power inertial", "power inertial combinational")
        shown = " | ".join(f"{ratios[key][name]:.2f}" for name in keys)
        lines.append(f"| {title} | {shown} |")
    return "\n".join(lines)


def inferences(record):
    """Energy of a whole inference of letter, with each form of MAC over that with thresholds."""
    found = record["results"]["letter"]["inference"]
    designs = {name: own["inertial"] for name, own in found.items()}
    neuron = next(own for name, own in designs.items() if name.startswith("tn"))
    lines = [
        "| design | combinational nJ | sequential nJ | clock nJ | total nJ | over thresholds |",
        "|---|---|---|---|---|---|",
    ]
    for name, own in designs.items():
        parts = ("combinational", "sequential", "clock", "dynamic")
        shown = " | ".join(f"{own[part] / 1000:.2f}" for part in parts)
        lines.append(f"| {name} | {shown} | {own['dynamic'] / neuron['dynamic']:.2f} |")
    return "\n".join(lines)


def claims(record):
    """The paper's claims for a kernel, beside what we find."""
    ratios = {
        key: ratio for found in record["results"].values() for key, ratio in found["ratios"].items()
    }

    def of(key, *scopes):
        return [f"{ratios[key][scope]:.2f}" for scope in scopes]

    area, gates = zip(
        *(of(key, "area", "area combinational") for key in ("same8", "same16")), strict=True
    )
    power, switched = zip(
        *(of(key, "power inertial", "power inertial combinational") for key in ("same8", "same16")),
        strict=True,
    )
    u4, u3 = (
        of(f"equal mac8 / {name}", "area", "power inertial", "power inertial combinational")
        for name in ("tn4", "tn3")
    )
    narrow = [of(f"equal mac4 / {name}", "power inertial")[0] for name in ("tn4", "tn3")]
    return "\n".join([
        "| claim | at 8 and 16 bits on both sides | at equal accuracy on handwritten digits: 8-bit MAC (98.22 %) over u4 neuron (98.00 %) and u3 neuron (98.44 %) |",
        "|---|---|---|",
        f"| area 3.89 to 4.33 | {' and '.join(area)}; what is combinational {' and '.join(gates)} | {u4[0]} and {u3[0]} |",
        f"| power 7.51 to 8.19 | {' and '.join(power)}; what is combinational {' and '.join(switched)} | {u4[1]} and {u3[1]}; what is combinational "
        f"{u4[2]} and {u3[2]}; over a 4-bit MAC (97.33 %) {' and '.join(narrow)} |",
    ])  # fmt: skip


def page():
    """The text of docs/results/cells.md."""
    text = ["# Standard cells: figures", "",
            "Made by `python benchmarks/cell_tables.py` of the JSON files beside, which `python benchmarks/cells.py LIBRARY",
            "DEFINITION -o docs/results/cells_NAME.json` makes. Definitions: [docs/cells.md](../cells.md). pJ a cycle, inertial.", ""]  # fmt: skip
    text += [tables(json.loads(file.read_text())) for file in sorted(FOLDER.glob("cells_*.json"))]
    return "\n".join(text)


def shown():
    """The record that docs/cells.md shows."""
    return json.loads((FOLDER / "cells_sky130hd.json").read_text())


PLACES = (
    (PAGE, "ratios", headlines),
    (PAGE, "inferences", inferences),
    (FOLDER / "paper.md", "kernel claims", claims),
)


def main():
    write_files(FOLDER, {"cells.md": page()})
    for place, name, make in PLACES:
        marks.put(place, name, make(shown()))


if __name__ == "__main__":
    main()
