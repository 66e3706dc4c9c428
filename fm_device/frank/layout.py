"""Where everything on a frank stands, in millimetres.

    slogan | licence die | symbol | value die
    ------------------ notice ---------------

The licence die says whose frank it is and of which day, the value die what it is worth
and for which class. A slogan stands apart from the frank, left of it; without one the
frank is narrower. The arrangement and the look are this product's own.

A symbol's modules are one fiftieth of an inch: a whole number of dots on every printer
whose dots an inch are a multiple of fifty, 6 dots at 300.
"""

from math import cos, radians, sin
from typing import Final

from fm_device.frank.drawing import (
    Anchor,
    Box,
    Drawing,
    Frame,
    Overprint,
    Shape,
    Symbol,
    Text,
    Tone,
)
from fm_device.frank.face import FrankFace, FrankMark, SloganFace
from fm_device.frank.lettering import CAPITAL_SHARE, size_within, width_of
from fm_device.frank.symbol import SYMBOL_MODULES, make_symbol
from protocol.values import show_rupees

NOTICE: Final = "SPECIMEN \N{MIDDLE DOT} SIMULATED \N{MIDDLE DOT} NOT VALID FOR POSTAGE"
"""On every frank of this product: nothing it prints may pass for postage."""

MODULE_MM: Final = 25.4 / 50
QUIET_MODULES: Final = 2
"""Bare modules around the symbol; ISO/IEC 16022 asks for one."""

MARGIN_MM: Final = 2.0
TAPE_MM: Final = 2.5
"""How much further a label goes beyond the margin, on every side."""
GAP_MM: Final = 1.2
DIES_MM: Final = 23.0
"""Height of the dies and of the slogan."""
SLOGAN_MM: Final = 31.0
LICENCE_DIE_MM: Final = 34.0
SYMBOL_MM: Final = (SYMBOL_MODULES + 2 * QUIET_MODULES) * MODULE_MM
VALUE_DIE_MM: Final = 26.0
NOTICE_MM: Final = 5.0
"""Height of the strip below that says that nothing of it is real."""

LINE_MM: Final = 0.34
"""An ordinary line: 4 dots at 300 dots an inch."""
HEAVY_LINE_MM: Final = 0.51
CORNER_MM: Final = 1.4
PADDING_MM: Final = 1.4
BAND_MM: Final = 4.6
"""Height of a filled band with words on it."""

_DATE_AT_MM: Final = 8.7
"""From the top of the licence die to the row of the date."""
_DATE_MM: Final = 5.7
_CLASS_AT_MM: Final = 14.6
"""From the top of the value die to the row of the class."""
_LETTERS_MM: Final = 8.6
"""Width of the field with the letters of the class."""

_BAND_SIZE_MM: Final = 3.0
_OFFICE_SIZE_MM: Final = 3.2
_DATE_SIZE_MM: Final = 5.0
_SMALL_SIZE_MM: Final = 2.6
_VALUE_SIZE_MM: Final = 6.4
_LETTERS_SIZE_MM: Final = 5.4
_CLASS_SIZE_MM: Final = 2.4
_SLOGAN_SIZE_MM: Final = 5.0
_LINE_STEP: Final = 1.35
"""From one line of text to the next, in sizes of its font."""
_NOTICE_SIZE_MM: Final = 2.8
_OVERPRINT_ANGLE_DEGREES: Final = 12.0
_HALO_MM: Final = 0.7
_GROUP: Final = 4
"""Digits in a group of the authentication code."""

_BANDS: Final = {
    FrankMark.VALID: "FRANKED",
    FrankMark.ZERO: "ZERO FRANK",
    FrankMark.SPECIMEN: "NO POSTAGE",
    FrankMark.VOID: "NO POSTAGE",
}


def draw_frank(face: FrankFace) -> Drawing:
    """Draw a frank.

    Args:
        face: All that it shows.

    Returns:
        The drawing: about 120 by 31 mm with a slogan, 90 by 31 mm without.

    Raises:
        LocalProtocolError: The indicium is larger than the symbol.
    """
    border = MARGIN_MM + (TAPE_MM if face.on_tape else 0.0)
    left = border
    top = border
    shapes: list[Shape] = []
    if face.slogan is not None:
        shapes += _slogan(face.slogan, left, top)
        left += SLOGAN_MM + GAP_MM
    symbol_at = left + LICENCE_DIE_MM + GAP_MM
    value_at = symbol_at + SYMBOL_MM + GAP_MM
    right = value_at + VALUE_DIE_MM
    shapes += _licence_die(face, left, top)
    shapes += _symbol(face, symbol_at, top)
    shapes += _value_die(face, value_at, top)
    shapes += _notice(left, right, top + DIES_MM)
    if not face.signed:
        shapes.append(_overprint(face.mark.name, left, right, top))
    width_mm = right + border
    height_mm = top + DIES_MM + NOTICE_MM + border - MARGIN_MM
    if face.on_tape:
        edge = Frame(0, 0, width_mm, height_mm, LINE_MM, CORNER_MM, Tone.PALE)
        shapes.insert(0, edge)
    return Drawing(
        width_mm=width_mm,
        height_mm=height_mm,
        title=_title(face),
        description=_description(face),
        shapes=tuple(one for one in shapes if not _is_empty(one)),
    )


def _is_empty(shape: Shape) -> bool:
    return isinstance(shape, Text) and not shape.words


def _slogan(slogan: SloganFace, left: float, top: float) -> list[Shape]:
    size = min(size_within(line, SLOGAN_MM, _SLOGAN_SIZE_MM) for line in slogan.lines)
    step = size * _LINE_STEP
    middle = top + DIES_MM / 2
    height = step * (len(slogan.lines) - 1) + size * CAPITAL_SHARE
    baseline = middle - height / 2 + size * CAPITAL_SHARE
    rule = height / 2 + step
    shapes: list[Shape] = [
        _rule(left, y, SLOGAN_MM) for y in (middle - rule, middle + rule)
    ]
    for number, line in enumerate(slogan.lines):
        at = baseline + number * step
        shapes.append(_text(line, left + SLOGAN_MM / 2, at, size, Anchor.MIDDLE))
    return shapes


def _licence_die(face: FrankFace, left: float, top: float) -> list[Shape]:
    inside = LICENCE_DIE_MM - 2 * PADDING_MM
    middle = left + LICENCE_DIE_MM / 2
    band_at = top + DIES_MM - BAND_MM
    office = face.office_name.upper()
    place = f"PIN {face.pin_code}"
    weight = "" if face.weight_g is None else f"{face.weight_g} g"
    code = _grouped(face.authentication_code or "")
    item = "" if face.item is None else f"No {face.item:07d}"
    return [
        Frame(left, top, LICENCE_DIE_MM, DIES_MM, LINE_MM),
        _centred(office, middle, top + 2.9, inside, _OFFICE_SIZE_MM, bold=True),
        *_pair(place, weight, left + PADDING_MM, top + 6.6, inside),
        *_date(face, left, top + _DATE_AT_MM),
        *_pair(code, item, left + PADDING_MM, top + 16.4, inside),
        *_band(_licence(face), left, band_at, LICENCE_DIE_MM),
    ]


def _date(face: FrankFace, left: float, top: float) -> list[Shape]:
    """The date between two lines; inverted where it is later than the printing."""
    middle = left + LICENCE_DIE_MM / 2
    level = top + _DATE_MM / 2
    tone = Tone.PAPER if face.date_advanced else Tone.INK
    words = _centred(
        show_date(face), middle, level, LICENCE_DIE_MM, _DATE_SIZE_MM,
        bold=True, tone=tone,
    )  # fmt: skip
    if face.date_advanced:
        return [Box(left, top, LICENCE_DIE_MM, _DATE_MM), words]
    rules = [_rule(left, y, LICENCE_DIE_MM) for y in (top, top + _DATE_MM)]
    return [*rules, words]


def _pair(
    first: str, second: str, left: float, level: float, width: float
) -> list[Shape]:
    """Two pieces of text at the two ends of one row, in one size that fits both."""
    size = size_within(f"{first}  {second}", width, _SMALL_SIZE_MM)
    baseline = level + size * CAPITAL_SHARE / 2
    return [
        _text(first, left, baseline, size),
        _text(second, left + width, baseline, size, Anchor.END),
    ]


def _symbol(face: FrankFace, left: float, top: float) -> list[Shape]:
    if face.indicium is None:
        return []
    down = top + (DIES_MM - SYMBOL_MM) / 2
    quiet = QUIET_MODULES * MODULE_MM
    modules = make_symbol(face.indicium)
    return [Symbol(left + quiet, down + quiet, MODULE_MM, modules)]


def _value_die(face: FrankFace, left: float, top: float) -> list[Shape]:
    inside = VALUE_DIE_MM - 2 * PADDING_MM
    middle = left + VALUE_DIE_MM / 2
    row = top + _CLASS_AT_MM
    value_level = (top + BAND_MM + row) / 2
    letters_level = (row + top + DIES_MM) / 2
    divider = left + _LETTERS_MM
    value = show_rupees(face.value_paise)
    return [
        Frame(left, top, VALUE_DIE_MM, DIES_MM, HEAVY_LINE_MM),
        *_band(_BANDS[face.mark], left, top, VALUE_DIE_MM),
        _centred(value, middle, value_level, inside, _VALUE_SIZE_MM, bold=True),
        _rule(left, row, VALUE_DIE_MM),
        Box(divider, row, LINE_MM, top + DIES_MM - row),
        _centred(
            face.class_letters, left + _LETTERS_MM / 2, letters_level,
            _LETTERS_MM - PADDING_MM, _LETTERS_SIZE_MM, bold=True,
        ),
        *_class_name(face.class_name.upper(), divider + LINE_MM, letters_level),
    ]  # fmt: skip


def _class_name(name: str, left: float, level: float) -> list[Shape]:
    room = VALUE_DIE_MM - _LETTERS_MM - LINE_MM - HEAVY_LINE_MM
    width = room - PADDING_MM
    lines = _in_two(name)
    size = min(size_within(line, width, _CLASS_SIZE_MM) for line in lines)
    step = size * _LINE_STEP
    highest = level - step * (len(lines) - 1) / 2
    return [
        _centred(line, left + room / 2, highest + number * step, width, size)
        for number, line in enumerate(lines)
    ]


def _notice(left: float, right: float, top: float) -> list[Shape]:
    middle = (left + right) / 2
    at = top + NOTICE_MM / 2
    return [_centred(NOTICE, middle, at, right - left, _NOTICE_SIZE_MM, bold=True)]


def _overprint(words: str, left: float, right: float, top: float) -> Overprint:
    """As large as fits into the dies when it is turned."""
    turn = radians(_OVERPRINT_ANGLE_DEGREES)
    wide = width_of(words, 1.0, bold=True)
    across = wide * cos(turn) + CAPITAL_SHARE * sin(turn)
    down = wide * sin(turn) + CAPITAL_SHARE * cos(turn)
    size = min((right - left) / across, (DIES_MM - 2 * _HALO_MM) / down)
    return Overprint(
        words=words,
        x_mm=(left + right) / 2,
        y_mm=top + DIES_MM / 2,
        size_mm=size,
        width_mm=wide * size,
        angle_degrees=_OVERPRINT_ANGLE_DEGREES,
        halo_mm=_HALO_MM,
    )


def _band(words: str, left: float, top: float, width: float) -> list[Shape]:
    inside = width - 2 * PADDING_MM
    text = _centred(
        words, left + width / 2, top + BAND_MM / 2, inside, _BAND_SIZE_MM,
        bold=True, tone=Tone.PAPER,
    )  # fmt: skip
    return [Box(left, top, width, BAND_MM), text]


def _rule(left: float, level: float, width: float) -> Box:
    return Box(left, level - LINE_MM / 2, width, LINE_MM)


def _centred(
    words: str,
    middle: float,
    level: float,
    width: float,
    size_max: float,
    *,
    bold: bool = False,
    tone: Tone = Tone.INK,
) -> Text:
    """Text that fits a width and whose capitals have their middle at a level."""
    size = size_within(words, width, size_max, bold=bold)
    baseline = level + size * CAPITAL_SHARE / 2
    return _text(words, middle, baseline, size, Anchor.MIDDLE, bold=bold, tone=tone)


def _text(
    words: str,
    x: float,
    baseline: float,
    size: float,
    anchor: Anchor = Anchor.START,
    *,
    bold: bool = False,
    tone: Tone = Tone.INK,
) -> Text:
    width = width_of(words, size, bold=bold)
    return Text(words, x, baseline, size, width, anchor, bold, tone)


def _in_two(words: str) -> tuple[str, ...]:
    """Break words into two lines where that makes the longer one shortest."""
    parts = words.split()
    broken = [
        (" ".join(parts[:at]), " ".join(parts[at:])) for at in range(1, len(parts))
    ]
    return min(broken, key=lambda two: max(map(len, two)), default=(words,))


def _grouped(code: str) -> str:
    return " ".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def _licence(face: FrankFace) -> str:
    return f"LICENCE {face.licence}" if face.licence else "NO LICENCE"


def show_date(face: FrankFace) -> str:
    """Show the date of a frank as it is printed: ``12.07.2010``."""
    return face.printed_on.strftime("%d.%m.%Y")


def _title(face: FrankFace) -> str:
    kind = face.mark.name.capitalize()
    return f"{kind} frank, {show_rupees(face.value_paise)}, {show_date(face)}"


def _description(face: FrankFace) -> str:
    facts = [
        NOTICE,
        f"class {face.class_letters} ({face.class_name})",
        f"{face.office_name}, PIN code {face.pin_code}",
        _licence(face).capitalize()
        if face.licence is None
        else f"licence {face.licence}",
    ]
    if face.date_advanced:
        facts.append("date advanced")
    if face.item is not None:
        facts.append(f"item {face.item}")
    if face.authentication_code is not None:
        facts.append(f"authentication code {_grouped(face.authentication_code)}")
    if face.weight_g is not None:
        facts.append(f"weight {face.weight_g} g")
    if face.slogan is not None:
        facts.append(f"slogan: {' / '.join(face.slogan.lines)}")
    facts.append("with a signed indicium" if face.indicium else "without an indicium")
    return "; ".join(facts)
