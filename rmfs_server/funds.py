"""Fund files of the Department come into the books: judged line by line, once.

- A file is taken whole in one transaction or refused whole; the same file again
  changes nothing and gets the same report.
- A line that fits goes to the funds of its licence. Every other line waits in suspense
  with a reason; it posts nothing, its money stays with the Department.
- A line is corrected by a line of a later file that names it and gives the difference.
  A deposit in the funds is raised or lowered by it, with a journal of its own; a
  suspended deposit is judged again, with the names and dates of the correction; a
  suspended correction can only be taken back.
- Whatever happens, the totals of all files are what is in the funds by them and what
  waits in suspense.

Source: docs/exchange-files.md; RMFS-02 to RMFS-05 (amounts), RMFS-15 to RMFS-17,
RMFS-25.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from hw.database import Store
from protocol.errors import LocalProtocolError
from protocol.exchange import (
    DetailLine,
    ExchangeFileError,
    Finding,
    FundFile,
    Layouts,
    LineReference,
    content_hash,
    parse_fund_file,
    same_licensee,
)
from protocol.messages import LicenceState
from protocol.parameters import business_date, parameter
from protocol.values import (
    AMOUNT_PAISE_MAX,
    EpochSeconds,
    LicenceIdentifier,
    Paise,
    show_rupees,
)
from rmfs_server.fund_reports import ImportReport
from rmfs_server.store import fund_files, ledger
from rmfs_server.store.fund_files import (
    CameWith,
    Credit,
    Deposit,
    EarlierLine,
    Outcome,
)
from rmfs_server.store.licences import Licence
from rmfs_server.store.schema import JournalKind
from rmfs_server.suspending import Suspended, SuspendedError

_ID_IS_TAKEN: Final = "file id {} came earlier with other content (SHA-256 {})"


@dataclass(frozen=True, slots=True)
class _Apply:
    """The line moves funds, and may end the waiting of an earlier one."""

    credit: Credit
    kind: JournalKind
    refers_to: int | None = None
    ends: LineReference | None = None


@dataclass(frozen=True, slots=True)
class _TakeBack:
    """The line takes back one that waits: no funds move."""

    ends: LineReference


def import_fund_file(
    store: Store,
    octets: bytes,
    now: EpochSeconds,
    vouched_by: str | None = None,
    layouts: Layouts | None = None,
) -> ImportReport:
    """Take a fund file into the books, in one transaction.

    Args:
        store: The books.
        octets: The whole file; whoever calls has checked its signature.
        now: Wall time.
        vouched_by: Who says that it is the Department's, kept with the file: a key, or
            a person's reason to take it without one.
        layouts: Of this server; None for those of the product.

    Returns:
        What became of each line.

    Raises:
        ExchangeFileError: The file is refused whole, nothing is changed: its structure
            is wrong, or its id is known with other content.
        StoreError: The database failed; the outcome may be unknown. Import the file
            again: if it was taken, nothing changes.
    """
    fund_file = parse_fund_file(octets, layouts)
    came = CameWith(octets, content_hash(octets), now, vouched_by)
    with store.writing("import fund file") as connection:
        return take_fund_file(connection, fund_file, came)


def take_fund_file(
    connection: Connection, fund_file: FundFile, came: CameWith
) -> ImportReport:
    """Take a fund file that was read, within a transaction that writes.

    Raises:
        ExchangeFileError: Its id is known with other content.
    """
    fund_files.begin_import(connection)
    known = fund_files.known_hash(connection, fund_file.file_id)
    if known is not None and known != came.sha256:
        reason = _ID_IS_TAKEN.format(fund_file.file_id, known.hex())
        raise ExchangeFileError([Finding(1, reason)])
    if known is None:
        fund_files.insert_file(connection, fund_file, came)
        _Import(connection, fund_file, came.at).run()
    lines = fund_files.judged_lines(connection, fund_file.file_id)
    return ImportReport(fund_file.file_id, came.sha256, known is not None, lines)


class _Import:
    """One file on its way into the books."""

    def __init__(
        self, connection: Connection, fund_file: FundFile, now: EpochSeconds
    ) -> None:
        """Lock every licence that the file names, then its funds."""
        self._connection = connection
        self._fund_file = fund_file
        self._now = now
        self._today = business_date(now)
        named = (line.licence for line in fund_file.lines)
        self._licences = fund_files.lock_licences(connection, named)
        known = [licence.identifier for licence in self._licences.values()]
        self._balances = fund_files.lock_funds(connection, known)
        self._with_deposits = fund_files.with_deposits(connection, known)

    def run(self) -> None:
        """Judge and carry out the lines in their order."""
        for line in self._fund_file.lines:
            reference = LineReference(self._fund_file.file_id, line.line_id)
            try:
                decided = self._judge(line, reference)
            except SuspendedError as reason:
                code = reason.why.code
                fund_files.open_suspense(
                    self._connection, reference, code, str(reason), self._now
                )
                continue
            if isinstance(decided, _Apply):
                self._apply(decided, reference)
            else:
                self._end(decided.ends, Outcome.CLOSED, reference)

    def _judge(self, line: DetailLine, reference: LineReference) -> _Apply | _TakeBack:
        if line.corrects is None:
            return self._judge_deposit(line, reference, reference, line.amount_paise)
        earlier = fund_files.find_line(self._connection, line.corrects)
        if earlier is None:
            raise SuspendedError(
                Suspended.UNKNOWN_LINE,
                f"line {line.corrects}, which it corrects, is not known",
            )
        if earlier.closed:
            raise SuspendedError(
                Suspended.TAKEN_BACK,
                f"line {line.corrects} was taken back; a deposit is a line of its own",
            )
        if earlier.waits:
            return self._judge_again(line, reference, earlier)
        if earlier.is_correction:
            raise SuspendedError(
                Suspended.OF_A_CORRECTION,
                f"line {line.corrects} is a correction that was carried out; name the "
                "deposit line that it corrected",
            )
        deposit = fund_files.find_deposit(self._connection, line.corrects)
        if deposit is None:
            raise SuspendedError(
                Suspended.NOTHING_THERE,
                f"line {line.corrects} brought nothing into the funds",
            )
        return self._judge_difference(line, reference, line.corrects, deposit)

    def _judge_deposit(
        self,
        line: DetailLine,
        reference: LineReference,
        deposit: LineReference,
        amount_paise: int,
        ends: LineReference | None = None,
    ) -> _Apply:
        licence = self._match(line)
        self._check_open(licence)
        is_first = licence.identifier not in self._with_deposits
        _check_amount(amount_paise, line.value_date, is_first=is_first)
        self._check_room(licence.identifier, amount_paise)
        credit = Credit(
            line=reference,
            licence=licence.identifier,
            amount_paise=amount_paise,
            available_from=line.available_from,
            deposit=deposit,
            is_first=is_first,
        )
        return _Apply(credit, JournalKind.DEPOSIT, ends=ends)

    def _judge_again(
        self, line: DetailLine, reference: LineReference, earlier: EarlierLine
    ) -> _Apply | _TakeBack:
        """Judge a suspended line with what its correction says."""
        amount_paise = earlier.amount_paise + line.amount_paise
        if amount_paise == 0:
            return _TakeBack(earlier.reference)
        if earlier.is_correction:
            raise SuspendedError(
                Suspended.OF_A_CORRECTION,
                f"line {earlier.reference} is a suspended correction: it can only be "
                f"taken back, by {show_rupees(Paise(-earlier.amount_paise))}",
            )
        return self._judge_deposit(
            line, reference, earlier.reference, amount_paise, earlier.reference
        )

    def _judge_difference(
        self,
        line: DetailLine,
        reference: LineReference,
        corrected: LineReference,
        deposit: Deposit,
    ) -> _Apply:
        """Judge what a correction changes about a deposit that is in the funds."""
        licence = self._match(line)
        if licence.identifier != deposit.licence:
            raise SuspendedError(
                Suspended.OTHER_FUNDS,
                f"line {corrected} is in the funds of {deposit.licence}: take it back "
                "there, and bring the amount by a deposit line here",
            )
        difference_paise = line.amount_paise
        if difference_paise == 0:
            raise SuspendedError(
                Suspended.CHANGES_NOTHING,
                f"line {corrected} is applied; Rs 0.00 changes nothing",
            )
        if difference_paise > 0:
            self._check_open(licence)
            self._check_room(licence.identifier, difference_paise)
        left_paise = deposit.amount_paise + difference_paise
        if left_paise != 0:
            _check_amount(left_paise, deposit.value_date, is_first=deposit.is_first)
        balance = self._balances[licence.identifier]
        if balance + difference_paise < 0:
            raise SuspendedError(
                Suspended.FUNDS_SHORT,
                f"the funds remaining are {show_rupees(balance)}, too little to take "
                f"{show_rupees(Paise(-difference_paise))} from",
            )
        # What is taken back counts from the day of the deposit, so that the two meet.
        raised = difference_paise > 0
        credit = Credit(
            line=reference,
            licence=licence.identifier,
            amount_paise=difference_paise,
            available_from=line.available_from if raised else deposit.available_from,
            deposit=corrected,
            is_first=deposit.is_first,
        )
        return _Apply(credit, JournalKind.CORRECTION, deposit.journal)

    def _match(self, line: DetailLine) -> Licence:
        """Find the licence that a line names by all three of its names."""
        if line.licence[0] != self._fund_file.oem:
            raise SuspendedError(
                Suspended.OTHER_OEM,
                f"licence identifier {line.licence} is not of the OEM that the file is "
                f"for, {self._fund_file.oem}",
            )
        licence = self._licences.get(line.licence)
        if licence is None:
            raise SuspendedError(
                Suspended.UNKNOWN_LICENCE,
                f"licence identifier {line.licence} is not known here",
            )
        if licence.number != line.licence_number:
            raise SuspendedError(
                Suspended.OTHER_NUMBER,
                f"licence number {line.licence_number} is not that of "
                f"{licence.identifier}, {licence.number}",
            )
        if not same_licensee(licence.licensee, line.licensee):
            raise SuspendedError(
                Suspended.OTHER_LICENSEE,
                f"{line.licensee!r} is not the licensee of {licence.identifier}, "
                f"{licence.licensee!r}",
            )
        return licence

    def _check_open(self, licence: Licence) -> None:
        """Refuse funds for a licence that is over."""
        if licence.state is LicenceState.CANCELLED:
            raise SuspendedError(
                Suspended.CANCELLED, f"licence {licence.identifier} is cancelled"
            )
        expired = licence.state is LicenceState.EXPIRED
        if expired or licence.expires_on < self._today:
            raise SuspendedError(
                Suspended.EXPIRED,
                f"licence {licence.identifier} expired on "
                f"{licence.expires_on.isoformat()}: no fund is sent from the day after",
            )

    def _check_room(self, licence: LicenceIdentifier, amount_paise: int) -> None:
        if self._balances[licence] + amount_paise > AMOUNT_PAISE_MAX:
            raise SuspendedError(
                Suspended.TOO_MUCH, "the funds would be more than can be held"
            )

    def _apply(self, decided: _Apply, reference: LineReference) -> None:
        credit = decided.credit
        posted = ledger.post(
            self._connection,
            idem=f"fund:{reference}",
            request_hash=ledger.request_hash(
                "fund", reference, credit.licence, credit.amount_paise
            ),
            kind=decided.kind,
            entries=[
                (ledger.DEPARTMENT, -credit.amount_paise),
                (ledger.funds_of(credit.licence), credit.amount_paise),
            ],
            now=self._now,
            reason=_reason(credit),
            refers_to=decided.refers_to,
        )
        fund_files.insert_credit(self._connection, credit, posted.journal)
        if decided.ends is not None:
            self._end(decided.ends, Outcome.APPLIED, reference)
        balance = self._balances[credit.licence] + credit.amount_paise
        self._balances[credit.licence] = Paise(balance)
        if decided.kind is JournalKind.DEPOSIT:
            self._with_deposits.add(credit.licence)
        else:
            # It may have taken the only deposit back, or brought one again.
            self._with_deposits.discard(credit.licence)
            self._with_deposits |= fund_files.with_deposits(
                self._connection, [credit.licence]
            )

    def _end(self, line: LineReference, outcome: Outcome, by: LineReference) -> None:
        fund_files.close_suspense(self._connection, line, outcome, by, self._now)


def _check_amount(amount_paise: int, on: date, *, is_first: bool) -> None:
    """Check what a deposit amounts to against the rules of its value date.

    Source:
        RMFS-02, RMFS-03, RMFS-05.
    """
    try:
        key = "deposit.first_min_paise" if is_first else "deposit.later_min_paise"
        minimum_paise = Paise(parameter(key, on))
        step_paise = Paise(parameter("deposit.step_paise", on))
    except LocalProtocolError as error:
        raise SuspendedError(
            Suspended.NO_RULE, f"no deposit rule holds on {on.isoformat()}"
        ) from error
    if amount_paise < minimum_paise:
        which = "the first deposit" if is_first else "a later deposit"
        raise SuspendedError(
            Suspended.AMOUNT,
            f"{show_rupees(Paise(amount_paise))} is less than {which} must be, "
            f"{show_rupees(minimum_paise)}",
        )
    if amount_paise % step_paise != 0:
        raise SuspendedError(
            Suspended.AMOUNT,
            f"{show_rupees(Paise(amount_paise))} is not a multiple of "
            f"{show_rupees(step_paise)}",
        )


def _reason(credit: Credit) -> str:
    if credit.line == credit.deposit:
        return f"deposit, fund file line {credit.line}"
    return f"fund file line {credit.line}, which corrects line {credit.deposit}"
