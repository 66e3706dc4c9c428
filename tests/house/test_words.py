"""What no file may say, and what no file may be called."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from rmfs_tools import __version__
from tests.house import rules
from tests.house.sources import ROOT, parsed, python_files, shown, text_files

# Written in two parts, so that this file does not hold what it looks for.
_MARKS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")

# See docs/development.md, the changelog.
_FRAGMENT = re.compile(r"[a-z0-9-]+\.(?:wire|feature|fix|removal)\.md")

# The statement that slips past a trigger on DELETE in SQLite.
_REPLACE = re.compile(r"\b(?:INSERT\s+OR\s+REPLACE|REPLACE\s+INTO)\b", re.IGNORECASE)


def _lines(path: Path, pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{shown(path)} line {number}: {line.strip()}"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]


def test_nothing_is_marked_as_unfinished() -> None:
    assert not [line for path in text_files() for line in _lines(path, _MARKS)]


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "X" + "XX"])
def test_the_rule_about_marks_has_teeth(word: str) -> None:
    assert _MARKS.search(f"# {word}: later")


def test_each_change_that_a_user_notices_is_told_in_a_sentence() -> None:
    """Empty or misnamed ones; once a release has told them, there may be none."""
    found = [
        shown(path)
        for path in (ROOT / "changes").glob("*")
        if not _FRAGMENT.fullmatch(path.name) or not path.read_text("utf-8").strip()
    ]
    assert not found


def test_modules_are_named_after_what_they_hold() -> None:
    found = [
        shown(path)
        for path in text_files()
        if path.suffix == ".py"
        and rules.NAMES_THAT_SAY_NOTHING & {path.stem, path.parent.name}
    ]
    assert not found


def test_no_file_names_a_path_of_one_persons_machine() -> None:
    pattern = re.compile(
        "|".join(rf"(?<![\w.$}}*]){re.escape(path)}" for path in rules.MACHINE_PATHS)
    )
    found = [line for path in text_files() for line in _lines(path, pattern)]
    assert not found


def test_where_packages_come_from_is_named_nowhere() -> None:
    found = [
        f"{name}: {host}"
        for name in ("requirements.in", "requirements.lock", "pyproject.toml", "rmfs")
        for host in rules.INDEX_HOSTS
        if host in (ROOT / name).read_text()
    ]
    assert not found


def test_everything_that_is_required_is_locked_with_hashes() -> None:
    required = {
        re.split(r"[\[<>=~ ]", line)[0]
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line and not line.startswith("#")
    }
    text = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    locked = {entry.split("==")[0] for entry in entries}
    assert required <= locked
    assert not [entry for entry in entries if "--hash=sha256:" not in entry]


def test_no_statement_replaces_rows() -> None:
    # Docstrings may warn of it: only strings that are used count.
    found = []
    for path in python_files(*rules.PACKAGES):
        tree = parsed(path)
        documentation = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }
        found += [
            f"{shown(path)} line {node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
            and _REPLACE.search(node.value)
        ]
    found += [
        line
        for path in text_files()
        if path.suffix == ".sql"
        for line in _lines(path, _REPLACE)
    ]
    assert not found


def test_every_vector_file_names_its_clauses_and_where_it_comes_from() -> None:
    found = []
    for path in text_files():
        if path.suffix == ".json" and "vectors" in path.parent.parts:
            vectors = json.loads(path.read_text())
            keys = _keys(vectors)
            # A trace out of a standard names the section that it stands in.
            foreign = "section" in str(vectors.get("source", ""))
            if not keys & {"clause", "clauses"} and not foreign:
                found.append(f"{shown(path)}: no clause")
            if not keys & {"provenance", "source", "how"}:
                found.append(f"{shown(path)}: no provenance")
    assert not found


def test_every_folder_of_tests_is_described() -> None:
    description = (ROOT / "tests" / "README.md").read_text()
    folders = {
        path.relative_to(ROOT / "tests").parts[0]
        for path in python_files("tests")
        if path.parent != ROOT / "tests"
    }
    assert not [name for name in folders if f"`{name}/`" not in description]


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__


def _keys(value: object) -> set[str]:
    """Collect the names of all fields, at every depth."""
    if isinstance(value, dict):
        return {*value, *(key for one in value.values() for key in _keys(one))}
    if isinstance(value, list):
        return {key for one in value for key in _keys(one)}
    return set()
