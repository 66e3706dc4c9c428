"""What people and programs read of the books: `rmfs server show`.

Each picture is made once, as plain data; the text is made from the data, so that a
person and a program are never told different things. Money is in paise in the data and
in rupees in the text; times are UTC in the data and India's in the text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from protocol.messages import CONTENT_ORDERS, Capability, OrderKind
from protocol.parameters import INDIA, business_date
from protocol.registers import Registers
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, show_rupees
from rmfs_server.proposing import Evidence
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import (
    acts,
    discrepancies,
    ledger,
    licences,
    machines,
    orders,
    recharges,
    usage,
)
from rmfs_server.store.funds import read_funds
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.recharges import Recharge

LEDGER_ROWS: Final = 20
_LIMITS: Final = (OrderKind.FRANK_LIMIT.name, OrderKind.FUNDS_LIMIT.name)

Picture = Mapping[str, Any]


def picture_of_server(connection: Connection, now: EpochSeconds) -> Picture:
    """Picture every licence in a line each."""
    return {
        "licences": [
            _summary(connection, identifier, now)
            for identifier in licences.all_identifiers(connection)
        ]
    }


def picture_of_licence(
    connection: Connection,
    identifier: LicenceIdentifier,
    now: EpochSeconds,
    ledger_rows: int = LEDGER_ROWS,
) -> Picture:
    """Picture one licence: machine, funds, recharges, discrepancies, ledger.

    Raises:
        MoveRefusedError: There is no such licence.
    """
    licence = licences.find(connection, identifier)
    if licence is None:
        raise MoveRefusedError(f"there is no licence {identifier}")
    machine = machines.find(connection, identifier)
    enrolled = machines.find_enrolled(connection, identifier)
    today = business_date(now)
    funds = read_funds(connection, identifier, today)
    reserved = ledger.balance_paise(connection, ledger.reserved_of(identifier))
    return {
        "licence": {
            "identifier": identifier,
            "number": licence.number,
            "licensee": licence.licensee,
            "kind": licence.kind,
            "state": licence.state_on(today).name,
            "expires_on": licence.expires_on.isoformat(),
            "refund_allowed": licence.refund_allowed,
        },
        "funds": {
            "available_paise": funds.available_paise,
            "later_paise": funds.later_paise,
            "reserved_paise": reserved,
        },
        "machine": None
        if machine is None or enrolled is None
        else _machine(machine, enrolled),
        "recharges": [
            _recharge(one) for one in recharges.all_of(connection, identifier)
        ],
        "usage": [asdict(row) for row in usage.read(connection, identifier)],
        "orders": list(_orders(connection, identifier, machine)),
        "discrepancies": [
            {
                "code": one.code.name,
                "found_at": _utc(one.found_at),
                "detail": one.detail,
                "resolution": one.resolution,
                "resolved_at": _utc(one.resolved_at),
                "resolved_by": one.resolved_by,
                "second_person": one.second_person,
                "reason": one.reason,
            }
            for one in discrepancies.all_of(connection, identifier)
        ],
        "acts": [
            {
                "move": one.move,
                "at": _utc(one.by.now),
                "person": one.by.person,
                "second_person": one.by.second_person,
                "reason": one.by.reason,
                "detail": one.detail,
            }
            for one in acts.all_of(connection, identifier)
        ],
        "ledger": [
            {
                "journal": line.journal,
                "posted_at": _utc(line.posted_at),
                "kind": line.kind,
                "account": line.account,
                "amount_paise": line.amount_paise,
                "reason": line.reason,
            }
            for line in ledger.statement_of_account(connection, identifier, ledger_rows)
        ],
    }


def picture_of_orders(connection: Connection, identifier: LicenceIdentifier) -> Picture:
    """Picture the orders of a machine.

    Raises:
        MoveRefusedError: There is no such machine.
    """
    machine = machines.find(connection, identifier)
    if machine is None:
        raise MoveRefusedError(f"no machine is enrolled as {identifier}")
    return {
        "licence": identifier,
        "capabilities": _capabilities(machine),
        "orders": list(_orders(connection, identifier, machine)),
    }


def show_server(picture: Picture) -> Iterator[str]:
    """Show the picture of a server to a person."""
    if not picture["licences"]:
        yield "no licence is registered"
        return
    form = "{:<11} {:<10} {:<12} {:>16} {:>16} {:<8}"
    yield form.format("licence", "number", "state", "funds", "reserved", "machine")
    for row in picture["licences"]:
        yield form.format(
            row["identifier"],
            row["number"],
            row["state"],
            show_rupees(row["funds_paise"]),
            show_rupees(row["reserved_paise"]),
            row["machine"],
        )


def show_licence(picture: Picture) -> Iterator[str]:
    """Show the picture of a licence to a person."""
    licence, funds = picture["licence"], picture["funds"]
    yield (
        f"{licence['identifier']}  {licence['number']}  {licence['licensee']}: "
        f"{licence['state']}, expires on {licence['expires_on']}"
    )
    yield f"funds      {show_rupees(funds['available_paise'])} available"
    if funds["later_paise"]:
        yield f"           {show_rupees(funds['later_paise'])} on a later day"
    if funds["reserved_paise"]:
        yield f"           {show_rupees(funds['reserved_paise'])} held by a voucher"
    if picture["machine"] is None:
        yield "machine    none is enrolled"
    else:
        yield from _show_machine(picture["machine"])
    for one in picture["recharges"]:
        yield (
            f"recharge   {one['number']}: {one['kind']} "
            f"{show_rupees(one['amount_paise'])}, {_state_words(one)}"
        )
    for one in picture["orders"]:
        yield f"order      {_order_words(one)}"
    for one in picture["discrepancies"]:
        ended = (
            f"{one['resolution']} by {one['resolved_by']}: {one['reason']}"
            if one["resolution"]
            else "OPEN: rmfs server resolve " + licence["identifier"]
        )
        yield f"discrepancy {one['code']} of {_india(one['found_at'])}: {ended}"
    for line in picture["ledger"]:
        yield (
            f"ledger     {line['journal']:>6} {_india(line['posted_at'])} "
            f"{line['account']:<17} {show_rupees(line['amount_paise']):>16}  "
            f"{line['reason']}"
        )


def show_orders(picture: Picture) -> Iterator[str]:
    """Show the orders of a machine to a person."""
    if not picture["orders"]:
        yield f"{picture['licence']} has no orders"
    for one in picture["orders"]:
        yield f"{_india(one['created_at'])}  {_order_words(one)}"


def show_evidence(evidence: Evidence) -> Iterator[str]:
    """Show a person what to decide on, and what fits it."""
    machine, stated = evidence.machine, evidence.stated
    yield f"{machine.licence} is {'frozen' if machine.frozen else 'not frozen'}"
    for one in evidence.open_discrepancies:
        yield f"discrepancy {one.code.name} of {_india(_utc(one.found_at))}"
    yield (
        f"books      recharge {machine.number}, CT "
        f"{show_rupees(Paise(machine.control_total_paise))}, "
        f"mark {machine.mark_acknowledged.hex()}"
    )
    if stated is not None:
        yield (
            f"machine    recharge {stated.recharge_number}, CT "
            f"{show_rupees(stated.registers.control_total_paise)}, "
            f"mark {stated.mark.hex()}"
        )
    opened, presented = evidence.opened, evidence.presented
    if opened is not None:
        yield (
            f"open       recharge {opened.number}: {opened.kind.name} "
            f"{show_rupees(opened.amount_paise)}, {opened.state.name}"
        )
    if presented is not None:
        yield (
            f"presented  voucher {presented.recharge_number}: "
            f"{presented.kind.name} {show_rupees(presented.amount_paise)}, "
            "signed by this server"
        )
    lost = evidence.lost
    if lost is not None:
        yield (
            f"lost       vouchers {lost.first} to {lost.last}: "
            f"{show_rupees(Paise(lost.effect_paise))} in all"
        )
    proposed = "nothing" if evidence.proposed is None else evidence.proposed.value
    yield f"proposed   {proposed}: {evidence.why}"


def _summary(
    connection: Connection, identifier: LicenceIdentifier, now: EpochSeconds
) -> Picture:
    licence = licences.find(connection, identifier)
    machine = machines.find(connection, identifier)
    funds = ledger.balance_paise(connection, ledger.funds_of(identifier))
    reserved = ledger.balance_paise(connection, ledger.reserved_of(identifier))
    words = "none" if machine is None else "FROZEN" if machine.frozen else "in order"
    state = None if licence is None else licence.state_on(business_date(now)).name
    return {
        "identifier": identifier,
        "number": None if licence is None else licence.number,
        "state": state,
        "funds_paise": funds,
        "reserved_paise": reserved,
        "machine": words,
    }


def _machine(machine: Machine, enrolled: Enrolled) -> Picture:
    credential = enrolled.credential
    registers: Registers = machine.registers
    return {
        "psd_serial": credential.psd_serial,
        "realm": credential.realm.name,
        "model": enrolled.model,
        "credential": enrolled.state.name,
        "state": machine.state.name,
        "frozen": machine.frozen,
        "registers": asdict(registers),
        "control_total_expected_paise": machine.control_total_paise,
        "recharge_number": machine.number,
        "capabilities": _capabilities(machine),
        "enrolled_credit_key": machine.enrolled_credit_key,
        "call_generation": machine.call_generation,
        "dial_in": machine.dial_in,
        "enrolled_at": _utc(enrolled.enrolled_at),
        "stated_at": _utc(machine.stated_at),
        "completed_at": _utc(machine.completed_at),
    }


def _show_machine(machine: Picture) -> Iterator[str]:
    registers = machine["registers"]
    frozen = ", FROZEN" if machine["frozen"] else ""
    yield (
        f"machine    PSD {machine['psd_serial']}, {machine['state']}{frozen}, "
        f"credential {machine['credential']}"
    )
    yield (
        f"registers  AR {show_rupees(registers['ascending_paise'])}, "
        f"DR {show_rupees(registers['descending_paise'])}, "
        f"CT {show_rupees(registers['control_total_paise'])}, "
        f"{registers['items']} items"
    )
    yield f"last dial-in complete {_india(machine['completed_at'])}"


def _capabilities(machine: Machine) -> list[str] | None:
    if machine.capabilities is None:
        return None
    told = machine.capabilities
    return [str(one.name) for one in Capability if told & one]


def _orders(
    connection: Connection, identifier: LicenceIdentifier, machine: Machine | None
) -> Iterator[Picture]:
    stored = orders.all_of(connection, identifier)
    capabilities = None if machine is None else machine.capabilities
    held = orders.held_back(stored, capabilities)
    not_taken = None if machine is None else orders.not_taken(stored, machine)
    for one in stored:
        order = one.order
        names_content = order.order in CONTENT_ORDERS
        yield {
            "serial": order.order_serial,
            "kind": order.order.name,
            "value": None if names_content else order.value,
            "content": f"{order.value:016x}" if names_content else None,
            "name": one.name,
            "created_at": _utc(one.created_at),
            "sent_at": _utc(one.sent_at),
            "acknowledged_at": _utc(one.acknowledged_at),
            "taken_back_at": _utc(one.taken_back_at),
            "held_back": held.get(order.order_serial),
            "not_taken": order.order_serial == not_taken,
        }


def _order_words(one: Picture) -> str:
    if one["name"] is not None:
        what = f"{one['name']} ({one['content']})"
    elif one["kind"] in _LIMITS:
        what = f"{one['kind']} {show_rupees(one['value'])}"
    else:
        what = f"{one['kind']} {one['value']}"
    return f"{one['serial']}: {what}, {_order_state(one)}"


def _order_state(one: Picture) -> str:
    if one["taken_back_at"]:
        may = " after it was sent: it may be applied" if one["sent_at"] else ""
        return f"taken back{may}"
    if one["acknowledged_at"]:
        return "applied"
    if one["held_back"]:
        return f"held back: {one['held_back']}"
    if one["not_taken"]:
        return (
            "sent, not taken: the machine's event log tells why; take it back, or it "
            "holds all behind it"
        )
    return "sent, not acknowledged" if one["sent_at"] else "waiting"


def _recharge(one: Recharge) -> Picture:
    return {
        "number": one.number,
        "kind": one.kind.name,
        "amount_paise": one.amount_paise,
        "state": one.state.name,
        "taken_back": one.void is not None,
        "control_total_before_paise": one.control_total_before_paise,
        "control_total_after_paise": one.control_total_after_paise,
        "reserved_at": _utc(one.reserved_at),
        "settled_at": _utc(one.settled_at),
        "settled_by": None if one.settled_by is None else one.settled_by.name,
    }


def _state_words(one: Picture) -> str:
    if one["settled_by"] is not None:
        return f"{one['state']} by {one['settled_by']} {_india(one['settled_at'])}"
    return f"{one['state']}, VOID waiting" if one["taken_back"] else one["state"]


def _utc(moment: EpochSeconds | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _india(moment: str | None) -> str:
    if moment is None:
        return "never"
    return (
        datetime.fromisoformat(moment).astimezone(INDIA).strftime("%d.%m.%Y %H:%M IST")
    )
