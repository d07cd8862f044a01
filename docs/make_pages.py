"""Pages of the site that are made from elsewhere: a hook of MkDocs, see `mkdocs.yml`.

Home is README, the models' page that of `models/`, and the reference comes from docstrings, options and
pydantic models, so that no text is written twice.
"""

import inspect
import re
from enum import Enum
from importlib import import_module
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent

#: Page of the site to the file that it is made from.
COPIES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "models.md": "models/README.md",
}

#: Packages and modules of the reference: what a person calls from Python.
MODULES = (
    "api", "synapse", "kernel", "network", "catalogue", "verilog", "simulation", "bitstream", "boards",
    "boards.host", "proof", "data", "pictures", "onnx", "importing", "comparison", "export", "plugins", "errors",
)  # fmt: skip


def on_files(files, config):
    """Add the pages that are made."""
    pages = {page: (ROOT / source).read_text(encoding="utf-8") for page, source in COPIES.items()}
    pages |= {
        "reference/commands.md": commands(),
        "reference/toml.md": toml(),
        "reference/variables.md": variables(),
        "reference/python.md": python(),
    }
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Links between files of the checkout as links between pages; those to no page as plain text."""
    here = Path(page.file.src_uri)
    source = Path(COPIES.get(str(here), f"docs/{here}"))
    pages = {source: page for page, source in COPIES.items()}

    def link(match):
        text, target = match[1], match[2]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        named = (ROOT / source.parent / path).resolve()
        if not named.is_relative_to(ROOT):
            return text
        named = str(named.relative_to(ROOT))
        uri = pages.get(named) or (
            named.removeprefix("docs/") if named.startswith("docs/") else None
        )
        if uri is None or files.get_file_from_path(uri) is None:
            return text.removeprefix("!")
        up = "../" * (len(here.parts) - 1)
        return f"{text}({up}{uri}{'#' + anchor if anchor else ''})"

    return re.sub(r"(!?\[[^\]]*\])\(([^)\s]+)\)", link, markdown)


# Reference


def commands():
    """Every verb of the command line with its options."""
    import typer

    from tnhw.cli.app import app

    group = typer.main.get_command(app)
    context = group.make_context("tnhw", [], resilient_parsing=True)
    lines = ["# Commands", "", "`tnhw VERB --help` says the same.", ""]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        lines += [
            f"## tnhw {name}",
            "",
            inspect.cleandoc(command.help or ""),
            "",
            "| | |",
            "|---|---|",
        ]
        for parameter in command.params:
            if parameter.name == "help":
                continue
            names = ", ".join(f"`{option}`" for option in parameter.opts) or parameter.name
            if parameter.param_type_name == "argument":
                names = f"`{(parameter.metavar or parameter.name).upper()}`"
            text = getattr(parameter, "help", "") or ""
            text = " ".join([text, ", ".join(f"`{choice}`" for choice in _choices(parameter))])
            lines.append(f"| {names} | {_cell(text.strip())} |")
        lines.append("")
    return "\n".join(lines)


def _choices(parameter):
    """Words that an option takes, where it is an enumeration: typer keeps them in one of two places."""
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return getattr(getattr(parameter, "type", None), "choices", None) or []


def toml():
    """Keys of kernel and board files."""
    from tnhw.cli.schema import KINDS, property_of, schema

    lines = [
        "# TOML files",
        "",
        "`tnhw init` writes one with all keys; editors check it by the JSON Schema that comes with it.",
        "",
    ]
    for kind in KINDS:
        whole = schema(kind)
        lines += [f"## {kind.capitalize()}", "", whole["description"], ""]
        lines += _keys(whole, whole)
        for key, keys in whole["properties"].items():
            inner = property_of(whole, keys)
            if inner.get("properties"):
                lines += [
                    f"### [{key}]",
                    "",
                    inner.get("description", ""),
                    "",
                    *_keys(whole, inner),
                ]
    return "\n".join(lines)


def variables():
    """Environment variables."""
    from tnhw.support import environment

    text = "tnhw reads these variables of the environment, and no others."
    return f"# Environment variables\n\n{text}\n\n{environment.table()}"


def _keys(whole, entry):
    from tnhw.cli.schema import property_of

    lines = ["| key | is | may be | default |", "|---|---|---|---|"]
    for key, keys in entry["properties"].items():
        found = property_of(whole, keys)
        allowed = ", ".join(f"`{value}`" for value in found.get("enum", []))
        if "minimum" in found:
            allowed = (
                f"{found['minimum']} to {found['maximum']}"
                if "maximum" in found
                else f"from {found['minimum']}"
            )
        elif found.get("pattern", "").startswith("^[us]"):
            allowed = "a format: `u1` to `u64`, `s1` to `s64`"
        required = "required" if key in entry.get("required", []) else found.get("default", "")
        text = "a table, below" if found.get("properties") else found.get("description", "")
        lines.append(
            f"| `{key}` | {_cell(text)} | {_cell(allowed or found.get('type', ''))} | {_cell(str(required))} |"
        )
    return [*lines, ""]


def python():
    """Names of the modules' ``__all__`` with their docstrings."""
    lines = ["# Python", ""]
    for name in MODULES:
        module = import_module(f"tnhw.{name}")
        lines += [f"## tnhw.{name}", "", markdown(inspect.getdoc(module) or ""), ""]
        for public in module.__all__:
            thing = getattr(module, public)
            if inspect.ismodule(thing) or not (inspect.isclass(thing) or inspect.isfunction(thing)):
                continue
            if getattr(thing, "__module__", "").split(".")[0] != "tnhw":
                continue
            lines += [
                f"### `{public}{_signature(thing)}`",
                "",
                markdown(inspect.getdoc(thing) or ""),
                "",
            ]
            for key, member in vars(thing).items() if inspect.isclass(thing) else ():
                function = (
                    member.fget
                    if isinstance(member, property)
                    else getattr(member, "__func__", member)
                )
                if (
                    key.startswith("_")
                    or not inspect.isfunction(function)
                    or not inspect.getdoc(function)
                ):
                    continue
                shown = "" if isinstance(member, property) else _signature(function)
                lines += [
                    f"#### `{public}.{key}{shown}`",
                    "",
                    markdown(inspect.getdoc(function)),
                    "",
                ]
    return "\n".join(lines)


def _signature(thing):
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"\((?:self|cls)(?:, )?", "(", text.removesuffix(" -> None"))
    return text if len(text) < 100 else "(…)"


def markdown(text):
    """A numpydoc docstring as Markdown: sections become headings in bold, entries a list."""
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")
    lines, made, listed = text.splitlines(), [], False
    code = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if re.fullmatch(r"-{3,}", following) and line.strip():
            listed = True
            made += ["", f"**{line}**", ""]
        elif re.fullmatch(r"-{3,}", line):
            continue
        elif line.rstrip().endswith("::"):
            made += [line.rstrip()[:-1] if line.strip() != "::" else "", ""]
            code = True
        elif code and line and not line.startswith(" "):
            made += ["", line]
            code = False
        elif listed and line and not line.startswith(" "):
            made.append(f"- `{line}`  ")
        elif listed:
            made.append(f"    {line.strip()}" if line.strip() else "")
        else:
            made.append(line)
    return "\n".join(made)


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
