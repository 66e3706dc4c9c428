"""What became of a fund file, told to people and programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from protocol.values import Paise, show_rupees
from rmfs_server.store.fund_files import JudgedLine


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a fund file.

    Attributes:
        file_id: Its id.
        sha256: 32 octets over its octets.
        already_known: The same file came earlier; nothing was changed now.
        lines: How each detail line was judged when the file first came.
    """

    file_id: str
    sha256: bytes
    already_known: bool
    lines: tuple[JudgedLine, ...]

    @property
    def applied(self) -> tuple[JudgedLine, ...]:
        """The lines that were carried out."""
        return tuple(line for line in self.lines if line.suspended_because is None)

    @property
    def suspended(self) -> tuple[JudgedLine, ...]:
        """The lines that went to suspense."""
        return tuple(line for line in self.lines if line.suspended_because is not None)

    @property
    def applied_paise(self) -> int:
        """Sum of the amounts of the lines that were carried out."""
        return _sum_paise(self.applied)

    @property
    def suspended_paise(self) -> int:
        """Sum of the amounts of the lines that went to suspense."""
        return _sum_paise(self.suspended)

    def as_json(self) -> dict[str, Any]:
        """Give the report as it is printed for programs."""
        return {
            "file_id": self.file_id,
            "sha256": self.sha256.hex(),
            "already_known": self.already_known,
            "lines": len(self.lines),
            "total_paise": self.applied_paise + self.suspended_paise,
            "applied": len(self.applied),
            "applied_paise": self.applied_paise,
            "suspended_paise": self.suspended_paise,
            "suspended": [
                {
                    "line_number": line.line_number,
                    "line_id": line.line_id,
                    "amount_paise": line.amount_paise,
                    "code": line.code,
                    "reason": line.suspended_because,
                }
                for line in self.suspended
            ],
        }

    def show(self) -> str:
        """Tell a person."""
        known = ": known already, nothing changed" if self.already_known else ""
        lines = [
            f"fund file {self.file_id}{known}",
            f"  applied    {_show_sum(self.applied)}",
            f"  suspended  {_show_sum(self.suspended)}",
        ]
        lines += [
            f"  line {line.line_number} (line id {line.line_id}, "
            f"{show_rupees(Paise(line.amount_paise))}): {line.suspended_because}"
            for line in self.suspended
        ]
        return "\n".join(lines)


def _sum_paise(lines: Sequence[JudgedLine]) -> int:
    return sum(line.amount_paise for line in lines)


def _show_sum(lines: Sequence[JudgedLine]) -> str:
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return f"{count}, {show_rupees(Paise(_sum_paise(lines)))}"
