"""A server that says whatever a test tells it to, with the channel key of a real one.

What a thief of the server's channel key could do, or a server gone wrong: it opens the
channel with the machine and then sends the bodies it was given, whatever the machine
has said. It keeps no books and signs nothing by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fm_device.dial_in import DialInReport
from fm_device.program import dial
from fm_device.psd.device import Psd
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import LineLoss
from hw.link_driver import LinkDriver
from protocol.channel import PacketType, ServerChannel, packet_type, read_error
from protocol.dialogue.machine import Request
from protocol.errors import ErrorCode
from protocol.keys import CreditKey, MachineCredential, ServerIdentity
from protocol.link import Link, Role
from protocol.messages import (
    SIGNATURE_OCTETS,
    LicenceState,
    Message,
    Receipt,
    Statement,
    Voucher,
    decode_message,
)
from protocol.registers import VoucherKind, effect_paise
from protocol.values import EpochSeconds, Paise, RechargeNumber
from protocol.vouchers import VOUCHER_CONTEXT
from tests.system import CREDIT_KEY, IDENTITY, LINE, System

Script = Callable[[Message], Sequence[bytes]]
"""What to answer to each message of the machine: bodies, sealed one by one."""


class RogueServer:
    """Answers calls of one machine by a script.

    Attributes:
        heard: The messages of the machine, in order.
        error: The ERROR that the machine sent, or None.
        packets: Packets to send bare, before any answer; for what is no record.
    """

    def __init__(
        self,
        system: System,
        script: Script,
        *,
        identity: ServerIdentity = IDENTITY,
        instead_of_greeting_2: bytes | None = None,
        instead_of_greeting_4: bytes | None = None,
    ) -> None:
        self.heard: list[Message] = []
        self.error: ErrorCode | None = None
        self._system = system
        self._script = script
        self._credential: MachineCredential = system.psd().credential
        self._channel = ServerChannel(identity)
        self._greeted = False
        self._instead_of_greeting_2 = instead_of_greeting_2
        self._instead_of_greeting_4 = instead_of_greeting_4
        self._driver = LinkDriver(
            Link(Role.SERVER), system.reactor, self, connect=False
        )
        self._exchange = VirtualExchange(system.reactor, every_call(LINE))
        self._exchange.listen(lambda _caller: self._driver)

    def take_call(self, psd: Psd, request: Request) -> DialInReport:
        """Let a machine dial here; give its report."""
        ended: list[DialInReport] = []
        dial(psd, request, self._exchange, self._system.reactor).addCallback(
            ended.append
        )
        self._system.run(lambda: bool(ended))
        return ended[0]

    # What the link driver tells.

    @property
    def deadline(self) -> float | None:
        return None

    def link_up(self, driver: LinkDriver, now: float) -> None:
        pass

    def link_down(self, reason: str, now: float) -> None:
        self._driver.settle()
        self._driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        pass

    def handle_timer(self, now: float) -> None:
        pass

    def message_received(self, message: bytes, now: float) -> None:
        kind = packet_type(message)
        if kind is PacketType.ERROR:
            self.error = read_error(message)
        elif kind is PacketType.GREETING_1:
            greeting_2 = self._channel.receive_greeting_1(message)
            self._driver.send_message(self._instead_of_greeting_2 or greeting_2)
        elif kind is PacketType.GREETING_3:
            self._channel.receive_greeting_3(message)
            self._take(self._channel.prove_machine(self._credential))
        else:
            self._take(self._channel.open(message))

    def _take(self, body: bytes) -> None:
        message = decode_message(body)
        assert message is not None
        self.heard.append(message)
        for answer in self._script(message):
            self._say(answer)

    def _say(self, body: bytes) -> None:
        if self._greeted:
            self._driver.send_message(self._channel.seal(body))
            return
        self._greeted = True
        greeting_4 = self._channel.greeting_4(body)
        self._driver.send_message(self._instead_of_greeting_4 or greeting_4)


def sign_voucher(
    system: System, *, key: CreditKey = CREDIT_KEY, context: str = "", **bent: Any
) -> bytes:
    """Sign the next voucher of the machine, Rs 2,000, or a bent one.

    A change of kind or amount moves the control total after along, unless that is bent
    as well.
    """
    psd = system.psd()
    record = psd.record
    before = record.registers.control_total_paise
    kind = bent.get("kind", VoucherKind.RECHARGE)
    amount = bent.get("amount_paise", Paise(200_000))
    voucher = Voucher(
        kind=kind,
        licence=record.life.licence,
        credential_hash=psd.credential.credential_hash,
        recharge_number=RechargeNumber(record.recharge_number + 1),
        amount_paise=amount,
        control_total_before_paise=before,
        control_total_after_paise=Paise(max(0, before + effect_paise(kind, amount))),
        time=EpochSeconds(system.wall.now()),
        credit_key=CREDIT_KEY.key_id,
        signature=bytes(SIGNATURE_OCTETS),
    )
    covered = replace(voucher, **bent).encode()[:-SIGNATURE_OCTETS]
    return covered + key.sign(context or VOUCHER_CONTEXT, covered)


def receipt_for(system: System, **bent: Any) -> bytes:
    """Make the RECEIPT that the machine is due, or a bent one."""
    receipt = Receipt(
        recharge_number=system.psd().record.recharge_number,
        mark=b"new mark",
        time=EpochSeconds(system.wall.now()),
        funds_paise=Paise(300_000),
        licence_state=LicenceState.REGISTERED,
        orders=0,
    )
    return replace(receipt, **bent).encode()


def to_the_statement(*bodies: bytes) -> Script:
    """Answer the STATEMENT with these bodies, and nothing else at all."""
    return lambda message: bodies if isinstance(message, Statement) else ()
