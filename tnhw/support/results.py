"""What verbs return: records with fields, which can be converted to a dict for JSON or to tables."""

import io
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from .terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

__all__ = ["Result", "Table", "console", "rich_table"]


class Table(NamedTuple):
    """One table.

    Parameters
    ----------
    title : str
    lines : list of tuple
        Rows of cells, which are shown as ``str`` gives them.
    headed : bool
        Whether the first row has the headings of the columns.
    """

    title: str
    lines: list[tuple[Any, ...]]
    headed: bool = False


class Result:
    """Base of the records that verbs return.

    A subclass has fields, and shows them by :meth:`tables` and :attr:`summary`. ``str(result)`` is its tables as text;
    a notebook shows them as HTML.
    """

    @property
    def summary(self) -> str:
        """The result in one line."""
        raise NotImplementedError

    def tables(self) -> list[Table]:
        """The result as tables, at least one."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The whole result, as a dict that ``json.dumps`` accepts."""
        raise NotImplementedError

    def table(self) -> str:
        """The tables as text, as the command line prints them."""
        with io.StringIO() as text:
            for title, lines, _ in self.tables():
                made = rich_table(lines, title)
                console(made, file=text, color_system=None, force_terminal=False).print(made)
            return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary}>"

    def _repr_html_(self) -> str:
        return "\n".join(_html(table) for table in self.tables())


def rich_table(lines: Iterable[Iterable[Any]], title: str | None = None) -> "RichTable":
    """A table for a terminal; control characters in its cells have no effect."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    shown = Text(printable(title)) if title else None
    table = RichTable(title=shown, box=box.SIMPLE, title_justify="left", show_header=False)
    for line in lines:
        table.add_row(*(Text(printable(cell)) for cell in line))
    return table


def console(table: "RichTable", **options: Any) -> "Console":
    """A console that is as wide as `table` needs, so that nothing is cut; `options` are Rich's."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise  # noqa: PLE0704  (who prints decides how that ends)

    usual = Output(**options)
    width = Console(width=10_000).measure(table).maximum
    return Output(width=max(usual.width, width), **options)


def _html(table: Table) -> str:
    rows = []
    for number, line in enumerate(table.lines):
        tag = "th" if table.headed and number == 0 else "td"
        cells = (f"<{tag}>{escape(printable(cell))}</{tag}>" for cell in line)
        rows.append(f"<tr>{''.join(cells)}</tr>")
    title = f"<caption>{escape(printable(table.title))}</caption>"
    return f"<table>{title}{''.join(rows)}</table>"
