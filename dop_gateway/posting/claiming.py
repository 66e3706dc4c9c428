"""Propose claims: what is claimed is checked whole before anybody is asked.

Source: domain notes, sections 12 and 23 (nos. 18, 19); what is not public is OURS.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, FieldFinding, InvalidError
from dop_gateway.franks.model import FrankVerdict, Purpose
from dop_gateway.franks.verifying import verify
from dop_gateway.identity.model import By
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence, MachineState
from dop_gateway.licences.periods import months_after
from dop_gateway.parameters import store as parameters
from dop_gateway.posting import claims_store as store
from dop_gateway.posting import mailing_store as mailings
from dop_gateway.posting.claims_store import ClaimedRebate, NewClaim, UnusedCredit
from dop_gateway.posting.lifecycle import CAPTURING
from dop_gateway.posting.model import Claim, ClaimKind, Mailing, MailingState
from dop_gateway.posting.reach import check_at_office
from dop_gateway.posting.rebates import Rates, Rebate, deduction_paise
from dop_gateway.usage import store as usage
from protocol.indicium import SignedIndicium, Verdict
from protocol.messages import LicenceState
from protocol.values import Paise, show_rupees

FRANKS_MAX: Final = 200
"""Spoiled impressions of one claim."""
_NOTHING: Final = Paise(0)


def propose_rebate(
    connection: Connection,
    identifier: str,
    statements: tuple[str | None, str],
    on: date,
    by: By,
) -> Claim:
    """Claim the rebate of what was franked between two statements.

    Args:
        connection: A writing transaction.
        identifier: Of the licence.
        statements: Number of that up to which a rebate was claimed before, None before
            the first claim; and number of the newest one.
        on: The day.
        by: Who proposes it, for a role at the designated office.

    Raises:
        NotFoundError: There is no such licence or statement.
        NotAllowedError: They have no such role.
        InvalidError: It cannot be claimed, now or at all; every reason is told.
    """
    licence = _licence(connection, identifier, by)
    to = mailings.get(connection, statements[1])
    before = store.last_rebate(connection, licence.identifier)
    since = None if before is None else _mailing(connection, before)
    first = mailings.first(connection, licence.identifier)
    wrong = list(
        _wrong_statements(connection, licence, statements[0], to, since, on=on)
    )
    if wrong or first is None:
        raise InvalidError(wrong)
    made_of = ClaimedRebate(
        None if since is None else since.id,
        to.id,
        Rebate(
            first.opening_ascending_paise
            if since is None
            else since.closing_ascending_paise,
            to.closing_ascending_paise,
            mailings.sorted_paise(
                connection,
                licence.identifier,
                0 if since is None else since.running,
                to.running,
            ),
            Rates.on(on, parameters.table(connection)),
        ),
    )
    rebate = made_of.rebate
    if not rebate.is_earned or not rebate.total_paise:
        least = show_rupees(rebate.rates.min_paise)
        words = f"{show_rupees(rebate.consumption_paise)} were franked, "
        finding = FieldFinding("/to", "too_small", f"{words}{least} earn a rebate")
        raise InvalidError([finding])
    new = _new(ClaimKind.REBATE, licence, on, rebate.total_paise, _NOTHING)
    made = store.add(connection, new, by)
    store.add_rebate(connection, made, made_of)
    _tell(connection, made, by, to=to.number, paise=rebate.consumption_paise)
    return made


def propose_spoiled(
    connection: Connection,
    identifier: str,
    scans: Sequence[bytes | str],
    on: date,
    by: By,
) -> Claim:
    """Claim the value of spoiled impressions, whose envelopes are surrendered.

    Args:
        connection: A writing transaction.
        identifier: Of the licence.
        scans: Of each impression, what a scanner has read.
        on: The day.
        by: Who proposes it, for a role at the designated office.

    Raises:
        NotFoundError: There is no such licence.
        NotAllowedError: They have no such role.
        InvalidError: One of them is not paid back; each is told, and none remembered.
    """
    licence = _licence(connection, identifier, by)
    if not 1 <= len(scans) <= FRANKS_MAX:
        words = f"1 to {FRANKS_MAX} impressions go into a claim"
        raise InvalidError([FieldFinding("/scans", "wrong_count", words)])
    table = parameters.table(connection)
    months = table.months("spoiled.months", on)
    wrong: list[FieldFinding] = []
    franks: dict[int, Paise] = {}
    for place, scan in enumerate(scans):
        verdict = verify(
            connection, scan, licence.office, on, by, purpose=Purpose.SPOILED
        )
        pointer = f"/scans/{place}"
        wrong += _wrong_frank(verdict, pointer, licence, months, on)
        if verdict.number in franks:
            words = "this impression stands above already"
            wrong.append(FieldFinding(pointer, "twice", words))
        if verdict.number is not None and verdict.signed is not None:
            franks[verdict.number] = verdict.signed.indicium.value_paise
    if wrong:
        raise InvalidError(wrong)
    gross = Paise(sum(franks.values()))
    kept = deduction_paise(
        gross, table.basis_points("spoiled.deduction_basis_points", on)
    )
    new = _new(ClaimKind.SPOILED, licence, on, gross, kept)
    made = store.add(connection, new, by)
    store.add_franks(connection, made, franks.items())
    _tell(connection, made, by, franks=len(franks))
    return made


def propose_unused(connection: Connection, identifier: str, on: date, by: By) -> Claim:
    """Claim what is left of a cancelled licence, in the machine and with its maker.

    Raises:
        NotFoundError: There is no such licence.
        NotAllowedError: They have no role at the designated office.
        ConflictError: A claim waits already.
        InvalidError: It is not paid back, or not yet; every reason is told.
    """
    licence = _licence(connection, identifier, by)
    waiting = store.waits(connection, licence.identifier, ClaimKind.UNUSED)
    if waiting is not None:
        raise ConflictError(f"claim {waiting} waits: it has to end first")
    group = mailings.last_group(connection, licence.identifier)
    last = group[-1] if group else None
    months = parameters.table(connection).months("unused.months", on)
    wrong = list(_wrong_licence(licence, months, on))
    wrong += _wrong_registers(connection, licence, last)
    held = ledger.balances(connection, licence.identifier)
    if held.deposited:
        words = f"{show_rupees(held.deposited)} are on their way to the maker: wait"
        wrong.append(FieldFinding("/licence", "in_flight", words))
    if not held.machine + held.remaining:
        wrong.append(FieldFinding("/licence", "nothing_left", "nothing is left"))
    cancelled = licence.cancelled_on
    if wrong or cancelled is None:
        raise InvalidError(wrong)
    left = UnusedCredit(
        None if last is None else last.id, held.machine, held.remaining, cancelled
    )
    gross = Paise(held.machine + held.remaining)
    made = store.add(
        connection, _new(ClaimKind.UNUSED, licence, on, gross, _NOTHING), by
    )
    store.add_unused(connection, made, left)
    _tell(
        connection,
        made,
        by,
        machine_paise=held.machine,
        remaining_paise=held.remaining,
    )
    return made


def _licence(connection: Connection, identifier: str, by: By) -> Licence:
    licence = licences.get(connection, identifier, lock=True)
    check_at_office(connection, by, licence.office, CAPTURING)
    if licence.kind.has_notional_credit:
        words = "credit of the Department's own machines is notional: nothing is paid"
        raise InvalidError([FieldFinding("/licence", "notional", words)])
    return licence


def _mailing(connection: Connection, before: ClaimedRebate) -> Mailing:
    return mailings.by_id(connection, before.to_mailing)


def _wrong_statements(
    connection: Connection,
    licence: Licence,
    told: str | None,
    to: Mailing,
    since: Mailing | None,
    *,
    on: date,
) -> Iterator[FieldFinding]:
    group = mailings.last_group(connection, licence.identifier)
    expected = None if since is None else since.number
    if told != expected:
        words = "no rebate was claimed before: leave it out"
        if expected is not None:
            words = f"a rebate was claimed up to {expected}"
        yield FieldFinding("/from", "other_statement", words)
    if to.licence != licence.identifier or to.state is not MailingState.CAPTURED:
        words = f"{to.number} is no statement of {licence.identifier} that counts"
        yield FieldFinding("/to", "other_statement", words)
        return
    if not group or to.id != group[-1].id:
        words = f"{group[-1].number} is the newest one" if group else "there is none"
        yield FieldFinding("/to", "not_the_newest", words)
    if to.presented_on != on:
        words = f"it was handed in on {to.presented_on}: claim with the next one"
        yield FieldFinding("/to", "not_today", words)
    if to.funds_change_paise <= 0:
        words = (
            "a rebate is claimed at the first presentation of mail after a credit: "
            "this statement tells of no recharge"
        )
        yield FieldFinding("/to", "no_credit", words)


def _wrong_frank(
    verdict: FrankVerdict, pointer: str, licence: Licence, months: int, on: date
) -> Iterator[FieldFinding]:
    for one in verdict.findings:
        again = one.code == Verdict.COPIED.code and verdict.before is not None
        if again and verdict.before is not None:
            if verdict.before.purpose is Purpose.SPOILED:
                # It was surrendered with a claim that was refused, or is REFUNDED,
                # which is told for itself.
                continue
            words = f"it was handed in as mail on {verdict.before.seen_on}"
            yield FieldFinding(pointer, one.code, words)
            continue
        yield FieldFinding(pointer, one.code, f"{one.detail}: {one.advice}")
    signed: SignedIndicium | None = verdict.signed
    if signed is None or not verdict.is_believed:
        return
    indicium = signed.indicium
    if indicium.licence != licence.identifier:
        words = f"it is of {indicium.licence}"
        yield FieldFinding(pointer, "other_licence", words)
    last = months_after(indicium.printed_on, months)
    if last < on:
        yield FieldFinding(pointer, "too_late", f"it could be claimed until {last}")


def _wrong_licence(licence: Licence, months: int, on: date) -> Iterator[FieldFinding]:
    if licence.state is not LicenceState.CANCELLED:
        words = f"licence {licence.number} is {licence.state.name}: cancel it first"
        yield FieldFinding("/licence", "not_cancelled", words)
    if licence.machine_state is not MachineState.CANCELLED:
        words = f"the machine is {licence.machine_state.name}: cancel it first"
        yield FieldFinding("/licence", "machine_not_cancelled", words)
    if licence.cancelled_on is None:
        return
    last = months_after(licence.cancelled_on, months)
    if last < on:
        words = f"it could be claimed until {last}"
        yield FieldFinding("/licence", "too_late", words)


def _wrong_registers(
    connection: Connection, licence: Licence, last: Mailing | None
) -> Iterator[FieldFinding]:
    """Hold together DR of the last statement, of the last dial-in and of the ledger."""
    held = ledger.balances(connection, licence.identifier).machine
    newest = usage.last(connection, licence.identifier)
    reading = _NOTHING if newest is None else newest.descending_paise
    if held != reading:
        words = (
            f"the machine's last dial-in says DR {show_rupees(reading)}, "
            f"the ledger {show_rupees(held)}: reconcile first"
        )
        yield FieldFinding("/licence", "ledger_differs", words)
    if not reading:
        return
    stated = None if last is None else last.closing_descending_paise
    if stated != reading:
        shown = "is none" if stated is None else f"says {show_rupees(stated)}"
        words = (
            f"DR is {show_rupees(reading)}, the last statement of mailing {shown}: "
            "have the registers looked at"
        )
        yield FieldFinding("/licence", "registers_differ", words)


def _new(
    kind: ClaimKind, licence: Licence, on: date, gross: Paise, kept: Paise
) -> NewClaim:
    return NewClaim(kind, licence.identifier, licence.office, on, gross, kept)


def _tell(connection: Connection, made: Claim, by: By, **detail: object) -> None:
    trail.add(
        connection,
        by,
        "propose",
        Subject("claim", made.number),
        from_state="",
        to_state=made.state.name,
        licence=made.licence,
        gross_paise=made.gross_paise,
        deduction_paise=made.deduction_paise,
        **detail,
    )
