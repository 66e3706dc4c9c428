"""A machine as the books see one: it states, applies what it is sent, and confirms.

Books judge what a dialogue has already verified, so there is no line and no channel
here; keys, signatures and register rules are the product's own.

Source: SPEC.md DLG-4 to DLG-9, REG-2, REG-4.
"""

from typing import Final

from hw.entropy import SeededEntropy
from protocol.dialogue.server import Closed, SignedOctets
from protocol.errors import InvariantError
from protocol.keys import MachineIdentity, MachineProvisioning, Realm
from protocol.messages import (
    SIGNATURE_OCTETS,
    Confirmation,
    Goodbye,
    Statement,
    UsageRow,
    Voucher,
)
from protocol.registers import (
    ZERO_REGISTERS,
    MachineState,
    RequestKind,
    after_frank,
    after_voucher,
)
from protocol.usage import usage_digest
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)

_CLASS: Final = 1
_BINDING_OCTETS: Final = 32


class Caller:
    """One machine; its attributes are what its memory would hold."""

    def __init__(
        self, licence: LicenceIdentifier, psd_serial: str, entropy: SeededEntropy
    ) -> None:
        """Make a machine with nothing in it and keys of the realm TEST."""
        self.registers = ZERO_REGISTERS
        self.number = RechargeNumber(0)
        self.usage = UsageRow(_CLASS, 0, Paise(0))
        self._identity = MachineIdentity.generate(
            licence, psd_serial, Realm.TEST, entropy
        )
        self._entropy = entropy
        self._mark = bytes(8)
        self._dial_in = 0

    def provisioning(self, now: EpochSeconds) -> MachineProvisioning:
        """Give what the maker has signed of it."""
        return MachineProvisioning(
            credential=self._identity.credential,
            model="PAPER-1",
            firmware="1.0.0",
            ascending_paise=Paise(0),
            descending_paise=Paise(0),
            control_total_paise=Paise(0),
            items=0,
            zero_items=0,
            recharge_number=RechargeNumber(0),
            issued=now,
        )

    def state(
        self, request: RequestKind, amount: Paise, now: EpochSeconds
    ) -> tuple[Statement, SignedOctets]:
        """Dial in: sign a STATEMENT of a new channel."""
        self._dial_in += 1
        statement = Statement(
            version=1,
            capabilities=0,
            licence=self._identity.licence_identifier,
            psd_serial=self._identity.psd_serial.encode("ascii"),
            firmware_major=1,
            firmware_minor=0,
            firmware_patch=0,
            state=MachineState.IN_SERVICE,
            registers=self.registers,
            recharge_number=self.number,
            order_serial=OrderSerial(0),
            mark=self._mark,
            usage_digest=usage_digest((self.usage,)),
            time=now,
            dial_in=self._dial_in,
            request=request,
            amount_paise=amount,
            signature=bytes(SIGNATURE_OCTETS),
        )
        signed = self._sign("STATEMENT", statement.encode())
        return Statement.decode(signed.octets), signed

    def apply(self, octets: bytes) -> None:
        """Do what a PSD does with the next voucher or VOID.

        Raises:
            InvariantError: It is not the next, or cannot be applied.
        """
        voucher = Voucher.decode(octets)
        after = after_voucher(self.registers, voucher.kind, voucher.amount_paise)
        next_one = voucher.recharge_number == self.number + 1
        if after is None or not next_one:
            raise InvariantError(f"{voucher} does not follow {self.registers}")
        self.registers = after
        self.number = voucher.recharge_number

    def confirm(self) -> tuple[Confirmation, SignedOctets]:
        """Sign the registers after a voucher."""
        confirmation = Confirmation(
            licence=self._identity.licence_identifier,
            recharge_number=self.number,
            registers=self.registers,
            state=MachineState.IN_SERVICE,
            signature=bytes(SIGNATURE_OCTETS),
        )
        signed = self._sign("CONFIRMATION", confirmation.encode())
        return Confirmation.decode(signed.octets), signed

    def take(self, closed: Closed) -> Goodbye:
        """Store the mark of a RECEIPT."""
        self._mark = closed.receipt.mark
        return Goodbye(self._mark, OrderSerial(0))

    def frank(self, value: Paise) -> None:
        """Frank one item.

        Raises:
            InvariantError: DR is short.
        """
        after = after_frank(self.registers, value)
        if after is None:
            raise InvariantError(f"{value} paise cannot be franked: {self.registers}")
        self.registers = after
        amount = Paise(self.usage.amount_paise + value)
        self.usage = UsageRow(_CLASS, self.usage.items + 1, amount)

    def _sign(self, context: str, octets: bytes) -> SignedOctets:
        binding = self._entropy.octets(_BINDING_OCTETS)
        covered = octets[:-SIGNATURE_OCTETS]
        signature = self._identity.sign(context, binding + covered)
        return SignedOctets(covered + signature, binding)
