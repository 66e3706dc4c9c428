"""A drawing as SVG: nothing from outside, and the same octets for the same drawing.

Every line of text is given the room that the drawing gives it (``textLength``),
whatever font the viewer has; librsvg does not do that, and a wide font looks crowded
there. A title and a description are there for who cannot see it.

Source: W3C SVG 1.1 (second edition).
"""

from html import escape
from typing import Final

from fm_device.frank.drawing import (
    Box,
    Drawing,
    Frame,
    Overprint,
    Shape,
    Symbol,
    Text,
    Tone,
)
from fm_device.frank.lettering import BOLD_SHARE, CAPITAL_SHARE
from fm_device.frank.symbol import Modules

_FONTS: Final = "Aileron, Helvetica, Arial, Liberation Sans, sans-serif"


def render_svg(drawing: Drawing) -> str:
    """Write a drawing as one SVG document.

    Args:
        drawing: The drawing.

    Returns:
        The document, which ends in a line feed; its size is in millimetres.
    """
    width, height = _number(drawing.width_mm), _number(drawing.height_mm)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        _opening(width, height),
        f'<title id="title">{_escaped(drawing.title)}</title>',
        f'<desc id="description">{_escaped(drawing.description)}</desc>',
        f'<rect width="{width}" height="{height}" fill="{_colour(Tone.PAPER)}"/>',
        f'<g font-family="{_FONTS}">',
        *map(_shape, drawing.shapes),
        "</g>",
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _opening(width: str, height: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{width}mm" '
        f'height="{height}mm" viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="title description">'
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            return _box(shape)
        case Frame():
            return _frame(shape)
        case Text():
            return _text(shape)
        case Overprint():
            return _overprint(shape)
        case Symbol():
            return _symbol(shape)


def _box(box: Box) -> str:
    return (
        f"<rect {_at(box.x_mm, box.y_mm)} {_size(box.width_mm, box.height_mm)} "
        f'fill="{_colour(box.tone)}"/>'
    )


def _frame(frame: Frame) -> str:
    inset, line = frame.line_mm / 2, frame.line_mm
    corner = f' rx="{_number(frame.corner_mm)}"' if frame.corner_mm else ""
    return (
        f"<rect {_at(frame.x_mm + inset, frame.y_mm + inset)} "
        f"{_size(frame.width_mm - line, frame.height_mm - line)}{corner} "
        f'fill="none" stroke="{_colour(frame.tone)}" stroke-width="{_number(line)}"/>'
    )


def _text(text: Text) -> str:
    anchor = (
        "" if text.anchor.value == "start" else f' text-anchor="{text.anchor.value}"'
    )
    weight = ' font-weight="bold"' if text.bold else ""
    return (
        f'<text {_at(text.x_mm, text.y_mm)} font-size="{_number(text.size_mm)}"'
        f"{anchor}{weight} {_room(text.width_mm)} "
        f'fill="{_colour(text.tone)}">{_escaped(text.words)}</text>'
    )


def _overprint(overprint: Overprint) -> str:
    """The word twice: first with its bare paper, then in ink."""
    size = overprint.size_mm
    baseline = overprint.y_mm + size * CAPITAL_SHARE / 2
    middle = f"{_number(overprint.x_mm)} {_number(overprint.y_mm)}"
    common = (
        f'<text {_at(overprint.x_mm, baseline)} font-size="{_number(size)}" '
        f'text-anchor="middle" font-weight="bold" {_room(overprint.width_mm)} '
        f'transform="rotate({_number(-overprint.angle_degrees)} {middle})" '
    )
    paper, ink = _colour(Tone.PAPER), _colour(Tone.INK)
    halo = _number(2 * (overprint.halo_mm + size * BOLD_SHARE))
    words = _escaped(overprint.words)
    around = f'fill="{paper}" stroke="{paper}" stroke-width="{halo}"'
    return f'{common}{around}>{words}</text>\n{common}fill="{ink}">{words}</text>'


def _symbol(symbol: Symbol) -> str:
    place = f"{_number(symbol.x_mm)} {_number(symbol.y_mm)}"
    return (
        f'<path transform="translate({place}) scale({_number(symbol.module_mm)})" '
        f'shape-rendering="crispEdges" fill="{_colour(Tone.INK)}" '
        f'd="{_outline(symbol.modules)}"/>'
    )


def _outline(modules: Modules) -> str:
    """A bar for every run of dark modules in a row."""
    bars = []
    for y, row in enumerate(modules):
        start: int | None = None
        for x, dark in enumerate((*row, False)):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                bars.append(f"M{start} {y}h{x - start}v1H{start}z")
                start = None
    return "".join(bars)


def _at(x: float, y: float) -> str:
    return f'x="{_number(x)}" y="{_number(y)}"'


def _size(width: float, height: float) -> str:
    return f'width="{_number(width)}" height="{_number(height)}"'


def _room(width: float) -> str:
    return f'textLength="{_number(width)}" lengthAdjust="spacingAndGlyphs"'


def _colour(tone: Tone) -> str:
    return "#{:02x}{:02x}{:02x}".format(*tone.rgb)


def _escaped(words: str) -> str:
    # What html escapes is what XML needs; xml.sax.saxutils brings in an HTTP client.
    return escape(words, quote=False)


def _number(value: float) -> str:
    """Millimetres to the thousandth, without what says nothing."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
