"""What people who join the project read and run first: it says what the Makefile and `.ci/run` do."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITHUB = [*WORKFLOWS, *sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))]


def text(*parts):
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def makefile_targets():
    return set(re.findall(r"^# make (\w+)", text("Makefile"), re.M))


def lint_programs():
    """Names of the programs that `make lint` starts, each with its first word where that is a verb."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", text("Makefile"), re.M)[1]
    return set(re.findall(r"\$\(BIN\)/(\S+(?: check| format)?)", recipe))


def test_contributing_lists_every_target():
    table = set(re.findall(r"^\| `make (\w+)` \|", text("CONTRIBUTING.md"), re.M))
    assert table == makefile_targets()


def test_contributing_names_what_exists():
    for name in re.findall(r"`([\w.]+/[\w./]*)`", text("CONTRIBUTING.md")):
        if not name.startswith(("build/", ".venv/")):
            assert (ROOT / name).exists(), name


def test_hooks_are_those_of_make_lint():
    hooks = re.findall(
        r"entry: \.venv/bin/(\S+(?: check| format)?)", text(".pre-commit-config.yaml")
    )
    assert set(hooks) == lint_programs() and len(hooks) == len(set(hooks))


@pytest.mark.parametrize("path", [*GITHUB, ROOT / ".pre-commit-config.yaml"], ids=lambda p: p.name)
def test_yaml_is_read(path):
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_workflows_run_what_people_run():
    """The checks are `.ci/run` alone, so that nothing passes here and fails there."""
    assert [path.name for path in WORKFLOWS] == ["checks.yml", "nightly.yml", "release.yml"]
    for name, command in (("checks.yml", ".ci/run"), ("nightly.yml", ".ci/run nightly")):
        assert re.findall(r"run: (.*)", text(".github", "workflows", name)) == [command]
    release = text(".github", "workflows", "release.yml")
    assert "uses: ./.github/workflows/checks.yml" in release and "id-token: write" in release
    assert "password" not in re.sub("#.*", "", release)


def test_an_issue_asks_for_the_tools():
    assert "tnhw doctor --json" in text(".github", "ISSUE_TEMPLATE", "bug.yml")
