"""Machines whose makers tell of them: signed by keys of their own, with no link at all.

`SigningMachine` is a machine as far as the Department sees one: it applies vouchers,
franks, and signs what it says. What its maker makes of that is up to a test.
"""

from dataclasses import dataclass, field, replace

from dop_gateway.downloads.model import Download
from hw.entropy import SeededEntropy
from protocol.keys import MachineIdentity, MachineProvisioning, Realm, SigningKey, sign
from protocol.messages import SIGNATURE_OCTETS, Confirmation, Statement, Voucher
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
            usage_digest=usage_digest(()),
            time=MADE_AT,
            dial_in=self.dial_ins,
            request=RequestKind.INSPECTION,
            amount_paise=Paise(0),
            signature=bytes(SIGNATURE_OCTETS),
        )
        return self.signed("STATEMENT", unsigned.encode())

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
        licence, f"PSD{serial:05d}", Realm.TEST, SeededEntropy(licence.encode())
    )
    return SigningMachine(licence, LicenceNumber(f"KN06{serial:05d}"), identity)
