"""Octets to fields and back, for every message table: the only user of construct.

construct alone is not strict: a compiled parser accepts truncated input, builds short
messages, and lets `struct.error` out. So the length is checked before a parse and after
a build, and whatever construct raises becomes a protocol error here and nowhere else.
"""

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


def _layout(table: MessageTable) -> construct.Construct:
    fields = [
        field.name
        / (
            _UINTS[field.octets]
            if field.kind in _NUMBERS
            else construct.Bytes(field.octets)
        )
        for field in table.fields
    ]
    return construct.Struct("message_type" / construct.Int8ub, *fields).compile()


_LAYOUTS: Final = {table.type: _layout(table) for table in TABLES}
_OCTET_FIELDS: Final = {
    table.type: tuple(field for field in table.fields if field.kind not in _NUMBERS)
    for table in TABLES
}
"""construct packs octets of any width, so that theirs are checked here."""


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
    for field in _OCTET_FIELDS[table.type]:
        value = fields.get(field.name)
        if isinstance(value, bytes) and len(value) != field.octets:
            message = (
                f"{table.type.name}.{field.name} needs {field.octets} octets, "
                f"not {len(value)}"
            )
            raise LocalProtocolError(message, clause="DLG-2")
    try:
        octets: bytes = _LAYOUTS[table.type].build(
            {"message_type": int(table.type), **fields}
        )
    except Exception as error:
        message = f"{table.type.name} cannot be built: {error}"
        raise LocalProtocolError(message, clause="DLG-2") from error
    if len(octets) != table.octets:
        message = f"{table.type.name} came out with {len(octets)} octets"
        raise LocalProtocolError(message, clause="DLG-2")
    return octets


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
    try:
        parsed: dict[str, FieldValue] = dict(_LAYOUTS[table.type].parse(octets))
    except Exception as error:
        message = f"{table.type.name} cannot be read: {error}"
        raise RemoteProtocolError(
            message, clause="DLG-2", code=ErrorCode.MALFORMED
        ) from error
    del parsed["message_type"]
    return parsed
