"""Wrong in every way: what is answered with an ERROR stores nothing at all.

DLG-3.3 and CHAN-9.1: an ERROR changes no balance, register, voucher or mark. Here not a
row of the books may differ, and the honest machine must get through right afterwards.
What is answered with a REFUSAL is in the other `test_wrong_` files.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pytest

from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.channel import PacketType
from protocol.dialogue.machine import INSPECTION, Outcome
from protocol.errors import ErrorCode
from protocol.keys import MachineIdentity, Realm, ServerProvisioning
from protocol.messages import Voucher
from protocol.values import LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.enrolling import NewLicence
from tests.system import LICENCE, MAKER, RUPEES_2000, System
from tests.unmoved import nothing_is_stored
from tests.witness.rogue_machine import (
    SERVER,
    Channelled,
    RogueMachine,
    Wire,
    stolen_identity,
)

OTHER_LICENCE = LicenceIdentifier("N654321")
OTHER_SERIAL = "PSD00002"


def check_the_honest_machine_gets_through(system: System) -> None:
    """Recharge with the honest machine: nobody has kept it out (CHAN-8.6)."""
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.check_quiet(400_000)


def enrol_another(system: System) -> MachineIdentity:
    """Enrol a machine B beside the one of the system."""
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    manufacture(
        nvram,
        psd_serial=OTHER_SERIAL,
        licence=OTHER_LICENCE,
        realm=Realm.TEST,
        servers=[ServerProvisioning(SERVER, system.wall.now())],
        maker=MAKER,
        entropy=SeededEntropy(b"keys of B"),
        clock=system.wall,
    )
    psd = Psd(nvram, system.wall)
    psd.install(560001)
    new = NewLicence(LicenceNumber("KN0600066"), "Bharat Books", date(2031, 8, 15))
    provisioning = psd.provisioning(system.wall.now())
    system.administration.enrol(provisioning, new, system.by())
    return stolen_identity(OTHER_LICENCE, OTHER_SERIAL, seed=b"keys of B")


# Who the machine is: CHAN-3.2, CHAN-8.4, KEY-9.2.


@dataclass(frozen=True)
class Stranger:
    """Keys that are not those of the machine enrolled as N123456."""

    identity: MachineIdentity
    error: ErrorCode


STRANGERS = {
    "CHAN-8.4 a licence that is not enrolled": Stranger(
        stolen_identity(OTHER_LICENCE), ErrorCode.UNKNOWN_MACHINE
    ),
    "CHAN-7.8 other keys under this licence": Stranger(
        stolen_identity(seed=b"other keys"), ErrorCode.HANDSHAKE
    ),
    "CHAN-3.2 another PSD with the same keys": Stranger(
        replace(stolen_identity(), psd_serial=OTHER_SERIAL), ErrorCode.HANDSHAKE
    ),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_is_told_so_and_leaves_no_trace(
    system: System, stranger: Stranger
) -> None:
    with nothing_is_stored(system):
        machine = RogueMachine(system, stranger.identity)
        _, answer = machine.ask_for(RUPEES_2000)
        assert answer is stranger.error
    check_the_honest_machine_gets_through(system)


def test_a_revoked_machine_is_unknown(system: System) -> None:
    """KEY-9.2: revoked is answered like unknown, before MAC_3 is computed."""
    system.administration.revoke(LICENCE, system.by("the PSD was stolen"))
    with nothing_is_stored(system):
        _, answer = RogueMachine(system).ask_for(RUPEES_2000)
        assert answer is ErrorCode.UNKNOWN_MACHINE
    registers = system.psd().record.registers
    report = system.dial(RUPEES_2000)
    assert report.failure is not None
    assert report.failure.code is ErrorCode.UNKNOWN_MACHINE
    assert report.pending == RUPEES_2000
    assert report.after == registers


# What is signed: DLG-3, KEY-2.2, KEY-4.2.

Signed = Callable[[RogueMachine, Channelled, System], bytes]


def _by_another_key(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    stranger = stolen_identity(seed=b"other keys")
    statement = machine.statement(RUPEES_2000)
    return machine.sign(statement, call.channel.binding, identity=stranger)


def _changed_after_signing(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    statement = machine.statement(RUPEES_2000)
    signed = machine.sign(statement, call.channel.binding)
    more = replace(statement, amount_paise=Paise(210_000))
    return more.encode()[:-64] + signed[-64:]


def _as_a_confirmation(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    statement = machine.statement(RUPEES_2000)
    return machine.sign(statement, call.channel.binding, context="CONFIRMATION")


def _in_the_other_realm(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    statement = machine.statement(RUPEES_2000)
    abroad = replace(machine.identity, realm=Realm.PRODUCTION)
    return machine.sign(statement, call.channel.binding, identity=abroad)


def _without_a_signature(machine: RogueMachine, _: Channelled, __: System) -> bytes:
    return machine.statement(RUPEES_2000).encode()


def _in_another_channel(machine: RogueMachine, _: Channelled, system: System) -> bytes:
    other = machine.dial()
    signed = machine.sign(machine.statement(RUPEES_2000), other.channel.binding)
    other.wire.end()
    return signed


def _of_machine_b(_: RogueMachine, call: Channelled, system: System) -> bytes:
    other = RogueMachine(system, enrol_another(system))
    return other.sign(other.statement(RUPEES_2000), call.channel.binding)


def _in_the_name_of_b(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    statement = machine.statement(RUPEES_2000, licence=OTHER_LICENCE)
    return machine.sign(statement, call.channel.binding)


def _of_another_psd(machine: RogueMachine, call: Channelled, _: System) -> bytes:
    statement = machine.statement(RUPEES_2000, psd_serial=OTHER_SERIAL.encode())
    return machine.sign(statement, call.channel.binding)


WRONGLY_SIGNED: dict[str, Signed] = {
    "DLG-3.2 signed by another key": _by_another_key,
    "DLG-3.2 changed after it was signed": _changed_after_signing,
    "DLG-3.2 not signed": _without_a_signature,
    "KEY-4.2 signed as a CONFIRMATION": _as_a_confirmation,
    "KEY-2.2 signed in the other realm": _in_the_other_realm,
    "DLG-3 signed in another channel": _in_another_channel,
    "DLG-3.1 the STATEMENT of machine B in A's channel": _of_machine_b,
    "DLG-3.1 in the name of machine B": _in_the_name_of_b,
    "DLG-3.1 of another PSD": _of_another_psd,
}


@pytest.mark.parametrize("make", WRONGLY_SIGNED.values(), ids=WRONGLY_SIGNED.keys())
def test_a_statement_that_is_not_the_machines_own_is_refused_unread(
    system: System, make: Signed
) -> None:
    machine = RogueMachine(system)
    call = machine.dial()
    body = make(machine, call, system)
    with nothing_is_stored(system):
        assert call.ask(body) is ErrorCode.STATEMENT
    check_the_honest_machine_gets_through(system)


def _with(**bent: object) -> Signed:
    def make(machine: RogueMachine, call: Channelled, _: System) -> bytes:
        return machine.sign(machine.confirmation(**bent), call.channel.binding)

    return make


def _confirmed_by_another_key(
    machine: RogueMachine, call: Channelled, _: System
) -> bytes:
    stranger = stolen_identity(seed=b"other keys")
    return machine.sign(machine.confirmation(), call.channel.binding, identity=stranger)


def _confirmed_as_a_statement(
    machine: RogueMachine, call: Channelled, _: System
) -> bytes:
    confirmation = machine.confirmation()
    return machine.sign(confirmation, call.channel.binding, context="STATEMENT")


def _confirmed_in_another_channel(
    machine: RogueMachine, _: Channelled, __: System
) -> bytes:
    other = machine.dial()
    signed = machine.sign(machine.confirmation(), other.channel.binding)
    other.wire.end()
    return signed


WRONGLY_CONFIRMED: dict[str, Signed] = {
    "DLG-3.2 signed by another key": _confirmed_by_another_key,
    "KEY-4.2 signed as a STATEMENT": _confirmed_as_a_statement,
    "DLG-3 signed in another channel": _confirmed_in_another_channel,
    "DLG-3.1 in the name of machine B": _with(licence=OTHER_LICENCE),
}


@pytest.mark.parametrize(
    "make", WRONGLY_CONFIRMED.values(), ids=WRONGLY_CONFIRMED.keys()
)
def test_a_confirmation_that_is_not_the_machines_own_posts_nothing(
    system: System, make: Signed
) -> None:
    machine = RogueMachine(system)
    call, voucher = machine.ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    machine.apply(voucher)
    body = make(machine, call, system)
    with nothing_is_stored(system):
        assert call.ask(body) is ErrorCode.STATEMENT
    check_the_honest_machine_gets_through(system)


# Records and packets: CHAN-2, CHAN-6, CHAN-7.


def test_a_greeting_of_another_call_proves_nothing(system: System) -> None:
    """CHAN-1.2, CHAN-7.8: message_3 belongs to the ephemeral keys of one channel."""
    machine = RogueMachine(system)
    call = machine.dial()
    statement = machine.statement(RUPEES_2000)
    replayed = call.seal(machine.sign(statement, call.channel.binding))
    call.wire.send(replayed)
    assert isinstance(call.answer(), Voucher)
    call.wire.end()
    later = machine.dial()
    with nothing_is_stored(system):
        later.wire.send(replayed)
        assert later.answer() is ErrorCode.HANDSHAKE
    check_the_honest_machine_gets_through(system)


def _replayed(first: bytes, second: bytes) -> list[bytes]:
    return [first, first]


def _reordered(first: bytes, second: bytes) -> list[bytes]:
    return [second]


def _damaged(first: bytes, second: bytes) -> list[bytes]:
    return [first[:-1] + bytes((first[-1] ^ 1,))]


def _renumbered(first: bytes, second: bytes) -> list[bytes]:
    return [first[:1] + second[1:3] + first[3:]]


RECORDS = {
    "CHAN-6.4 replayed": _replayed,
    "CHAN-6.4 reordered": _reordered,
    "CHAN-6.3 damaged": _damaged,
    "CHAN-6.4 renumbered": _renumbered,
}


@pytest.mark.parametrize("choose", RECORDS.values(), ids=RECORDS.keys())
def test_a_record_that_is_not_the_next_ends_the_dialogue(
    system: System, choose: Callable[[bytes, bytes], list[bytes]]
) -> None:
    machine = RogueMachine(system)
    call, voucher = machine.ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    # Elective messages, which by themselves would change nothing.
    packets = choose(call.seal(b"\x40first"), call.seal(b"\x40second"))
    with nothing_is_stored(system):
        for packet in packets:
            call.wire.send(packet)
        assert call.answer() is ErrorCode.RECORD
    check_the_honest_machine_gets_through(system)


def test_a_first_record_that_does_not_verify_states_nothing(system: System) -> None:
    """CHAN-8.5, CHAN-6.3: message_3 is good, the STATEMENT behind it is damaged."""
    machine = RogueMachine(system)
    call = machine.dial()
    packet = call.seal(
        machine.sign(machine.statement(RUPEES_2000), call.channel.binding)
    )
    with nothing_is_stored(system):
        call.wire.send(packet[:-1] + bytes((packet[-1] ^ 1,)))
        assert call.answer() is ErrorCode.RECORD
    check_the_honest_machine_gets_through(system)


GOOD_POINT = bytes.fromhex(
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
)
MESSAGE_1 = b"\x03\x02\x58\x20" + GOOD_POINT + b"\x00"

FIRST_PACKETS = {
    "CHAN-2.1 an unknown type": (b"\x77", ErrorCode.MALFORMED),
    "CHAN-2.2 GREETING_1 alone": (b"\x01", ErrorCode.MALFORMED),
    "CHAN-2.2 GREETING_1 truncated": (
        b"\x01" + MESSAGE_1[:-1],
        ErrorCode.MALFORMED,
    ),
    "CHAN-2.2 GREETING_1 oversized": (
        b"\x01" + MESSAGE_1 + b"\x00",
        ErrorCode.MALFORMED,
    ),
    "CHAN-2.2 4,096 octets": (b"\x01" * 4096, ErrorCode.MALFORMED),
    "CHAN-7.1 another method": (
        b"\x01\x00" + MESSAGE_1[1:],
        ErrorCode.HANDSHAKE,
    ),
    "CHAN-7.7 a point that is not on the curve": (
        b"\x01\x03\x02\x58\x20" + bytes(31) + b"\x01" + b"\x00",
        ErrorCode.HANDSHAKE,
    ),
    "CHAN-7.7 a point that is not below p": (
        b"\x01\x03\x02\x58\x20" + b"\xff" * 32 + b"\x00",
        ErrorCode.HANDSHAKE,
    ),
    "CHAN-8.2 a RECORD before any greeting": (
        b"\x05" + bytes(11),
        ErrorCode.UNEXPECTED,
    ),
    "CHAN-8.2 GREETING_2 from the machine": (
        b"\x02" + bytes(45),
        ErrorCode.UNEXPECTED,
    ),
    "CHAN-8.2 GREETING_3 before GREETING_1": (
        b"\x03" + bytes(38),
        ErrorCode.UNEXPECTED,
    ),
}


@pytest.mark.parametrize(
    ("packet", "error"), FIRST_PACKETS.values(), ids=FIRST_PACKETS.keys()
)
def test_a_first_packet_without_form_or_place_opens_nothing(
    system: System, packet: bytes, error: ErrorCode
) -> None:
    with nothing_is_stored(system):
        wire = Wire(system)
        wire.send(packet)
        assert wire.take() == bytes((PacketType.ERROR, error))
        assert wire.take() is None, "the line is disconnected (CHAN-9.3)"
    check_the_honest_machine_gets_through(system)


THIRD_PACKETS = {
    "CHAN-2.2 without a record": (b"\x03" + bytes(27), ErrorCode.MALFORMED),
    "CHAN-2.2 a record of 10 octets": (b"\x03" + bytes(37), ErrorCode.MALFORMED),
    "CHAN-2.2 a record of 1,035 octets": (
        b"\x03" + bytes(27 + 1035),
        ErrorCode.MALFORMED,
    ),
    "CHAN-7.3 no message_3": (b"\x03" + bytes(38), ErrorCode.HANDSHAKE),
    "CHAN-7.8 a message_3 of noise": (
        b"\x03\x58\x19" + bytes(25 + 11),
        ErrorCode.HANDSHAKE,
    ),
    "CHAN-8.2 a second GREETING_1": (b"\x01" + MESSAGE_1, ErrorCode.UNEXPECTED),
    "CHAN-8.2 a RECORD": (b"\x05" + bytes(11), ErrorCode.UNEXPECTED),
    "CHAN-8.2 GREETING_4 from the machine": (
        b"\x04" + bytes(20),
        ErrorCode.UNEXPECTED,
    ),
}


@pytest.mark.parametrize(
    ("packet", "error"), THIRD_PACKETS.values(), ids=THIRD_PACKETS.keys()
)
def test_a_third_packet_without_form_or_place_proves_nobody(
    system: System, packet: bytes, error: ErrorCode
) -> None:
    with nothing_is_stored(system):
        call = RogueMachine(system).dial()
        call.wire.send(packet)
        assert call.answer() is error
    check_the_honest_machine_gets_through(system)


# The form of messages: DLG-2, DLG-11.

AMOUNT_OFFSET = 88
REQUEST_OFFSET = 87
STATE_OFFSET = 22
LICENCE_OFFSET = 4


def _patched(offset: int, octets: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body[:offset] + octets + body[offset + len(octets) :]


STATEMENTS: dict[str, tuple[Callable[[bytes], bytes], ErrorCode]] = {
    "DLG-2.1 one octet short": (lambda body: body[:-1], ErrorCode.MALFORMED),
    "DLG-2.1 one octet long": (lambda body: body + b"\x00", ErrorCode.MALFORMED),
    "DLG-2.1 its type alone": (lambda body: body[:1], ErrorCode.MALFORMED),
    "CHAN-6.2 as long as a record may be": (
        lambda body: body + bytes(1024 - len(body)),
        ErrorCode.MALFORMED,
    ),
    "DLG-2.1 an amount of 2^53": (
        _patched(AMOUNT_OFFSET, (2**53).to_bytes(8, "big")),
        ErrorCode.MALFORMED,
    ),
    "DLG-4.1 a request of kind 3": (
        _patched(REQUEST_OFFSET, b"\x03"),
        ErrorCode.MALFORMED,
    ),
    "DLG-4.5 a machine state of 9": (
        _patched(STATE_OFFSET, b"\x09"),
        ErrorCode.MALFORMED,
    ),
    "DLG-4 a licence that is none": (
        _patched(LICENCE_OFFSET, b"n123456"),
        ErrorCode.MALFORMED,
    ),
    "DLG-4 a licence that is not ASCII": (
        _patched(LICENCE_OFFSET, b"\xff" * 7),
        ErrorCode.MALFORMED,
    ),
    "DLG-11.1 version 0": (_patched(1, b"\x00"), ErrorCode.VERSION),
    "DLG-11.1 version 2": (_patched(1, b"\x02"), ErrorCode.VERSION),
    "DLG-11.1 version 2 with another length": (
        lambda body: b"\x10\x02" + body[2:100],
        ErrorCode.VERSION,
    ),
    "DLG-1.2 a GOODBYE": (lambda _: b"\x14" + bytes(12), ErrorCode.UNEXPECTED),
    "DLG-1.2 an elective message": (lambda _: b"\x40", ErrorCode.UNEXPECTED),
    "DLG-2.2 an unknown type": (lambda _: b"\x3f", ErrorCode.UNEXPECTED),
    "DLG-12 an EVENT_LOG": (lambda _: b"\x13" + bytes(30), ErrorCode.UNEXPECTED),
}


@pytest.mark.parametrize(("bend", "error"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_first_record_without_the_form_of_a_statement_is_not_judged(
    system: System, bend: Callable[[bytes], bytes], error: ErrorCode
) -> None:
    with nothing_is_stored(system):
        machine = RogueMachine(system)
        call = machine.dial()
        statement = machine.statement(RUPEES_2000)
        body = bend(machine.sign(statement, call.channel.binding))
        assert call.ask(body) is error
    check_the_honest_machine_gets_through(system)


CONFIRMATIONS: dict[str, Callable[[bytes], bytes]] = {
    "DLG-2.1 one octet short": lambda body: body[:-1],
    "DLG-2.1 one octet long": lambda body: body + b"\x00",
    "DLG-2.1 an amount of 2^53": _patched(12, (2**53).to_bytes(8, "big")),
    "DLG-4.5 a machine state of 9": _patched(44, b"\x09"),
}


@pytest.mark.parametrize("bend", CONFIRMATIONS.values(), ids=CONFIRMATIONS.keys())
def test_a_confirmation_without_its_form_posts_nothing(
    system: System, bend: Callable[[bytes], bytes]
) -> None:
    machine = RogueMachine(system)
    call, voucher = machine.ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    machine.apply(voucher)
    with nothing_is_stored(system):
        confirmation = machine.confirmation()
        body = bend(machine.sign(confirmation, call.channel.binding))
        assert call.ask(body) is ErrorCode.MALFORMED
    check_the_honest_machine_gets_through(system)


# Somebody on the line, or nobody: CHAN-9, DLG-13.


@pytest.mark.parametrize("code", [*ErrorCode], ids=lambda code: code.name)
def test_an_error_of_the_machine_ends_the_call_and_changes_nothing(
    system: System, code: ErrorCode
) -> None:
    """CHAN-9.1, CHAN-9.2: it is not authenticated, and it is not answered."""
    call, voucher = RogueMachine(system).ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    with nothing_is_stored(system):
        call.wire.send(bytes((PacketType.ERROR, code)))
        assert call.wire.take() is None
    assert system.exchange.records.figures.errors == {code.name: 1}
    check_the_honest_machine_gets_through(system)


@pytest.mark.parametrize(
    "packet", [b"\x0e\xee", b"\x0e", b"\x0e\x01\x01"], ids=["code", "short", "long"]
)
def test_an_error_without_form_is_not_answered_either(
    system: System, packet: bytes
) -> None:
    """CHAN-9.2: it is MALFORMED and treated as any other end of the line."""
    call, voucher = RogueMachine(system).ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    with nothing_is_stored(system):
        call.wire.send(packet)
        assert call.wire.take() is None
    check_the_honest_machine_gets_through(system)


SILENT_AFTER = ("set-up", "GREETING_2", "VOUCHER", "RECEIPT", "REFUSAL")


@pytest.mark.parametrize("silent_after", SILENT_AFTER)
def test_a_machine_that_says_nothing_more_is_given_up_in_60_s(
    system: System, silent_after: str
) -> None:
    """DLG-13: ERROR TIMEOUT; what was stored stands."""
    machine = RogueMachine(system)
    wire: Wire
    if silent_after == "set-up":
        wire = Wire(system)
    else:
        call = machine.dial()
        wire = call.wire
        if silent_after == "VOUCHER":
            machine.state_in(call, RUPEES_2000)
        elif silent_after == "RECEIPT":
            machine.state_in(call, INSPECTION)
        elif silent_after == "REFUSAL":
            machine.state_in(call, INSPECTION, mark=b"not mine")
    since = system.reactor.seconds()
    with nothing_is_stored(system):
        assert wire.take() == bytes((PacketType.ERROR, ErrorCode.TIMEOUT))
    assert 59 < system.reactor.seconds() - since < 62
