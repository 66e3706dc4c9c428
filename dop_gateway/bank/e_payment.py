"""Take what the e-Payment Central Server tells of one day of counters (RMFS-24).

A receipt is money at a post office: cash and drafts at once, a cheque when a later day
tells that it was realised. What a post office has taken it answers for: there is no
account to hold it against but its own accounts (`dop_gateway.accounting`).
"""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.accounting import receipt_store
from dop_gateway.accounting.model import Outcome
from dop_gateway.bank.judging import Named
from dop_gateway.bank.model import BankCode, FileId
from dop_gateway.bank.neighbours import (
    Paid,
    Realised,
    TakenBack,
)
from dop_gateway.bank.work import Work
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Source
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId
from protocol.exchange import ExchangeFile, Line
from protocol.parameters import business_date
from protocol.values import EpochSeconds, Paise

CHEQUE: Final = "PO_CHEQUE"
_LINE: Final = IncidentKind.LINE_REFUSED


class _Day:
    """What one file comes to."""

    def __init__(self, code: BankCode, file: FileId, file_id: str) -> None:
        self.rows: list[dict[str, Any]] = []
        self.outcomes: list[dict[str, Any]] = []
        self.paid: list[Paid] = []
        self.realised: list[Realised] = []
        self.back: list[TakenBack] = []
        self.named: list[Named] = []
        self._code, self._file, self._file_id = code, file, file_id

    def receipt(self, values: Mapping[str, Any], office: OfficeId | None) -> None:
        at = EpochSeconds(values["at"])
        day = business_date(at)
        is_money = values["mode"] != CHEQUE
        self.rows.append(
            {
                "bank": self._code,
                "file": self._file,
                "line": values["line_id"],
                "reference": values["reference"],
                "office": office,
                "office_name": values["office"],
                "office_pin": values["office_pin"],
                "at": at,
                "licence": values["licence"],
                "licence_number": values["licence_number"],
                "licensee": values["licensee"],
                "amount_paise": values["amount_paise"],
                "mode": values["mode"],
                "instrument": values["instrument"] or "",
                "instrument_bank": values["instrument_bank"] or "",
                "outcome": None,
                "outcome_on": None,
                "outcome_words": "",
                "accounted_on": day if is_money else None,
            }
        )
        self.paid.append(
            Paid(
                source=Source.POST_OFFICE,
                reference=values["reference"],
                licence=values["licence"],
                licence_number=values["licence_number"],
                licensee=values["licensee"],
                amount_paise=Paise(values["amount_paise"]),
                mode=values["mode"],
                instrument=values["instrument"] or "",
                value_date=day,
                realised_on=None,
                doubt="",
                file_id=self._file_id,
                line_id=values["line_id"],
            )
        )

    def outcome(self, values: Mapping[str, Any]) -> None:
        reference, on = values["reference"], values["on"]
        outcome, words = Outcome[values["outcome"]], values["words"] or ""
        realised = outcome is Outcome.REALISED
        self.outcomes.append(
            {
                "_reference": reference,
                "outcome": outcome.name,
                "outcome_on": on,
                "outcome_words": words,
                "accounted_on": on if realised else None,
            }
        )
        if realised:
            self.realised.append(Realised(reference, on))
        else:
            self.back.append(TakenBack(Source.POST_OFFICE, reference, on, words))

    def wrong(self, line: Line, words: str) -> None:
        values: Mapping[str, Any] = line.values
        subject = f"{values['reference']} {values['line_id']}"
        amount_paise = Paise(values.get("amount_paise", 0))
        self.named.append(Named(_LINE, subject, words, amount_paise))


def take_day(work: Work, number: FileId, file: ExchangeFile) -> None:
    """Take a file of layout ``e-payment-day`` that counts."""
    connection, code = work.connection, work.bank.code
    day = _Day(code, number, str(file.header["file_id"]))
    references = [str(line.values["reference"]) for line in file.lines]
    known = receipt_store.outcomes(connection, code, references)
    places = _Places(connection)
    for line in file.lines:
        if line.record == "receipt":
            _receipt(day, line, known, places)
        else:
            _instrument(day, line, known)
    receipt_store.write(connection, code, day.rows, day.outcomes)
    if day.paid:
        day.named += work.neighbours.receive(connection, day.paid, work.by)
    if day.realised:
        work.neighbours.realise(connection, day.realised, work.by)
    if day.back:
        day.named += work.neighbours.take_back(connection, day.back, work.by)
    work.name(day.named)


class _Places:
    """Finds offices by PIN and name, each once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[str, str], OfficeId | None] = {}

    def find(self, pin: str, name: str) -> OfficeId | None:
        place = pin, name
        if place not in self._found:
            one = offices.by_pin_and_name(self._connection, pin, name)
            self._found[place] = None if one is None else one.office_id
        return self._found[place]


def _receipt(
    day: _Day, line: Line, known: dict[str, Outcome | None], places: _Places
) -> None:
    values: Mapping[str, Any] = line.values
    reference, pin, name = values["reference"], values["office_pin"], values["office"]
    if reference in known:
        day.wrong(line, f"receipt {reference} was told already")
        return
    if not values["amount_paise"]:
        day.wrong(line, f"receipt {reference} tells nothing that was paid")
        return
    office = places.find(pin, name)
    if office is None:
        words = f"no office is called {name} at {pin}"
        day.wrong(line, f"receipt {reference}: {words}; it is in no daily list")
    day.receipt(values, office)
    known[reference] = None if values["mode"] == CHEQUE else Outcome.REALISED


def _instrument(day: _Day, line: Line, known: dict[str, Outcome | None]) -> None:
    values: Mapping[str, Any] = line.values
    reference, outcome = values["reference"], Outcome[values["outcome"]]
    if reference not in known:
        day.wrong(line, f"there is no receipt {reference} for a cheque")
        return
    told = known[reference]
    if not _may_become(told, outcome):
        words = "nothing" if told is None else told.name
        day.wrong(line, f"the cheque of receipt {reference} is {words} already")
        return
    day.outcome(values)
    known[reference] = outcome


def _may_become(told: Outcome | None, outcome: Outcome) -> bool:
    return told is None or (told is Outcome.REALISED and outcome is Outcome.BOUNCED)
