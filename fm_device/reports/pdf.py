"""A document on A4 sheets, as PDF.

The document is first cut into *strips* of one line each, strips are dealt out to pages,
and pages are drawn: so every page knows how many there are, a table that goes over a
page has its head again, and a total never stands alone. Each copy has page numbers of
its own, because copies are parted.

The same document gives the same octets: the only moment in the file is the one at which
the report was asked for. Only fonts that every reader brings are used. They know Latin
letters and no rupee sign; what they do not know is drawn as ``?`` (text and JSON have
it).

Source: docs/decisions/reports-as-pdf.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fpdf import FPDF

from fm_device.reports.document import (
    Blanks,
    Block,
    Document,
    Fit,
    Lines,
    Note,
    Table,
    plain,
    wrap,
)
from protocol.parameters import INDIA

_LEFT_MM: Final = 18.0
_WIDTH_MM: Final = 174.0
_RIGHT_MM: Final = _LEFT_MM + _WIDTH_MM
_TOP_MM: Final = 32.0
_BOTTOM_MM: Final = 276.0
_LINE_MM: Final = 5.2
_BASELINE_MM: Final = 3.8
_SPACE_MM: Final = 4.0
_GAP_MM: Final = 4.0
_HEAD_NAME_MM: Final = 34.0
_PAIRS_MM: Final = 116.0
_WHOLE_MAX_MM: Final = 60.0
_BLANK_MM: Final = 20.0
_BLANK_WIDTH_MM: Final = 78.0
_CONTINUED: Final = " (continued)"


@dataclass(frozen=True, slots=True)
class _Pen:
    """How text looks: size in points, 0 is black."""

    size_pt: float = 9.0
    bold: bool = False
    grey: int = 0


_PLAIN: Final = _Pen()
_BOLD: Final = _Pen(bold=True)
_NAME: Final = _Pen(grey=100)
_TITLE: Final = _Pen(size_pt=17, bold=True)
_REFERENCE: Final = _Pen(size_pt=11, bold=True)
_SMALL: Final = _Pen(size_pt=8, grey=60)


@dataclass(frozen=True, slots=True)
class _Word:
    """A text on the baseline of a strip, from a place or up to it."""

    at_mm: float
    text: str
    pen: _Pen = _PLAIN
    to_the_left: bool = False


@dataclass(frozen=True, slots=True)
class _Rule:
    """A line at the top of a strip."""

    from_mm: float = _LEFT_MM
    to_mm: float = _RIGHT_MM
    grey: int = 200


@dataclass(frozen=True, slots=True)
class _Strip:
    """A line across the page, never divided.

    Attributes:
        words: Its text.
        rules: Lines at its top.
        height_mm: How much of the page it takes.
        keeps: Whether the strip after it must stand on the same page.
        again: What stands above it when it is the first of a page.
    """

    words: tuple[_Word, ...] = ()
    rules: tuple[_Rule, ...] = ()
    height_mm: float = _LINE_MM
    keeps: bool = False
    again: tuple["_Strip", ...] = ()


_ABOVE_SECTION: Final = _Strip(height_mm=2.5, keeps=True)


def encode_pdf(*documents: Document) -> bytes:
    """Draw documents one after the other, each with all its copies.

    Args:
        documents: At least one; the first gives the file its title and its moment.

    Returns:
        The octets of the file; the same documents give the same ones.
    """
    pen = _Plotter(documents[0])
    for document in documents:
        strips = _head(pen, document)
        for block in document.blocks:
            strips += [_Strip(height_mm=_SPACE_MM), *_block(pen, block)]
        for mark in document.copy_marks:
            pages = _pages(strips)
            for number, page in enumerate(pages, start=1):
                pen.page()
                _frame(pen, document, mark, f"Page {number} of {len(pages)}")
                pen.draw(_TOP_MM, page)
    return pen.octets()


class _Plotter:
    """Measures and draws, in millimetres from the top left of an A4 sheet."""

    def __init__(self, document: Document) -> None:
        self._pdf = FPDF(orientation="portrait", unit="mm", format="A4")
        self._pdf.set_auto_page_break(auto=False)
        self._pdf.set_line_width(0.2)
        self._pdf.set_title(_latin(f"{document.title}, {document.reference}"))
        self._pdf.set_creator("RMFS franking machine")
        self._pdf.set_lang("en-IN")
        made = datetime.fromtimestamp(document.printed_at, INDIA)
        self._pdf.set_creation_date(made)

    def octets(self) -> bytes:
        """End the file."""
        return bytes(self._pdf.output())

    def page(self) -> None:
        """Begin a page."""
        self._pdf.add_page()

    def measure(self, text: str, pen: _Pen = _PLAIN) -> float:
        """Say how wide a text is."""
        self._take(pen)
        return float(self._pdf.get_string_width(_latin(text)))

    def wrap(self, text: str, width_mm: float, pen: _Pen = _PLAIN) -> list[str]:
        """Divide a text into lines of that width."""
        return wrap(text, width_mm, lambda part: self.measure(part, pen))

    def draw(self, y_mm: float, strips: Iterable[_Strip]) -> None:
        """Draw strips below each other."""
        for strip in strips:
            for rule in strip.rules:
                self._pdf.set_draw_color(rule.grey)
                self._pdf.line(rule.from_mm, y_mm, rule.to_mm, y_mm)
            for word in strip.words:
                width_mm = self.measure(word.text, word.pen)
                x_mm = word.at_mm - (width_mm if word.to_the_left else 0)
                self._pdf.text(x_mm, y_mm + _BASELINE_MM, _latin(word.text))
            y_mm += strip.height_mm

    def box(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float) -> None:
        """Draw a frame."""
        self._pdf.set_draw_color(0)
        self._pdf.rect(x_mm, y_mm, width_mm, height_mm)

    def _take(self, pen: _Pen) -> None:
        self._pdf.set_font("helvetica", "B" if pen.bold else "", pen.size_pt)
        self._pdf.set_text_color(pen.grey)


def _latin(text: str) -> str:
    return plain(text).encode("latin-1", "replace").decode("latin-1")


def _pages(strips: list[_Strip]) -> list[list[_Strip]]:
    """Deal strips out to pages."""
    room_mm = _BOTTOM_MM - _TOP_MM
    pages: list[list[_Strip]] = [[]]
    for group in _groups(strips, room_mm):
        if pages[-1] and _height_mm(pages[-1]) + _height_mm(group) > room_mm:
            # Space that parts two blocks is of no use at the top of a page.
            space = not (group[0].words or group[0].rules)
            pages.append([*group[0].again, *(group[1:] if space else group)])
        else:
            pages[-1] += group
    return pages


def _groups(strips: list[_Strip], room_mm: float) -> list[list[_Strip]]:
    """Put together what keeps together, as far as one page can hold it."""
    groups: list[list[_Strip]] = [[]]
    for strip in strips:
        group = [*groups[-1], strip]
        if _height_mm(group[0].again) + _height_mm(group) > room_mm:
            groups.append([strip])
        else:
            groups[-1] = group
        if not strip.keeps:
            groups.append([])
    return [group for group in groups if group]


def _height_mm(strips: Iterable[_Strip]) -> float:
    return sum(strip.height_mm for strip in strips)


def _frame(pen: _Plotter, document: Document, mark: str, page: str) -> None:
    """Draw what stands on every page: title, copy, foot and page number."""
    if mark:
        width_mm = pen.measure(mark, _BOLD) + 6
        pen.box(_RIGHT_MM - width_mm, 8, width_mm, 6.6)
        word = _Word(_RIGHT_MM - 3, mark, _BOLD, to_the_left=True)
        pen.draw(8.7, [_Strip((word,))])
    title = _Word(_LEFT_MM, document.title, _TITLE)
    reference = _Word(_RIGHT_MM, document.reference, _REFERENCE, to_the_left=True)
    pen.draw(18.5, [_Strip((title, reference))])
    pen.draw(26, [_Strip(rules=(_Rule(grey=0),))])
    foot = [
        _Strip((_Word(_LEFT_MM, line, _SMALL),), height_mm=3.6)
        for line in pen.wrap(document.foot, _WIDTH_MM - 40, _SMALL)
    ]
    number = _Word(_RIGHT_MM, page, _SMALL, to_the_left=True)
    pen.draw(281, [_Strip(rules=(_Rule(grey=0),), height_mm=0.6), *foot])
    pen.draw(281.6, [_Strip((number,))])


def _head(pen: _Plotter, document: Document) -> list[_Strip]:
    """The machine's names and values, in two columns of pairs."""
    half_mm = _WIDTH_MM / 2
    room_mm = half_mm - _HEAD_NAME_MM - _GAP_MM
    pairs = [(name, pen.wrap(value, room_mm)) for name, value in document.head]
    rows = (len(pairs) + 1) // 2
    strips = []
    for row in range(rows):
        here = pairs[row::rows]
        for depth in range(max(len(values) for _, values in here)):
            words = []
            for side, (name, values) in enumerate(here):
                x_mm = _LEFT_MM + side * half_mm
                if depth == 0:
                    words.append(_Word(x_mm, name, _NAME))
                if depth < len(values):
                    words.append(_Word(x_mm + _HEAD_NAME_MM, values[depth]))
            strips.append(_Strip(tuple(words)))
    return [*strips, _Strip(height_mm=2.0), _Strip((), (_Rule(),), height_mm=0.0)]


def _block(pen: _Plotter, block: Block) -> list[_Strip]:
    if isinstance(block, Note):
        lines = pen.wrap(block.text, _WIDTH_MM)
        return [_Strip((_Word(_LEFT_MM, line),)) for line in lines]
    if isinstance(block, Blanks):
        return _blanks(block)
    title = [
        _Strip((_Word(_LEFT_MM, line, _BOLD),), height_mm=_LINE_MM + 0.6, keeps=True)
        for line in (pen.wrap(block.title, _WIDTH_MM, _BOLD) if block.title else [])
    ]
    if isinstance(block, Lines):
        pairs = [
            _pair(pen, name, value, ruled=bool(title or number))
            for number, (name, value) in enumerate(block.pairs)
        ]
        return [*title, *(strip for strips in pairs for strip in strips)]
    return [*title, *_table(pen, block)]


def _blanks(block: Blanks) -> list[_Strip]:
    """Rules to write on, two beside each other, with their names below."""
    strips = []
    for start in range(0, len(block.names), 2):
        rules, words = [], []
        for side, name in enumerate(block.names[start : start + 2]):
            x_mm = _LEFT_MM + side * (_WIDTH_MM - _BLANK_WIDTH_MM)
            rules.append(_Rule(x_mm, x_mm + _BLANK_WIDTH_MM, grey=0))
            words.append(_Word(x_mm, name, _NAME))
        strips.append(_Strip(height_mm=_BLANK_MM, keeps=True))
        strips.append(_Strip(tuple(words), tuple(rules)))
    return strips


def _pair(pen: _Plotter, name: str, value: str, *, ruled: bool) -> list[_Strip]:
    """A name at the left, its value up to a margin, perhaps a thin rule above."""
    half_mm = (_PAIRS_MM - _GAP_MM) / 2
    names = pen.wrap(name, half_mm, _NAME)
    room_mm = _PAIRS_MM - _GAP_MM - max(pen.measure(line, _NAME) for line in names)
    values = pen.wrap(value, max(room_mm, half_mm))
    strips = []
    for depth in range(max(len(names), len(values))):
        words = []
        if depth < len(names):
            words.append(_Word(_LEFT_MM, names[depth], _NAME))
        if depth < len(values):
            at_mm = _LEFT_MM + _PAIRS_MM
            words.append(_Word(at_mm, values[depth], to_the_left=True))
        rules = (_Rule(to_mm=_LEFT_MM + _PAIRS_MM),) if ruled and depth == 0 else ()
        strips.append(_Strip(tuple(words), rules, keeps=True))
    return [*strips[:-1], replace(strips[-1], keeps=False)]


def _table(pen: _Plotter, table: Table) -> list[_Strip]:
    widths = _widths(pen, table)
    names = tuple(column.name for column in table.columns)
    head = tuple(
        replace(strip, keeps=True)
        for strip in _row(pen, table, widths, names, pen_of_row=_NAME)
    )
    strips = list(head)
    for number, section in enumerate(table.sections):
        title = _section_title(pen, section.title)
        if title:
            space = [_ABOVE_SECTION] if number else []
            strips += [replace(strip, again=head) for strip in (*space, *title)]
        again = (*head, *_section_title(pen, f"{section.title}{_CONTINUED}"))
        rows = [
            strip
            for row in section.rows
            for strip in _row(pen, table, widths, row, grey=215)
        ]
        if section.sums:
            rows[-1] = replace(rows[-1], keeps=True)
            rows += _row(pen, table, widths, section.sums, pen_of_row=_BOLD)
        strips += [replace(strip, again=again) for strip in rows]
    if table.total:
        strips[-1] = replace(strips[-1], keeps=True)
        total = _row(pen, table, widths, table.total, pen_of_row=_BOLD, grey=0)
        strips += [replace(strip, again=head) for strip in total]
    return strips


def _section_title(pen: _Plotter, title: str) -> list[_Strip]:
    if title in {"", _CONTINUED}:
        return []
    return [
        _Strip((_Word(_LEFT_MM, line, _BOLD),), _rules(depth, 120), keeps=True)
        for depth, line in enumerate(pen.wrap(title, _WIDTH_MM, _BOLD))
    ]


def _widths(pen: _Plotter, table: Table) -> list[float]:
    """Whole columns take what they need; those that wrap share what is left."""
    needed = [
        max(pen.measure(row[number], _BOLD) for row in table.all_rows)
        for number in range(len(table.columns))
    ]
    wraps = [column.fit is Fit.WRAPS for column in table.columns]
    widths = [min(width, _WHOLE_MAX_MM) for width in needed]
    taken = sum(width for width, wrap_ in zip(widths, wraps, strict=True) if not wrap_)
    left_mm = _WIDTH_MM - _GAP_MM * (len(widths) - 1) - taken
    if not any(wraps):
        # The spare room goes between the columns, not beside them.
        share_mm = left_mm / max(len(widths) - 1, 1)
        return [widths[0], *(width + share_mm for width in widths[1:])]
    share_mm = left_mm / sum(wraps)
    return [
        share_mm if wrap_ else width for width, wrap_ in zip(widths, wraps, strict=True)
    ]


def _row(
    pen: _Plotter,
    table: Table,
    widths: list[float],
    cells: tuple[str, ...],
    *,
    pen_of_row: _Pen = _PLAIN,
    grey: int | None = None,
) -> list[_Strip]:
    """One row, as many strips as its longest cell has lines, which keep together."""
    texts = [
        pen.wrap(cell, width, pen_of_row)
        for cell, width in zip(cells, widths, strict=True)
    ]
    strips = []
    depths = max(len(text) for text in texts)
    for depth in range(depths):
        words = []
        x_mm = _LEFT_MM
        for column, text, width in zip(table.columns, texts, widths, strict=True):
            figure = column.fit is Fit.FIGURE
            if depth < len(text) and text[depth]:
                at_mm = x_mm + width if figure else x_mm
                words.append(_Word(at_mm, text[depth], pen_of_row, figure))
            x_mm += width + _GAP_MM
        keeps = depth < depths - 1
        strips.append(_Strip(tuple(words), _rules(depth, grey), keeps=keeps))
    return strips


def _rules(depth: int, grey: int | None) -> tuple[_Rule, ...]:
    """A rule above the first line of a row, or none."""
    return () if depth or grey is None else (_Rule(grey=grey),)
