"""Faces of franks for tests: an ordinary one, those of each mark, and extreme ones."""

from dataclasses import replace
from datetime import date

from fm_device.frank import (
    SYMBOL_OCTETS_MAX,
    FrankFace,
    FrankMark,
    SloganFace,
)
from protocol.values import LicenceIdentifier, Paise

LETTER = FrankFace(
    mark=FrankMark.VALID,
    class_letters="L",
    class_name="letter",
    pin_code="560001",
    office_name="Bengaluru GPO",
    printed_on=date(2010, 7, 12),
    date_advanced=False,
    item=42,
    licence=LicenceIdentifier("N123456"),
    value_paise=Paise(500),
    authentication_code="1A2B3C4D",
    indicium=bytes(range(100, 209)),
    weight_g=18,
)
"""A letter of 18 g franked with Rs 5.00, without slogan."""

WITH_SLOGAN = replace(LETTER, slogan=SloganFace(("LETTERS LAST", "write one today")))
"""The same with a slogan of two lines."""

WIDEST = replace(
    LETTER,
    class_letters="WWWW",
    class_name="WWWWWWWWWWWW WWWWWWWWWWW",
    office_name="W" * 32,
    date_advanced=True,
    item=2**32 - 1,
    value_paise=Paise(2**32 - 1),
    indicium=bytes(SYMBOL_OCTETS_MAX),
    slogan=SloganFace(("W" * 24, "M" * 24, "i")),
    weight_g=65_535,
    on_tape=True,
)
"""The most of everything, in the widest letters."""


def unsigned(mark: FrankMark, face: FrankFace = WITH_SLOGAN) -> FrankFace:
    """The face of a machine that signs nothing: SPECIMEN or VOID."""
    return replace(face, mark=mark, item=None, authentication_code=None, indicium=None)


ZERO = replace(LETTER, mark=FrankMark.ZERO, value_paise=Paise(0), weight_g=None)
SPECIMEN = unsigned(FrankMark.SPECIMEN)
VOID = unsigned(FrankMark.VOID, LETTER)
NEW = replace(SPECIMEN, licence=None, office_name="", pin_code="000000", slogan=None)
"""Of a machine that was never installed."""

ALL = {
    "letter": LETTER,
    "slogan": WITH_SLOGAN,
    "widest": WIDEST,
    "zero": ZERO,
    "specimen": SPECIMEN,
    "void": VOID,
    "new": NEW,
    "tape": replace(LETTER, on_tape=True),
    "advanced": replace(LETTER, date_advanced=True),
    "long": replace(
        LETTER,
        class_letters="ILC",
        class_name="inland letter card",
        office_name="Thiruvananthapuram GPO",
        value_paise=Paise(9_999_999),
        slogan=SloganFace(("Twenty four characters ", "of a slogan", "in three lines")),
    ),
}
