"""A drawing as PNG, in the dots of a printer.

One octet a dot says how much paper stays bare; the colours are a palette of 256
mixtures of ink and paper, so that an ink that runs low costs nothing but another
palette.
"""

import io
from typing import Final

from PIL import Image, ImageDraw

from fm_device.frank.drawing import (
    INK_RGB,
    PAPER_RGB,
    Anchor,
    Box,
    Drawing,
    Frame,
    Overprint,
    Shape,
    Symbol,
    Text,
    Tone,
    mixed,
)
from fm_device.frank.lettering import BOLD_SHARE, CAPITAL_SHARE, font_of
from protocol.errors import LocalProtocolError

DPI: Final = 300
"""Dots an inch of the printers that are simulated."""
DPI_STEP: Final = 50
"""At its multiples a module is a whole number of dots."""
DPI_MAX: Final = 1200

_MM_PER_INCH: Final = 25.4
_ANCHORS: Final = {Anchor.START: "ls", Anchor.MIDDLE: "ms", Anchor.END: "rs"}
"""Pillow's words: left, middle or right, on the baseline."""
_PAPER: Final = Tone.PAPER.value


def render_png(drawing: Drawing, dpi: int = DPI, low_ink: float = 0.0) -> bytes:
    """Print a drawing into a PNG file, whose metadata say how large a dot is.

    Args:
        drawing: The drawing.
        dpi: Dots an inch: a multiple of 50, up to 1,200.
        low_ink: How much of the ink is missing: 0 for a full cassette, 1 for none.

    Returns:
        The octets of the file; the same drawing gives the same octets.

    Raises:
        LocalProtocolError: There is no such printer, or no such ink.
    """
    if dpi % DPI_STEP or not DPI_STEP <= dpi <= DPI_MAX:
        raise LocalProtocolError(
            f"{dpi} dots an inch: choose a multiple of {DPI_STEP} up to {DPI_MAX}, "
            "so that a module is a whole number of dots"
        )
    if not 0.0 <= low_ink <= 1.0:
        raise LocalProtocolError(f"{low_ink} is no share of ink: from 0 to 1")
    sheet = _Sheet(drawing, dpi)
    for shape in drawing.shapes:
        sheet.draw(shape)
    sheet.picture.putpalette(_palette(low_ink))
    file = io.BytesIO()
    sheet.picture.save(file, "PNG", dpi=(dpi, dpi))
    return file.getvalue()


def _palette(low_ink: float) -> bytes:
    ink = mixed(INK_RGB, PAPER_RGB, 255 * low_ink)
    return bytes(part for bare in range(256) for part in mixed(ink, PAPER_RGB, bare))


class _Sheet:
    """Paper in the dots of one printer."""

    def __init__(self, drawing: Drawing, dpi: int) -> None:
        self._dots_per_mm = dpi / _MM_PER_INCH
        size = (self._dots(drawing.width_mm), self._dots(drawing.height_mm))
        self.picture = Image.new("L", size, _PAPER)
        self._pen = ImageDraw.Draw(self.picture)

    def draw(self, shape: Shape) -> None:
        """Draw one shape over what there is."""
        match shape:
            case Box():
                self._box(shape)
            case Frame():
                self._frame(shape)
            case Text():
                self._text(shape)
            case Overprint():
                self._overprint(shape)
            case Symbol():
                self._symbol(shape)

    def _dots(self, length_mm: float) -> int:
        return round(length_mm * self._dots_per_mm)

    def _corners(
        self, x: float, y: float, width: float, height: float
    ) -> tuple[int, int, int, int]:
        """The first and the last dot of a rectangle, which Pillow both counts in."""
        left, top = self._dots(x), self._dots(y)
        right = max(left, self._dots(x + width) - 1)
        return left, top, right, max(top, self._dots(y + height) - 1)

    def _box(self, box: Box) -> None:
        corners = self._corners(box.x_mm, box.y_mm, box.width_mm, box.height_mm)
        self._pen.rectangle(corners, fill=box.tone.value)

    def _frame(self, frame: Frame) -> None:
        self._pen.rounded_rectangle(
            self._corners(frame.x_mm, frame.y_mm, frame.width_mm, frame.height_mm),
            radius=self._dots(frame.corner_mm),
            outline=frame.tone.value,
            width=max(1, self._dots(frame.line_mm)),
        )

    def _text(self, text: Text) -> None:
        size = text.size_mm * self._dots_per_mm
        self._pen.text(
            (self._dots(text.x_mm), self._dots(text.y_mm)),
            text.words,
            fill=text.tone.value,
            font=font_of(size),
            anchor=_ANCHORS[text.anchor],
            stroke_width=size * BOLD_SHARE if text.bold else 0,
        )

    def _overprint(self, overprint: Overprint) -> None:
        size = overprint.size_mm * self._dots_per_mm
        halo = overprint.halo_mm * self._dots_per_mm
        for tone, beyond in ((Tone.PAPER, halo), (Tone.INK, 0.0)):
            mask = Image.new("L", self.picture.size, 0)
            middle = self._dots(overprint.x_mm), self._dots(overprint.y_mm)
            baseline = overprint.y_mm + overprint.size_mm * CAPITAL_SHARE / 2
            ImageDraw.Draw(mask).text(
                (middle[0], self._dots(baseline)),
                overprint.words,
                fill=255,
                font=font_of(size),
                anchor=_ANCHORS[Anchor.MIDDLE],
                stroke_width=size * BOLD_SHARE + beyond,
            )
            turned = mask.rotate(
                overprint.angle_degrees, Image.Resampling.BILINEAR, center=middle
            )
            self.picture.paste(tone.value, mask=turned)

    def _symbol(self, symbol: Symbol) -> None:
        rows, dots = len(symbol.modules), self._dots(symbol.module_mm)
        octets = bytes(
            Tone.INK.value if dark else _PAPER for row in symbol.modules for dark in row
        )
        small = Image.frombytes("L", (len(symbol.modules[0]), rows), octets)
        size = (small.width * dots, small.height * dots)
        large = small.resize(size, Image.Resampling.NEAREST)
        at = (self._dots(symbol.x_mm), self._dots(symbol.y_mm))
        self.picture.paste(large, at)
