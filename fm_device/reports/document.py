"""What stands on a report, apart from the paper: built by the reports, laid out twice.

A document is pure data. `text` lays it out for a narrow roll, `pdf` for A4 sheets; both
obey the same rule: a no-break space holds its words together, and what holds together
is divided only where it is wider than the paper, so no amount and no identifier is cut.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from fm_device.reports.facts import MachineFacts
from protocol.parameters import INDIA
from protocol.values import EpochSeconds, Paise, show_rupees

NO_BREAK: Final = "\u00a0"


class Fit(Enum):
    """How a column takes its place."""

    WRAPS = "goes on in the next line"
    WHOLE = "stays in one line"
    FIGURE = "stays in one line, at the right"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    fit: Fit


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of a table that belong together; `sums` is the row below them."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    sums: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has one cell for each column."""

    title: str
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    total: tuple[str, ...] = ()

    @property
    def all_rows(self) -> list[tuple[str, ...]]:
        """Every row that must find its place: the head and the sums too."""
        rows = [tuple(column.name for column in self.columns)]
        for section in self.sections:
            rows += [*section.rows, *([section.sums] if section.sums else [])]
        return rows + ([self.total] if self.total else [])


@dataclass(frozen=True, slots=True)
class Lines:
    """Names and values, a pair on a line."""

    title: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence or two."""

    text: str


@dataclass(frozen=True, slots=True)
class Blanks:
    """What people write in by hand."""

    names: tuple[str, ...]


Block = Table | Lines | Note | Blanks


@dataclass(frozen=True, slots=True)
class Document:
    """One report.

    Attributes:
        title: What it is.
        reference: What names this one: its number, or the licence identifier.
        head: Names and values of the machine.
        blocks: What it says, in order.
        foot: What every sheet says at its end.
        copies: Whom each copy is for; without any there is one and no mark.
        printed_at: When it was asked for.
    """

    title: str
    reference: str
    head: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    foot: str
    copies: tuple[str, ...]
    printed_at: EpochSeconds

    @property
    def copy_marks(self) -> tuple[str, ...]:
        """The mark of each copy; one without words where there are no copies."""
        if not self.copies:
            return ("",)
        of = len(self.copies)
        return tuple(
            f"Copy {number} of {of}: {whose}"
            for number, whose in enumerate(self.copies, start=1)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was checked: for people its document, for programs its figures."""

    name: str
    machine: MachineFacts
    document: Document
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Say the same to a program; money in paise, times in seconds since 1970."""
        machine = self.machine
        return {
            "report": self.name,
            "form": "defined by this product, not by India Post",
            "machine": {
                "licence_identifier": machine.licence,
                "psd_serial": machine.psd_serial,
                "model": machine.model,
                "firmware": machine.firmware,
                "office": machine.office,
                "pin_code": machine.pin_code,
                "state": machine.state,
                "realm": machine.realm,
                "simulated": machine.simulated,
            },
            "printed_at": machine.printed_at,
            "copies": list(self.document.copies),
            **self.figures,
        }


def document_of(
    machine: MachineFacts,
    title: str,
    blocks: tuple[Block, ...],
    *,
    reference: str = "",
    copies: tuple[str, ...] = (),
) -> Document:
    """Put the machine's head and the foot of every report around some blocks."""
    form = "Form defined by this product, not by India Post."
    pin_code = str(machine.pin_code) if machine.pin_code else "not set"
    return Document(
        title=title,
        reference=reference or machine.licence,
        head=(
            ("Licence identifier", machine.licence),
            ("PSD", machine.psd_serial),
            ("Model", machine.model),
            ("Firmware", machine.firmware),
            ("Office", machine.office),
            ("PIN code", pin_code),
            ("State", machine.state),
            ("Realm", machine.realm),
            ("Printed", show_moment(machine.printed_at)),
        ),
        blocks=blocks,
        foot=f"Simulated machine. {form}" if machine.simulated else form,
        copies=copies,
        printed_at=machine.printed_at,
    )


def show_amount(amount: Paise) -> str:
    """Show an amount that no line end divides: ``Rs 2,000.00``."""
    return show_rupees(amount).replace(" ", NO_BREAK)


def show_figure(amount: Paise) -> str:
    """Show an amount in a column whose head says Rs: ``2,000.00``."""
    return show_rupees(amount).replace("Rs ", "")


def show_moment(moment: EpochSeconds) -> str:
    """Show a moment in Indian time, with its zone: ``22-11-2026 10:00:00 IST``."""
    return f"{show_clock(moment)} IST" if moment else show_clock(moment)


def show_clock(moment: EpochSeconds) -> str:
    """Show a moment in a column whose head says IST."""
    if not moment:
        return "not set"
    return datetime.fromtimestamp(moment, INDIA).strftime("%d-%m-%Y %H:%M:%S")


def plain(text: str) -> str:
    """Take what is no printable character out of a name that people have chosen."""
    return "".join(
        character if character.isprintable() or character == NO_BREAK else "?"
        for character in text
    )


def wrap(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Divide a text into lines.

    Args:
        text: Words with single spaces between them.
        width: Of the paper, in the unit of `measure`; at least one character.
        measure: Says how wide a text is.

    Returns:
        The lines, at least one, none wider than `width`. A word is divided only where
        it alone is wider.
    """
    lines = [""]
    for word in plain(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if measure(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        if measure(word) <= width:
            lines[-1] = word
            continue
        for character in word:
            if lines[-1] and measure(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return [line.replace(NO_BREAK, " ") for line in lines]
