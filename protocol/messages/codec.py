"""Octets to fields and back, for every message table: the only user of construct.

construct declares the layouts. A message is flat and has one length, so that its layout
is also one of the standard library's `struct`, which packs and unpacks it in a fifth of
the time and is strict: it takes no other length, no number that is too large, and no
value of another type. What it does not check is the width of octets, which it would cut
or fill up: that is checked here. Whatever it raises becomes a protocol error here and
nowhere else.
"""

import struct
from collections.abc import Mapping
from typing import Final

import construct

from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.messages.tables import TABLES, Kind, MessageTable

FieldValue = int | bytes

_UINTS: Final = {
    1: construct.Int8ub,
    2: construct.Int16ub,
    4: construct.Int32ub,
    8: construct.Int64ub,
}
_NUMBERS: Final = frozenset({Kind.UINT, Kind.AMOUNT, Kind.TIME})


def _layout(table: MessageTable) -> construct.Struct:
    fields = [
        field.name
        / (
            _UINTS[field.octets]
            if field.kind in _NUMBERS
            else construct.Bytes(field.octets)
        )
        for field in table.fields
    ]
    return construct.Struct("message_type" / construct.Int8ub, *fields)


class _Packed:
    """A layout of construct in which everything has one width, as a `struct.Struct`."""

    def __init__(self, layout: construct.Struct) -> None:
        """Take over names and widths; the first field is the type."""
        parts = [part.subcon for part in layout.subcons]
        names = [part.name for part in layout.subcons]
        self.names: Final = tuple(names[1:])
        self.widths: Final = tuple(
            (name, part.length)
            for name, part in zip(names, parts, strict=True)
            if isinstance(part, construct.Bytes)
        )
        self.octets: Final = struct.Struct(">" + "".join(map(_format, parts)))


def _format(part: construct.Construct) -> str:
    """Write the format of one field as `struct` has it."""
    if isinstance(part, construct.Bytes):
        return f"{part.length}s"
    return str(part.fmtstr).removeprefix(">")


_LAYOUTS: Final = {table.type: _Packed(_layout(table)) for table in TABLES}


def encode_fields(table: MessageTable, fields: Mapping[str, FieldValue]) -> bytes:
    """Pack the fields of one message.

    Args:
        table: The layout.
        fields: A value for every field of the table; octet fields in their full width.

    Returns:
        Exactly ``table.octets`` octets; the first is the message type.

    Raises:
        LocalProtocolError: A field is missing, too large, or of another width.
    """
    layout = _LAYOUTS[table.type]
    for name, octets in layout.widths:
        value = fields.get(name)
        if isinstance(value, (bytes, bytearray)) and len(value) != octets:
            message = (
                f"{table.type.name}.{name} needs {octets} octets, not {len(value)}"
            )
            raise LocalProtocolError(message, clause="DLG-2")
    try:
        return layout.octets.pack(table.type, *map(fields.__getitem__, layout.names))
    except (KeyError, struct.error) as error:
        message = f"{table.type.name} cannot be built: {error}"
        raise LocalProtocolError(message, clause="DLG-2") from error


def decode_fields(table: MessageTable, octets: bytes) -> dict[str, FieldValue]:
    """Unpack one message of a known type.

    Raises:
        RemoteProtocolError: The length or the type octet is wrong (MALFORMED).
    """
    if len(octets) != table.octets or octets[0] != table.type:
        message = (
            f"{table.type.name} has {table.octets} octets and begins with "
            f"0x{table.type:02x}; {len(octets)} octets came"
        )
        raise RemoteProtocolError(message, clause="DLG-2", code=ErrorCode.MALFORMED)
    layout = _LAYOUTS[table.type]
    return dict(zip(layout.names, layout.octets.unpack(octets)[1:], strict=True))
