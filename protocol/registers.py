"""Registers, and what a voucher does to them (SPEC.md REG-1 to REG-4).

AR (ascending) is what was ever franked, DR (descending) what may still be franked, CT
(control total) their sum: only a voucher changes CT, only a frank moves value from DR
to AR. The rules here are pure; the PSD applies them in NVRAM, the server in its books.
"""

from dataclasses import dataclass, replace
from enum import IntEnum

from protocol.errors import LocalProtocolError
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, Paise


class RequestKind(IntEnum):
    """What a machine asks for in its STATEMENT (DLG-4)."""

    INSPECTION = 0
    RECHARGE = 1
    WITHDRAWAL = 2
    REFUND = 4


class VoucherKind(IntEnum):
    """What a voucher does when the PSD applies it (DLG-5)."""

    RECHARGE = 1
    """DR and CT rise by the amount."""
    WITHDRAWAL = 2
    """DR and CT fall by the amount, the whole of DR; the machine is withdrawn."""
    VOID = 3
    """Nothing changes but the recharge number: it takes an outstanding voucher back."""
    REFUND = 4
    """DR and CT fall by the amount; the machine stays in service."""


class MachineState(IntEnum):
    """Situation of the machine as its STATEMENT tells it (DLG-4)."""

    UNINSTALLED = 0
    INSTALLED = 1
    IN_SERVICE = 2
    BLOCKED = 3
    """No complete dial-in within the time allowed; a complete dial-in frees it."""
    LOCKED = 4
    """By an order; only an order frees it."""
    FAULT = 5
    WITHDRAWN = 6
    WITHHELD = 7
    """The last RECEIPT told of a licence BLOCKED, WITHHELD or CANCELLED."""
    LOCKED_OUT = 8
    """The PSD has locked itself; only an UNLOCK order frees it."""


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers of one machine at one moment.

    Attributes:
        ascending_paise: AR, all postage ever franked.
        descending_paise: DR, postage still to be franked.
        control_total_paise: CT, their sum.
        items: Franks with a value.
        items_with_zero: Franks, zero imprints included.
    """

    ascending_paise: Paise
    descending_paise: Paise
    control_total_paise: Paise
    items: int
    items_with_zero: int

    @property
    def balanced(self) -> bool:
        """Whether AR + DR = CT and the counters can belong together (REG-2)."""
        return (
            self.ascending_paise + self.descending_paise == self.control_total_paise
            and self.items <= self.items_with_zero
        )

    def not_before(self, earlier: "Registers") -> bool:
        """Whether AR and both counters have not gone back since `earlier` (REG-3)."""
        return (
            self.ascending_paise >= earlier.ascending_paise
            and self.items >= earlier.items
            and self.items_with_zero >= earlier.items_with_zero
        )


ZERO_REGISTERS = Registers(Paise(0), Paise(0), Paise(0), 0, 0)


def effect_paise(kind: VoucherKind, amount: Paise) -> int:
    """Say by how much a voucher changes DR and CT, with its sign (REG-4)."""
    if kind is VoucherKind.RECHARGE:
        return amount
    if kind is VoucherKind.VOID:
        return 0
    return -amount


def after_voucher(
    registers: Registers, kind: VoucherKind, amount: Paise
) -> Registers | None:
    """Compute the registers after a voucher, or None where it cannot be applied.

    A voucher cannot be applied when DR would fall below 0 or CT would exceed
    `AMOUNT_PAISE_MAX`, or when a withdrawal does not empty DR (REG-4).
    """
    change = effect_paise(kind, amount)
    descending = registers.descending_paise + change
    control_total = registers.control_total_paise + change
    if descending < 0 or control_total > AMOUNT_PAISE_MAX:
        return None
    if kind is VoucherKind.WITHDRAWAL and descending != 0:
        return None
    return replace(
        registers,
        descending_paise=Paise(descending),
        control_total_paise=Paise(control_total),
    )


def after_frank(registers: Registers, value: Paise) -> Registers | None:
    """Compute the registers after one frank, or None where DR is short (REG-2).

    A value of 0 is a zero imprint: it is counted in `items_with_zero` alone.

    Raises:
        LocalProtocolError: The value is negative.
    """
    if value < 0:
        raise LocalProtocolError(f"a frank of {value} paise", clause="REG-2")
    if value > registers.descending_paise or registers.items_with_zero >= U32_MAX:
        return None
    return Registers(
        ascending_paise=Paise(registers.ascending_paise + value),
        descending_paise=Paise(registers.descending_paise - value),
        control_total_paise=registers.control_total_paise,
        items=registers.items + (1 if value else 0),
        items_with_zero=registers.items_with_zero + 1,
    )
