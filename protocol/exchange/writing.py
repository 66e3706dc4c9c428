"""The one writer of exchange files: what it writes, the reader reads back the same."""

from collections.abc import Iterable, Mapping, Sequence

from protocol.errors import LocalProtocolError
from protocol.exchange.file import Line
from protocol.exchange.findings import ExchangeFileError
from protocol.exchange.layout import Field, Layout, Record
from protocol.exchange.reading import read_file
from protocol.exchange.spelling import FieldError, Value


class FileTooLongError(LocalProtocolError):
    """A file would have more lines or octets than its layout allows."""


def write_file(
    layout: Layout, header: Mapping[str, Value], lines: Iterable[Line]
) -> bytes:
    """Write a file, without a signature.

    Args:
        layout: What kind of file it is.
        header: Values by name. Format, version, count and totals are the layout's.
        lines: In their order; a field that may be blank need not be named.

    Returns:
        The octets: equal values give equal octets.

    Raises:
        FileTooLongError: It would have more lines or octets than the layout allows; the
            message names the layout and its bound.
        LocalProtocolError: The file would not be read back as it is: a value is out of
            bounds, missing, or of another type. The message holds the findings.
    """
    kept = list(lines)
    _check_bound(layout, "lines_max", "lines", len(kept), layout.lines_max)
    texts = [_record(layout, layout.header, header, kept)]
    for place, line in enumerate(kept, start=1):
        record = layout.lines.get(line.record)
        if record is None:
            known = ", ".join(layout.lines)
            raise LocalProtocolError(
                f"line {place} is a {line.record!r}; layout {layout.name} has {known}"
            )
        try:
            texts.append(_record(layout, record, line.values, ()))
        except LocalProtocolError as error:
            raise LocalProtocolError(f"line {place}: {error}") from error
    if layout.trailer is not None:
        texts.append(_record(layout, layout.trailer, {}, kept))
    written = "".join(f"{text}{layout.line_end}" for text in texts if text is not None)
    try:
        octets = written.encode(layout.encoding)
        _check_bound(layout, "octets_max", "octets", len(octets), layout.octets_max)
        file = read_file(layout, octets)
    except (UnicodeEncodeError, ExchangeFileError) as error:
        message = f"not a file of layout {layout.name}: {error}"
        raise LocalProtocolError(message) from error
    same = _same(layout.header, header, file.header) and len(kept) == len(file.lines)
    if not same or not all(
        _same(layout.lines[line.record], line.values, read.values)
        and line.record == read.record
        for line, read in zip(kept, file.lines, strict=True)
    ):
        raise LocalProtocolError("a field holds a separator or a line end")
    return octets


def _check_bound(layout: Layout, key: str, of: str, count: int, most: int) -> None:
    if count > most:
        raise FileTooLongError(
            f"a file of layout {layout.name} would have {count:,} {of}, "
            f"and {key} of that layout is {most:,}"
        )


def _record(
    layout: Layout, record: Record, values: Mapping[str, Value], lines: Sequence[Line]
) -> str | None:
    """Write one record; None if it takes no line.

    Raises:
        LocalProtocolError: A value is missing, not known, or of another type.
    """
    unknown = values.keys() - {field.name for field in record.fields}
    if unknown:
        names = ", ".join(sorted(unknown))
        raise LocalProtocolError(f"a {record.name} of {layout.name} has no {names}")
    if not record.takes_a_line:
        return None
    try:
        pieces = [_piece(one, values, lines) for one in record.in_the_file]
    except FieldError as error:
        message = f"a {record.name} of {layout.name}: {error}"
        raise LocalProtocolError(message) from error
    if record.tag:
        pieces.insert(0, record.tag)
    return layout.separator.join(pieces)


def _piece(one: Field, values: Mapping[str, Value], lines: Sequence[Line]) -> str:
    value = _value(one, values, lines)
    try:
        told = "" if value is None else one.spelling.write(value)
    except FieldError as error:
        raise FieldError(f"{one.name}: {error}") from error
    if value is None and not one.blank:
        raise FieldError(f"{one.name} is missing")
    return told if one.width is None else one.width.fill(told)


def _value(one: Field, values: Mapping[str, Value], lines: Sequence[Line]) -> Value:
    if one.constant is not None:
        return one.constant
    if one.counts:
        return len(lines)
    if one.sums:
        amounts = (line.values.get(one.sums) for line in lines)
        return sum(amount for amount in amounts if isinstance(amount, int))
    return values.get(one.name)


def _same(
    record: Record, written: Mapping[str, Value], read: Mapping[str, Value]
) -> bool:
    return all(written.get(one.name) == read[one.name] for one in record.told)
