"""A comparison as one HTML file that needs no other files."""

from pathlib import Path

import jinja2

from .plots import PAPER, pictures

__all__ = ["COLUMNS", "cells_of", "html"]

# For each column: its heading, and a function that gives its text for a row and the row's ratios.
COLUMNS = (
    ("kernel", lambda row, ratio: row.name),
    ("products", lambda row, ratio: row.products),
    ("size", lambda row, ratio: f"{row.inputs} x {row.outputs}"),
    ("x", lambda row, ratio: row.input),
    ("parameter", lambda row, ratio: row.parameter or ""),
    ("bits", lambda row, ratio: str(row.stored_bits)),
    ("accuracy %", lambda row, ratio: "" if row.accuracy is None else f"{row.accuracy:.2f}"),
    ("model", lambda row, ratio: row.model),
    ("area x", lambda row, ratio: f"{ratio['area']:.2f}" if ratio["area"] else ""),
    ("power x", lambda row, ratio: f"{ratio['power']:.2f}" if ratio["power"] else ""),
    ("Fmax x", lambda row, ratio: f"{ratio['fmax']:.2f}" if ratio["fmax"] else ""),
    ("area um2", lambda row, ratio: f"{row.area['total']:,.0f}" if row.area else ""),
    ("of it seq.", lambda row, ratio: f"{row.area['sequential']:,.0f}" if row.area else ""),
    ("NAND2", lambda row, ratio: f"{row.area['nand2']:,.0f}" if row.area else ""),
    ("logic", lambda row, ratio: str(row.cells.get("logic", ""))),
    ("LUT", lambda row, ratio: str(row.cells.get("LUT", ""))),
    ("carry", lambda row, ratio: str(row.cells.get("carry", ""))),
    ("FF", lambda row, ratio: str(row.cells.get("FF", ""))),
    ("RAM", lambda row, ratio: str(row.cells.get("RAM", ""))),
    ("DSP", lambda row, ratio: str(row.cells.get("DSP", ""))),
    ("Fmax MHz", lambda row, ratio: f"{row.fmax:.1f}" if row.fmax else ""),
    ("of seeds", lambda row, ratio: f"{min(row.fmax_seeds):.1f} to {max(row.fmax_seeds):.1f}" if row.fmax_seeds else ""),
    ("no Fmax", lambda row, ratio: row.no_fmax),
    ("uW", lambda row, ratio: f"{row.power['total']:,.1f}" if row.power else ""),
    ("clock uW", lambda row, ratio: f"{row.power['clock']:,.1f}" if row.power else ""),
    ("pJ/synapse", lambda row, ratio: f"{row.pj_per_operation:.3f}" if row.power else ""),
    ("pJ/vector", lambda row, ratio: f"{row.pj_per_inference:,.1f}" if row.power else ""),
    ("active %", lambda row, ratio: "" if row.active is None else f"{row.active:.0f}"),
    ("activity", lambda row, ratio: f"{row.activity:,.1f}" if row.activity else ""),
    ("tried again", lambda row, ratio: ", ".join(retry["change"] for retry in row.retries)),
)  # fmt: skip


def cells_of(rows, ratios):
    """A table of rows: a list of lists of text, the first with the headings; empty columns are left out."""
    table = [
        [make(row, ratio) for _, make in COLUMNS] for row, ratio in zip(rows, ratios, strict=True)
    ]
    kept = [k for k in range(len(COLUMNS)) if any(line[k] for line in table)]
    return [[COLUMNS[k][0] for k in kept], *([line[k] for k in kept] for line in table)]


def html(rows, record, command, title="Neurons compared"):
    """HTML text of the report.

    Parameters
    ----------
    rows : list of Row
    record : dict
        What `tnhw.comparison.row.report` returns for them.
    command : str
        Command that makes the report again, which the page shows.
    title : str
    """
    sections = []
    drawn = pictures(rows)
    for target in dict.fromkeys(row.target for row in rows):
        places = [k for k, row in enumerate(rows) if row.target == target]
        own = [rows[k] for k in places]
        name = "".join(c if c.isalnum() else "_" for c in target.removeprefix("liberty:"))
        sections.append(
            {
                "target": target,
                "table": cells_of(own, [record["rows"][k]["ratio"] for k in places]),
                "pictures": [svg for file, svg in drawn.items() if file.endswith(f"{name}.svg")],
                "frequency": own[0].frequency,
                "timer": own[0].timer,
                "device": next((row.device for row in own if row.device), ""),
                "operands": sorted({row.operands for row in own if row.operands}),
            }
        )
    text = (Path(__file__).parent / "templates" / "report.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(text).render(
        title=title, sections=sections, record=record, command=command, paper=PAPER
    )
