"""What is told to makers about licences, and the axes on which history is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NewType

from protocol.exchange.spelling import Value
from protocol.values import EpochSeconds, LicenceIdentifier

ChangeId = NewType("ChangeId", int)


class Axis(Enum):
    """What a row of history is about."""

    APPLICATION = "an application, by its number"
    LICENCE = "a licence, by its identifier"
    MACHINE = "the machine of a licence, by the licence's identifier"


class ChangeLayout(Enum):
    """In which file a change stands; the value is the name of its layout."""

    ISSUE = "license-issue"
    MODIFICATION = "license-modification"


class ChangeOutcome(Enum):
    """What the maker said of a line."""

    TAKEN = "the maker has it"
    REFUSED = "the maker refuses it, with a code and words"


@dataclass(frozen=True, slots=True)
class Change:
    """One line that a maker is told, once it stands in a file.

    Attributes:
        values: By the field names of the layout, without ``line_id``.
        file_id: The file that it stands in; None while it waits.
        outcome: None while the maker has not answered.
        code: Of a refusal; empty if there is none.
        words: Likewise.
    """

    id: ChangeId
    maker: str
    layout: ChangeLayout
    licence: LicenceIdentifier
    values: Mapping[str, Value]
    made_at: EpochSeconds
    file_id: str | None
    outcome: ChangeOutcome | None
    code: str
    words: str

    @property
    def line_id(self) -> str:
        """Its line id, the same in every file."""
        return f"C{self.id}"

    @property
    def told(self) -> dict[str, Value]:
        """The line as the layout has it."""
        return {"line_id": self.line_id, **self.values}
