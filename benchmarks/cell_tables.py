"""Tables of docs/results/cells.md from docs/results/cells_*.json: ``python benchmarks/cell_tables.py``."""

import json
from pathlib import Path

from tnhw.support.files import write_files

FOLDER = Path(__file__).parent.parent / "docs" / "results"


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


def main():
    files = sorted(FOLDER.glob("cells_*.json"))
    text = ["# Standard cells: figures", "",
            "Made by `python benchmarks/cell_tables.py` of the JSON files beside, which `python benchmarks/cells.py LIBRARY",
            "DEFINITION -o docs/results/cells_NAME.json` makes. Definitions: [docs/cells.md](../cells.md). pJ a cycle, inertial.", ""]  # fmt: skip
    text += [tables(json.loads(file.read_text())) for file in files]
    write_files(FOLDER, {"cells.md": "\n".join(text)})


if __name__ == "__main__":
    main()
