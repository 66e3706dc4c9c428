"""What stands inside the channel: message after message to a dial-in that is up.

An input is a row of bodies, each behind its flags (1 octet) and its length (2). A body
whose flag says so is signed as its type demands, so that the checks behind a signature
are met too. The channel is the double: what is sealed arrives.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from protocol.channel import DoubleMachineChannel, DoubleServerChannel
from protocol.channel.packets import BODY_OCTETS_MAX, PacketType
from protocol.dialogue.machine import MachineDialogue, Request
from protocol.dialogue.server import (
    BooksAnswer,
    Closed,
    ContentFound,
    CredentialFound,
    Delivered,
    FindContent,
    FindCredential,
    JudgeConfirmation,
    JudgeStatement,
    ServerDialogue,
    ServerEffect,
    Stored,
    StoreLastVoucher,
    StoreUsage,
)
from protocol.dialogue.shared import SendPacket
from protocol.keys import Signer, sign
from protocol.messages import (
    SIGNATURE_OCTETS,
    ContentPart,
    LicenceState,
    MessageType,
    Receipt,
    Voucher,
)
from protocol.registers import RequestKind, VoucherKind
from protocol.values import EpochSeconds, Paise, RechargeNumber
from rmfs_tools.lab.decoders.parties import (
    CREDIT_KEY,
    IDENTITY,
    SERVER,
    TRUSTED,
    new_psd,
)
from rmfs_tools.lab.decoders.target import Target, UnstableError
from rmfs_tools.lab.decoders.vectors import octets_of

_SIGN: Final = 1
_BODIES_MAX: Final = 24
_HEAD: Final = 3

_AMOUNT: Final = Paise(200_000)
_CONTEXTS: Final = {
    MessageType.STATEMENT: "STATEMENT",
    MessageType.CONFIRMATION: "CONFIRMATION",
    MessageType.VOUCHER: "VOUCHER",
}
_RECEIPT: Final = Receipt(
    recharge_number=RechargeNumber(0),
    mark=bytes(8),
    time=EpochSeconds(1_795_219_200),
    funds_paise=Paise(0),
    licence_state=LicenceState.REGISTERED,
    orders=0,
)


def _bodies(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(_BODIES_MAX):
        length = int.from_bytes(octets[at + 1 : at + _HEAD], "big")
        body = octets[at + _HEAD : at + _HEAD + min(length, BODY_OCTETS_MAX)]
        if not body:
            return
        yield octets[at], body
        at += _HEAD + len(body)


def _row(*bodies: bytes) -> bytes:
    return b"".join(
        bytes([_SIGN]) + len(body).to_bytes(2, "big") + body for body in bodies
    )


def _signed(flags: int, body: bytes, key: Signer, binding: bytes) -> bytes:
    context = _CONTEXTS.get(body[0])  # type: ignore[call-overload]
    if not flags & _SIGN or context is None or len(body) <= SIGNATURE_OCTETS:
        return body
    covered = body[:-SIGNATURE_OCTETS]
    return covered + sign(key, context, IDENTITY.realm, binding + covered)


def _say_to_machine(octets: bytes) -> None:
    """Answer a machine's request for a recharge.

    Raises:
        UnstableError: Its registers do not balance afterwards, or it has gained what
            nobody signed.
    """
    psd = new_psd()
    before = psd.record.registers
    dialogue = MachineDialogue(psd, Request(RequestKind.RECHARGE, _AMOUNT))
    server = DoubleServerChannel(SERVER, b"server")
    greeting = _packet(dialogue.link_up(0.0))
    answer = server.receive_greeting_1(greeting)
    statement = _packet(dialogue.receive_packet(answer, 0.0))
    server.receive_greeting_3(statement)
    server.prove_machine(psd.credential)
    seal = server.greeting_4
    signed = False
    for flags, body in _bodies(octets):
        said = _signed(flags, body, CREDIT_KEY.signing, b"")
        signed = signed or (body[0] == MessageType.VOUCHER and said != body)
        dialogue.receive_packet(seal(said), 0.0)
        seal = server.seal
    after = psd.record.registers
    if after.ascending_paise + after.descending_paise != after.control_total_paise:
        raise UnstableError(f"AR + DR is not CT: {after}")
    if after.control_total_paise != before.control_total_paise and not signed:
        raise UnstableError(f"CT has changed without a voucher: {after}")


def _packet(effects: Iterable[object]) -> bytes:
    return next(one.packet for one in effects if isinstance(one, SendPacket))


def _say_to_server(octets: bytes) -> None:
    """Say bodies to a server whose books agree with everything."""
    machine = DoubleMachineChannel(IDENTITY, TRUSTED, b"machine")
    dialogue = ServerDialogue(DoubleServerChannel(SERVER, b"server"), 0.0)
    greeting = _packet(dialogue.receive_packet(machine.greeting_1(), 0.0))
    machine.receive_greeting_2(greeting)
    seal = machine.greeting_3
    for flags, body in _bodies(octets):
        said = _signed(flags, body, IDENTITY.signing, machine.binding)
        sent = _told(dialogue, dialogue.receive_packet(seal(said), 0.0))
        if machine.seal != seal:
            if not sent or sent[0][0] != PacketType.GREETING_4:
                return
            machine.receive_greeting_4(sent[0])
            seal = machine.seal


def _told(dialogue: ServerDialogue, effects: list[ServerEffect]) -> list[bytes]:
    """Answer for the books until the dialogue waits for the machine."""
    sent: list[bytes] = []
    waiting = list(effects)
    while waiting:
        effect = waiting.pop(0)
        if isinstance(effect, SendPacket):
            sent.append(effect.packet)
        answer = _agreed(effect)
        if answer is not None:
            waiting += dialogue.receive_answer(answer, 0.0)
    return sent


def _agreed(effect: ServerEffect) -> BooksAnswer | None:
    if isinstance(effect, FindCredential):
        return CredentialFound(IDENTITY.credential)
    if isinstance(effect, JudgeStatement):
        wants = effect.statement.request is RequestKind.RECHARGE
        return (
            Delivered(_all(MessageType.VOUCHER)[0]) if wants else Closed(_RECEIPT, ())
        )
    if isinstance(effect, JudgeConfirmation):
        return Closed(_RECEIPT, ())
    if isinstance(effect, FindContent):
        return ContentFound(
            ContentPart.cut(effect.content_id, effect.offset, b"tariff")
        )
    if isinstance(effect, StoreUsage | StoreLastVoucher):
        return Stored()
    return None


def _all(*types: MessageType) -> list[bytes]:
    bodies = octets_of("dlg", "vectors", "octets")
    return [body for body in bodies if body[0] in types]


def _to_machine() -> list[bytes]:
    said = _all(
        *(MessageType.VOUCHER, MessageType.REFUSAL, MessageType.RECEIPT),
        *(MessageType.ORDER, MessageType.CONTENT, MessageType.ACK),
    )
    orders = _all(MessageType.ORDER)
    one, three = (replace(_RECEIPT, orders=count).encode() for count in (1, 3))
    refused = _all(MessageType.REFUSAL)[0]
    return [
        *(_row(body) for body in said),
        *(_row(refused, one, order) for order in orders),
        *(_row(refused, three, *orders, part) for part in _all(MessageType.CONTENT)),
        _row(_granted(), _RECEIPT.encode()),
        _row(_granted(), one, orders[0], *_all(MessageType.ACK)),
    ]


def _granted() -> bytes:
    """Make the voucher that the machine has asked for; it is still to be signed."""
    credential = new_psd().credential
    return Voucher(
        kind=VoucherKind.RECHARGE,
        licence=credential.licence_identifier,
        credential_hash=credential.credential_hash,
        recharge_number=RechargeNumber(1),
        amount_paise=_AMOUNT,
        control_total_before_paise=Paise(0),
        control_total_after_paise=_AMOUNT,
        time=_RECEIPT.time,
        credit_key=CREDIT_KEY.key_id,
        signature=bytes(SIGNATURE_OCTETS),
    ).encode()


def _to_server() -> list[bytes]:
    rest = _all(
        *(MessageType.CONFIRMATION, MessageType.USAGE, MessageType.GOODBYE),
        *(MessageType.LAST_VOUCHER, MessageType.WANT),
    )
    statements = _all(MessageType.STATEMENT)
    return [
        *(_row(statement) for statement in statements),
        *(_row(statement, body) for statement in statements for body in rest),
        *(_row(statement, *rest) for statement in statements),
    ]


TARGETS: Final = (
    Target(
        "to-machine",
        "what a server says inside the channel to a machine that has asked for credit",
        _say_to_machine,
        _to_machine,
        runs=1_000,
        watched=(
            "protocol.dialogue",
            "protocol.messages",
            "protocol.vouchers",
            "fm_device.psd",
        ),
    ),
    Target(
        "to-server",
        "what a machine says inside the channel to a server",
        _say_to_server,
        _to_server,
        runs=2_000,
        watched=("protocol.dialogue", "protocol.messages"),
    ),
)
