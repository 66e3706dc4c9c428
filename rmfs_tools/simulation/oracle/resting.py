"""What must be true of an honest machine once faults are off and it has come to rest.

Source:
    protocol/SPEC.md DLG-14, REG-5, REG-7.
"""

from rmfs_tools.simulation.observations import MachineStored, Rested
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.ledger import Ledger
from rmfs_tools.simulation.oracle.licence import Licence
from rmfs_tools.simulation.oracle.machine import Body
from rmfs_tools.simulation.oracle.properties import Property


def check_rest(
    event: Rested, body: Body, licence: Licence, ledger: Ledger, findings: Findings
) -> None:
    """Compare machine and books, between which nothing is on its way any more.

    Args:
        event: The machine came to rest, or was given up.
        body: The machine.
        licence: Its books.
        ledger: The balances.
        findings: Where to report.
    """
    if not event.finished:
        findings.broken(
            Property.LIVE_1, body.name, f"given up after {event.dial_ins} dial-ins"
        )
        return
    _check_books(body.name, body.stored, licence, ledger, findings)


def check_former(licence: Licence, ledger: Ledger, findings: Findings) -> None:
    """Compare the books of a life that is over with what its machine held at its end.

    Args:
        licence: Its books; a life without an end is none.
        ledger: The balances.
        findings: Where to report.
    """
    if licence.ended is not None and not licence.suspect:
        _check_books(licence.name, licence.ended, licence, ledger, findings)


def _check_books(
    subject: str,
    stored: MachineStored,
    licence: Licence,
    ledger: Ledger,
    findings: Findings,
) -> None:
    row = licence.row
    if stored.pending is not None or licence.open is not None or row is None:
        findings.broken(
            Property.LIVE_2,
            subject,
            f"at rest with {stored.pending} pending and {licence.open} outstanding",
        )
        return
    if row.frozen:
        findings.broken(Property.LIVE_2, subject, "at rest and still frozen")
    machine = ledger.balance("machine", licence.name) + licence.opening_paise
    said = (stored.number, stored.control_total_paise)
    if said != (row.number, row.control_total_paise) or machine != said[1]:
        findings.broken(
            Property.LIVE_3,
            subject,
            f"number and CT {said}, books {(row.number, row.control_total_paise)}, "
            f"machine account {machine}",
        )
    held = (
        ledger.balance("funds", licence.name)
        + ledger.balance("reserved", licence.name)
        + stored.ascending_paise
        + stored.descending_paise
    )
    came = ledger.brought(licence.name) + licence.opening_paise
    if held != came:
        findings.broken(
            Property.LIVE_4,
            licence.name,
            f"funds, reserved, AR and DR are {held}, opening and deposits {came}",
        )
