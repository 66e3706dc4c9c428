"""SLOGAN: an advertisement beside the frank, as its licensing authority approved it."""

from dataclasses import dataclass
from typing import ClassVar, Final

from protocol.contents.fields import (
    check_canonical,
    check_count,
    check_text,
    check_whole,
    read_json,
    write_canonical,
)
from protocol.contents.kinds import ContentKind

SLOGAN_NUMBER_MAX: Final = 10
"""A machine holds ten slogans."""
LINES_MAX: Final = 3
LINE_CHARACTERS_MAX: Final = 24
CUSTOMER_MAX: Final = 0xFFFF
APPROVED_CHARACTERS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Slogan:
    """The body of a SLOGAN content.

    Attributes:
        number: 1 to 10; a slogan takes the place of the one that had its number.
        name: As the operator sees it.
        lines: 1 to 3 lines of at most 24 printable ASCII characters.
        customer: The department that may print it; 0 for any.
        approved: Reference of the approval.

    Raises:
        BadFieldError: A field is out of range.
    """

    kind: ClassVar[ContentKind] = ContentKind.SLOGAN

    number: int
    name: str
    lines: tuple[str, ...]
    customer: int
    approved: str

    def __post_init__(self) -> None:
        check_whole("number", self.number, 1, SLOGAN_NUMBER_MAX)
        check_text("name", self.name, LINE_CHARACTERS_MAX)
        check_count("lines", self.lines, 1, LINES_MAX)
        for index, line in enumerate(self.lines):
            check_text(f"lines[{index}]", line, LINE_CHARACTERS_MAX)
        check_whole("customer", self.customer, 0, CUSTOMER_MAX)
        check_text("approved", self.approved, APPROVED_CHARACTERS_MAX)

    def to_body(self) -> bytes:
        """Write the body: canonical JSON (CONT-3)."""
        return write_canonical(
            {
                "number": self.number,
                "name": self.name,
                "lines": list(self.lines),
                "customer": self.customer,
                "approved": self.approved,
            }
        )

    @classmethod
    def from_body(cls, octets: bytes) -> "Slogan":
        """Read a body.

        Raises:
            ContentError: BODY, with the place.
        """
        node = read_json(octets)
        found = node.members("number", "name", "lines", "customer", "approved")
        slogan = node.build(
            lambda: cls(
                found["number"].whole(),
                found["name"].text(),
                found["lines"].texts(),
                found["customer"].whole(),
                found["approved"].text(),
            )
        )
        check_canonical(octets, slogan.to_body())
        return slogan
