"""Contents that the bench as a machine is ordered to take: fetched and compared.

It wants the first missing part of the content that was ordered last, as DLG-16.2 says,
if a case says nothing else. What comes whole has to give the content id (DLG-16.1).
"""

from collections.abc import Mapping

from hw.lab.side import Fields, Findings, number, octets
from protocol.contents import content_id
from protocol.messages import CONTENT_ORDERS, CONTENT_PART_OCTETS
from protocol.messages.codec import FieldValue
from protocol.messages.orders import CONTENT_OCTETS_MAX


class Fetching:
    """The parts of contents that have come, and what is asked for next."""

    def __init__(self) -> None:
        """Have been ordered to take nothing."""
        self._ordered: dict[int, bytearray] = {}
        self._due = 0
        self._wanted: Fields = {}
        self._whole: set[int] = set()

    def ordered(self, kind: int, value: int) -> None:
        """Note an order; only some bring a content."""
        if kind in CONTENT_ORDERS:
            self._due = value
            self._ordered.setdefault(value, bytearray())

    @property
    def is_whole(self) -> bool:
        """Whether the content that is due has come whole."""
        return self._due in self._whole

    def want(self) -> Fields:
        """Fill in a WANT for the first missing part of the content that is due."""
        held = self._ordered.get(self._due, bytearray())
        return {"content_id": self._due, "offset": len(held)}

    def said(self, fields: Mapping[str, FieldValue]) -> None:
        """Note a WANT."""
        self._wanted = dict(fields)

    def expected(self) -> Fields:
        """Say what a CONTENT has to repeat."""
        return self._wanted

    def heard(self, fields: Mapping[str, FieldValue]) -> Findings:
        """Take a CONTENT; what is broken by it comes back."""
        found = Findings()
        for name in ("content_id", "offset"):
            right = fields[name] == self._wanted.get(name)
            found.look("DLG-16.3", right, f"{name} is not that of the WANT")
        total, offset = number(fields, "total"), number(fields, "offset")
        data = octets(fields, "data")
        here = max(0, min(total - offset, CONTENT_PART_OCTETS))
        zeros = not any(data[here:])
        found.look("DLG-16.3", zeros, "the octets behind the content not zeros")
        small = total <= CONTENT_OCTETS_MAX
        found.look("DLG-16", small, f"a content of {total} octets")
        held = self._ordered.get(number(fields, "content_id"))
        if total and held is not None and len(held) == offset:
            held += data[:here]
            if len(held) == total:
                found += self._compared(number(fields, "content_id"), bytes(held))
        return found

    def _compared(self, named: int, content: bytes) -> Findings:
        self._whole.add(named)
        found = Findings()
        right = content_id(content) == named
        found.look("DLG-16.1", right, "the content does not give its content id")
        return found
