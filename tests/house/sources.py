"""Reading the tree for the house rules: files, syntax trees, and the names they use."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_TEXT_SUFFIXES = frozenset(
    {
        *("", ".cfg", ".css", ".html", ".in", ".ini", ".js", ".json", ".lock", ".lua"),
        *(".md", ".py", ".service", ".sh", ".sql", ".svg", ".timer", ".toml", ".txt"),
        *(".yaml", ".yml"),
    }
)


@dataclass(frozen=True)
class Use:
    """An outside name that a file imports or reaches through an import."""

    line: int
    name: str
    imported: bool
    """It stands in an import statement."""


@cache
def text_files() -> tuple[Path, ...]:
    """List the text files of the tree: no caches, no environment, nothing of git's."""
    return tuple(sorted(_walk(ROOT)))


def python_files(*folders: str) -> Iterator[Path]:
    """List the Python files of some top-level folders."""
    for path in text_files():
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders:
            yield path


def shown(path: Path) -> str:
    """Show a path as rules and people write it."""
    return path.relative_to(ROOT).as_posix()


def fits(path: str, patterns: Iterable[str]) -> bool:
    """Say whether a path fits one of the patterns of `rules`."""
    return any(re.fullmatch(_expression(pattern), path) for pattern in patterns)


@cache
def parsed(path: Path) -> ast.Module:
    """Parse a file once."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def uses(tree: ast.Module) -> list[Use]:
    """Find every name that a module imports or reaches through its imports.

    ``from datetime import datetime as d`` and ``d.now()`` give ``datetime.datetime``
    and ``datetime.datetime.now``.
    """
    bound: dict[str, str] = {}
    found: list[Use] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.append(Use(node.lineno, alias.name, imported=True))
                first = alias.name.split(".")[0]
                bound[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.append(Use(node.lineno, name, imported=True))
                bound[alias.asname or alias.name] = name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            chain = _chain(node)
            if chain and chain[0] in bound:
                name = ".".join([bound[chain[0]], *chain[1:]])
                found.append(Use(node.lineno, name, imported=False))
    return found


def is_or_is_in(name: str, outer: str) -> bool:
    """Say whether a dotted name is `outer` or something inside it."""
    return name == outer or name.startswith(outer + ".")


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.is_symlink():
            continue
        if entry.is_dir():
            hidden = entry.name.startswith(".") and entry.name != ".ci"
            generated = entry.name in {"__pycache__", "demo"}
            if not hidden and not generated and not entry.name.endswith(".egg-info"):
                yield from _walk(entry)
        elif entry.suffix in _TEXT_SUFFIXES and entry.name != ".git":
            yield entry


def _chain(node: ast.expr) -> list[str]:
    """Read ``a.b.c`` as its parts; nothing when it does not start with a name."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        before = _chain(node.value)
        return [*before, node.attr] if before else []
    return []


def _expression(pattern: str) -> str:
    parts = re.split(r"(\*\*|\*)", pattern)
    meaning = {"**": ".*", "*": "[^/]*"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)
