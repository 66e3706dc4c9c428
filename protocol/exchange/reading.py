"""The one reader of exchange files: any octets give a file or findings, nothing else.

Rules of this module:

- A file is read as a whole or not at all: what comes out has the structure that its
  layout describes, and `write_file` gives the same octets.
- What fields mean together is looked at once the structure is right (`rules`).
- Everything is bounded: octets, lines, octets of a line, findings.

Source: docs/exchange-files.md.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from protocol.exchange.file import ExchangeFile, Line, SignatureLine
from protocol.exchange.findings import Findings
from protocol.exchange.layout import SIGNATURE_TAG, Field, Layout, Record
from protocol.exchange.line_text import check_size, cut, text_of
from protocol.exchange.rules import RULES
from protocol.exchange.signature_line import read_signature_line
from protocol.exchange.spelling import FieldError, Value, show_amount
from protocol.values import AMOUNT_PAISE_MAX

_UNREADABLE: Final = object()
_SIGNATURE_BEGINS: Final = f"{SIGNATURE_TAG}|".encode("ascii")


def read_file(layout: Layout, octets: bytes) -> ExchangeFile:
    """Read a file.

    Args:
        layout: What kind of file it is.
        octets: The whole file, from anybody.

    Returns:
        A file whose structure is right; `write_file` gives the same octets again, but
        for the signature line, which is not checked here.

    Raises:
        ExchangeFileError: The file is refused whole; it holds what is wrong.

    Source:
        docs/exchange-files.md.
    """
    file = _Reader(layout, octets).read()
    rule = RULES.get(layout.name)
    if rule is not None:
        findings = Findings()
        rule(file, findings)
        if findings:
            raise findings.error()
    return file


class _Plan:
    """How a record is cut and read: worked out once for all its lines."""

    def __init__(self, layout: Layout, record: Record) -> None:
        self.record = record
        self.given = record.given
        self.summed = sorted(layout.summed & {one.name for one in record.in_the_file})
        self.unique = [one.name for one in record.in_the_file if one.unique]
        self.tag_pieces = 1 if record.tag and layout.separator else 0
        self.pieces = self.tag_pieces + len(record.in_the_file)
        self.reads = [(one, _read(one)) for one in record.in_the_file]
        self._separator = layout.separator
        self._slices = list(_slices(record)) if not layout.separator else []

    def cut(self, text: str) -> list[str]:
        """Cut a line into the texts of its fields.

        Raises:
            FieldError: It has too few fields or columns, or too many.
        """
        called = f"record {self.record.tag}" if self.record.tag else self.record.name
        if self._separator:
            pieces = text.split(self._separator)
            if len(pieces) != self.pieces:
                raise FieldError(
                    f"a {called} has {self.pieces} fields, here are {len(pieces)}"
                )
            return pieces[self.tag_pieces :]
        if len(text) != self.record.columns:
            raise FieldError(
                f"a {called} has {self.record.columns} characters, here are {len(text)}"
            )
        return [text[one] for one in self._slices]


class _Reader:
    """Reads the lines of one file and gathers what is wrong with them."""

    def __init__(self, layout: Layout, octets: bytes) -> None:
        self._layout = layout
        self._octets = octets
        self._findings = Findings()
        self._plans = {id(one): _Plan(layout, one) for one in layout.records}
        self._lines: list[Line] = []
        self._count = 0
        self._sums: dict[str, int | None] = dict.fromkeys(layout.summed, 0)
        """Sums so far, or None once a value could not be read."""
        self._seen: dict[str, dict[Value, int]] = {}
        self._told: dict[str, tuple[int, Field, Value]] = {}
        """What header and trailer tell of the lines: compared at the end."""
        self._signature: SignatureLine | None = None

    def read(self) -> ExchangeFile:
        layout = self._layout
        last = check_size(layout, self._octets)
        lines = cut(layout, self._octets)
        header: Mapping[str, Value] | None = layout.header.given
        if layout.header.takes_a_line:
            header = self._header(*next(lines))
        trailer_at = self._body(lines, last)
        if layout.trailer is not None and trailer_at is None:
            self._findings.add(last, "the file ends without a trailer")
        if self._count > layout.lines_max:
            reason = f"the file has more than {layout.lines_max:,} lines of content"
            self._findings.add(last, reason)
        totals = self._compare()
        if header is None or self._findings:
            raise self._findings.error()
        return ExchangeFile(layout, header, self._lines, totals, self._signature)

    def _header(self, number: int, octets: bytes) -> Mapping[str, Value] | None:
        record = self._layout.header
        text = self._text(number, octets)
        if text is None:
            return None
        found = self._record_of(text)
        if record.tag and found is not record:
            reason = f"the file does not start with a header ({record.tag})"
            self._findings.add(number, reason)
            if found is not None and found.name in self._layout.lines:
                # The header was forgotten: the first line counts as a line.
                self._line(number, found, text)
            return None
        pieces = self._pieces(number, record, text)
        if pieces is None:
            return None
        for one, told in zip(record.in_the_file, pieces, strict=True):
            if one.constant is not None and _other(one, told):
                # Another format may mean anything by its lines: say this and no more.
                self._findings = Findings()
                reason = (
                    f"{told.strip()!r} where {one.spelling.write(one.constant)!r} "
                    f"stands in files of layout {self._layout.name}"
                )
                self._findings.add(number, reason, one.name)
                raise self._findings.error()
        return self._values(number, self._plans[id(record)], pieces)

    def _body(self, lines: Iterator[tuple[int, bytes]], last: int) -> int | None:
        """Read what is behind the header; the line number of the trailer."""
        layout, trailer_at = self._layout, None
        trailer = layout.trailer
        for number, octets in lines:
            may_sign = layout.signed and (trailer is None or trailer_at is not None)
            if self._signature is not None:
                self._findings.add(number, "stands after the signature")
            elif may_sign and octets.startswith(_SIGNATURE_BEGINS):
                self._read_signature(number, octets)
            elif trailer_at is not None:
                reason = f"stands after the trailer in line {trailer_at}"
                self._findings.add(number, reason)
            elif (text := self._text(number, octets)) is None:
                self._lost()
            else:
                record = self._record_of(text, is_last=number == last)
                if record is not None and record is trailer:
                    trailer_at = number
                    pieces = self._pieces(number, record, text)
                    if pieces is not None:
                        self._values(number, self._plans[id(record)], pieces)
                else:
                    self._line(number, record, text)
        return trailer_at

    def _line(self, number: int, record: Record | None, text: str) -> None:
        if record is None or record is self._layout.header:
            known = " or ".join(one.tag for one in self._layout.lines.values())
            what = "an unknown record" if record is None else "a second header"
            self._findings.add(number, f"{what}: a line starts with {known}")
            self._lost()
            return
        pieces = self._pieces(number, record, text)
        if pieces is None:
            self._lost()
            return
        plan = self._plans[id(record)]
        values = self._values(number, plan, pieces)
        self._count += 1
        for name in plan.summed:
            so_far, amount = self._sums[name], values.get(name, _UNREADABLE)
            if amount is _UNREADABLE or so_far is None:
                self._sums[name] = None
            else:
                self._sums[name] = so_far + (amount or 0)
        for name in plan.unique:
            if name not in values:
                continue
            value = values[name]
            first = self._seen.setdefault(name, {}).setdefault(value, number)
            if first != number:
                reason = f"{value!r} stands in line {first} already"
                self._findings.add(number, reason, name)
        if not self._findings:
            self._lines.append(Line(record.name, values, number))

    def _lost(self) -> None:
        """Count a line of which not everything is known."""
        self._count += 1
        self._sums = dict.fromkeys(self._sums)

    def _record_of(self, text: str, *, is_last: bool = False) -> Record | None:
        layout = self._layout
        if not layout.by_tag:
            return layout.trailer if is_last and layout.trailer else layout.only_line
        if layout.separator:
            return layout.by_tag.get(text.split(layout.separator, 1)[0])
        for tag, record in layout.by_tag.items():
            if text.startswith(tag):
                return record
        return None

    def _text(self, number: int, octets: bytes) -> str | None:
        try:
            return text_of(self._layout, octets)
        except FieldError as error:
            self._findings.add(number, str(error))
            return None

    def _pieces(self, number: int, record: Record, text: str) -> list[str] | None:
        try:
            return self._plans[id(record)].cut(text)
        except FieldError as error:
            self._findings.add(number, str(error))
            return None

    def _values(self, number: int, plan: _Plan, pieces: list[str]) -> dict[str, Any]:
        """Read the fields of a record; those that cannot be read are left out."""
        values: dict[str, Any] = dict(plan.given)
        for (one, read), text in zip(plan.reads, pieces, strict=True):
            try:
                value = read(text)
            except FieldError as error:
                self._findings.add(number, str(error), one.name)
                continue
            if one.is_told:
                values[one.name] = value
            elif one.constant is None:
                self._told[one.name] = number, one, value
        return values

    def _compare(self) -> dict[str, int]:
        """Compare what the file tells of its lines with its lines."""
        totals: dict[str, int] = {}
        for name, (number, one, told) in self._told.items():
            if one.counts:
                totals[name] = self._count
                if told != self._count:
                    reason = f"{told!r} is told, the file has {_lines(self._count)}"
                    self._findings.add(number, reason, name)
                continue
            total = self._sums[one.sums]
            if total is None:
                continue
            totals[name] = total
            if abs(total) > AMOUNT_PAISE_MAX:
                reason = "the amounts add up to more than can be held"
                self._findings.add(number, reason, name)
            elif told != total:
                reason = (
                    f"{one.spelling.write(told)} is told, the lines add up to "
                    f"{show_amount(total)}"
                )
                self._findings.add(number, reason, name)
        return totals

    def _read_signature(self, number: int, octets: bytes) -> None:
        try:
            self._signature = read_signature_line(text_of(self._layout, octets))
        except FieldError as error:
            self._findings.add(number, str(error))


def _read(one: Field) -> Callable[[str], Any]:
    """Put together how a field is read: its filling, blank, constant, value."""
    read, blank, constant, width = one.spelling.read, one.blank, one.constant, one.width

    def read_constant(told: str) -> Any:
        if width is not None:
            told = width.bare(told)
        value = read(told)
        if value != constant:
            raise FieldError(f"{told!r} where {one.spelling.write(constant)!r} stands")
        return value

    def read_wide(told: str) -> Any:
        told = width.bare(told) if width is not None else told
        return None if blank and not told else read(told)

    def read_or_blank(told: str) -> Any:
        return read(told) if told else None

    if constant is not None:
        return read_constant
    if width is not None:
        return read_wide
    return read_or_blank if blank else read


def _other(one: Field, told: str) -> bool:
    try:
        _read(one)(told)
    except FieldError:
        return True
    return False


def _slices(record: Record) -> Iterator[slice]:
    start = len(record.tag)
    for one in record.in_the_file:
        if one.width is not None:
            yield slice(start, start + one.width.columns)
            start += one.width.columns


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
