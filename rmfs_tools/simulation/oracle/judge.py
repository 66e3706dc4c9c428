"""What a server must make of a STATEMENT or CONFIRMATION, as far as money goes.

Written down from the tables of REG-5 and DLG-8 in their order, over what the oracle
itself knows of the books. Nothing is changed here: a judgement is a value.

Source:
    protocol/SPEC.md REG-5, REG-7 to REG-9; DLG-4.5, DLG-8, DLG-14.2.
"""

from enum import Enum
from typing import Final, NamedTuple

from rmfs_tools.simulation.observations import MachineRow, Recharge
from rmfs_tools.simulation.oracle.messages import (
    RECHARGE,
    REFUND,
    WITHDRAWAL,
    Confirmation,
    Statement,
    effect,
)

CONTROL_TOTAL_SUM: Final = 32
CONTROL_TOTAL_HISTORY: Final = 33
ASCENDING_BACK: Final = 34
ITEMS_BACK: Final = 35
MARK_WRONG: Final = 36
NUMBER_AHEAD: Final = 37
NUMBER_BEHIND: Final = 38
ACCOUNT_FROZEN: Final = 40
FUNDS_SHORT: Final = 2

OPEN: Final = ("RESERVED", "FROZEN")
"""States of a recharge that is outstanding."""

KINDS: Final = {"RECHARGE": RECHARGE, "WITHDRAWAL": WITHDRAWAL, "REFUND": REFUND}

DOWNLOAD_STEP_PAISE: Final = 10_000
"""Rs 100: AMOUNT_STEP of DLG-8."""

_NO_RECHARGE: Final = frozenset({0, 4, 5, 6, 8})
_NO_CREDIT_BACK: Final = frozenset({0, 6})


class Accepted(NamedTuple):
    """What a server has accepted last of a machine (REG-3)."""

    ascending_paise: int
    items: int
    items_with_zero: int


class View(NamedTuple):
    """The books about one licence at one moment.

    Attributes:
        row: Of the machine.
        open: The recharge that is outstanding, or None.
        accepted: Registers accepted last; None when they are not known here.
        funds_paise: Balance of its funds.
    """

    row: MachineRow
    open: Recharge | None
    accepted: Accepted | None
    funds_paise: int


class Settles(Enum):
    """How a message ends what is outstanding."""

    NOTHING = "nothing"
    POST = "post"
    VOID = "void"


class Verdict(NamedTuple):
    """What must become of a message: a code from 32 on, or 0 and how it settles."""

    code: int
    settles: Settles


def effect_of(row: Recharge) -> int:
    """Give what a recharge does to CT, with its sign (REG-4)."""
    return effect(KINDS[row.kind], row.amount_paise)


def judge(view: View, message: Statement | Confirmation) -> Verdict:
    """Judge a message by the books.

    Args:
        view: The books before it.
        message: What the machine says.

    Returns:
        The first discrepancy in the order of DLG-8, or how it settles.
    """
    if (
        message.ascending_paise + message.descending_paise
        != message.control_total_paise
        or message.items > message.items_with_zero
    ):
        return _discrepancy(CONTROL_TOTAL_SUM)
    settled = _settle(view, message.number, message.control_total_paise)
    if settled.code:
        return settled
    code = _went_back(view.accepted, message)
    if code:
        return _discrepancy(code)
    if isinstance(message, Statement) and message.mark not in (
        view.row.mark_acknowledged,
        view.row.mark_issued,
    ):
        return _discrepancy(MARK_WRONG)
    if view.row.frozen:
        return _discrepancy(ACCOUNT_FROZEN)
    if isinstance(message, Confirmation) and settled.settles is Settles.NOTHING:
        # REG-5.4: a CONFIRMATION that settles nothing.
        return _discrepancy(NUMBER_BEHIND)
    return settled


def overtaken(view: View, statement: Statement) -> bool:
    """Say whether a STATEMENT is from an older dial-in (DLG-14.2)."""
    return statement.dial_in < view.row.dial_in


def may_be_granted(statement: Statement) -> str:
    """Say why a request must not be granted, or nothing.

    Only what the STATEMENT itself shows: its state and its amount.
    """
    amount = statement.amount_paise
    if statement.request == RECHARGE:
        if statement.state in _NO_RECHARGE:
            return f"a recharge in state {statement.state}"
        if amount == 0 or amount % DOWNLOAD_STEP_PAISE:
            return f"{amount} is not in steps of Rs 100"
        return ""
    if statement.state in _NO_CREDIT_BACK:
        return f"credit given back in state {statement.state}"
    whole = statement.descending_paise
    if statement.request == WITHDRAWAL and amount != whole:
        return f"a withdrawal of {amount}, DR is {whole}"
    if statement.request == REFUND and not 0 < amount <= whole:
        return f"a refund of {amount}, DR is {whole}"
    return ""


def _settle(view: View, number: int, control_total_paise: int) -> Verdict:
    """The table of REG-5."""
    settled, expected = view.row.number, view.row.control_total_paise
    if number < settled:
        return _discrepancy(NUMBER_BEHIND)
    if number == settled:
        if control_total_paise == expected:
            return Verdict(0, Settles.NOTHING)
        return _discrepancy(CONTROL_TOTAL_HISTORY)
    if number > settled + 1 or view.open is None:
        return _discrepancy(NUMBER_AHEAD)
    if control_total_paise == expected + effect_of(view.open):
        return Verdict(0, Settles.POST)
    if view.open.void is not None and control_total_paise == expected:
        return Verdict(0, Settles.VOID)
    return _discrepancy(CONTROL_TOTAL_HISTORY)


def _went_back(accepted: Accepted | None, message: Statement | Confirmation) -> int:
    if accepted is None:
        return 0
    if message.ascending_paise < accepted.ascending_paise:
        return ASCENDING_BACK
    if (
        message.items < accepted.items
        or message.items_with_zero < accepted.items_with_zero
    ):
        return ITEMS_BACK
    return 0


def _discrepancy(code: int) -> Verdict:
    return Verdict(code, Settles.NOTHING)
