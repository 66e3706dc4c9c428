"""The tables of the protocol as Lua: what the codecs run on, to the last number."""

from enum import IntEnum
from typing import Any, Final

from hw.capture import EVENT_WORDS, NO_FRAME_WORDS
from protocol.channel import PacketType
from protocol.channel.packets import (
    COUNTER_OCTETS,
    G_X_AT,
    G_X_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
    PACKET_LENGTHS,
    TAG_OCTETS,
)
from protocol.channel.schedule import IV_OCTETS, KEY_OCTETS
from protocol.errors import ErrorCode
from protocol.link.frames import (
    ADDRESS_A,
    ADDRESS_B,
    COMMANDS_ONLY,
    RESPONSES_ONLY,
    SUPERVISORY,
    WITH_INFORMATION,
    Fault,
    FrameKind,
)
from protocol.link.parameters import MESSAGE_OCTETS_MAX, MODULO_8, MODULO_128
from protocol.link.segments import FIRST, LAST
from protocol.link.xid import PARAMETER_NAMES
from protocol.messages import TABLES, Field, MessageTable, MessageType
from protocol.messages.bodies import ELECTIVE
from protocol.values import AMOUNT_PAISE_MAX

_RECORD_AT: Final = {
    PacketType.GREETING_3: MESSAGE_3_OCTETS,
    PacketType.GREETING_4: MESSAGE_4_OCTETS,
    PacketType.RECORD: 0,
}
"""Where a packet has its record, behind the type octet."""


def make_tables() -> str:
    """Show all tables as one Lua table constructor."""
    numbered = SUPERVISORY | {FrameKind.INFORMATION}
    return _lua(
        {
            "link": {
                "address_a": ADDRESS_A,
                "address_b": ADDRESS_B,
                "modulo_8": MODULO_8,
                "modulo_128": MODULO_128,
                "first": FIRST,
                "last": LAST,
                "message_octets_max": MESSAGE_OCTETS_MAX,
                "information": FrameKind.INFORMATION.name,
                "supervisory": {kind.value: kind.name for kind in SUPERVISORY},
                "unnumbered": {
                    kind.value: kind.name for kind in FrameKind if kind not in numbered
                },
                "commands_only": {kind.name: True for kind in COMMANDS_ONLY},
                "responses_only": {kind.name: True for kind in RESPONSES_ONLY},
                "reporting": FrameKind.SREJ.name,
                "with_information": {kind.name: True for kind in WITH_INFORMATION},
                "faults": {
                    fault.value: fault.name for fault in Fault.__members__.values()
                },
                "xid": {
                    group << 8 | parameter: name
                    for (group, parameter), name in PARAMETER_NAMES.items()
                },
            },
            "packets": {
                kind.value: {
                    "name": kind.name,
                    "least": PACKET_LENGTHS[kind][0],
                    "most": PACKET_LENGTHS[kind][1],
                    "record_at": _RECORD_AT.get(kind),
                }
                for kind in PacketType
            },
            "packet_names": _names(PacketType),
            "errors": _names(ErrorCode),
            "g_x": {"at": G_X_AT, "octets": G_X_OCTETS},
            "record": {
                "counter": COUNTER_OCTETS,
                "tag": TAG_OCTETS,
                "key": KEY_OCTETS,
                "iv": IV_OCTETS,
            },
            "message_names": _names(MessageType),
            "elective": {"least": ELECTIVE.start, "most": ELECTIVE.stop - 1},
            "amount_max": f"{AMOUNT_PAISE_MAX}",
            "messages": {table.type.value: _message(table) for table in TABLES},
            "events": {event.value: words for event, words in EVENT_WORDS.items()},
            "no_frame": {why.value: words for why, words in NO_FRAME_WORDS.items()},
        }
    )


def _message(table: MessageTable) -> dict[str, Any]:
    return {
        "name": table.type.name,
        "sender": table.sender,
        "octets": table.octets,
        "fields": [_field(field) for field in table.fields],
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "octets": field.octets,
        "kind": field.kind.name,
        "meaning": field.meaning,
        "values": None if field.values is None else _names(field.values),
    }


def _names(values: type[IntEnum]) -> dict[int, str]:
    return {one.value: one.name for one in values}


def _lua(value: Any, depth: int = 0) -> str:
    """Show a value of Python as Lua: entries without a value are left out."""
    if isinstance(value, dict):
        entries = [
            f"{f'[{key}]' if isinstance(key, int) else key} = {_lua(one, depth + 1)}"
            for key, one in sorted(value.items())
            if one is not None
        ]
        return _braced(entries, depth)
    if isinstance(value, list):
        return _braced([_lua(one, depth + 1) for one in value], depth)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    quoted = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{quoted}"'


def _braced(entries: list[str], depth: int) -> str:
    inner = "  " * (depth + 1)
    flat = "{ " + ", ".join(entries) + " }"
    if len(flat) + len(inner) <= 88 or not entries:  # noqa: PLR2004  a line
        return flat if entries else "{}"
    return (
        "{\n" + "".join(f"{inner}{entry},\n" for entry in entries) + "  " * depth + "}"
    )
