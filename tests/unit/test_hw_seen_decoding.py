"""A whole recharge, recorded at the machine's end, is understood to the last field."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hw.capture import LineEvent, NoFrame
from hw.lines.exchange import every_call
from hw.lines.virtual import VirtualLineParameters
from hw.seen.decoding import LineDecoder, Understood, UnderstoodPacket
from hw.seen.keylog import RecordKeys, read_key_log
from hw.seen.reading import SeenEvent, SeenFrame, SeenNoFrame, SeenRecord
from protocol.channel import PacketType
from protocol.channel.records import Records
from protocol.channel.schedule import DirectionKeys
from protocol.dialogue.machine import Outcome
from protocol.errors import ErrorCode
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from tests.seen import DOWN, UP, Recording, read_capture, record
from tests.system import RUPEES_2000, new_system

NOISY = every_call(
    VirtualLineParameters(bit_s=9_600, delay_s=0.02, bit_error_rate=1e-3, seed=5)
)
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    system = new_system(tmp_path_factory.mktemp("clean") / "system")
    return record(system, RUPEES_2000, "clean")


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    system = new_system(tmp_path_factory.mktemp("noisy") / "system")
    return record(system, RUPEES_2000, "noisy", NOISY)


def understood(
    records: list[SeenRecord], keys: RecordKeys | None = None
) -> list[Understood]:
    decoder = LineDecoder(keys)
    return [decoder.understand(seen) for seen in records]


def packets(recording: Recording, *, opened: bool = True) -> list[UnderstoodPacket]:
    keys = read_key_log(recording.keys) if opened else None
    return [
        packet
        for one in understood(read_capture(recording.capture), keys)
        for packet in one.packets
    ]


def frame(
    direction: object, kind: FrameKind = FrameKind.INFORMATION, **numbers: object
) -> SeenFrame:
    sender = Role.MACHINE if direction is UP else Role.SERVER
    made = Frame(kind, **{"command": True, **numbers})  # type: ignore[arg-type]
    way = UP if direction is UP else DOWN
    return SeenFrame(NOON, way, encode_frame(made, sender, 8))


def test_the_messages_of_a_recharge_are_read_with_their_fields(
    recording: Recording,
) -> None:
    assert recording.report.outcome is Outcome.CONFIRMED
    found = packets(recording)
    names = [None if one.table is None else one.table.type.name for one in found]
    assert names == [
        *(None, None, "STATEMENT", "VOUCHER", "CONFIRMATION", "RECEIPT"),
        *names[6:],
    ]
    assert names[-1] == "GOODBYE"
    assert not [one.wrong for one in found if one.wrong]
    statement, voucher = found[2], found[3]
    assert statement.fields["amount_paise"] == 200_000
    assert statement.fields["licence"] == b"N123456"
    assert voucher.type is PacketType.GREETING_4
    assert voucher.fields["control_total_after_paise"] == 200_000
    assert [one.counter for one in found if one.direction is UP][1:] == [0, 1, 2]


def test_without_keys_records_are_sealed_and_nothing_is_wrong(
    recording: Recording,
) -> None:
    found = packets(recording, opened=False)
    assert [one.type for one in found] == [one.type for one in packets(recording)]
    assert [one.sealed for one in found] == [False] * 2 + [True] * (len(found) - 2)
    assert not [one for one in found if one.body is not None or one.wrong]


def test_the_events_of_the_line_and_its_link_stand_around_the_frames(
    recording: Recording,
) -> None:
    events = [one for one in recording.records if isinstance(one, SeenEvent)]
    assert [one.event for one in events] == [
        LineEvent.DIALLED,
        LineEvent.UP,
        LineEvent.LINK_UP,
        LineEvent.LINK_DOWN,
        LineEvent.LOST,
    ]
    assert events[-1].words == "dropped here"


def test_damage_is_recorded_and_every_message_is_still_understood_once(
    noisy: Recording,
) -> None:
    assert noisy.report.outcome is Outcome.CONFIRMED
    damaged = [one for one in noisy.records if isinstance(one, SeenNoFrame)]
    assert NoFrame.BAD_FCS in {one.why for one in damaged}
    all_of_it = understood(noisy.records, read_key_log(noisy.keys))
    assert [one for one in all_of_it if one.repeated]
    names = [one.table.type.name for one in packets(noisy) if one.table is not None]
    assert names[:4] == ["STATEMENT", "VOUCHER", "CONFIRMATION", "RECEIPT"]
    assert names.count("GOODBYE") == 1


def test_a_record_that_was_changed_does_not_verify(recording: Recording) -> None:
    records = recording.records
    at = next(
        n
        for n, one in enumerate(records)
        if isinstance(one, SeenFrame) and len(one.octets) > 150
    )
    seen = records[at]
    assert isinstance(seen, SeenFrame)
    octets = seen.octets[:-1] + bytes([seen.octets[-1] ^ 1])
    records[at] = SeenFrame(seen.time, seen.direction, octets)
    found = understood(records, read_key_log(recording.keys))[at].packets
    assert [one.wrong for one in found] == ["the record does not verify [CHAN-6.3]"]
    assert found[0].sealed


def test_frames_out_of_turn_and_twice_make_one_message() -> None:
    decoder = LineDecoder()
    parts = [b"\x01\x0e", b"\x00\x01", b"\x02\x02"]
    frames = [
        frame(UP, send_number=number, information=part)
        for number, part in enumerate(parts)
    ]
    found = [decoder.understand(frames[n]) for n in (0, 2, 2, 1, 0)]
    assert [one.repeated for one in found] == [False, False, True, False, True]
    assert [len(one.packets) for one in found] == [0, 0, 0, 1, 0]
    assert found[3].packets[0].octets == b"\x0e\x01\x02"


def test_what_was_missed_is_said_when_it_is_acknowledged() -> None:
    decoder = LineDecoder()
    behind = frame(UP, send_number=1, information=b"\x03\x0e\x01")
    assert decoder.understand(behind).packets == ()
    one = decoder.understand(frame(DOWN, FrameKind.RR, command=False, receive_number=2))
    assert one.wrong == "1 I frames of the other end were not seen"
    assert [packet.error for packet in one.packets] == [ErrorCode.MALFORMED]


def test_a_selective_reject_acknowledges_nothing() -> None:
    decoder = LineDecoder()
    one = decoder.understand(
        frame(DOWN, FrameKind.SREJ, command=False, receive_number=3)
    )
    assert one.wrong == ""


@pytest.mark.parametrize(
    ("information", "words"),
    [
        (b"\x03\x77", "no packet has the type 0x77"),
        (b"\x03\x01\x00", "GREETING_1 has 1 octets after its type"),
        (b"\x03\x0e\x63", "no error has the code 99"),
        (b"\x03\x05" + bytes(10), "RECORD has 10 octets"),
    ],
)
def test_a_packet_that_breaks_a_rule_is_shown_with_the_rule(
    information: bytes, words: str
) -> None:
    one = LineDecoder().understand(frame(UP, information=information))
    assert words in one.packets[0].wrong


@pytest.mark.parametrize(
    ("octets", "direction", "words"),
    [
        (b"\x01", UP, "under 2 octets"),
        (b"\x05\x3f", UP, "LINK-4.3"),
        (b"\x03\x3f", UP, "LINK-4.3"),
        (b"\x01\x13", UP, "CONTROL_UNKNOWN"),
        (b"\x01\x3f\x00", UP, "INFORMATION_NOT_ALLOWED"),
        (b"\x01\x00\x00\x01", UP, "LINK-9"),
        (b"\x01\x01", None, "nothing says who sent it"),
    ],
)
def test_a_frame_that_breaks_a_rule_is_shown_with_the_rule(
    octets: bytes, direction: object, words: str
) -> None:
    way = UP if direction is UP else None
    assert words in LineDecoder().understand(SeenFrame(NOON, way, octets)).wrong


def test_modulo_128_is_followed_from_sabme_on() -> None:
    decoder = LineDecoder()
    decoder.understand(frame(UP, FrameKind.SABME, poll_final=True))
    made = Frame(FrameKind.INFORMATION, command=True, information=b"\x03\x0e\x07")
    one = decoder.understand(SeenFrame(NOON, UP, encode_frame(made, Role.MACHINE, 128)))
    assert one.packets[0].error is ErrorCode.TIMEOUT


def test_a_report_that_is_a_command_is_shown_with_the_rule() -> None:
    decoder = LineDecoder()
    decoder.understand(frame(UP, FrameKind.SABME, poll_final=True))
    made = Frame(FrameKind.SREJ, command=True, information=b"\x00")
    octets = encode_frame(made, Role.MACHINE, 128)
    assert "LINK-17.9" in decoder.understand(SeenFrame(NOON, UP, octets)).wrong


def test_a_statement_of_another_version_is_shown_with_the_rule() -> None:
    keys = DirectionKeys(bytes(16), bytes(13))
    greeting = b"\x01\x03\x02\x58\x20" + bytes(range(32)) + b"\x00"
    body = b"\x10\x02" + bytes(158)
    record = Records(keys, keys).seal(PacketType.RECORD, body)
    first = frame(UP, send_number=0, information=b"\x03" + greeting)
    second = frame(UP, send_number=1, information=b"\x03\x05" + record)
    known = {bytes(range(32)): (keys, keys)}
    found = understood([first, second], known)[1].packets[0]
    assert found.body == body
    assert "DLG-11.1" in found.wrong


def test_an_i_frame_without_a_direction_is_known_by_its_address() -> None:
    seen = SeenFrame(NOON, None, b"\x03\x00\x03\x0e\x09")
    one = LineDecoder().understand(seen)
    assert one.direction is DOWN
    assert one.packets[0].error is ErrorCode.UNAVAILABLE


def test_a_capture_of_the_channel_of_each_call_has_keys_of_its_own(
    tmp_path: Path,
) -> None:
    system = new_system(tmp_path / "system")
    first = record(system, RUPEES_2000, "first")
    second = record(system, RUPEES_2000, "second")
    keys = read_key_log(first.keys) | read_key_log(second.keys)
    assert len(keys) == 2
    both = understood(first.records + second.records, keys)
    names = [p.table.type.name for one in both for p in one.packets if p.table]
    assert names.count("STATEMENT") == names.count("GOODBYE") == 2
