"""Reconcile: look at every licence, keep what explains it, tell what is wrong.

It may be done as often as somebody likes: for a day the last one counts. Incidents are
told while something is wrong, and said to be over when it is not any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.deposits import checks
from dop_gateway.downloads import service as downloads
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents import store as incident_store
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.money import report_store
from dop_gateway.money.explaining import explain
from dop_gateway.money.gathering import gather
from dop_gateway.money.model import (
    Age,
    Cause,
    Explanation,
    LicenceReport,
    ageing,
)
from dop_gateway.money.report_store import Done
from dop_gateway.money.whole import Whole, whole
from hw.database.ledger_checks import Finding
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, show_rupees

INCIDENTS: Final = {
    Cause.NOT_REPORTED: IncidentKind.CREDIT_NOT_REPORTED,
    Cause.OEM_ERROR: IncidentKind.SNAPSHOT_WRONG,
    Cause.USAGE_NOT_REPORTED: IncidentKind.USAGE_NOT_REPORTED,
    Cause.MACHINE_DISCREPANCY: IncidentKind.REGISTERS_DISAGREE,
}
"""What a reconciliation finds itself; other causes are told where they are found."""
_OWN: Final = (*INCIDENTS.values(), IncidentKind.UNEXPLAINED)
_AT_A_TIME: Final = 500
_WHOLE: Final = "all money"


@dataclass
class Outcome:
    """What came out of a reconciliation.

    Attributes:
        reports: Of licences with a difference.
        licences: How many were looked at.
        ages: Paise by cause and age.
    """

    day: date
    reports: list[LicenceReport] = field(default_factory=list)
    licences: int = 0
    unexplained_paise: int = 0
    whole: Whole | None = None
    ages: dict[Cause, dict[Age, int]] = field(default_factory=dict)


def look(
    connection: Connection,
    now: EpochSeconds,
    only: LicenceIdentifier | None = None,
) -> Iterator[LicenceReport]:
    """Explain every licence, or one, and keep nothing."""
    return (explain(facts, now) for facts in gather(connection, only))


def reconcile(connection: Connection, day: date, by: By) -> Outcome:
    """Explain everything, keep it for a day, and tell what is wrong.

    Args:
        connection: A writing transaction.
        day: For which it is kept; what is known now is looked at.
        by: Who does it.
    """
    downloads.resume(connection, None, by)
    outcome = Outcome(day)
    report_store.begin(connection, day, by.now)
    some: list[LicenceReport] = []
    for report in look(connection, by.now):
        some.append(report)
        if len(some) >= _AT_A_TIME:
            _keep(connection, outcome, some, by)
            some = []
    _keep(connection, outcome, some, by)
    outcome.whole = whole(connection, by.now)
    outcome.unexplained_paise += outcome.whole.unexplained_paise
    _tell_whole(connection, outcome.whole, by)
    outcome.ages = ages_of(outcome, by.now)
    report_store.end(
        connection,
        Done(
            day,
            by.now,
            outcome.licences,
            outcome.unexplained_paise,
            shown_whole(outcome),
        ),
    )
    return outcome


def verify(connection: Connection) -> Iterator[Finding]:
    """Recompute ledger and deposits; findings are mistakes of our own."""
    yield from ledger.verify(connection)
    yield from checks.verify(connection)


def ages_of(outcome: Outcome, now: EpochSeconds) -> dict[Cause, dict[Age, int]]:
    """Sum what is explained by cause and age."""
    found: list[Explanation] = [
        one for report in outcome.reports for one in report.explanations
    ]
    if outcome.whole is not None:
        found += outcome.whole.explanations
    return ageing(found, now)


def shown_whole(outcome: Outcome) -> dict[str, Any]:
    """Give where all money is, and how old what is explained is, as JSON."""
    found = outcome.whole
    ages = {
        cause.name: {age.label: paise for age, paise in of.items()}
        for cause, of in sorted(outcome.ages.items(), key=lambda one: one[0].name)
    }
    if found is None:
        return {"ageing": ages}
    return {
        "received": found.received,
        "returned": found.returned,
        "places": found.places,
        "told_paise": found.told_paise,
        "counted_paise": found.counted_paise,
        "unexplained_paise": found.unexplained_paise,
        "explanations": [
            {
                "cause": one.cause.name,
                "words": one.words,
                "amount_paise": one.amount_paise,
                "since": one.since,
            }
            for one in found.explanations
        ],
        "ageing": ages,
    }


def _keep(
    connection: Connection, outcome: Outcome, reports: list[LicenceReport], by: By
) -> None:
    wanted = [report.licence for report in reports]
    told = incident_store.unmended(connection, _OWN, wanted)
    for report in reports:
        _tell(connection, report, told, by)
    outcome.licences += len(reports)
    outcome.unexplained_paise += sum(one.unexplained_paise for one in reports)
    differing = [one for one in reports if one.explanations or one.unexplained_paise]
    outcome.reports += differing
    report_store.add(connection, outcome.day, differing, by.now)


def _tell(
    connection: Connection,
    report: LicenceReport,
    told: set[tuple[IncidentKind, str]],
    by: By,
) -> None:
    found = {
        INCIDENTS[one.cause]: (one.words, one.amount_paise)
        for one in report.explanations
        if one.cause in INCIDENTS and one.amount_paise
    }
    if report.unexplained_paise:
        amount = show_rupees(Paise(report.unexplained_paise))
        words = f"{amount} of {report.licence} are explained by nothing: look into it"
        found[IncidentKind.UNEXPLAINED] = (words, report.unexplained_paise)
    for kind in _OWN:
        if kind in found:
            words, paise = found[kind]
            incidents.report(
                connection,
                kind,
                report.licence,
                words,
                by,
                amount_paise=abs(paise),
                maker=report.maker,
                licence=report.licence,
            )
        elif (kind, report.licence) in told:
            words = "the balances agree again"
            incidents.over(connection, kind, report.licence, words, by)


def _tell_whole(connection: Connection, found: Whole, by: By) -> None:
    kind = IncidentKind.UNEXPLAINED
    if found.unexplained_paise:
        amount = show_rupees(Paise(found.unexplained_paise))
        words = (
            f"{amount} of all money lie nowhere, or are told by nobody: look into it"
        )
        incidents.report(
            connection, kind, _WHOLE, words, by, amount_paise=found.unexplained_paise
        )
    else:
        incidents.over(connection, kind, _WHOLE, "all money is where it is told", by)
