"""Text of emitted files, from the jinja2 templates in the package."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

__all__ = ["LICENSE", "render", "render_html", "spdx"]

#: What tnhw emits belongs to the user: nothing is reserved.
LICENSE = "CC0-1.0"

_PACKAGE = Path(__file__).resolve().parents[1]


def spdx(comment: str = "//") -> str:
    """The line with this licence, as a comment that begins with `comment`."""
    return f"{comment} SPDX-License-Identifier: {LICENSE}\n"


def render(folder: str, name: str, /, **values: Any) -> str:
    """The template ``<folder>/templates/<name>.j2`` filled with values; `folder` is relative to the package tnhw.

    The same values give the same text. A template that uses an unknown name is an error.
    """
    return _environment(folder).get_template(f"{name}.j2").render(license=LICENSE, **values)


def render_html(folder: str, name: str, /, **values: Any) -> str:
    """As `render`, for a page: in values, characters that have a meaning in HTML are escaped."""
    return _environment(folder, True).get_template(f"{name}.j2").render(**values)


@cache
def _environment(folder: str, escaped: bool = False) -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PACKAGE / folder / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=escaped,  # not for Verilog, Tcl, C, Python, Markdown: none is HTML
    )
