"""What an exchange file tells, whatever its layout: a header, lines, totals.

The names of the header are the same in every file that the parties exchange, so that
whoever passes files on needs to know no more than these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from protocol.exchange.layout import Layout
from protocol.exchange.spelling import Value
from protocol.values import EpochSeconds

DEPARTMENT: Final = "DCR"
"""The Department's central resource, as sender or receiver; an OEM is its letter."""
BY_HAND: Final = 0
"""Window of a file that a person made, outside every window and every sequence."""


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """The last line of a signed file, as it stands there: nobody has checked it.

    Attributes:
        key_id: Name of the key that is said to have signed.
        signature: 64 octets, r and s.
    """

    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        record: What it is, by the name of its record in the layout.
        values: Of its fields, by name; None where a field is blank.
        number: Line number in the file; 0 in a line that was not read.
    """

    record: str
    values: Mapping[str, Value]
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """A file whose structure is right.

    Attributes:
        layout: By which it was read.
        header: Values of the header, by name.
        lines: In the order of the file; there may be none (RMFS-35).
        totals: What the file tells of its lines: count, sums in paise, by name.
        signature: The signature line, which nobody has checked; None without one.
    """

    layout: Layout = field(compare=False, repr=False)
    header: Mapping[str, Value]
    lines: Sequence[Line]
    totals: Mapping[str, int] = field(compare=False)
    signature: SignatureLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """The header of every file of an exchange.

    Attributes:
        file_id: Never used again for another content.
        sender: `DEPARTMENT`, the letter of an OEM, or the code of another party.
        receiver: Likewise.
        sequence: Of files of this kind from this sender to this receiver, one more each
            time; 0 in a file made by hand.
        business_date: Day of India for which it was made.
        window: Of that day, from 1; `BY_HAND` outside the windows.
        made_at: When it was made.
    """

    file_id: str
    sender: str
    receiver: str
    sequence: int
    business_date: date
    window: int
    made_at: EpochSeconds

    @classmethod
    def of(cls, file: ExchangeFile) -> "FileHeader":
        """Take the header of a file that was read."""
        values: dict[str, Any] = {name: file.header[name] for name in HEADER_NAMES}
        return cls(**values)

    def values(self) -> dict[str, Value]:
        """Give the header as `write_file` takes it."""
        return {name: getattr(self, name) for name in HEADER_NAMES}


HEADER_NAMES: Final = tuple(FileHeader.__dataclass_fields__)
"""Names of the fields of every header, format and version left out."""
