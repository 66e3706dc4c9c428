"""Every night all money is explained; what is not is an incident, and a failed run."""

from sqlalchemy import Connection

from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.jobs.model import Ending, Outcome
from dop_gateway.money import reconciling
from dop_gateway.parts import Parts
from protocol.parameters import business_date
from protocol.values import EpochSeconds, Paise, show_rupees

_LEDGER = "ledger and deposits"


def run(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Reconcile for the day of a moment.

    What is not explained is told as an incident and is no failure: doing it again would
    find the same.
    """
    by = By(GATEWAY, parts.clock.now(), "job:reconcile", "every night")
    day = business_date(moment)
    with parts.store.writing("reconcile") as connection:
        found = reconciling.reconcile(connection, day, by)
        mistakes = _verify(connection, by)
    words = (
        f"{found.licences} licences, {len(found.reports)} with a difference, "
        f"{show_rupees(Paise(found.unexplained_paise))} not explained, "
        f"{mistakes} mistakes in the ledger"
    )
    return Outcome(Ending.DONE, words)


def _verify(connection: Connection, by: By) -> int:
    """Recompute ledger and deposits; gives how many mistakes there are."""
    findings = list(reconciling.verify(connection))
    kind = IncidentKind.LEDGER
    if findings:
        first = findings[0]
        words = f"{len(findings)} findings, first {first.subject}: {first.detail}"
        incidents.report(connection, kind, _LEDGER, words, by)
    else:
        incidents.over(connection, kind, _LEDGER, "every rule holds again", by)
    return len(findings)
