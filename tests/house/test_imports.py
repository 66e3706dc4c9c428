"""Who uses what: the outside comes in at named edges, libraries stay in few files."""

import ast
import sys

import pytest

from tests.house import rules
from tests.house.sources import (
    ROOT,
    fits,
    is_or_is_in,
    parsed,
    python_files,
    shown,
    uses,
)


def outside_names(tree: ast.Module, allowed: frozenset[str]) -> list[str]:
    """Find what a module uses of `rules.OUTSIDE` and is not allowed to."""
    return [
        f"line {use.line}: {use.name}: {why}"
        for use in uses(tree)
        for banned, why in rules.OUTSIDE.items()
        if is_or_is_in(use.name, banned) and banned not in allowed
    ]


def catch_alls(tree: ast.Module) -> list[int]:
    """Find the lines that catch everything."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or _names(node.type) & {"Exception", "BaseException"})
    ]


def test_time_randomness_and_settings_come_in_at_named_edges_only() -> None:
    found = []
    for path in python_files(*rules.PACKAGES):
        rows = [row for place, row in rules.EDGES.items() if fits(shown(path), [place])]
        allowed = frozenset[str]().union(*(names for names, _ in rows))
        found += [
            f"{shown(path)} {finding}"
            for finding in outside_names(parsed(path), allowed)
        ]
    assert not found


def test_a_file_that_is_named_as_an_edge_uses_all_that_it_may() -> None:
    for place, (allowed, _) in rules.EDGES.items():
        if "*" not in place:
            used = {
                banned
                for use in uses(parsed(ROOT / place))
                for banned in rules.OUTSIDE
                if is_or_is_in(use.name, banned)
            }
            assert allowed == used, place


@pytest.mark.parametrize(
    "bad",
    [
        "import time",
        "from time import monotonic",
        "import os\nos.environ['HOME']",
        "import os as system\nsystem.urandom(4)",
        "from os import environ",
        "from datetime import datetime\ndatetime.now()",
        "import datetime as d\nd.datetime.now()",
        "from twisted.internet import reactor",
        "from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key",
    ],
)
def test_the_rule_about_the_outside_has_teeth(bad: str) -> None:
    assert outside_names(ast.parse(bad), frozenset())


@pytest.mark.parametrize(
    "good",
    [
        "import os\nos.fsync(3)",
        "from datetime import datetime, UTC\ndatetime.fromtimestamp(0, UTC)",
        "def time() -> int: ...\ntime()",
    ],
)
def test_the_rule_about_the_outside_bites_nothing_else(good: str) -> None:
    assert not outside_names(ast.parse(good), frozenset())


def test_libraries_that_belong_in_few_files_stay_there() -> None:
    found = [
        f"{shown(path)} line {use.line}: {use.name} belongs in {', '.join(places)}"
        for path in python_files(*rules.PACKAGES)
        for use in uses(parsed(path))
        for library, places in rules.ONLY_THERE.items()
        if use.imported
        and is_or_is_in(use.name, library)
        and not fits(shown(path), places)
    ]
    assert not found


def test_packages_import_only_the_libraries_that_the_design_gives_them() -> None:
    found = []
    for package, allowed in rules.LIBRARIES.items():
        known = allowed | set(rules.PACKAGES) | sys.stdlib_module_names
        found += [
            f"{shown(path)} line {use.line}: {use.name}"
            for path in python_files(package)
            for use in uses(parsed(path))
            if use.imported and use.name.split(".")[0] not in known
        ]
    assert not found


def test_the_protocol_has_no_input_or_output_of_its_own() -> None:
    found = [
        f"{shown(path)} line {use.line}: {use.name}"
        for path in python_files("protocol")
        for use in uses(parsed(path))
        if use.imported and use.name.split(".")[0] in rules.PROTOCOL_BANNED
    ]
    assert not found


def test_everything_is_caught_only_in_files_that_say_why() -> None:
    found = [
        f"{shown(path)} line {line}"
        for path in python_files(*rules.PACKAGES)
        for line in catch_alls(parsed(path))
        if not fits(shown(path), rules.CATCH_ALL)
    ]
    assert not found


@pytest.mark.parametrize(
    "caught", ["", " Exception", " BaseException as e", " (OSError, Exception)"]
)
def test_the_rule_about_catching_everything_has_teeth(caught: str) -> None:
    assert catch_alls(ast.parse(f"try:\n    pass\nexcept{caught}:\n    pass\n"))


def test_tests_do_not_mock_patch_or_sleep() -> None:
    banned = ("unittest.mock", "mock", "time.sleep")
    found = []
    for path in python_files("tests"):
        tree = parsed(path)
        found += [
            f"{shown(path)} line {use.line}: {use.name}"
            for use in uses(tree)
            if any(is_or_is_in(use.name, name) for name in banned)
        ]
        found += [
            f"{shown(path)} line {node.lineno}: {node.arg}"
            for node in ast.walk(tree)
            if isinstance(node, ast.arg) and node.arg in {"monkeypatch", "mocker"}
        ]
    assert not found


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
