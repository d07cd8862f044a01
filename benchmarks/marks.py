"""Tables that commands make, in pages that people write: each is between two marks."""

import re

from tnhw.support.files import write_files

__all__ = ["get", "put"]


def put(page, name, text):
    """Replace the text between ``<!-- NAME: begin -->`` and ``<!-- NAME: end -->`` of a page.

    Raises
    ------
    ValueError
        If the page has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = page.read_text(encoding="utf-8")
    made, count = re.subn(
        f"{begin}.*{end}", lambda _: f"{begin}\n{text.strip()}\n{end}", before, flags=re.S
    )
    if count != 1:
        raise ValueError(f"{page} has no place for the table `{name}`")
    write_files(page.parent, {page.name: made})


def get(page, name):
    """The text between the marks of a page.

    Raises
    ------
    ValueError
        If the page has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    found = re.search(f"{begin}(.*){end}", page.read_text(encoding="utf-8"), flags=re.S)
    if not found:
        raise ValueError(f"{page} has no place for the table `{name}`")
    return found[1].strip()
