"""A machine that says whatever a test tells it to, with the keys of a real one.

What a stolen key, a broken firmware or a clone could put on the line can be tried with
it: it speaks over the product's link and channel, but fills in and signs its messages
as it is told, and may fall silent at any point. Nothing of it is stored.

`Wire` carries packets, `Channelled` opens a channel on a wire, `RogueMachine` fills in
and signs what goes through it.
"""

from dataclasses import replace
from typing import Any

from hw.entropy import SeededEntropy
from hw.lines.exchange import VirtualExchange
from hw.lines.port import Line, LineLoss, LineUser
from hw.link_driver import LinkDriver
from protocol.channel import MachineChannel, PacketType, packet_type, read_error
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import ErrorCode
from protocol.keys import MachineIdentity, Realm
from protocol.link import Link, Role
from protocol.messages import (
    SIGNATURE_OCTETS,
    Confirmation,
    Goodbye,
    LastVoucher,
    Message,
    Receipt,
    Statement,
    UsageRow,
    Voucher,
    decode_message,
)
from protocol.registers import MachineState, after_voucher
from protocol.usage import usage_digest, usage_parts
from protocol.values import EpochSeconds, LicenceIdentifier
from tests.system import CREDIT_KEY, IDENTITY, LICENCE, SERIAL, System

SERVER = IDENTITY.credential.with_credit_key(1, CREDIT_KEY.signing.public)
_UNSIGNED = bytes(SIGNATURE_OCTETS)


def stolen_identity(
    licence: LicenceIdentifier = LICENCE,
    serial: str = SERIAL,
    *,
    seed: bytes = b"keys of the machine",
    realm: Realm = Realm.TEST,
) -> MachineIdentity:
    """Draw the keys of the machine in `tests.system` again, or others."""
    return MachineIdentity.generate(licence, serial, realm, SeededEntropy(seed))


class Gate:
    """Stands between a line and its user, and lets nothing through once it is shut."""

    def __init__(self, user: LineUser) -> None:
        self.shut = False
        self._user = user
        self._line: Line | None = None

    @property
    def name(self) -> str:
        return "a rogue"

    def send(self, octets: bytes) -> None:
        if self._line is not None and not self.shut:
            self._line.send(octets)

    def drop(self) -> None:
        if self._line is not None:
            self._line.drop()

    def line_up(self, line: Line) -> None:
        self._line = line
        self._user.line_up(self)

    def octets_received(self, octets: bytes) -> None:
        if not self.shut:
            self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        self._user.line_lost(loss)


class Wire:
    """One call, packet by packet: who makes them is the test's business.

    Attributes:
        packets: What has come and nobody has taken yet.
        over: The line is lost.
    """

    def __init__(self, system: System, exchange: VirtualExchange | None = None) -> None:
        self.packets: list[bytes] = []
        self.over = False
        self.system = system
        self._up = False
        self._again = False
        self._holding = False
        link = Link(Role.MACHINE)
        self._driver = LinkDriver(link, system.reactor, self, connect=True)
        self._gate = Gate(self._driver)
        (exchange or system.line).dial(self._gate)
        system.run(lambda: self._up or self.over)

    def send(self, packet: bytes) -> None:
        self._driver.send_message(packet)
        self._driver.settle()

    def take(self) -> bytes | None:
        """Wait for a packet; None when the line ends without one."""
        self.system.run(lambda: bool(self.packets) or self.over)
        return self.packets.pop(0) if self.packets else None

    def end(self) -> None:
        """Disconnect and wait for the end of the line."""
        if not self.over:
            self._driver.disconnect()
            self._driver.settle()
            self.system.run(lambda: self.over)

    def set_up_again(self) -> None:
        """Close the link and set it up anew, on the same line."""
        self._up = False
        self._again = True
        self._driver.disconnect()
        self._driver.settle()
        self.system.run(lambda: self._up or self.over)

    def hold_the_line(self) -> None:
        """Close the link, and stay on the line without a word."""
        self._holding = True
        self._driver.disconnect()
        self._driver.settle()
        self.system.run(lambda: not self._up or self.over)

    def fall_silent(self) -> None:
        """Neither hear nor say anything any more: the call hangs half open."""
        self._gate.shut = True

    # What the link driver tells.

    @property
    def deadline(self) -> float | None:
        return None

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self._up = True

    def message_received(self, message: bytes, now: float) -> None:
        self.packets.append(message)

    def link_down(self, reason: str, now: float) -> None:
        if self._again:
            self._again = False
            self._driver.link.connect(now)
            return
        if self._holding:
            self._up = False
            return
        self._driver.settle()
        self._driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self.over = True

    def handle_timer(self, now: float) -> None:
        pass


class Channelled:
    """A wire with a channel on it, greeted: the next thing to say is the STATEMENT.

    Attributes:
        heard: The octets of the message that came last.
    """

    def __init__(
        self,
        system: System,
        identity: MachineIdentity,
        exchange: VirtualExchange | None = None,
    ) -> None:
        self.wire = Wire(system, exchange)
        self.channel = MachineChannel(identity, SERVER)
        self.heard = b""
        self._stated = False
        self._answered = False
        self.wire.send(self.channel.greeting_1())
        greeting_2 = self.wire.take()
        assert greeting_2 is not None
        self.channel.receive_greeting_2(greeting_2)

    def seal(self, body: bytes) -> bytes:
        if self._stated:
            return self.channel.seal(body)
        self._stated = True
        return self.channel.greeting_3(body)

    def say(self, *bodies: bytes) -> None:
        for body in bodies:
            self.wire.send(self.seal(body))

    def answer(self) -> Message | ErrorCode | None:
        """Wait for what comes next; None when the line ends without a word."""
        packet = self.wire.take()
        if packet is None:
            return None
        if packet_type(packet) is PacketType.ERROR:
            self.wire.system.run(lambda: self.wire.over)
            return read_error(packet)
        if self._answered:
            self.heard = self.channel.open(packet)
        else:
            self._answered = True
            self.heard = self.channel.receive_greeting_4(packet)
        return decode_message(self.heard)

    def ask(self, *bodies: bytes) -> Message | ErrorCode | None:
        self.say(*bodies)
        return self.answer()


class RogueMachine:
    """Fills in and signs what a PSD would, from attributes that a test may change."""

    def __init__(self, system: System, identity: MachineIdentity | None = None) -> None:
        """Know all that the machine of `system` has stored."""
        record = system.psd().record
        self.system = system
        self.identity = identity or stolen_identity()
        self.state = MachineState.IN_SERVICE
        self.registers = record.registers
        self.number = record.recharge_number
        self.mark = record.mark
        self.order_serial = record.order_serial
        self.dial_in = record.dial_in
        self.rows = tuple(
            UsageRow(row.product_class, row.items, row.amount_paise)
            for row in record.usage
        )

    def dial(self, exchange: VirtualExchange | None = None) -> Channelled:
        """Begin a call: the server is proved, nothing is stated."""
        self.dial_in += 1
        return Channelled(self.system, self.identity, exchange)

    def statement(self, request: Request = INSPECTION, **bent: Any) -> Statement:
        """Fill a STATEMENT in; `bent` replaces what is true."""
        statement = Statement(
            version=1,
            capabilities=0,
            licence=self.identity.licence_identifier,
            psd_serial=self.identity.psd_serial.encode("ascii"),
            firmware_major=1,
            firmware_minor=0,
            firmware_patch=0,
            state=self.state,
            registers=self.registers,
            recharge_number=self.number,
            order_serial=self.order_serial,
            mark=self.mark,
            usage_digest=usage_digest(self.rows),
            time=EpochSeconds(self.system.wall.now()),
            dial_in=self.dial_in,
            request=request.kind,
            amount_paise=request.amount_paise,
            signature=_UNSIGNED,
        )
        return replace(statement, **bent)

    def confirmation(self, **bent: Any) -> Confirmation:
        """Fill a CONFIRMATION in; `bent` replaces what is true."""
        confirmation = Confirmation(
            licence=self.identity.licence_identifier,
            recharge_number=self.number,
            registers=self.registers,
            state=self.state,
            signature=_UNSIGNED,
        )
        return replace(confirmation, **bent)

    def goodbye(self, **bent: Any) -> bytes:
        return replace(Goodbye(self.mark, self.order_serial), **bent).encode()

    def usage(self, *rows: UsageRow) -> list[bytes]:
        """Make the USAGE parts of these rows, or of the whole table."""
        parts = usage_parts(self.dial_in, rows or self.rows)
        return [part.encode() for part in parts]

    def sign(
        self,
        message: Statement | Confirmation,
        binding: bytes,
        *,
        identity: MachineIdentity | None = None,
        context: str | None = None,
    ) -> bytes:
        """Sign for a channel, as the machine or as somebody else."""
        octets = message.encode()[:-SIGNATURE_OCTETS]
        purpose = context or message.TABLE.type.name
        signer = identity or self.identity
        return octets + signer.sign(purpose, binding + octets)

    def state_in(
        self, call: Channelled, request: Request = INSPECTION, **bent: Any
    ) -> Message | ErrorCode | None:
        """Say the STATEMENT of a call and give what comes back."""
        statement = self.statement(request, **bent)
        return call.ask(self.sign(statement, call.channel.binding))

    def confirm_in(self, call: Channelled, **bent: Any) -> Message | ErrorCode | None:
        """Say the CONFIRMATION of a call and give what comes back."""
        confirmation = self.confirmation(**bent)
        return call.ask(self.sign(confirmation, call.channel.binding))

    def ask_for(
        self, request: Request = INSPECTION, **bent: Any
    ) -> tuple[Channelled, Message | ErrorCode | None]:
        """Dial and state; give the call and what came back."""
        call = self.dial()
        return call, self.state_in(call, request, **bent)

    def apply(self, voucher: Voucher) -> None:
        """Do with a voucher what a PSD does."""
        after = after_voucher(self.registers, voucher.kind, voucher.amount_paise)
        assert after is not None
        self.registers = after
        self.number = voucher.recharge_number

    def close_after(self, request: Request) -> None:
        """Do a whole dial-in that is answered with a RECEIPT; send no usage."""
        call, receipt = self.ask_for(request)
        assert isinstance(receipt, Receipt)
        self.mark = receipt.mark
        call.say(self.goodbye())
        call.wire.end()

    @staticmethod
    def present(voucher: bytes) -> bytes:
        return LastVoucher(voucher).encode()
