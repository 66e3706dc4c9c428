"""Machines whose makers tell of them: signed by keys of their own, with no link at all.

`SigningMachine` is a machine as far as the Department sees one: it applies vouchers,
franks, and signs what it says. What its maker makes of that is up to a test.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from sqlalchemy import Connection

from dop_gateway.downloads import service as downloads
from dop_gateway.downloads.model import Download
from dop_gateway.exchange import file_store, party_store
from dop_gateway.exchange.model import (
    Direction,
    FileState,
    Party,
    PartyKind,
    PartyState,
)
from dop_gateway.licences import store as licences
from hw.entropy import SeededEntropy
from protocol.exchange import (
    ExchangeFile,
    FileHeader,
    Line,
    Value,
    read_file,
    shipped_layouts,
    write_file,
)
from protocol.keys import MachineIdentity, MachineProvisioning, Realm, SigningKey, sign
from protocol.messages import (
    SIGNATURE_OCTETS,
    Confirmation,
    Statement,
    UsageRow,
    Voucher,
)
from protocol.registers import (
    ZERO_REGISTERS,
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_frank,
    after_voucher,
)
from protocol.usage import usage_digest
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    OrderSerial,
    Paise,
    RechargeNumber,
)
from tests.deposit_desk import N1, TODAY, DepositDesk, deposit_desk_at, moment

LAYOUTS = shipped_layouts()
LETTERS = 3
"""A product class."""
WINDOWS = 3
"""On each day."""
BINDING = bytes(range(32))
MADE_AT = EpochSeconds(1_794_000_000)
NONE = RechargeNumber(0)
_CREDIT = SigningKey(bytes(31) + b"\x07")


@dataclass
class SigningMachine:
    """A machine that signs what it says.

    Attributes:
        number: Of the voucher that it applied last.
        before: Its registers before that voucher.
    """

    licence: LicenceIdentifier
    licence_number: LicenceNumber
    identity: MachineIdentity
    registers: Registers = ZERO_REGISTERS
    number: RechargeNumber = NONE
    dial_ins: int = 0
    voucher: Voucher | None = field(default=None)

    @property
    def provisioning(self) -> MachineProvisioning:
        """What its maker registers of it before it was ever used."""
        return MachineProvisioning(
            self.identity.credential,
            model="FM-1",
            firmware="1.0.0",
            ascending_paise=Paise(0),
            descending_paise=Paise(0),
            control_total_paise=Paise(0),
            items=0,
            zero_items=0,
            recharge_number=NONE,
            issued=MADE_AT,
        )

    def apply(self, kind: VoucherKind, amount: int) -> Voucher:
        """Apply a voucher of its maker's server."""
        after = after_voucher(self.registers, kind, Paise(amount))
        assert after is not None, "the registers cannot hold it"
        self.number = RechargeNumber(self.number + 1)
        unsigned = Voucher(
            kind=kind,
            licence=self.licence,
            credential_hash=self.identity.credential.credential_hash,
            recharge_number=self.number,
            amount_paise=Paise(amount),
            control_total_before_paise=self.registers.control_total_paise,
            control_total_after_paise=after.control_total_paise,
            time=MADE_AT,
            credit_key=1,
            signature=bytes(SIGNATURE_OCTETS),
        )
        covered = unsigned.encode()[:-SIGNATURE_OCTETS]
        signature = sign(_CREDIT, "VOUCHER", self.identity.realm, covered)
        self.voucher = replace(unsigned, signature=signature)
        self.registers = after
        return self.voucher

    def frank(self, value: int) -> None:
        """Frank once."""
        after = after_frank(self.registers, Paise(value))
        assert after is not None, "DR is short"
        self.registers = after

    def confirmation(self) -> bytes:
        """Say that a voucher was applied."""
        unsigned = Confirmation(
            self.licence,
            self.number,
            self.registers,
            MachineState.IN_SERVICE,
            bytes(SIGNATURE_OCTETS),
        )
        return self.signed("CONFIRMATION", unsigned.encode())

    def statement(self) -> bytes:
        """Say where it stands, as each dial-in begins."""
        self.dial_ins += 1
        unsigned = Statement(
            version=1,
            capabilities=0,
            licence=self.licence,
            psd_serial=self.identity.psd_serial.encode("ascii"),
            firmware_major=1,
            firmware_minor=0,
            firmware_patch=0,
            state=MachineState.IN_SERVICE,
            registers=self.registers,
            recharge_number=self.number,
            order_serial=OrderSerial(0),
            mark=bytes(len(BINDING) // 4),
            usage_digest=usage_digest(self.usage()),
            time=MADE_AT,
            dial_in=self.dial_ins,
            request=RequestKind.INSPECTION,
            amount_paise=Paise(0),
            signature=bytes(SIGNATURE_OCTETS),
        )
        return self.signed("STATEMENT", unsigned.encode())

    def usage(self) -> list[UsageRow]:
        """Give what was franked since its life began: letters, all of it."""
        franked = self.registers
        if not franked.items:
            return []
        return [UsageRow(LETTERS, franked.items, franked.ascending_paise)]

    def signed(self, context: str, octets: bytes) -> bytes:
        """Sign a message over the binding of the channel."""
        covered = octets[:-SIGNATURE_OCTETS]
        return covered + self.identity.sign(context, BINDING + covered)

    def told(self, line_id: str = "1", *, settled_by: bytes | None = None) -> Download:
        """Give the line that an honest maker writes of the last voucher."""
        voucher = self.voucher
        assert voucher is not None, "no voucher was applied"
        return Download(
            line_id=line_id,
            licence=self.licence,
            licence_number=self.licence_number,
            number=voucher.recharge_number,
            kind=voucher.kind,
            amount_paise=voucher.amount_paise,
            at=MADE_AT,
            control_total_before_paise=voucher.control_total_before_paise,
            control_total_after_paise=voucher.control_total_after_paise,
            ascending_paise=self.registers.ascending_paise,
            descending_paise=self.registers.descending_paise,
            items=self.registers.items,
            message=self.confirmation() if settled_by is None else settled_by,
            binding=BINDING,
            voucher=voucher.encode(),
        )

    def recharge(self, amount: int, line_id: str = "1") -> Download:
        """Recharge it; gives the line of that."""
        self.apply(VoucherKind.RECHARGE, amount)
        return self.told(line_id)


def signing_machine(serial: int = 1, letter: str = "N") -> SigningMachine:
    """Make a machine with keys of its own."""
    licence = LicenceIdentifier(f"{letter}{serial:06d}")
    identity = MachineIdentity.generate(
        licence,
        f"PSD{serial % 100_000:05d}",
        Realm.TEST,
        SeededEntropy(licence.encode()),
    )
    number = LicenceNumber(f"KN06{serial % 100_000:05d}")
    return SigningMachine(licence, number, identity)


@dataclass
class MakerFiles:
    """Files as a maker writes them, one window after the other.

    Attributes:
        window: How many windows there were.
    """

    maker: str = "N"
    window: int = 1
    files: int = 0

    @property
    def day(self) -> date:
        """Of the window."""
        return TODAY + timedelta(days=(self.window - 1) // WINDOWS)

    @property
    def made_at(self) -> EpochSeconds:
        """When the files of this window are made."""
        at = time(9 + 4 * ((self.window - 1) % WINDOWS), 40)
        return moment(self.day, at)

    def file(self, layout: str, lines: Iterable[Line]) -> ExchangeFile:
        """Write a file and read it again."""
        self.files += 1
        header = FileHeader(
            file_id=f"{layout[:3].upper()}-{self.maker}-{self.files:06d}",
            sender=self.maker,
            receiver="DCR",
            sequence=self.files,
            business_date=self.day,
            window=(self.window - 1) % WINDOWS + 1,
            made_at=self.made_at,
        )
        of = LAYOUTS[layout]
        octets = write_file(of, header.values(), lines)
        return read_file(of, octets)

    def downloads(self, *told: Download) -> ExchangeFile:
        """Write a file of credits."""
        return self.file("credit-download", (_download_line(one) for one in told))

    def usage(self, *machines: SigningMachine) -> ExchangeFile:
        """Let machines dial in, and write a file of that."""
        return self.file(
            "usage",
            (
                _dial_in_line(machine, str(number), self.made_at)
                for number, machine in enumerate(machines, start=1)
            ),
        )

    def remaining(self, *told: Mapping[str, Value]) -> ExchangeFile:
        """Write a file of remaining funds."""
        numbered = (
            {"line_id": str(number), "reserved_paise": 0, **one}
            for number, one in enumerate(told, start=1)
        )
        return self.file("remaining-fund", (Line("balance", one) for one in numbered))


def _download_line(one: Download) -> Line:
    values = {
        name: getattr(one, name)
        for name in Download.__dataclass_fields__
        if name not in {"number", "kind"}
    }
    values["recharge_number"] = one.number
    values["kind"] = one.kind.name
    return Line("download", values)


def _dial_in_line(machine: SigningMachine, line_id: str, at: EpochSeconds) -> Line:
    statement = machine.statement()
    registers = machine.registers
    values: dict[str, Value] = {
        "line_id": line_id,
        "licence": machine.licence,
        "licence_number": machine.licence_number,
        "dial_in": machine.dial_ins,
        "at": at,
        "ascending_paise": registers.ascending_paise,
        "descending_paise": registers.descending_paise,
        "control_total_paise": registers.control_total_paise,
        "items": registers.items,
        "statement": statement,
        "binding": BINDING,
    }
    return Line("dial_in", values)


def know(connection: Connection, maker: str) -> None:
    """Know a maker as a party of the exchange."""
    if party_store.find(connection, maker) is None:
        of = PartyKind.MAKER
        party = Party(maker, of, "Maker", PartyState.OPEN, EpochSeconds(0))
        party_store.add(connection, party)


def record(connection: Connection, file: ExchangeFile, now: EpochSeconds) -> None:
    """Keep the record of a file that was applied, as the exchange does."""
    header = FileHeader.of(file)
    know(connection, header.sender)
    file_store.add(
        connection,
        b"",
        direction=Direction.IN.name,
        party=header.sender,
        layout=file.layout.name,
        file_id=header.file_id,
        name=f"{header.file_id}.txt",
        sequence=header.sequence,
        business_date=header.business_date,
        window_of_day=header.window,
        made_for=None,
        at=now,
        sha256=bytes(32),
        size=0,
        state=FileState.APPLIED.name,
        state_at=now,
        code="",
        words="",
        lines=len(file.lines),
        refused=0,
        offers=1,
        answer_by=None,
        owed=False,
    )


def registered(desk: DepositDesk) -> SigningMachine:
    """Give N123456 a machine that is registered."""
    machine = signing_machine(int(N1[1:]))
    with desk.store.writing("register a machine") as connection:
        licences.register(connection, machine.provisioning, MADE_AT)
    return machine


def take_downloads(desk: DepositDesk, files: MakerFiles, *told: Download) -> None:
    """Let a maker tell of credits."""
    file = files.downloads(*told)
    by = desk.by()
    with desk.store.writing("take credits") as connection:
        downloads.apply(connection, file, str(file.header["file_id"]), by)
        record(connection, file, by.now)


@contextmanager
def money_desk_at(url: str) -> Iterator[tuple[DepositDesk, SigningMachine]]:
    """Open a Department where N123456 has a machine that is registered."""
    with deposit_desk_at(url) as desk:
        yield desk, registered(desk)
