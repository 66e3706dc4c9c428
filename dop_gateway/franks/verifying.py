"""Verify a scanned frank against everything that the Department knows.

`protocol.indicium` says whether the machine made it, and whether it was seen; here is
what only the Department knows: the licence on that day, the machine, the designated
office, what was claimed back, and the registers that the machine signed in dial-ins.

Rules of this module:

- Whatever octets come out of a scanner, there is a verdict, never a failure.
- Every finding is told, the worst first, and what was not looked at.
- Of a barcode that the machine did not sign nothing further is said: it means nothing.
- A frank is remembered before its verdict is told. Who scans the same paper twice is
  told that it was seen: which of two papers is the copy, nobody can say.

Source: domain notes, sections 10 to 12; SPEC.md INDICIUM-5 to INDICIUM-7. The layout of
the barcode is ours.
"""

import base64
import binascii
from collections.abc import Iterator
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.franks.model import (
    Breach,
    FrankFinding,
    FrankVerdict,
    Purpose,
    Seen,
    finding,
    worst_first,
)
from dop_gateway.franks.store import StoredFranks
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.licences import history
from dop_gateway.licences import store as licences
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.model import RECHARGED, RECHARGING, Licence
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId
from dop_gateway.usage import store as usage
from dop_gateway.usage.store import Taken
from protocol.indicium import (
    AcceptedDates,
    FrankKind,
    Indicium,
    PrintedFacts,
    SignedIndicium,
    Verdict,
    Verification,
    verify_indicium,
)
from protocol.keys import MachineCredential
from protocol.messages import LicenceState
from protocol.parameters import business_date, parameter
from protocol.values import LicenceIdentifier, show_rupees

SCAN_CHARACTERS_MAX: Final = 4_096
PAST_DAYS: Final = 366
"""How old a frank may be where its age is judged elsewhere."""

_NOT_BELIEVED: Final = frozenset(
    {
        Verdict.FORGED,
        Verdict.WRONG_REALM,
        Verdict.UNKNOWN_MACHINE,
        Verdict.MALFORMED,
        Verdict.NOT_READABLE,
    }
)
_OF_THE_MEMORY: Final = frozenset(
    {
        Verdict.CLONED.code,
        Verdict.ROLLED_BACK.code,
        Breach.AGAINST_DIAL_IN.code,
    }
)
"""Codes of findings that say that two machines have one identity, or one two pasts."""


def verify(
    connection: Connection,
    scan: bytes | str,
    office: OfficeId,
    on: date,
    by: By,
    *,
    purpose: Purpose = Purpose.MAIL,
    printed: PrintedFacts | None = None,
    is_registered: bool = False,
) -> FrankVerdict:
    """Verify one frank, and remember it.

    Args:
        connection: A writing transaction; a reading one is enough for a CHECK.
        scan: Octets of the barcode; or the text of a scanner: hex or Base64.
        office: Where it was scanned.
        on: The day on which the mail is handed in.
        by: Who has scanned it.
        purpose: Why.
        printed: What somebody read beside the barcode.
        is_registered: The article is accounted for by itself: a date before `on` is
            accepted.

    Returns:
        Every finding, the worst first.
    """
    register = StoredFranks(connection, office, purpose, by)
    may_be_old = is_registered or purpose is Purpose.SPOILED
    dates = AcceptedDates(
        PAST_DAYS if may_be_old else 0,
        parameter("machine.date_advance_max_days", on),
    )

    def known(licence: LicenceIdentifier) -> list[MachineCredential]:
        credential = licences.credential_of(connection, licence)
        return [] if credential is None else [credential.machine]

    octets = read_scan(scan)
    verification = verify_indicium(octets, known, on, register, printed, dates=dates)
    findings = [finding(one.verdict, one.detail) for one in verification.reasons]
    believed = _is_believed(verification)
    if believed is not None:
        findings += _breaches(connection, believed.indicium, office, purpose)
        findings += _claimed(register.first)
    verdict = FrankVerdict(
        worst_first(findings),
        verification.signed,
        believed is not None,
        verification.unchecked,
        register.number,
        register.first,
    )
    if purpose is not Purpose.CHECK and findings:
        _tell(connection, verdict, office, by)
    return verdict


def read_scan(scan: bytes | str) -> bytes:
    """Give the octets that a scanner has read; text is hex or Base64, or nothing."""
    if isinstance(scan, bytes):
        return scan
    text = "".join(scan[:SCAN_CHARACTERS_MAX].split())
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def state_on(connection: Connection, licence: Licence, day: date) -> LicenceState:
    """Say in which state a licence was at the end of a day.

    Of days before its history begins nothing else is known than what it is now.
    """
    past = [
        one
        for one in history.of(connection, Axis.LICENCE, licence.identifier)
        if business_date(one.at) <= day
    ]
    return LicenceState[past[-1].to_state] if past else licence.state


def _is_believed(verification: Verification) -> SignedIndicium | None:
    if any(one.verdict in _NOT_BELIEVED for one in verification.reasons):
        return None
    return verification.signed


def _breaches(
    connection: Connection, indicium: Indicium, office: OfficeId, purpose: Purpose
) -> Iterator[FrankFinding]:
    licence = licences.find(connection, indicium.licence)
    if licence is None:
        return
    yield from _licence(connection, indicium, licence)
    # A machine that broke down has spoiled impressions more often than others.
    if purpose is not Purpose.SPOILED and licence.machine_state not in RECHARGING:
        detail = f"machine {licence.identifier} is {licence.machine_state.name}"
        yield finding(Breach.MACHINE_OUT_OF_SERVICE, detail)
    if indicium.kind is FrankKind.ZERO:
        yield finding(Breach.PAYS_NOTHING, "it is a zero imprint")
    designated = offices.get(connection, licence.office)
    if purpose is not Purpose.CHECK and licence.office != office:
        detail = f"mail of {licence.identifier} is handed in at {designated.name}"
        yield finding(Breach.WRONG_OFFICE, f"{detail}, {designated.pin}")
    if designated.pin != str(indicium.pin_code):
        detail = f"it says {indicium.pin_code}, {designated.name} has {designated.pin}"
        yield finding(Breach.WRONG_PIN_CODE, detail)
    yield from _dial_ins(connection, indicium)


def _licence(
    connection: Connection, indicium: Indicium, licence: Licence
) -> Iterator[FrankFinding]:
    day = indicium.printed_on
    if not licence.issued_on <= day <= licence.expires_on:
        span = f"{licence.issued_on} to {licence.expires_on}"
        detail = f"{licence.number} is in force from {span}; the frank is of {day}"
        yield finding(Breach.LICENCE_OUT_OF_FORCE, detail)
        return
    state = state_on(connection, licence, day)
    if state not in RECHARGED:
        detail = f"{licence.number} was {state.name} on {day}"
        yield finding(Breach.LICENCE_OUT_OF_FORCE, detail)


def _dial_ins(connection: Connection, indicium: Indicium) -> Iterator[FrankFinding]:
    """Hold a frank against the registers that its machine has signed elsewhere."""
    before, after = usage.around_items(connection, indicium.licence, indicium.items)
    own = indicium.ascending_paise
    if before is not None and before.ascending_paise > own - indicium.value_paise:
        yield _against(indicium, before)
    if after is not None:
        less = after.ascending_paise < own
        if less or (after.items == indicium.items and after.ascending_paise != own):
            yield _against(indicium, after)


def _against(indicium: Indicium, taken: Taken) -> FrankFinding:
    detail = (
        f"after {indicium.items} franks it says AR "
        f"{show_rupees(indicium.ascending_paise)}, dial-in {taken.number} says "
        f"{show_rupees(taken.ascending_paise)} after {taken.items}"
    )
    return finding(Breach.AGAINST_DIAL_IN, detail)


def _claimed(first: Seen | None) -> Iterator[FrankFinding]:
    if first is not None and first.claim is not None:
        detail = f"it was surrendered as spoiled on {first.seen_on}"
        yield finding(Breach.REFUNDED, detail)


def _tell(
    connection: Connection, verdict: FrankVerdict, office: OfficeId, by: By
) -> None:
    signed = verdict.signed
    indicium = None if signed is None else signed.indicium
    licence = None if indicium is None else indicium.licence
    item = None if indicium is None else indicium.item
    trail.add(
        connection,
        by,
        "find_frank",
        Subject("frank", f"{licence or 'unreadable'}-{item or 0}"),
        office=office,
        codes=[one.code for one in verdict.findings],
        signed=verdict.is_believed,
    )
    worst = next((one for one in verdict.findings if one.code in _OF_THE_MEMORY), None)
    if worst is not None and indicium is not None:
        incidents.report(
            connection,
            IncidentKind.REGISTERS_DISAGREE,
            f"frank {indicium.licence}",
            f"{worst.code} {worst.detail}; {worst.advice}",
            by,
            maker=indicium.licence[0],
            licence=indicium.licence,
        )
