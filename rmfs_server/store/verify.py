"""Recompute everything: what `rmfs server verify` and every test of money runs.

Nothing that the books keep twice is believed: balances are summed from entries, control
totals from recharges, reservations from what is open, vouchers from their signatures. A
finding means that money does not add up; there is no finding that is to be lived with.

Source: reliability notes, rule L16; SPEC.md REG-2, REG-5.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, select

from hw.database.ledger_checks import Finding
from hw.database.prepared import Prepared
from protocol.errors import RemoteProtocolError
from protocol.keys import VerifyingKey, decode_realm, verify
from protocol.messages import SIGNATURE_OCTETS, Voucher
from protocol.registers import VoucherKind, effect_paise
from protocol.values import LicenceIdentifier
from protocol.vouchers import VOUCHER_CONTEXT
from rmfs_server.store import (
    credit_keys,
    ledger,
    machines,
    recharges,
    schema,
    usage,
)
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.recharges import Recharge
from rmfs_server.store.schema import AccountKind, RechargeState, TellingKind

# Built once: a simulation verifies every world at its end.
_MOVES: Final = ("reserve", "settle", "restore")
_POSTINGS: Final = Prepared(
    select(schema.journal.c.idem).where(
        schema.journal.c.idem.in_([bindparam(move) for move in _MOVES])
    )
)
"""Those of the journals of one recharge that are there, by their keys."""
_CREDITS: Final = Prepared(
    select(
        schema.fund_credit.c.file_id,
        schema.fund_credit.c.line_id,
        schema.fund_credit.c.amount_paise.label("credited"),
        schema.entry.c.amount_paise.label("posted"),
    )
    .select_from(
        schema.fund_credit.join(
            schema.account,
            (schema.account.c.licence == schema.fund_credit.c.licence)
            & (schema.account.c.kind == AccountKind.FUNDS.name),
        ).outerjoin(
            schema.entry,
            (schema.entry.c.journal == schema.fund_credit.c.journal)
            & (schema.entry.c.account == schema.account.c.id),
        )
    )
    .where(
        schema.entry.c.amount_paise.is_(None)
        | (schema.entry.c.amount_paise != schema.fund_credit.c.amount_paise)
    )
)
_LICENCES: Final = Prepared(
    select(schema.machine.c.licence).order_by(schema.machine.c.licence)
)
_UNTOLD: Final = Prepared(
    select(schema.recharge.c.licence, schema.recharge.c.number)
    .select_from(
        schema.recharge.outerjoin(
            schema.told_item,
            (schema.told_item.c.kind == TellingKind.RECHARGE.name)
            & (schema.told_item.c.recharge == schema.recharge.c.id),
        )
    )
    .where(schema.recharge.c.settled_at.is_not(None), schema.told_item.c.id.is_(None))
)
"""Vouchers that were settled, and that nobody would ever tell the Department."""
_Keys = Mapping[int, VerifyingKey | None]


def verify_books(connection: Connection) -> list[Finding]:
    """Check the whole store, on one snapshot, changing nothing."""
    return [finding for check in _CHECKS for finding in check(connection)]


def _credits(connection: Connection) -> Iterator[Finding]:
    """Compare what fund lines did with what the ledger says of it."""
    for row in _CREDITS.all(connection, {}):
        detail = f"{row.credited} paise credited, {row.posted} posted"
        subject = f"line {row.line_id} of fund file {row.file_id}"
        yield Finding("a fund credit is what was posted", subject, detail)


def _telling(connection: Connection) -> Iterator[Finding]:
    """See that whatever was settled is told to the Department, or waits to be."""
    for row in _UNTOLD.all(connection, {}):
        detail = "it neither was told nor waits"
        subject = f"recharge {row.number} of {row.licence}"
        yield Finding("a settled voucher is told to the Department", subject, detail)


def _machines(connection: Connection) -> Iterator[Finding]:
    keys = {
        key_id: credit_keys.find(connection, key_id)
        for key_id in credit_keys.all_ids(connection)
    }
    for row in _LICENCES.all(connection, {}):
        licence = LicenceIdentifier(row.licence)
        machine = machines.find(connection, licence)
        if machine is None:
            continue
        all_of = recharges.all_of(connection, licence)
        for rule, expected, found in _sums(connection, machine, all_of):
            if expected != found:
                detail = f"{expected} expected, {found} found"
                yield Finding(rule, licence, detail)
        enrolled = machines.find_enrolled(connection, licence)
        for recharge in all_of:
            yield from _recharge(connection, machine, recharge)
            yield from _octets(recharge, enrolled, keys)


def _sums(
    connection: Connection, machine: Machine, all_of: list[Recharge]
) -> Iterator[tuple[str, int, int]]:
    licence = machine.licence
    opened = [one for one in all_of if one.state in recharges.OPEN]
    posted = [one for one in all_of if one.state is RechargeState.POSTED]
    held = [one for one in opened if one.kind is VoucherKind.RECHARGE]
    yield (
        "settled is the sum of posted vouchers",
        sum(one.effect_paise for one in posted),
        machine.settled_paise,
    )
    yield (
        "the machine's account is its control total",
        machine.control_total_paise,
        ledger.balance_paise(connection, ledger.machine_of(licence)),
    )
    yield (
        "reserved is what is open",
        sum(one.amount_paise for one in held),
        ledger.balance_paise(connection, ledger.reserved_of(licence)),
    )
    yield "one open recharge at most", min(len(opened), 1), len(opened)
    yield (
        "the registers last accepted fit the books",
        machine.control_total_paise,
        machine.registers.control_total_paise,
    )
    yield (
        "AR and DR are CT",
        machine.registers.control_total_paise,
        machine.registers.ascending_paise + machine.registers.descending_paise,
    )
    yield (
        "usage accounts for AR",
        machine.usage_ascending_paise - machine.usage_base_paise,
        usage.total_paise(usage.read(connection, licence)),
    )


def _recharge(
    connection: Connection, machine: Machine, recharge: Recharge
) -> Iterator[Finding]:
    subject = _subject(recharge)
    opened = recharge.state in recharges.OPEN
    if opened and recharge.number != machine.number + 1:
        detail = f"the last settled is {machine.number}"
        yield Finding("the open recharge is the next", subject, detail)
    if not opened and recharge.number > machine.number:
        detail = f"settled, and the last settled is {machine.number}"
        yield Finding("numbers settle in order", subject, detail)
    frozen = recharge.state is RechargeState.FROZEN
    if opened and frozen is not machine.frozen:
        yield Finding(
            "a frozen machine freezes its recharge", subject, recharge.state.value
        )
    postings = {
        "reserve": recharge.kind is VoucherKind.RECHARGE
        and recharge.requested_in is not None,
        "settle": not opened and recharge.requested_in is not None and _moves(recharge),
        "restore": recharge.requested_in is None and bool(recharge.effect_paise),
    }
    idems = {move: f"{move}:{recharge.licence}:{recharge.number}" for move in postings}
    found = {row.idem for row in _POSTINGS.all(connection, idems)}
    for move, wanted in postings.items():
        idem = idems[move]
        if (idem in found) is not wanted:
            detail = f"{idem} is {'missing' if wanted else 'there'}"
            yield Finding("a recharge has its postings", subject, detail)


def _subject(recharge: Recharge) -> str:
    return f"{recharge.licence} recharge {recharge.number}"


def _moves(recharge: Recharge) -> bool:
    """Whether settling it moves value: a withdrawal only when it is posted."""
    if recharge.kind is VoucherKind.RECHARGE:
        return True
    return recharge.state is RechargeState.POSTED and recharge.amount_paise > 0


def _octets(
    recharge: Recharge, enrolled: Enrolled | None, keys: _Keys
) -> Iterator[Finding]:
    subject = _subject(recharge)
    for octets in (recharge.voucher, recharge.void):
        if octets is None:
            continue
        is_void = octets is recharge.void
        detail = _fault(recharge, enrolled, keys, octets, is_void=is_void)
        if detail is not None:
            yield Finding("vouchers say what the books say", subject, detail)


def _fault(
    recharge: Recharge,
    enrolled: Enrolled | None,
    keys: _Keys,
    octets: bytes,
    *,
    is_void: bool,
) -> str | None:
    try:
        voucher = Voucher.decode(octets)
    except RemoteProtocolError as error:
        return str(error)
    kind = VoucherKind.VOID if is_void else recharge.kind
    amount = 0 if is_void else recharge.amount_paise
    before = recharge.control_total_before_paise
    expected = (
        recharge.licence,
        recharge.number,
        kind,
        amount,
        before,
        before + effect_paise(voucher.kind, voucher.amount_paise),
    )
    found = (
        voucher.licence,
        voucher.recharge_number,
        voucher.kind,
        voucher.amount_paise,
        voucher.control_total_before_paise,
        voucher.control_total_after_paise,
    )
    if expected != found:
        return f"{expected} expected, {found} found"
    key = keys.get(voucher.credit_key)
    if enrolled is None or key is None:
        return "its credential or credit key is not in the books"
    if voucher.credential_hash != enrolled.credential.credential_hash:
        return "it is made out to other keys"
    realm = decode_realm(enrolled.credential.realm)
    covered = octets[:-SIGNATURE_OCTETS]
    if not verify(key, VOUCHER_CONTEXT, realm, covered, voucher.signature):
        return "its signature does not verify"
    return None


_CHECKS: Final[tuple[Callable[[Connection], Iterator[Finding]], ...]] = (
    ledger.verify,
    _credits,
    _telling,
    _machines,
)
