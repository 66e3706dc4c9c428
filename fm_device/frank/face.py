"""What a frank shows, as data: the one input of its picture.

A frank that franks carries a signed indicium, an item number and an authentication
code; a specimen and a void one carry none of them, so that a machine in the wrong state
can print nothing that verifies. Both are checked here, where a face is made.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.values import U32_MAX, LicenceIdentifier, Paise

SLOGAN_LINES_MAX: Final = 3
SLOGAN_CHARACTERS_MAX: Final = 24
"""Characters in one line of a slogan."""
OFFICE_CHARACTERS_MAX: Final = 32
CLASS_LETTERS_MAX: Final = 4
CLASS_CHARACTERS_MAX: Final = 24
WEIGHT_G_MAX: Final = 65_535

_PIN_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_AUTHENTICATION_CODE: Final = re.compile(r"[0-9A-F]{8}", re.ASCII)
_PRINTABLE: Final = re.compile(r"[ -~]*", re.ASCII)


class FrankMark(Enum):
    """Which kind of frank it is; the Department has a sample of each, not public."""

    VALID = "valid"
    """Postage was debited."""
    ZERO = "zero"
    """Counted and signed, of no value: a print to try the machine."""
    SPECIMEN = "specimen"
    """Of a machine that is not in service: franks nothing, signs nothing."""
    VOID = "void"
    """Of a machine in trouble: whatever was on the paper is not to be accepted."""


@dataclass(frozen=True, slots=True)
class SloganFace:
    """An approved slogan as it is printed: 1 to 3 lines of at most 24 characters."""

    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.lines) <= SLOGAN_LINES_MAX:
            raise LocalProtocolError(
                f"a slogan has 1 to {SLOGAN_LINES_MAX} lines, not {len(self.lines)}"
            )
        for line in self.lines:
            _check_words("a line of the slogan", line, SLOGAN_CHARACTERS_MAX)


@dataclass(frozen=True, slots=True)
class FrankFace:
    """Everything that one frank shows.

    Attributes:
        mark: Which kind of frank it is.
        class_letters: Letters of the product class, as in ``RL``.
        class_name: Its name, as in ``registered letter``.
        pin_code: PIN code of the office where the mail is handed in, 6 digits.
        office_name: Name of that office.
        printed_on: The date on the frank.
        date_advanced: Whether that is later than the day of printing: shown inverted.
        item: Number among all imprints of the machine; None with SPECIMEN and VOID.
        licence: Licence identifier; None for a machine that has none yet.
        value_paise: Postage, 0 with ZERO.
        authentication_code: 8 hexadecimal digits; None with SPECIMEN and VOID.
        indicium: The signed octets of the barcode; None with SPECIMEN and VOID.
        slogan: Printed left of the dies; at most one an article.
        weight_g: Weight of the article in grams where a scale has told it.
        on_tape: Whether it is printed on a label and not on the article.

    Raises:
        LocalProtocolError: A field is not of its form, or the mark contradicts it.
    """

    mark: FrankMark
    class_letters: str
    class_name: str
    pin_code: str
    office_name: str
    printed_on: date
    date_advanced: bool
    item: int | None
    licence: LicenceIdentifier | None
    value_paise: Paise
    authentication_code: str | None
    indicium: bytes | None
    slogan: SloganFace | None = None
    weight_g: int | None = None
    on_tape: bool = False

    @property
    def signed(self) -> bool:
        """Whether this frank is one that carries an indicium."""
        return self.mark in {FrankMark.VALID, FrankMark.ZERO}

    def __post_init__(self) -> None:
        _check_words("the class", self.class_letters, CLASS_LETTERS_MAX)
        _check_words("the name of the class", self.class_name, CLASS_CHARACTERS_MAX)
        _check_words("the office", self.office_name, OFFICE_CHARACTERS_MAX)
        if _PIN_CODE.fullmatch(self.pin_code) is None:
            raise LocalProtocolError(f"{self.pin_code!r} is no PIN code of 6 digits")
        if not 0 <= self.value_paise <= U32_MAX:
            raise LocalProtocolError(
                f"no frank has a value of {self.value_paise} paise"
            )
        if self.mark is FrankMark.ZERO and self.value_paise:
            raise LocalProtocolError("a zero frank has no value")
        if self.weight_g is not None and not 0 <= self.weight_g <= WEIGHT_G_MAX:
            raise LocalProtocolError(f"no article weighs {self.weight_g} g")
        self._check_proof()

    def _check_proof(self) -> None:
        proof = (self.item, self.authentication_code, self.indicium)
        if not self.signed:
            if any(part is not None for part in proof):
                raise LocalProtocolError(
                    f"a {self.mark.value} frank carries no item number, "
                    "no authentication code and no indicium"
                )
            return
        if self.licence is None or any(part is None for part in proof):
            raise LocalProtocolError(
                f"a {self.mark.value} frank needs a licence, an item number, "
                "an authentication code and an indicium"
            )
        if not 0 <= (self.item or 0) <= U32_MAX:
            raise LocalProtocolError(f"{self.item} is no item number")
        if _AUTHENTICATION_CODE.fullmatch(self.authentication_code or "") is None:
            raise LocalProtocolError("an authentication code has 8 hexadecimal digits")


def _check_words(what: str, words: str, characters_max: int) -> None:
    if len(words) > characters_max or _PRINTABLE.fullmatch(words) is None:
        raise LocalProtocolError(
            f"{what} {words!r} cannot be printed: "
            f"at most {characters_max} characters of ASCII"
        )
