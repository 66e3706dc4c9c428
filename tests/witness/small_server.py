"""A recharge server of a few lines, to try a PSD against: no books, no link, no mercy.

It speaks the channel and the messages only, says whatever a test tells it to say, and
signs whatever it is given. It shares no code with `rmfs_server`.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram, Nvram
from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannel,
    MachineChannelPort,
    ServerChannel,
    ServerChannelPort,
)
from protocol.dialogue.machine import INSPECTION, PsdAnswer, Request
from protocol.keys import (
    CreditKey,
    MachineCredential,
    MachineIdentity,
    MakerKey,
    Realm,
    ServerCredential,
    ServerIdentity,
    ServerProvisioning,
    sign,
    verify,
)
from protocol.messages import (
    Ack,
    Disposition,
    LicenceState,
    Message,
    MessageType,
    Order,
    OrderKind,
    Receipt,
    Refusal,
    RefusalCode,
    Statement,
    Voucher,
    decode_message,
)
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)

TEN_O_CLOCK = datetime(2026, 6, 1, 4, 30, tzinfo=UTC)
"""10:00 in India on 1 June 2026."""
LICENCE = LicenceIdentifier("N123456")
SERIAL = "PSD00001"
ENTROPY = SeededEntropy(b"small server")
SERVER = ServerIdentity.generate("RMFS-TEST", Realm.TEST, 1, ENTROPY)
CREDIT_KEY = CreditKey.generate(7, Realm.TEST, ENTROPY)
MAKER_KEY = MakerKey.generate("MAKER", Realm.TEST, SeededEntropy(b"maker"))
MAKER = MAKER_KEY.public
PROVISIONING = ServerProvisioning(
    SERVER.credential.with_credit_key(CREDIT_KEY.key_id, CREDIT_KEY.signing.public),
    EpochSeconds(1_780_000_000),
)
RUPEES_2000 = Request(RequestKind.RECHARGE, Paise(200_000))


def a_clock() -> MemoryWallClock:
    return MemoryWallClock(TEN_O_CLOCK)


def a_new_memory(
    clock: MemoryWallClock | None = None,
    serial: str = SERIAL,
    licence: LicenceIdentifier = LICENCE,
) -> MemoryNvram:
    """Manufacture and install a machine; its clock is set when one is given."""
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    manufacture(
        nvram,
        psd_serial=serial,
        licence=licence,
        realm=Realm.TEST,
        servers=[PROVISIONING],
        maker=MAKER,
        entropy=SeededEntropy(serial.encode()),
        clock=clock,
    )
    Psd(nvram, clock or a_clock()).install(560001)
    return nvram


@dataclass
class Channels:
    """Makes both ends of channels: real ones, or doubles that need no curves."""

    real: bool = False
    answering: ServerIdentity = SERVER
    calls: "count[int]" = field(default_factory=count)

    def machine(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        if self.real:
            return MachineChannel(identity, server)
        return DoubleMachineChannel(
            identity, server, next(self.calls).to_bytes(4, "big")
        )

    def server(self) -> ServerChannelPort:
        if self.real:
            return ServerChannel(self.answering)
        return DoubleServerChannel(self.answering, b"small server")


def switch_on(
    nvram: Nvram, clock: MemoryWallClock, channels: Channels | None = None
) -> Psd:
    return Psd(nvram, clock, (channels or Channels()).machine)


REAL = Channels(real=True)
"""For machines that were switched on with the product's own channel."""


class Dial:
    """One dial-in of a PSD, carried by hand: call what a test needs, in any order."""

    def __init__(
        self, psd: Psd, request: Request = INSPECTION, channels: Channels | None = None
    ) -> None:
        self.psd = psd
        self.credential: MachineCredential = psd.credential
        self._channel = (channels or Channels()).server()
        self._greeted = False
        greeting_3 = psd.greet(self._channel.receive_greeting_1(psd.dial(request)))
        self._channel.receive_greeting_3(greeting_3)
        body = self._channel.prove_machine(self.credential)
        self.statement = Statement.decode(body)
        self.check("STATEMENT", body)

    def check(self, context: str, body: bytes) -> None:
        """Verify a signature of the machine over this channel."""
        credential = self.credential
        signed = self._channel.binding + body[:-64]
        assert verify(credential.signing, context, credential.realm, signed, body[-64:])

    def say(self, body: bytes) -> PsdAnswer | None:
        """Give the PSD a message body, sealed."""
        return self.psd.receive(self.seal(body))

    def seal(self, body: bytes) -> bytes:
        if self._greeted:
            return self._channel.seal(body)
        self._greeted = True
        return self._channel.greeting_4(body)

    def open(self, packet: bytes) -> tuple[Message, bytes]:
        """Open what the PSD has sealed."""
        body = self._channel.open(packet)
        message = decode_message(body)
        assert message is not None
        return message, body

    def voucher(self, **changes: Any) -> bytes:
        """Make the voucher that this statement asks for, or a changed one."""
        return voucher_for(self.statement, self.credential, **changes)

    def receipt(self, **changes: Any) -> bytes:
        record = self.psd.record
        receipt = Receipt(
            recharge_number=record.recharge_number,
            mark=b"mark%04d" % record.dial_in,
            time=self.psd.time or EpochSeconds(1_780_288_200),
            funds_paise=Paise(500_000),
            licence_state=LicenceState.REGISTERED,
            orders=0,
        )
        return replace(receipt, **changes).encode()

    def refusal(self, **changes: Any) -> bytes:
        refusal = Refusal(
            recharge_number=RechargeNumber(self.statement.recharge_number + 1),
            code=RefusalCode.FUNDS_SHORT,
            disposition=Disposition.CLEARED,
            allowed_paise=Paise(100_000),
            receipt_follows=1,
        )
        return replace(refusal, **changes).encode()

    def order(
        self, kind: OrderKind, value: int = 0, serial: int | None = None
    ) -> bytes:
        due = self.psd.record.order_serial + 1
        return Order(OrderSerial(serial or due), kind, value).encode()

    def usage_ack(self) -> bytes:
        return Ack(MessageType.USAGE, self.statement.dial_in).encode()


def voucher_for(
    statement: Statement, credential: MachineCredential, **changes: Any
) -> bytes:
    """Sign the voucher that a statement asks for; `changes` replace its fields.

    A change of kind or amount moves the control total after with it, unless that is
    changed too. `sign_with` brings another key, `context` another purpose.
    """
    key = changes.pop("sign_with", CREDIT_KEY.signing)
    context = changes.pop("context", "VOUCHER")
    realm = changes.pop("realm", Realm.TEST)
    kind = changes.get("kind", VoucherKind(statement.request or RequestKind.RECHARGE))
    amount = changes.get("amount_paise", statement.amount_paise)
    before = statement.registers.control_total_paise
    voucher = Voucher(
        kind=kind,
        licence=statement.licence,
        credential_hash=credential.credential_hash,
        recharge_number=RechargeNumber(statement.recharge_number + 1),
        amount_paise=amount,
        control_total_before_paise=before,
        control_total_after_paise=Paise(max(0, before + effect_paise(kind, amount))),
        time=EpochSeconds(1_780_288_200),
        credit_key=CREDIT_KEY.key_id,
        signature=bytes(64),
    )
    octets = replace(voucher, **changes).encode()[:-64]
    return octets + sign(key, context, realm, octets)


def complete(dial: Dial) -> None:
    """Close the books on a dial-in, take the usage, hang up."""
    dial.say(dial.receipt())
    if dial.psd.usage():
        dial.say(dial.usage_ack())
    dial.psd.goodbye()
    dial.psd.hang_up()


def recharged(psd: Psd, channels: Channels | None = None) -> None:
    """Recharge a PSD with Rs 2,000 in a complete dial-in."""
    dial = Dial(psd, RUPEES_2000, channels)
    dial.say(dial.voucher())
    complete(dial)
