"""Octets of a line and its text: what may stand in a file at all, and where it ends."""

import unicodedata
from collections.abc import Iterator
from typing import Final

from protocol.exchange.findings import ExchangeFileError, Finding
from protocol.exchange.layout import Layout
from protocol.exchange.spelling import FieldError, first_forbidden

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def check_size(layout: Layout, octets: bytes) -> int:
    """Look at the size of a file before it is cut.

    Returns:
        How many lines it has, of any kind.

    Raises:
        ExchangeFileError: It is empty, too long, or ends within a line.
    """
    if len(octets) > layout.octets_max:
        reason = f"the file has more than {layout.octets_max:,} octets"
        raise ExchangeFileError([Finding(1, reason)])
    if not octets:
        raise ExchangeFileError([Finding(1, "the file is empty")])
    line_end = layout.line_end.encode("ascii")
    lines = octets.count(line_end)
    most = layout.lines_max + layout.lines_besides
    if lines > most:
        # The reader counts what is content; here it is seen that there is not too much.
        reason = f"the file has more than {layout.lines_max:,} lines of content"
        raise ExchangeFileError([Finding(most + 1, reason)])
    if not octets.endswith(line_end):
        # Nothing in it can be trusted: the usual cause is a transfer that broke off.
        called = _called(layout)
        reason = f"the file ends within this line: {called} is missing"
        raise ExchangeFileError([Finding(lines + 1, reason)])
    return lines


def cut(layout: Layout, octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut off one line at a time, so that a file is never held twice."""
    line_end = layout.line_end.encode("ascii")
    start, number = 0, 0
    while start < len(octets):
        stop = octets.index(line_end, start)
        number += 1
        yield number, octets[start:stop]
        start = stop + len(line_end)


def text_of(layout: Layout, octets: bytes) -> str:
    """Decode a line.

    Raises:
        FieldError: It is no text that may stand in a file.
    """
    if len(octets) > layout.line_octets_max:
        raise FieldError(f"the line has more than {layout.line_octets_max} octets")
    if octets.startswith(_BYTE_ORDER_MARK):
        raise FieldError("the line starts with a byte order mark")
    try:
        text = octets.decode(layout.encoding)
    except UnicodeDecodeError as error:
        reason = f"octet {error.start + 1} of the line is not {layout.encoding.upper()}"
        raise FieldError(reason) from None
    if not text:
        raise FieldError("the line is empty")
    wrong = first_forbidden(text)
    if wrong is not None:
        hint = f": lines end with {_called(layout)} alone" if wrong in "\r\n" else ""
        raise FieldError(f"the character U+{ord(wrong):04X} is not allowed{hint}")
    if not unicodedata.is_normalized("NFC", text):
        raise FieldError("the text is not in Unicode normal form NFC")
    return text


def _called(layout: Layout) -> str:
    one = layout.line_end == "\n"
    return "a line feed" if one else "carriage return and line feed"
