"""What is wrong with a file, line by line; bounded, so that any file can be told of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError

FINDINGS_MAX: Final = 100
"""What a person reads before writing the file anew; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one line of a file.

    Attributes:
        line_number: From 1.
        reason: A sentence for whoever wrote the file.
        field: Name of the field that is wrong; empty if it is the line.
    """

    line_number: int
    reason: str
    field: str = ""

    def __str__(self) -> str:
        """Show it to a person."""
        words = self.field.removesuffix("_paise").replace("_", " ")
        told = f"{words}: {self.reason}" if words else self.reason
        return f"line {self.line_number}: {told}"


class ExchangeFileError(RmfsError):
    """A file is refused whole.

    Attributes:
        findings: What is wrong, in the order of the lines, at most `FINDINGS_MAX`.
        more: How many further findings there were.
    """

    def __init__(self, findings: Iterable[Finding], more: int = 0) -> None:
        """Keep what was found."""
        self.findings = tuple(findings)
        self.more = more
        lines = [str(finding) for finding in self.findings]
        if more:
            lines.append(f"and {more} more")
        super().__init__("\n".join(lines))


class Findings:
    """Gathers findings: keeps the first, counts the rest."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: list[Finding] = []
        self._more = 0

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._kept)

    def add(self, line_number: int, reason: str, field: str = "") -> None:
        """Tell of one more mistake."""
        if len(self._kept) < FINDINGS_MAX:
            self._kept.append(Finding(line_number, reason, field))
        else:
            self._more += 1

    def error(self) -> ExchangeFileError:
        """Make the error that tells of all of them, in the order of the lines."""
        ordered = sorted(self._kept, key=lambda finding: finding.line_number)
        return ExchangeFileError(ordered, self._more)
