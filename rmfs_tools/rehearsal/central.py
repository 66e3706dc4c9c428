"""The e-Payment Central Server of a rehearsal, and what it may tell wrongly.

It tells of the counters of those Divisions whose counters are not the gateway's: one
file a day, empty ones too. A file that does not add up comes again on the next evening
under another file id, one that is late comes then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from enum import Enum
from typing import Final

from dop_gateway.accounting.model import Outcome
from dop_gateway.bank.e_payment_file import ChequeOutcome, CounterReceipt
from dop_gateway.bank.model import E_PAYMENT_DAY, Bank, BankCode, BankKind
from dop_gateway.deposits.model import DepositState
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Source
from dop_gateway.simulators.bank import MadeFile, Seal
from dop_gateway.simulators.bank_e_payment import CentralBooks, make_central_day
from hw.entropy import SeededEntropy
from protocol.exchange import (
    PaymentMode,
    shipped_layouts,
    sign_file,
    signed_part,
)
from protocol.keys import Realm, SigningKey
from protocol.values import Paise
from rmfs_tools.rehearsal.bank import Standing, nowhere
from rmfs_tools.rehearsal.counters import CLEARS, Payer
from rmfs_tools.rehearsal.department import Department
from rmfs_tools.rehearsal.mistakes import TAKEN_BACK, DepositIs, Incident, Sign

CODE: Final = BankCode("EPCS")
_KEY_ID: Final = "epcs-1"
_UNKNOWN: Final = "Z999999"


class CentralMistake(Enum):
    """What the Central Server gets wrong, by the name that reports use."""

    DOES_NOT_TALLY = "central-does-not-tally"
    CHEQUE_BOUNCED = "central-cheque-bounced"
    LATE = "central-late"
    RECEIPT_TWICE = "central-receipt-twice"
    UNKNOWN_CHEQUE = "central-unknown-cheque"
    UNKNOWN_OFFICE = "central-unknown-office"
    UNKNOWN_LICENCE = "central-unknown-licence"


_STATES: Final = {
    CentralMistake.CHEQUE_BOUNCED: TAKEN_BACK,
    CentralMistake.UNKNOWN_LICENCE: frozenset({DepositState.SUSPENSE}),
}
"""Where the deposit has to have been."""


class CentralServer:
    """The Central Server, and the counters behind it."""

    def __init__(self, department: Department, seed: int) -> None:
        """Have the gateway know it."""
        key = SigningKey.generate(SeededEntropy(f"central server, {seed}".encode()))
        self._seal = Seal(shipped_layouts(), key, _KEY_ID, Realm.TEST)
        bank = Bank(
            code=CODE,
            kind=BankKind.E_PAYMENT,
            name="The e-Payment Central Server of the rehearsal",
            account="",
            address=nowhere(department),
            key_id=_KEY_ID,
            key=key.public.point,
            in_use=True,
        )
        self._department = department
        self._standing = Standing(department, bank)
        self._books = CentralBooks(CODE)
        self._taken = 0
        self._receipts: list[CounterReceipt] = []
        self._due: list[ChequeOutcome] = []
        self._bounces: set[str] = set()
        self._owed: list[MadeFile] = []

    def take(
        self,
        payer: Payer,
        amount: Paise,
        mode: PaymentMode,
        day: date,
        mistake: CentralMistake | None = None,
    ) -> str:
        """Take a deposit at a counter, of which the file of today tells.

        Args:
            payer: Who pays, and where.
            amount: In paise.
            mode: Cash, cheque or draft of a post office.
            day: Today.
            mistake: That is made with it.

        Returns:
            Number of the receipt.
        """
        self._taken += 1
        licence, office = payer.licence, payer.office
        is_cheque = mode is PaymentMode.PO_CHEQUE
        number = f"EP-{day:%y%m%d}-{self._taken:06d}"
        receipt = CounterReceipt(
            reference=number,
            office=office.name,
            office_pin=office.pin or "",
            at=self._department.parts.clock.now(),
            licence=licence.identifier,
            licence_number=licence.number,
            licensee=licence.licensee,
            amount_paise=amount,
            mode=mode.name,
            instrument="" if mode is PaymentMode.PO_CASH else f"{self._taken:06d}",
            instrument_bank="" if mode is PaymentMode.PO_CASH else "Canara Bank",
        )
        if mistake is CentralMistake.UNKNOWN_LICENCE:
            receipt = replace(receipt, licence=_UNKNOWN)
        elif mistake is CentralMistake.UNKNOWN_OFFICE:
            receipt = replace(receipt, office="An office of nowhere")
        elif mistake is CentralMistake.CHEQUE_BOUNCED:
            self._bounces.add(number)
        self._receipts.append(receipt)
        if is_cheque:
            self._due.append(ChequeOutcome(number, Outcome.REALISED, day + CLEARS))
        return number

    def close_day(
        self, day: date, mistake: CentralMistake | None, struck: str
    ) -> list[Sign]:
        """Make the file of a day.

        Args:
            day: Which.
            mistake: In the file, or in what was taken.
            struck: Number of the receipt that the mistake is made with.

        Returns:
            What has to be found of the mistake.
        """
        receipts, self._receipts = self._receipts, []
        outcomes = [one for one in self._due if one.on <= day]
        self._due = [one for one in self._due if one.on > day]
        self._due += [self._bounced(one) for one in outcomes if self._bounce(one)]
        line = 0
        if mistake is CentralMistake.RECEIPT_TWICE:
            receipts += [one for one in receipts if one.reference == struck]
            line = len(receipts)
        elif mistake is CentralMistake.UNKNOWN_OFFICE:
            line = 1 + [one.reference for one in receipts].index(struck)
        elif mistake is CentralMistake.UNKNOWN_CHEQUE:
            struck = f"EP-NEVER-{day:%y%m%d}"
            outcomes.append(ChequeOutcome(struck, Outcome.REALISED, day))
            line = len(receipts) + len(outcomes)
        name = self._put_out(day, receipts, outcomes, mistake)
        missing = Incident(IncidentKind.FILE_MISSING, f"{CODE} {E_PAYMENT_DAY} {day}")
        if mistake is CentralMistake.LATE:
            return [missing]
        if mistake is CentralMistake.DOES_NOT_TALLY:
            return [Incident(IncidentKind.FILE_REFUSED, f"{CODE} {name}"), missing]
        if line:
            return [Incident(IncidentKind.LINE_REFUSED, f"{struck} {line}")]
        if mistake not in _STATES:
            return []
        return [DepositIs(struck, _STATES[mistake], Source.POST_OFFICE)]

    def fetched(self, day: date) -> None:
        """Take what stands there, as at 22:00 of a day."""
        self._standing.fetched(day)

    def _put_out(
        self,
        day: date,
        receipts: Sequence[CounterReceipt],
        outcomes: Sequence[ChequeOutcome],
        mistake: CentralMistake | None,
    ) -> str:
        """Let the file of a day stand there, or another; gives its name."""
        books, seal = self._books, self._seal
        file, after = make_central_day(books, day, receipts, seal, outcomes)
        files, self._owed = self._owed, []
        if mistake is CentralMistake.LATE:
            self._owed.append(file)
        elif mistake is CentralMistake.DOES_NOT_TALLY:
            again, _ = make_central_day(
                books, day, receipts, seal, outcomes, again=True
            )
            files.append(self._does_not_tally(file))
            self._owed.append(again)
        else:
            files.append(file)
        self._books = after
        self._standing.put_out(files)
        return file.name

    def _bounce(self, one: ChequeOutcome) -> bool:
        return one.outcome is Outcome.REALISED and one.reference in self._bounces

    def _bounced(self, one: ChequeOutcome) -> ChequeOutcome:
        """Take back a cheque, on the day after it was told to be paid."""
        on = one.on + timedelta(days=1)
        return ChequeOutcome(one.reference, Outcome.BOUNCED, on, "not paid after all")

    def _does_not_tally(self, file: MadeFile) -> MadeFile:
        """Give the file with a rupee too much in its total, signed all the same."""
        lines = signed_part(file.octets).decode("utf-8").splitlines()
        tag, count, total = lines[-1].split("|")
        rupees, _, paise = total.partition(".")
        lines[-1] = f"{tag}|{count}|{int(rupees) + 1}.{paise}"
        octets = "".join(f"{one}\n" for one in lines).encode("utf-8")
        seal = self._seal
        return replace(
            file, octets=sign_file(octets, seal.key, seal.key_id, seal.realm)
        )
