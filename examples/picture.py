"""The picture of the demo: digits with the class that the hardware gave, and the LUTs that each rule takes.

``make demo`` writes it as ``build/demo/digits.svg``; README shows the one of ``docs/pictures``.
"""

from html import escape

__all__ = ["draw"]

FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
RIGHT, WRONG = "#1a7f37", "#cf222e"
BARS = {"threshold": "#15803d", "ternary": "#94a3b8", "shift": "#94a3b8", "mac": "#b45309"}
PIXEL, GAP, MARGIN = 9, 16, 24
ROW = 30


def draw(images, classes, labels, records, board):
    """Text of an SVG file.

    Parameters
    ----------
    images : array of int [n, 64]
        4-bit pixels, raster order.
    classes, labels : list of int
        What the hardware gave, and what it is.
    records : list of dict
        Of the demo, one a rule.
    board : str or None
        Whose kernel LUTs the bars show.
    """
    digit = 8 * PIXEL
    width = 2 * MARGIN + len(images) * digit + (len(images) - 1) * GAP
    parts, y = [], MARGIN + 14
    shown = records[0]
    head = f"What the emitted Verilog of the {shown['rule']} kernel saw, and the class it gave"
    parts.append(_text(MARGIN, y, head, 14, weight="bold"))
    y += 14
    for number, (image, got, label) in enumerate(zip(images, classes, labels, strict=True)):
        left = MARGIN + number * (digit + GAP)
        for pixel, value in enumerate(image.tolist()):
            shade = 255 - value * 17
            parts.append(
                f'<rect x="{left + pixel % 8 * PIXEL}" y="{y + pixel // 8 * PIXEL}" width="{PIXEL}" '
                f'height="{PIXEL}" fill="rgb({shade},{shade},{shade})"/>'
            )
        verdict, colour = (str(got), RIGHT) if got == label else (f"{got} (is {label})", WRONG)
        parts.append(_text(left + digit / 2, y + digit + 22, verdict, 18, colour, "middle", "bold"))
    y += digit + 58
    if board in shown["boards"]:
        parts.append(_text(MARGIN, y, f"LUTs of the kernel alone on {board}", 14, weight="bold"))
        parts.append(
            _text(width - MARGIN, y, "right on test images, in Verilog", 12, "#475569", "end")
        )
        most = max(record["boards"][board]["kernel_luts"] for record in records)
        for record in records:
            y += ROW
            luts, rule = record["boards"][board]["kernel_luts"], record["rule"]
            long = round((width - 2 * MARGIN - 270) * luts / most)
            parts += [
                _text(MARGIN, y, rule, 14),
                f'<rect x="{MARGIN + 90}" y="{y - 14}" width="{long}" height="18" rx="3" '
                f'fill="{BARS[rule]}"/>',
                _text(MARGIN + 98 + long, y, str(luts), 13),
                _text(width - MARGIN, y, f"{record['accuracy_rtl']:.1f} %", 13, anchor="end"),
            ]
    height = y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="{FONT}"><title>{escape(head)}</title>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x, y, text, size, colour="#0f172a", anchor="start", weight="normal"):
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
