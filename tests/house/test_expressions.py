"""No regular expression runs away: none repeats what repeats itself, but those told.

An expression such as ``(a+)+b`` takes twice as long for each further letter of a text
that does not fit. The rule is stricter than need be: of a repetition without a bound
within another one it does not ask whether two ways through it fit the same text. Those
that a person has looked at stand in `LOOKED_AT`.
"""

import ast
import importlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest

from tests.house.sources import parsed, python_files, shown

PRODUCT: Final = (
    "protocol",
    "hw",
    "fm_device",
    "rmfs_server",
    "dop_gateway",
    "portal",
)
BOUND: Final = 16
"""A repetition of so few is none that could run away."""
FUNCTIONS: Final = frozenset(
    {"compile", "findall", "finditer", "fullmatch", "match", "search", "split", "sub"}
)
LOOKED_AT: Final[dict[str, str]] = {
    "protocol/exchange/layout_file.py": "each round begins with a brace, and only it",
    "fm_device/scenarios/verb_reading.py": "each round begins with a hyphen, likewise",
    "fm_device/scenarios/moments.py": "each round begins with a space, likewise",
}
"""Files with one expression that has a repetition in a repetition, and why it does not
run away."""
PUT_TOGETHER: Final[dict[str, str]] = {
    "protocol/exchange/spelling.py": "forms of dates and numbers, from a layout",
    "protocol/exchange/layout.py": "names of files, from a layout",
    "protocol/contents/tariff_file.py": "a name, escaped",
    "hw/seen/keylog.py": "a word, and hexadecimal digits of a length",
    "fm_device/presets/fields.py": "forms that stand in the same file",
    "fm_device/scenarios/reading.py": "a name, escaped",
    "rmfs_server/configuration.py": "a name, escaped",
    "dop_gateway/exports/page.py": "letters of a script; one repetition",
    "dop_gateway/simulators/operator.py": "a registered text, escaped; a simulator",
}
"""Files that make an expression while they run, and of what: people looked at them."""

_PARSER: Final[Any] = importlib.import_module("re._parser")


def runs_away(expression: str) -> bool:
    """Say whether a repetition without a bound stands within another one."""
    return any(_nested(_PARSER.parse(expression), within=False))


def _nested(tree: Iterable[tuple[Any, Any]], *, within: bool) -> Iterator[bool]:
    for code, held in tree:
        repeats = str(code) in {"MAX_REPEAT", "MIN_REPEAT"}
        if repeats:
            least, most, _ = held
            long = most > max(BOUND, least)
            yield long and within
        for part in _parts(held):
            yield from _nested(part, within=within or (repeats and long))


def _parts(held: Any) -> Iterator[Any]:
    """Find the expressions that stand in one."""
    if isinstance(held, _PARSER.SubPattern):
        yield held
    elif isinstance(held, tuple | list):
        for one in held:
            yield from _parts(one)


def expressions(tree: ast.Module) -> list[ast.expr]:
    """List the expressions of a module, as they stand in its text."""
    return [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in FUNCTIONS
        and node.args
    ]


def found(*, written_out: bool) -> Iterator[tuple[str, str]]:
    """List the expressions of the product with their files."""
    for path in python_files(*PRODUCT):
        for one in expressions(parsed(path)):
            if isinstance(one, ast.Constant):
                text = one.value
                if isinstance(text, bytes):
                    text = text.decode("latin-1")
                if written_out:
                    yield shown(path), str(text)
            elif not written_out:
                yield shown(path), ast.unparse(one)


def test_no_expression_runs_away() -> None:
    all_of_them = list(found(written_out=True))
    assert len(all_of_them) > 50
    suspect = [path for path, one in all_of_them if runs_away(one)]
    assert sorted(suspect) == sorted(LOOKED_AT)


def test_expressions_are_put_together_in_these_files_alone() -> None:
    assert {path for path, _ in found(written_out=False)} == set(PUT_TOGETHER)


@pytest.mark.parametrize("bad", ["(a+)+b", "(?:x*)*y", r"(?:a|\d+)*z", "(.{1,90})+"])
def test_the_rule_about_expressions_has_teeth(bad: str) -> None:
    assert runs_away(bad)


@pytest.mark.parametrize("good", ["a+b+", "(?:ab){1,90}", "(?:a+){1,3}", "[a-z]{8}"])
def test_the_rule_about_expressions_bites_nothing_else(good: str) -> None:
    assert not runs_away(good)
