"""Draws text on the sheets of a PDF, in Latin letters and in Devanagari.

Devanagari is not drawn letter by letter: a vowel sign may stand before its consonant,
and consonants join. A shaper (HarfBuzz) says which glyph stands where; without it Hindi
is wrong. Latin letters need none, and are drawn six times as fast without.

The fonts are ours (`fonts/README.md`). A character that they do not have is drawn as
U+FFFD, so that nobody takes what is left for the whole.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import lru_cache
from importlib.resources import files
from typing import Final

from fpdf import FPDF
from fpdf.fonts import TTFFont

_LATIN: Final = "NotoSans"
_DEVANAGARI: Final = "NotoSansDevanagari"
_STYLES: Final = (("", "Regular"), ("B", "Bold"))
_LETTERS: Final = "\u0900-\u097f\u1cd0-\u1cff\ua8e0-\ua8ff\u200c\u200d\u25cc"
_RUNS: Final = re.compile(f"[{_LETTERS}](?:[ {_LETTERS}]*[{_LETTERS}])?")
_CELL_BASELINE: Final = 0.8
"""Where FPDF.cell puts its baseline below its top, in heights of the font."""
_WIDTHS_KEPT: Final = 8_192
_UNKNOWN: Final = "\ufffd"
_MORE: Final = "…"
PAGES: Final = "{nb}"
"""Stands for the number of pages in what `Sheets.note` writes."""


class Paper(Enum):
    """Sizes of sheets, in millimetres, upright (ISO 216)."""

    A4 = (210, 297)
    A3 = (297, 420)
    A2 = (420, 594)


class Sheets:
    """Sheets, measured in millimetres from the top left."""

    def __init__(
        self,
        title: str,
        made: datetime,
        paper: Paper = Paper.A4,
        *,
        landscape: bool,
    ) -> None:
        """Begin a file.

        Args:
            title: Of the file.
            made: When; there is no other moment in it.
            paper: Size of the sheets.
            landscape: Whether the sheets lie on their long side.
        """
        way = "landscape" if landscape else "portrait"
        self._pdf = FPDF(orientation=way, unit="mm", format=paper.value)
        self._pdf.set_auto_page_break(auto=False)
        self._pdf.alias_nb_pages(PAGES)
        self._pdf.set_line_width(0.1)
        self._pdf.c_margin = 0.0
        self._pdf.set_title(title)
        self._pdf.set_creator("RMFS gateway")
        self._pdf.set_creation_date(made)
        self._known = {
            family: self._add_font(family) for family in (_LATIN, _DEVANAGARI)
        }
        self._width = lru_cache(_WIDTHS_KEPT)(self._measured)
        self.width_mm = float(self._pdf.w)
        self.height_mm = float(self._pdf.h)

    def close(self) -> None:
        """Close the files of the fonts; nothing is drawn any more."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    @property
    def count(self) -> int:
        """How many sheets there are."""
        return int(self._pdf.page_no())

    def octets(self) -> bytes:
        """End the file."""
        return bytes(self._pdf.output())

    def add(self) -> None:
        """Begin a sheet."""
        self._pdf.add_page()

    def measure(self, text: str, size_pt: float, *, bold: bool = False) -> float:
        """Say how wide a text is."""
        return sum(
            self._width(family, run, size_pt, bold) for family, run in self._runs(text)
        )

    def draw(
        self, x_mm: float, y_mm: float, text: str, size_pt: float, *, bold: bool = False
    ) -> None:
        """Draw a text; `y_mm` is its baseline."""
        for family, run in self._runs(text):
            self._take(family, size_pt, bold=bold)
            if family == _DEVANAGARI:
                # FPDF.text does not shape; FPDF.cell does.
                self._cell(x_mm, y_mm, run)
            else:
                self._pdf.text(x_mm, y_mm, run)
            x_mm += self._width(family, run, size_pt, bold)

    def note(self, x_mm: float, y_mm: float, text: str, size_pt: float) -> None:
        """Draw a Latin text in which `PAGES` is the number of pages."""
        self._take(_LATIN, size_pt, bold=False)
        self._cell(x_mm, y_mm, text)

    def rule(self, from_mm: float, to_mm: float, y_mm: float, grey: int) -> None:
        """Draw a line across; 0 is black."""
        self._pdf.set_draw_color(grey)
        self._pdf.line(from_mm, y_mm, to_mm, y_mm)

    def wrap(
        self,
        text: str,
        width_mm: float,
        size_pt: float,
        lines_max: int,
        *,
        bold: bool = False,
    ) -> list[str]:
        """Divide a text into lines of a width, at spaces where there are some.

        Args:
            text: What is divided.
            width_mm: No line is wider.
            size_pt: Of the letters.
            lines_max: What does not fit into so many is left out, and a sign says so.
            bold: Of the letters.
        """
        if self.measure(text, size_pt, bold=bold) <= width_mm:
            return [text]
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self.measure(longer, size_pt, bold=bold) <= width_mm:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            for cluster in _clusters(word):
                longer = lines[-1] + cluster
                if lines[-1] and self.measure(longer, size_pt, bold=bold) > width_mm:
                    lines.append(cluster)
                else:
                    lines[-1] = longer
            if len(lines) > lines_max:
                return [*lines[: lines_max - 1], _MORE]
        return lines

    def _add_font(self, family: str) -> frozenset[int]:
        for style, name in _STYLES:
            file = files("dop_gateway.exports") / "fonts" / f"{family}-{name}.ttf"
            self._pdf.add_font(family, style, str(file))
        self._take(family, 1, bold=False)
        font = self._pdf.current_font
        return frozenset(font.cmap if isinstance(font, TTFFont) else ())

    def _cell(self, x_mm: float, y_mm: float, text: str) -> None:
        self._pdf.set_xy(x_mm, y_mm - _CELL_BASELINE * self._pdf.font_size)
        self._pdf.cell(text=text)

    def _measured(self, family: str, run: str, size_pt: float, bold: bool) -> float:
        self._take(family, size_pt, bold=bold)
        return float(self._pdf.get_string_width(run))

    def _take(self, family: str, size_pt: float, *, bold: bool) -> None:
        self._pdf.set_font(family, "B" if bold else "", size_pt)
        self._pdf.set_text_shaping(family == _DEVANAGARI)

    def _runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Divide a text into runs of one font each."""
        at = 0
        for run in _RUNS.finditer(text):
            if run.start() > at:
                yield _LATIN, self._drawable(_LATIN, text[at : run.start()])
            yield _DEVANAGARI, self._drawable(_DEVANAGARI, run.group())
            at = run.end()
        if at < len(text):
            yield _LATIN, self._drawable(_LATIN, text[at:])

    def _drawable(self, family: str, run: str) -> str:
        if run.isascii() and run.isprintable():
            return run
        known = self._known[family]
        plain = (" " if one.isspace() else one for one in run)
        return "".join(one if ord(one) in known else _UNKNOWN for one in plain)


def _clusters(word: str) -> list[str]:
    """Divide a word where a line may end: never before a sign or a joined letter."""
    clusters: list[str] = []
    for one in word:
        joined = clusters and clusters[-1][-1] in "\u094d\u200d"
        if clusters and (joined or unicodedata.category(one)[0] == "M"):
            clusters[-1] += one
        else:
            clusters.append(one)
    return clusters
