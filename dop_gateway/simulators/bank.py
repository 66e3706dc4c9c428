"""A simulated bank: from the payments of a day it makes the two files of that day.

Pure: what the bank had in its books and what is paid come in; its files, its books as
they are then, and every mistake that it was told to make go out. The files are signed
by the bank's key; the mistakes are such as a bank makes, so a file with a wrong total
is signed as well.

What a mistake costs is put right by the bank itself on a later day where a bank would:
a file that was no good comes again under another file id, one that was late comes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from enum import Enum
from typing import Final

from dop_gateway.bank.model import ACCOUNT_STATEMENT, FUNDS_RECEIVED, RECEIVER
from dop_gateway.incidents.model import IncidentKind
from hw.clock import epoch_seconds
from protocol.errors import LocalProtocolError
from protocol.exchange import (
    BY_HAND,
    FileHeader,
    Layouts,
    Line,
    Value,
    sign_file,
    write_file,
)
from protocol.keys import Realm, SigningKey
from protocol.parameters import INDIA
from protocol.values import Paise

CLOSES_AT: Final = time(21, 30)
"""When the files of a day are made: half an hour before they are fetched."""
RECENT_MAX: Final = 50
UNKNOWN: Final = "Z999999"
_SHORT_PAISE: Final = 10_000


class Fault(Enum):
    """A mistake that the bank makes, by the name that commands know it by."""

    WRONG_TOTAL = "wrong-total"
    DUPLICATE_LINE = "duplicate-line"
    TRUNCATED = "truncated"
    LATE = "late"
    NOT_IN_ACCOUNT = "not-in-account"
    NOT_IN_FILE = "not-in-file"
    AMOUNT_DIFFERS = "amount-differs"
    BOUNCED_CHEQUE = "bounced-cheque"
    UNKNOWN_LICENCE = "unknown-licence"
    TWICE = "twice"
    OUT_OF_ORDER = "out-of-order"


@dataclass(frozen=True, slots=True)
class PaidIn:
    """A payment as a licensee makes it.

    Attributes:
        reference: The bank's; empty: the bank gives one.
    """

    licence: str
    licence_number: str
    licensee: str
    amount_paise: Paise
    mode: str = "NETBANKING"
    instrument: str = ""
    realised_on: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file for the folder that is fetched from."""

    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the account; debits are negative."""

    reference: str
    amount_paise: int


@dataclass(frozen=True, slots=True)
class BankBooks:
    """What a bank knows from day to day.

    Attributes:
        balance_paise: Of the Department's account.
        sequence: Of the last pair of files.
        references: How many were given.
        recent: Payments that may still be taken back.
        owed: Files that are put out on the next day.
        owed_after: Files that are put out on the day after that.
        entries: That the account has not, and will have on the next day.
    """

    code: str
    account: str
    balance_paise: int = 0
    sequence: int = 0
    references: int = 0
    recent: tuple[Entry, ...] = ()
    owed: tuple[MadeFile, ...] = ()
    owed_after: tuple[MadeFile, ...] = ()
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """How files are made: by which layouts, signed by which key."""

    layouts: Layouts
    key: SigningKey = field(repr=False)
    key_id: str
    realm: Realm


@dataclass(frozen=True, slots=True)
class Injected:
    """A mistake that was made on purpose, and what has to be said of it.

    Attributes:
        kind: Of the incident; None where its deposit goes to suspense or bounces.
        subject: Of the incident, or the reference of the deposit.
    """

    fault: Fault
    kind: IncidentKind | None
    subject: str


@dataclass(frozen=True, slots=True)
class MadeDay:
    """One day of a bank.

    Attributes:
        files: In the order in which they are put out.
        books: As they are after it.
        injected: Every mistake.
        paid: What was paid, with the references that the bank gave.
    """

    files: tuple[MadeFile, ...]
    books: BankBooks
    injected: tuple[Injected, ...]
    paid: tuple[PaidIn, ...]


def make_day(
    books: BankBooks,
    day: date,
    payments: Iterable[PaidIn],
    seal: Seal,
    *,
    faults: Iterable[Fault] = (),
) -> MadeDay:
    """Make the files of one day.

    Args:
        books: Of the bank, before the day.
        day: Business date of both files.
        payments: Of the day.
        seal: How files are made.
        faults: Mistakes that the bank makes; each once.

    Raises:
        LocalProtocolError: A payment cannot be written, or a mistake needs a payment
            and there is none.
    """
    return _Day(books, day, seal).make(list(payments), tuple(dict.fromkeys(faults)))


class _Day:
    """Gathers lines, entries and mistakes of a day."""

    def __init__(self, books: BankBooks, day: date, seal: Seal) -> None:
        self._books, self._day, self._seal = books, day, seal
        self._references = books.references
        self._sequence = books.sequence + 1
        self._lines: list[Line] = []
        self._entries: list[Entry] = list(books.entries)
        self._later: list[Entry] = []
        self._injected: list[Injected] = []

    def make(self, payments: list[PaidIn], faults: Sequence[Fault]) -> MadeDay:
        if Fault.UNKNOWN_LICENCE in faults:
            nobody = PaidIn(UNKNOWN, "", "Nobody known", Paise(200_000))
            payments = [*payments, nobody]
        paid = [self._numbered(one) for one in payments]
        for one in paid:
            self._lines.append(self._payment(one))
            self._entries.append(Entry(one.reference, one.amount_paise))
        for fault in faults:
            self._spoil_lines(fault, paid)
        return self._finish(paid, faults)

    def _numbered(self, one: PaidIn) -> PaidIn:
        if one.reference:
            return one
        self._references += 1
        code, number = self._books.code, self._references
        return replace(one, reference=f"{code}{self._day:%y%m%d}{number:06d}")

    def _payment(self, one: PaidIn) -> Line:
        cheque = one.mode == "SBI_CHEQUE"
        return Line(
            "payment",
            {
                "line_id": f"{len(self._lines) + 1}",
                "licence": one.licence or None,
                "licence_number": one.licence_number or None,
                "licensee": one.licensee or None,
                "amount_paise": int(one.amount_paise),
                "mode": one.mode,
                "value_date": self._day,
                "reference": one.reference,
                "branch": "00691",
                "instrument": one.instrument or None,
                "realised_on": (one.realised_on or self._day) if cheque else None,
            },
        )

    def _spoil_lines(self, fault: Fault, paid: Sequence[PaidIn]) -> None:
        if fault is Fault.UNKNOWN_LICENCE:
            self._note(fault, None, paid[-1].reference)
        elif fault is Fault.BOUNCED_CHEQUE:
            self._take_back(paid)
        elif fault is Fault.DUPLICATE_LINE:
            first = _needed(paid, fault)[0]
            subject = f"{first.reference} {len(self._lines) + 1}"
            self._lines.append(self._payment(first))
            self._note(fault, IncidentKind.LINE_REFUSED, subject)
        elif fault is Fault.NOT_IN_ACCOUNT:
            entry = self._entry_of(_needed(paid, fault)[0])
            self._entries.remove(entry)
            self._later.append(entry)
            self._note(fault, IncidentKind.BANK_NOT_IN_ACCOUNT, entry.reference)
        elif fault is Fault.NOT_IN_FILE:
            self._references += 1
            reference = f"{self._books.code}{self._day:%y%m%d}{self._references:06d}"
            self._entries.append(Entry(reference, 200_000))
            self._note(fault, IncidentKind.BANK_NOT_IN_FILE, reference)
        elif fault is Fault.AMOUNT_DIFFERS:
            # Not the payment that the account lacks, if it lacks one as well.
            entry = self._entry_of(_needed(paid, fault)[-1])
            place = self._entries.index(entry)
            less = entry.amount_paise - _SHORT_PAISE
            self._entries[place] = replace(entry, amount_paise=less)
            self._note(fault, IncidentKind.BANK_AMOUNT, entry.reference)

    def _take_back(self, paid: Sequence[PaidIn]) -> None:
        fault = Fault.BOUNCED_CHEQUE
        entry = (
            self._books.recent[0]
            if self._books.recent
            else self._entry_of(_needed(paid, fault)[0])
        )
        self._lines.append(
            Line(
                "returned",
                {
                    "line_id": f"{len(self._lines) + 1}",
                    "reference": entry.reference,
                    "amount_paise": -entry.amount_paise,
                    "returned_on": self._day,
                    "words": "funds insufficient",
                },
            )
        )
        self._entries.append(Entry(entry.reference, -entry.amount_paise))
        self._note(fault, None, entry.reference)

    def _entry_of(self, one: PaidIn) -> Entry:
        return next(
            entry for entry in self._entries if entry.reference == one.reference
        )

    def _finish(self, paid: list[PaidIn], faults: Sequence[Fault]) -> MadeDay:
        books = self._books
        funds = self._file(FUNDS_RECEIVED, self._lines)
        total_paise = sum(one.amount_paise for one in self._entries)
        closing_paise = books.balance_paise + total_paise
        statement = self._statement(closing_paise)
        back = {one.reference for one in self._entries if one.amount_paise < 0}
        # What came a day late may have been taken back already.
        late = set(books.entries)
        came = [
            one for one in self._entries if one.amount_paise > 0 and one not in late
        ]
        recent = [one for one in (*books.recent, *came) if one.reference not in back]
        after = replace(
            books,
            balance_paise=closing_paise,
            sequence=self._sequence,
            references=self._references,
            recent=tuple(recent[-RECENT_MAX:]),
            owed=books.owed_after,
            owed_after=(),
            entries=tuple(self._later),
        )
        today = [*books.owed]
        for fault in faults:
            funds, after = self._spoil_file(fault, funds, after)
        files = [funds, statement]
        if Fault.OUT_OF_ORDER in faults:
            files.remove(statement)
            after = replace(after, owed_after=(*after.owed_after, statement))
            self._missing(Fault.OUT_OF_ORDER, ACCOUNT_STATEMENT)
        if Fault.LATE in faults:
            after = replace(after, owed=(*files, *after.owed))
            for layout in self._of(files):
                self._missing(Fault.LATE, layout)
            files = []
        return MadeDay(
            (*today, *files, *self._again(faults, files)),
            after,
            tuple(self._injected),
            tuple(paid),
        )

    def _spoil_file(
        self, fault: Fault, funds: MadeFile, after: BankBooks
    ) -> tuple[MadeFile, BankBooks]:
        if fault not in {Fault.WRONG_TOTAL, Fault.TRUNCATED}:
            return funds, after
        right = self._file(FUNDS_RECEIVED, self._lines, again=True)
        after = replace(after, owed=(*after.owed, right))
        subject = f"{self._books.code} {funds.name}"
        self._note(fault, IncidentKind.FILE_REFUSED, subject)
        self._missing(fault, FUNDS_RECEIVED)
        if fault is Fault.TRUNCATED:
            half = funds.octets[: len(funds.octets) * 2 // 3]
            return replace(funds, octets=half), after
        wrong = self._wrong_total()
        return replace(funds, octets=wrong), after

    def _wrong_total(self) -> bytes:
        layout = self._seal.layouts[FUNDS_RECEIVED]
        octets = write_file(layout, self._header(FUNDS_RECEIVED), self._lines)
        lines = octets.decode("utf-8").splitlines()
        tag, count, total = lines[-1].split("|")
        rupees, paise = total.split(".")
        lines[-1] = f"{tag}|{count}|{int(rupees) + 1}.{paise}"
        return self._signed("".join(f"{one}\n" for one in lines).encode("utf-8"))

    def _again(self, faults: Sequence[Fault], files: list[MadeFile]) -> list[MadeFile]:
        """Give the file of payments once more, under another name."""
        if Fault.TWICE not in faults or not files:
            return []
        name = files[0].name.replace(".txt", "-AGAIN.txt")
        subject = f"{self._books.code} {name}"
        self._note(Fault.TWICE, IncidentKind.FILE_REFUSED, subject)
        return [replace(files[0], name=name)]

    def _of(self, files: Iterable[MadeFile]) -> list[str]:
        return [
            layout
            for layout in (FUNDS_RECEIVED, ACCOUNT_STATEMENT)
            if any(one.name.startswith(layout) for one in files)
        ]

    def _missing(self, fault: Fault, layout: str) -> None:
        subject = f"{self._books.code} {layout} {self._day}"
        self._note(fault, IncidentKind.FILE_MISSING, subject)

    def _note(self, fault: Fault, kind: IncidentKind | None, subject: str) -> None:
        self._injected.append(Injected(fault, kind, subject))

    def _statement(self, closing_paise: int) -> MadeFile:
        lines = [
            Line(
                "entry",
                {
                    "line_id": f"{number}",
                    "value_date": self._day,
                    "amount_paise": one.amount_paise,
                    "reference": one.reference,
                },
            )
            for number, one in enumerate(self._entries, start=1)
        ]
        return self._file(
            ACCOUNT_STATEMENT,
            lines,
            account=self._books.account,
            opening_paise=self._books.balance_paise,
            closing_paise=closing_paise,
        )

    def _header(
        self, layout: str, *, again: bool = False, **more: Value
    ) -> dict[str, Value]:
        short = "FR" if layout == FUNDS_RECEIVED else "AS"
        end = "-2" if again else ""
        code = self._books.code
        header = FileHeader(
            file_id=f"{code}-{short}-{self._day:%Y%m%d}-{self._sequence}{end}",
            sender=code,
            receiver=RECEIVER,
            sequence=self._sequence,
            business_date=self._day,
            window=BY_HAND,
            made_at=epoch_seconds(datetime.combine(self._day, CLOSES_AT, INDIA)),
        )
        return {**header.values(), **more}

    def _file(
        self,
        name: str,
        lines: Sequence[Line],
        *,
        again: bool = False,
        **more: Value,
    ) -> MadeFile:
        layout, header = (
            self._seal.layouts[name],
            self._header(name, again=again, **more),
        )
        octets = self._signed(write_file(layout, header, lines))
        return MadeFile(layout.name_file(header), octets)

    def _signed(self, octets: bytes) -> bytes:
        seal = self._seal
        return sign_file(octets, seal.key, seal.key_id, seal.realm)


def _needed(paid: Sequence[PaidIn], fault: Fault) -> Sequence[PaidIn]:
    if not paid:
        raise LocalProtocolError(f"{fault.value} needs a payment, and there is none")
    return paid
