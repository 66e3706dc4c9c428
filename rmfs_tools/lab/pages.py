"""The pages of a certification: a matrix, and a page for every case, passed ones too.

A page has what was expected and what was seen: the clause, the steps as they were
played, every frame with its time and octets, the messages in them field by field, and
the registers before and after. Jinja2 writes them: it escapes what comes from a line
(BSD licence; several releases a year, used by most Python web programs).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
from jinja2 import Environment, PackageLoader, StrictUndefined

from hw.lab.player import Result
from hw.lab.trace import RegistersSeen, Remark, Trace, Traffic
from hw.lab.verdicts import Verdict
from hw.seen.decoding import LineDecoder
from hw.seen.reading import SeenEvent
from protocol.values import show_rupees
from rmfs_tools.watching import Shower

_CLASSES: Final = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.NOT_APPLICABLE: "not-applicable",
    Verdict.ERROR: "error",
}
_OCTETS_SHOWN: Final = 4_096
"""Of one frame; the capture has all of them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a page.

    Attributes:
        at_s: Seconds since the case began.
        kind: ``step``, ``remark``, ``frame``, ``event`` or ``registers``.
        words: What it is.
        details: Further lines.
        octets: Hexadecimal, or empty.
    """

    at_s: float
    kind: str
    words: str
    details: tuple[str, ...] = ()
    octets: str = ""


class Pages:
    """Writes the pages of one run."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            about: Who was tested, with what; stands on the first page.
        """
        self._about = about
        templates = environment()
        self._index = templates.get_template("index.html")
        self._case = templates.get_template("case.html")

    def index(self, results: Sequence[Result]) -> bytes:
        """Write the first page: the unit, the outcome, and every case by its clause."""
        by_clause: dict[str, list[Result]] = defaultdict(list)
        for result in results:
            by_clause[result.case.clause.split(".")[0]].append(result)
        return self._index.render(about=self._about, clauses=by_clause).encode()

    def case(self, result: Result) -> bytes:
        """Write the page of one case."""
        return self._case.render(
            result=result, rows=rows(result.trace), about=self._about
        ).encode()


def environment() -> Environment:
    """Make what the pages of the lab are written with."""
    made = Environment(
        loader=PackageLoader("rmfs_tools.lab"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["rupees"] = show_rupees
    made.globals["css"] = _CLASSES
    return made


def rows(trace: Trace) -> list[Row]:
    """Show a trace, in order."""
    shower = Shower(secrets=True)
    decoders: dict[int, LineDecoder] = {}
    shown = []
    for entry in trace.entries:
        if isinstance(entry, Remark):
            kind = "step" if entry.is_step else "remark"
            shown.append(Row(entry.at_s, kind, entry.words))
        elif isinstance(entry, RegistersSeen):
            shown.append(_registers(entry))
        else:
            decoder = decoders.setdefault(entry.line, LineDecoder(trace.keys))
            shown.append(_traffic(entry, decoder, shower))
    return shown


def _traffic(entry: Traffic, decoder: LineDecoder, shower: Shower) -> Row:
    understood = decoder.understand(entry.seen)
    first, *details = (click.unstyle(line) for line in shower.lines(understood))
    # The first word is the time of day; a page has its own.
    words = first.partition("  ")[2].strip()
    if isinstance(entry.seen, SeenEvent):
        return Row(entry.at_s, "event", words)
    octets = entry.seen.octets[:_OCTETS_SHOWN].hex(" ")
    return Row(
        entry.at_s,
        "frame",
        words,
        tuple(line.strip() for line in details),
        octets,
    )


def _registers(entry: RegistersSeen) -> Row:
    registers = entry.registers
    return Row(
        entry.at_s,
        "registers",
        f"AR {show_rupees(registers.ascending_paise)}, "
        f"DR {show_rupees(registers.descending_paise)}, "
        f"CT {show_rupees(registers.control_total_paise)}, "
        f"items {registers.items} of {registers.items_with_zero}, "
        f"recharge number {entry.recharge_number}",
    )
