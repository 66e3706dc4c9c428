"""What is seen on a line, shown: lines for people, one JSON object a record for others.

Secrets are masked unless they are asked for: marks and signatures, the voucher that a
LAST_VOUCHER presents, the octets of contents, and the plaintext as a whole. Sealed
octets are no secret: `raw` is always what passed, verbatim.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

import click

from hw.capture import EVENT_WORDS, NO_FRAME_WORDS, CaptureDirection, NoFrame
from hw.seen.decoding import Understood, UnderstoodPacket
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame
from protocol.channel import PacketType
from protocol.link.frames import SUPERVISORY, Frame, FrameKind
from protocol.messages import Field, Kind, MessageTable
from protocol.messages.codec import FieldValue
from protocol.values import Paise, show_rupees

_FROM: Final = {
    CaptureDirection.FROM_MACHINE: "machine",
    CaptureDirection.TO_MACHINE: "server",
}
_ARROWS: Final = {
    CaptureDirection.FROM_MACHINE: "machine ->",
    CaptureDirection.TO_MACHINE: "<- server ",
    None: "          ",
}
_COLOURS: Final = {
    CaptureDirection.FROM_MACHINE: "cyan",
    CaptureDirection.TO_MACHINE: "green",
    None: "yellow",
}
_SECRET_NAMES: Final = frozenset({"mark", "voucher", "data"})
_RAW_SHOWN: Final = 32
"""Octets of what is no frame that a person is shown."""
_INDENT: Final = " " * 30


class Shower:
    """Shows what was understood."""

    def __init__(self, *, secrets: bool = False) -> None:
        """Mask secrets, or show them."""
        self._secrets = secrets

    def lines(self, one: Understood) -> Iterator[str]:
        """Show one record to a person: a line, and one for each field of a message."""
        what = click.style(self._what(one), fg=_COLOURS[one.direction])
        time = one.seen.time.astimezone(UTC).strftime("%H:%M:%S.%f")
        yield f"{time}  {_ARROWS[one.direction]}  {what}".rstrip()
        if one.wrong and not isinstance(one.seen, SeenNoFrame):
            yield _INDENT + click.style(printable(one.wrong), fg="red")
        for packet in one.packets:
            yield from self._packet_lines(packet)

    def json(self, one: Understood) -> str:
        """Show one record to a program: one line, `raw` verbatim."""
        seen = one.seen
        shown: dict[str, Any] = {
            "time": _show_time(seen.time),
            "from": None if one.direction is None else _FROM[one.direction],
        }
        if isinstance(seen, SeenEvent):
            shown |= {"is": "event", "event": seen.event.name, "words": seen.words}
        elif isinstance(seen, SeenNoFrame):
            raw = seen.octets.hex()
            shown |= {"is": "no_frame", "raw": raw, "why": seen.why.name}
        else:
            shown |= {"is": "frame", "raw": seen.octets.hex()}
            if one.frame is not None:
                shown["frame"] = _frame_as_json(one.frame)
            if one.report is not None:
                held = sorted(one.report.held)
                shown["report"] = {"latest": one.report.latest, "held": held}
            shown["repeated"] = one.repeated
            shown["packets"] = [self._packet_as_json(packet) for packet in one.packets]
        if one.wrong:
            shown["wrong"] = one.wrong
        return json.dumps(shown)

    def _what(self, one: Understood) -> str:
        seen = one.seen
        if isinstance(seen, SeenEvent):
            words = printable(seen.words)
            what = EVENT_WORDS[seen.event]
            return f"-- {what}: {words}" if words else f"-- {what}"
        if isinstance(seen, SeenNoFrame):
            return f"!! {NO_FRAME_WORDS[seen.why]}: {_show_raw(seen)}"
        if one.frame is None:
            return f"!! {seen.octets[:_RAW_SHOWN].hex(' ')}"
        again = "  again" if one.repeated else ""
        return f"{show_frame(one.frame)}{again}{_show_report(one)}{_show_packets(one)}"

    def _packet_lines(self, packet: UnderstoodPacket) -> Iterator[str]:
        if packet.wrong:
            yield _INDENT + click.style(printable(packet.wrong), fg="red")
        if packet.table is None or not packet.fields:
            return
        for field in packet.table.fields:
            value = self._show_value(field, packet.fields[field.name])
            yield f"{_INDENT}{field.name:<28}{value}"

    def _show_value(self, field: Field, value: FieldValue) -> str:
        if isinstance(value, bytes):
            return str(self._octets(field, value))
        if field.kind is Kind.AMOUNT:
            return show_rupees(Paise(value))
        if field.kind is Kind.TIME:
            return (
                _show_time(datetime.fromtimestamp(value, UTC)) if value else "not set"
            )
        name = _name(field, value)
        return f"{value} ({name})" if name else str(value)

    def _octets(self, field: Field, value: bytes) -> str:
        secret = field.kind is Kind.SIGNATURE or field.name in _SECRET_NAMES
        if secret and not self._secrets:
            return f"({len(value)} octets)"
        if field.kind is Kind.LICENCE or field.name == "psd_serial":
            return printable(value.decode("ascii", "replace"))
        return value.hex()

    def _packet_as_json(self, packet: UnderstoodPacket) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "from": _FROM[packet.direction],
            "type": None if packet.type is None else packet.type.name,
            "octets": len(packet.octets),
        }
        if packet.counter is not None:
            shown |= {"counter": packet.counter, "sealed": packet.sealed}
        if packet.body is not None:
            shown["message"] = _message_name(packet)
            if self._secrets:
                shown["body"] = packet.body.hex()
        if packet.table is not None and packet.fields:
            shown["fields"] = self._fields(packet.table, packet.fields)
            shown["names"] = {
                field.name: name
                for field in packet.table.fields
                if (name := _name(field, packet.fields[field.name]))
            }
        if packet.error is not None:
            shown["error"] = packet.error.name
        if packet.wrong:
            shown["wrong"] = packet.wrong
        return shown

    def _fields(
        self, table: MessageTable, fields: dict[str, FieldValue]
    ) -> dict[str, int | str]:
        shown: dict[str, int | str] = {}
        for field in table.fields:
            value = fields[field.name]
            is_octets = isinstance(value, bytes)
            shown[field.name] = self._octets(field, value) if is_octets else value  # type: ignore[arg-type, assignment]
        return shown


def show_frame(frame: Frame) -> str:
    """Show a frame: ``I 0/1 P``, ``RR 3 F``, ``SABM P``."""
    what = "I" if frame.kind is FrameKind.INFORMATION else frame.kind.name
    if frame.kind is FrameKind.INFORMATION:
        what = f"{what} {frame.send_number}/{frame.receive_number}"
    elif frame.kind in SUPERVISORY:
        what = f"{what} {frame.receive_number}"
    bit = "P" if frame.command else "F"
    return f"{what} {bit}" if frame.poll_final else what


def printable(words: str) -> str:
    """Show words that came from a line: no control character reaches the terminal."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii")
        for one in words
    )


def _show_report(one: Understood) -> str:
    if one.report is None:
        return ""
    held = " ".join(map(str, sorted(one.report.held)))
    return f"  latest {one.report.latest}, holds {held or 'none'}"


def _show_packets(one: Understood) -> str:
    frame = one.frame
    if frame is None or frame.kind is not FrameKind.INFORMATION or one.repeated:
        return ""
    if not one.packets:
        return f"  {len(frame.information)} octets, going on"
    return "  " + ", ".join(_show_packet(packet) for packet in one.packets)


def _show_packet(packet: UnderstoodPacket) -> str:
    name = "?" if packet.type is None else packet.type.name
    size = f"({len(packet.octets)} octets)"
    if packet.type is PacketType.ERROR:
        return f"ERROR {packet.error.name if packet.error else '?'}"
    if packet.body is not None:
        return f"{name} {packet.counter}: {_message_name(packet)}  {size}"
    if packet.sealed:
        return f"{name} {packet.counter}: sealed  {size}"
    return f"{name}  {size}"


def _message_name(packet: UnderstoodPacket) -> str:
    if packet.table is not None:
        return packet.table.type.name
    return f"type 0x{packet.body[0]:02x}" if packet.body else "?"


def _name(field: Field, value: FieldValue) -> str:
    if field.values is None or isinstance(value, bytes):
        return ""
    known: dict[int, IntEnum] = {int(one): one for one in field.values}
    return known[value].name if value in known else ""


def _frame_as_json(frame: Frame) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": frame.kind.name,
        "command": frame.command,
        "poll_final": frame.poll_final,
    }
    if frame.kind is FrameKind.INFORMATION:
        shown["send_number"] = frame.send_number
    if frame.kind is FrameKind.INFORMATION or frame.kind in SUPERVISORY:
        shown["receive_number"] = frame.receive_number
    return shown


def _show_raw(seen: SeenNoFrame | SeenFrame) -> str:
    octets = seen.octets[:_RAW_SHOWN]
    more = " ..." if len(seen.octets) > _RAW_SHOWN else ""
    if isinstance(seen, SeenNoFrame) and seen.why is NoFrame.BESIDE:
        return printable(octets.decode("latin-1")) + more
    return octets.hex(" ") + more


def _show_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
