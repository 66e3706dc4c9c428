"""The layouts of a deployment: those of this product, and others in their place."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from protocol.exchange.layout import Field, Layout, Layouts, Record
from protocol.exchange.layout_file import parse_layout
from protocol.exchange.table_checks import LayoutError, Mistake

SHIPPED: Final = (
    "account-statement",
    "acknowledgement",
    "credit-download",
    "discrepancy",
    "e-payment-day",
    "fund",
    "funds-received",
    "license-issue",
    "license-modification",
    "remaining-fund",
    "usage",
)
"""Names of all layouts: what this product exchanges."""


@cache
def shipped_layouts() -> Layouts:
    """Read the layouts of this product; they are part of the package."""
    folder = files("protocol").joinpath("exchange", "layouts")
    texts = (folder.joinpath(f"{name}.toml").read_text("utf-8") for name in SHIPPED)
    return Layouts({layout.name: layout for layout in map(parse_layout, texts)})


def read_layouts(texts: Mapping[str, str]) -> Layouts:
    """Read the layouts that a deployment puts in the place of ours.

    Args:
        texts: TOML by the name of its file, for messages. A layout that is not among
            them stays as it is shipped.

    Raises:
        LayoutError: One is no layout, or does not tell what ours tells; the error holds
            every mistake of all of them.
    """
    layouts = dict(shipped_layouts())
    mistakes: list[Mistake] = []
    named: dict[str, str] = {}
    for file_name, text in sorted(texts.items()):
        try:
            layout = parse_layout(text)
        except LayoutError as error:
            mistakes += _within(file_name, error.mistakes)
            continue
        mistakes += _within(file_name, _check_replacement(layout))
        first = named.setdefault(layout.name, file_name)
        if first != file_name:
            mistakes.append(Mistake(file_name, f"{first} is layout {layout.name} too"))
        layouts[layout.name] = layout
    if mistakes:
        raise LayoutError(mistakes)
    return Layouts(layouts)


def _within(file_name: str, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    for one in mistakes:
        place = f"{file_name}, {one.place}" if one.place else file_name
        yield Mistake(place, one.reason)


def _check_replacement(layout: Layout) -> list[Mistake]:
    """See that a layout tells what the programs know of such a file.

    Returns:
        Where it tells less, something else, or more than may be left blank.
    """
    ours = shipped_layouts().get(layout.name)
    if ours is None:
        known = ", ".join(SHIPPED)
        return [Mistake("name", f"{layout.name!r} is none of {known}")]
    mistakes = _compare("header", ours.header, layout.header)
    for name in sorted(ours.lines.keys() - layout.lines.keys()):
        if not ours.lines[name].optional:
            mistakes.append(Mistake(f"line {name}", "it is missing"))
    for name in sorted(layout.lines.keys() - ours.lines.keys()):
        mistakes.append(Mistake(f"line {name}", "no program knows such a line"))
    for name in sorted(layout.lines.keys() & ours.lines.keys()):
        mistakes += _compare(f"line {name}", ours.lines[name], layout.lines[name])
    return mistakes


def _compare(place: str, ours: Record, theirs: Record) -> list[Mistake]:
    mistakes = []
    known = {one.name: one for one in ours.told}
    found = {one.name: one for one in theirs.fields}
    for name, one in known.items():
        other = found.get(name)
        reason = "it is missing: put it in, or say what it always is (given)"
        if other is not None:
            reason = _difference(one, other)
        if reason:
            mistakes.append(Mistake(f"{place}, field {name}", reason))
    for name in sorted(found.keys() - known.keys()):
        if found[name].is_told and not found[name].blank:
            reason = "no program knows it: it is to be blank or constant"
            mistakes.append(Mistake(f"{place}, field {name}", reason))
    return mistakes


def _difference(one: Field, other: Field) -> str:
    """Say why a field cannot stand for ours; empty if it can."""
    if one.spelling.python is not other.spelling.python:
        return f"type {other.kind} stands where {one.kind} is known"
    if set(one.spelling.names) != set(other.spelling.names):
        return f"the names are to be {', '.join(one.spelling.names)}"
    if other.blank and not one.blank:
        return "it may not be blank"
    if not other.is_told and other.given is None:
        return "the programs tell it: it is neither constant nor counted"
    if one.unique and not other.unique:
        return "it is to be unique"
    return ""
