"""A property that was seen broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """What an oracle found.

    Attributes:
        at_s: When it was seen, in simulated seconds.
        property_id: Of `docs/properties.md`: ``MONEY-1``.
        what: What was seen and what was expected, in one line.
    """

    at_s: float
    property_id: str
    what: str

    def __str__(self) -> str:
        """Show it in one line."""
        return f"{self.property_id} at {self.at_s:.3f} s: {self.what}"
