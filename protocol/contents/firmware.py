"""FIRMWARE: an image for the simulated machine, good or made to fail its self-test.

There is no code in it: what the simulated machine does with an image is decided by its
fields, and its payload is there to be as long as an image is.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from protocol.contents.fields import (
    BadFieldError,
    Node,
    check_canonical,
    check_count,
    check_text,
    check_whole,
    read_json,
    write_canonical,
)
from protocol.contents.kinds import ContentKind

VERSION_PART_MAX: Final = 0xFF
NOTES_CHARACTERS_MAX: Final = 240
PAYLOAD_OCTETS_MAX: Final = 30_000
"""In hex it takes twice as much, which a content can just hold."""

_PARTS: Final = 3
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class FirmwareImage:
    """The body of a FIRMWARE content.

    Attributes:
        version: Major, minor, patch; one octet each.
        notes: What is new, for people.
        boots: Whether the simulated machine passes its self-test with this image.
        payload: Octets that mean nothing.

    Raises:
        BadFieldError: A field is out of range.
    """

    kind: ClassVar[ContentKind] = ContentKind.FIRMWARE

    version: tuple[int, int, int]
    notes: str
    boots: bool = True
    payload: bytes = b""

    def __post_init__(self) -> None:
        for index, part in enumerate(self.version):
            check_whole(f"version[{index}]", part, 0, VERSION_PART_MAX)
        check_text("notes", self.notes, NOTES_CHARACTERS_MAX)
        if len(self.payload) > PAYLOAD_OCTETS_MAX:
            raise BadFieldError(
                "payload", f"{len(self.payload)} octets, {PAYLOAD_OCTETS_MAX} at most"
            )

    @property
    def number(self) -> int:
        """The version in one number, as the head of the content has it."""
        major, minor, patch = self.version
        return major << 16 | minor << 8 | patch

    def show_version(self) -> str:
        """Show the version to people: ``0.2.0``."""
        return ".".join(str(part) for part in self.version)

    def to_body(self) -> bytes:
        """Write the body: canonical JSON (CONT-3)."""
        return write_canonical(
            {
                "version": list(self.version),
                "notes": self.notes,
                "boots": self.boots,
                "payload": self.payload.hex(),
            }
        )

    @classmethod
    def from_body(cls, octets: bytes) -> "FirmwareImage":
        """Read a body.

        Raises:
            ContentError: BODY, with the place.
        """
        node = read_json(octets)
        found = node.members("version", "notes", "boots", "payload")
        image = node.build(
            lambda: cls(
                _read_version(found["version"]),
                found["notes"].text(),
                found["boots"].flag(),
                _read_payload(found["payload"]),
            )
        )
        check_canonical(octets, image.to_body())
        return image


def _read_version(node: Node) -> tuple[int, int, int]:
    parts = node.wholes()
    check_count("version", parts, _PARTS, _PARTS)
    major, minor, patch = parts
    return major, minor, patch


def _read_payload(node: Node) -> bytes:
    text = node.text()
    if _HEX.fullmatch(text) is None:
        raise node.refused("it is not lower-case hex")
    return bytes.fromhex(text)
