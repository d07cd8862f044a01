"""The syntax of Liberty files: comments, groups, attributes, and units.

As in other tools, the end of a line takes the place of a missing semicolon. The caller is informed of it.
"""

import re
from dataclasses import dataclass, field

from ..errors import InputError

__all__ = ["Group", "clean", "end_of_group", "parse", "scale"]

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_JOINED = r"\\[ \t\r]*\n"  # a backslash that joins two lines
_TOKEN = re.compile(rf'({_STRING})|((?:[^\s"{{}}();:,\\]+|(?!{_JOINED})\\)+)|([{{}}();:,])', re.S)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
_BRACE = re.compile(rf"{_STRING}|[{{}}]", re.S)
_PREFIXES = {"": 1, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}


@dataclass
class Group:
    """A Liberty group, ``kind(names) { values; groups }``; `values` has a list of words for each attribute."""

    kind: str
    names: list
    values: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)

    def all(self, kind):
        """The groups of a kind inside this one."""
        return [group for group in self.groups if group.kind == kind]

    def number(self, key, default=0.0):
        value = self.values.get(key)
        return float(value[0]) if value else default

    def text(self, key, default=None):
        value = self.values.get(key)
        return value[0] if value else default


def clean(text):
    """The text without comments, with the same number of lines."""

    def aside(match):
        found, start = match[0], match.start()
        if text.count('"', text.rfind("\n", 0, start) + 1, start) % 2:  # inside a string
            inside, quote, rest = found.partition('"')
            return inside + quote + clean(rest)
        return "\n" * found.count("\n") or " "

    return _COMMENT.sub(aside, text)


def end_of_group(text, start):
    """Index after the brace that closes the first group from `start` on, or None if it stays open."""
    depth = 0
    for match in _BRACE.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if match[0] == "}" and not depth:
            return match.end()
    return None


def scale(text, base, reference, where):
    """Factor that converts a unit such as ``10ps`` to one with the prefix `reference`: 0.01 for ``n``.

    Parameters
    ----------
    text : str
    base : str
        Base unit, for example ``s``.
    reference : str
        Prefix of the unit that is wanted.
    where : str
        Beginning of the message.

    Raises
    ------
    InputError
        If the text is not such a unit.
    """
    match = re.fullmatch(rf"\s*([\d.eE+-]*)\s*([munpfa]?){base}\s*", text.strip(), re.I)
    try:
        exponent = _PREFIXES[match[2].lower()] / _PREFIXES[reference]
        # The ratio of two prefixes is a power of ten; this rounds it to that exactly.
        exponent = float(f"{exponent:.0e}")
        number = float(match[1] or 1) * exponent
    except (TypeError, ValueError):
        number = 0.0
    if number <= 0:
        raise InputError(f"{where}: `{text}` is not a unit such as 1{reference}{base}")
    return number


class _Parser:
    """A parser: the tokens of a text, and its position among them."""

    def __init__(self, text, where, line, missing):
        self.text, self.where, self.first, self.at = text, where, line, 0
        self.tell = missing
        self.found = list(_TOKEN.finditer(text))
        self.kinds = [match.lastindex for match in self.found]
        self.tokens = [
            m[0][1:-1] if k == 1 else m[0] for m, k in zip(self.found, self.kinds, strict=True)
        ]

    def line(self, at):
        return self.first + self.text.count("\n", 0, self.found[at].start())

    def mark(self, at, mark):
        """Whether the token `at` is a punctuation mark."""
        return at < len(self.tokens) and self.kinds[at] == 3 and self.tokens[at] == mark

    def ends_line(self, at):
        """Whether a line ends between the token `at` and the one before it."""
        between = self.text[self.found[at - 1].end() : self.found[at].start()]
        return "\n" in re.sub(_JOINED, "", between)

    def group(self):
        made = Group(self.tokens[self.at], [])
        made.names = self.arguments()
        self.at += 1
        while not self.mark(self.at, "}"):
            if self.mark(self.at, ";"):
                self.at += 1
            elif self.kinds[self.at] == 3:
                raise self.wrong()
            elif self.mark(self.at + 1, ":"):
                key = self.tokens[self.at]
                made.values[key] = [self.simple()]
            elif self.mark(self.at + 1, "("):
                self.complex(made)
            else:
                raise self.wrong()
        self.at += 1
        return made

    def wrong(self):
        at = self.at
        return InputError(
            f"{self.where}, line {self.line(at)}: not Liberty near `{self.tokens[at]}`"
        )

    def arguments(self):
        """Read the words in the parentheses after the current token."""
        end = self.at + 2
        while not self.mark(end, ")"):
            if self.kinds[end] == 3 and self.tokens[end] not in ",:":
                self.at = end
                raise self.wrong()
            end += 1
        inside = [self.tokens[k] for k in range(self.at + 2, end) if self.kinds[k] != 3]
        self.at = end + 1
        return inside

    def simple(self):
        """Read the value of ``key : value ;``."""
        self.at += 2
        begin = self.at
        while not (self.mark(self.at, ";") or self.mark(self.at, "}")):
            if self.at > begin and self.ends_line(self.at):
                break
            self.at += 1
        if not self.mark(self.at, ";"):
            self.missing(self.at - 1)
        words = self.tokens[begin : self.at]
        return words[0] if len(words) == 1 else "".join(words)

    def complex(self, made):
        """Read ``key (values) ;`` or a group into the group `made`."""
        begin, key = self.at, self.tokens[self.at]
        if key == "include_file":
            raise InputError(
                f"{self.where}, line {self.line(begin)}: `include_file` is not followed; give one file that "
                "holds everything"
            )
        inside = self.arguments()
        if self.mark(self.at, "{"):
            self.at = begin
            made.groups.append(self.group())
            return
        made.values.setdefault(key, []).extend(inside)
        if not self.mark(self.at, ";"):
            self.missing(self.at - 1)

    def missing(self, at):
        self.tell(
            f"{self.where}, line {self.line(at)}: a semicolon is missing after `{self.tokens[at]}`"
        )


def parse(text, where, line=1, missing=lambda text: None):
    """The `Group` with which a text without comments begins.

    Parameters
    ----------
    where : str
        Beginning of messages.
    line : int
        Number of the first line of the text in its file.
    missing : callable
        Called with a sentence for every semicolon that is missing.

    Raises
    ------
    InputError
        If the text is not Liberty, or ends inside the group.
    """
    try:
        return _Parser(text, where, line, missing).group()
    except IndexError:
        raise InputError(f"{where}: ends in the middle of a group") from None
    except RecursionError:
        raise InputError(f"{where}: nested too deeply") from None
