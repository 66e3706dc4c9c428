"""Does a payment fit a licence, and from which day on may a machine have it?

Pure: rules are the dated parameters of the day of the payment. What does not fit is
told with a code, and waits in suspense for a person (RMFS-17); nothing is guessed.

Source: RMFS-02 to RMFS-08, RMFS-15, RMFS-17, RMFS-25, RMFS-26; domain notes, section 23
nos. 11 to 16 and 31.
"""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

from dop_gateway.deposits.model import Payment
from dop_gateway.ledger import Source
from dop_gateway.licences.model import Licence
from dop_gateway.moves import Objection
from protocol.calendar import Calendar
from protocol.coded import Coded
from protocol.errors import LocalProtocolError
from protocol.exchange import PaymentMode, same_licensee
from protocol.messages import LicenceState
from protocol.parameters import ParameterTable
from protocol.values import Paise, show_rupees


class Fault(Coded):
    """Why a payment does not fit."""

    UNKNOWN_LICENCE = ("DEP-01-001", "no licence has this identifier: ask who paid")
    WRONG_NUMBER = ("DEP-01-002", "the licence number is that of another licence")
    WRONG_NAME = ("DEP-01-003", "the name is not that of the licensee")
    CANCELLED = ("DEP-01-004", "the licence is cancelled: the money is given back")
    EXPIRED = ("DEP-01-005", "the licence has expired: it is renewed first")
    MODE_OFF = ("DEP-01-006", "payments of this kind are not taken")
    TOO_LITTLE = ("DEP-01-007", "it is less than a deposit must be")
    NO_STEP = ("DEP-01-008", "it is no multiple of the step")
    DATED_LATER = ("DEP-01-009", "it is dated after today: ask the bank")
    NO_RULE = ("DEP-01-010", "no rule for deposits holds on its day")
    NOT_NOTIONAL = ("DEP-01-011", "notional credit is for departmental licences only")
    REFUSED_BY_MAKER = ("DEP-01-012", "the maker refused the line of the fund file")
    MAY_BE_OWED = ("DEP-01-013", "the licensee owes as much for another payment")

    def objection(self, more: str = "") -> Objection:
        """Object, with what was found."""
        return Objection(self.code, f"{self.words}; {more}" if more else self.words)


_CLEARANCE: Final = {
    PaymentMode.NETBANKING: "clear.days.netbanking",
    PaymentMode.PORTAL_UPI: "clear.days.netbanking",
    PaymentMode.SBI_DRAFT: "clear.days.draft",
    PaymentMode.PO_DRAFT: "clear.days.draft",
    PaymentMode.SBI_CHEQUE: "clear.days.cheque",
    PaymentMode.PO_CHEQUE: "clear.days.cheque",
    PaymentMode.SBI_CASH: "clear.days.po_cash",
    PaymentMode.PO_CASH: "clear.days.po_cash",
}
"""The parameter of each mode; notional credit clears at once."""


@dataclass(frozen=True, slots=True)
class AmountRule:
    """What a deposit must be on a day."""

    first_min_paise: Paise
    later_min_paise: Paise
    step_paise: Paise


@dataclass
class Rules:
    """The parameters that deposits are judged by, looked up once for each day."""

    parameters: ParameterTable
    _amounts: dict[date, AmountRule | None] = field(default_factory=dict)
    _modes: dict[tuple[PaymentMode, date], bool] = field(default_factory=dict)

    def amounts(self, on: date) -> AmountRule | None:
        """Give the rule of a day; None if none holds."""
        if on not in self._amounts:
            self._amounts[on] = self._amount_rule(on)
        return self._amounts[on]

    def takes(self, mode: PaymentMode, on: date) -> bool:
        """Say whether payments of a kind are taken on a day."""
        key = (mode, on)
        if key not in self._modes:
            self._modes[key] = self._takes(mode, on)
        return self._modes[key]

    def clearance_days(self, mode: PaymentMode, on: date) -> int:
        """Give the working days that a payment takes to clear."""
        key = _CLEARANCE.get(mode)
        return 0 if key is None else self.parameters.working_days(key, on)

    @cached_property
    def _keys(self) -> dict[PaymentMode, str]:
        return {mode: f"deposit.mode.{mode.name.lower()}" for mode in PaymentMode}

    def _takes(self, mode: PaymentMode, on: date) -> bool:
        if mode is PaymentMode.NOTIONAL:
            return True
        try:
            return self.parameters.switch(self._keys[mode], on)
        except LocalProtocolError:
            return False

    def _amount_rule(self, on: date) -> AmountRule | None:
        try:
            return AmountRule(
                self.parameters.paise("deposit.first_min_paise", on),
                self.parameters.paise("deposit.later_min_paise", on),
                self.parameters.paise("deposit.step_paise", on),
            )
        except LocalProtocolError:
            return None


def judge(
    payment: Payment,
    licence: Licence | None,
    rules: Rules,
    today: date,
    *,
    is_first: bool,
) -> Objection | None:
    """Say what speaks against a payment; the first thing found.

    Args:
        payment: As captured.
        licence: That has the captured identifier; None if none has.
        rules: The dated parameters.
        today: Business date on which it is judged.
        is_first: The licence has had no deposit yet.
    """
    return (
        _against_names(payment, licence)
        or _against_licence(payment, licence, today)
        or _against_payment(payment, rules, today)
        or against_amount(
            payment.amount_paise, payment.value_date, rules, is_first=is_first
        )
    )


def against_amount(
    amount_paise: int, on: date, rules: Rules, *, is_first: bool
) -> Objection | None:
    """Say what speaks against an amount (RMFS-02, RMFS-03, RMFS-05)."""
    rule = rules.amounts(on)
    if rule is None:
        return Fault.NO_RULE.objection(on.isoformat())
    least = rule.first_min_paise if is_first else rule.later_min_paise
    told = show_rupees(Paise(amount_paise))
    if amount_paise < least:
        which = "the first deposit" if is_first else "a later one"
        words = f"{told}, and {which} is at least {show_rupees(least)}"
        return Fault.TOO_LITTLE.objection(words)
    if amount_paise % rule.step_paise != 0:
        words = f"{told} is no multiple of {show_rupees(rule.step_paise)}"
        return Fault.NO_STEP.objection(words)
    return None


def available_from(payment: Payment, rules: Rules, calendar: Calendar) -> date:
    """Give the first day on which a machine may ask for the credit.

    Working days of the designated office's calendar, counted from the day of the
    payment; a cheque never before the day of its realisation.

    Source:
        RMFS-25, RMFS-26; domain notes, section 23 nos. 15 and 16.
    """
    days = rules.clearance_days(payment.mode, payment.value_date)
    cleared = (
        payment.value_date
        if days == 0
        else calendar.add_working_days(payment.value_date, days)
    )
    return max(cleared, payment.realised_on or cleared)


def _against_names(payment: Payment, licence: Licence | None) -> Objection | None:
    if licence is None:
        found = payment.licence or "none was captured"
        return Fault.UNKNOWN_LICENCE.objection(found)
    # The licence number is the CRN: both were captured, or it is no match (no. 11).
    if licence.number != payment.licence_number:
        words = f"{payment.licence_number or 'none'}, not {licence.number}"
        return Fault.WRONG_NUMBER.objection(words)
    if not same_licensee(licence.licensee, payment.licensee):
        return Fault.WRONG_NAME.objection(f"{payment.licensee!r} was captured")
    return None


def _against_licence(
    payment: Payment, licence: Licence | None, today: date
) -> Objection | None:
    if licence is None:
        return None
    if licence.state is LicenceState.CANCELLED:
        return Fault.CANCELLED.objection()
    if licence.state is LicenceState.EXPIRED or licence.is_expired(today):
        return Fault.EXPIRED.objection(f"on {licence.expires_on.isoformat()}")
    if payment.source is Source.NOTIONAL and not licence.kind.has_notional_credit:
        return Fault.NOT_NOTIONAL.objection(licence.kind.name)
    return None


def _against_payment(payment: Payment, rules: Rules, today: date) -> Objection | None:
    if payment.value_date > today:
        return Fault.DATED_LATER.objection(payment.value_date.isoformat())
    if not rules.takes(payment.mode, payment.value_date):
        return Fault.MODE_OFF.objection(payment.mode.name)
    return None
