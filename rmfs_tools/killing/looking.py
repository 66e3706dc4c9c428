"""Read both books for the judgement: what came across, and how often."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from dop_gateway import ledger as gateway_ledger
from dop_gateway.deposits.tables import deposit, fund_line
from dop_gateway.downloads.model import DownloadState
from dop_gateway.downloads.tables import download_line
from dop_gateway.exchange.model import Direction, FileState
from dop_gateway.exchange.tables import exchange_file
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.incidents.store import Wanted
from dop_gateway.incidents.tables import discrepancy
from dop_gateway.money import reconciling
from dop_gateway.usage.tables import usage_dial_in
from hw.database.ledger_checks import Finding
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier
from rmfs_server.store import ledger as server_ledger
from rmfs_server.store import schema
from rmfs_server.store.schema import ReceivedState, SentState
from rmfs_server.store.verify import verify_books
from rmfs_tools.killing.judging import Balances, Found, SeenFile
from rmfs_tools.killing.world import World

ORDINARY: Final = frozenset(
    {
        IncidentKind.DISCREPANCY,
        IncidentKind.FILE_MISSING,
        IncidentKind.NOT_ACKNOWLEDGED,
    }
)
"""No consequences of a kill: the first is made on purpose, and counted; the others tell
of a window of the real day that went by."""
_SETTLED: Final = frozenset(
    {
        FileState.ACKNOWLEDGED.name,
        FileState.APPLIED.name,
        ReceivedState.TAKEN.name,
        SentState.TAKEN.name,
    }
)


def look(world: World) -> Found:
    """Read what both sides have; the gateway reconciles before."""
    department = world.department
    by = department.program
    store = department.parts.store
    with store.writing("reconcile") as connection:
        outcome = reconciling.reconcile(connection, business_date(by.now), by)
    with store.reading() as ours, world.maker.store.reading() as theirs:
        findings = [_told("gateway", one) for one in reconciling.verify(ours)]
        findings += [_told("server", one) for one in verify_books(theirs)]
        return Found(
            deposits=_deposits(ours, theirs),
            credits=_credits(ours),
            dial_ins=list(ours.execute(select(usage_dial_in.c.licence)).scalars()),
            discrepancies=list(ours.execute(select(discrepancy.c.licence)).scalars()),
            balances=_balances(ours, theirs),
            standing=_standing(theirs),
            given=(
                _files_of_gateway(ours, Direction.OUT),
                _files_of_server(theirs, schema.received_file),
            ),
            brought=(
                _files_of_gateway(ours, Direction.IN),
                _files_of_server(theirs, schema.sent_file),
            ),
            findings=findings,
            incidents=_incidents(ours),
            unexplained_paise=outcome.unexplained_paise,
        )


def _deposits(ours: Connection, theirs: Connection) -> list[tuple[str, int]]:
    line, credit = fund_line.c, schema.fund_credit.c
    rows = ours.execute(
        select(line.file_id, line.id, deposit.c.reference).select_from(
            fund_line.join(deposit)
        )
    )
    references = {(row.file_id, str(row.id)): row.reference for row in rows}
    brought = theirs.execute(
        select(credit.deposit_file_id, credit.deposit_line_id, credit.amount_paise)
    )
    return [
        (references.get((file, line), f"line {line} of {file}"), int(amount))
        for file, line, amount in brought
    ]


def _credits(ours: Connection) -> list[tuple[tuple[str, int], int]]:
    of = download_line.c
    rows = ours.execute(
        select(of.licence, of.number, of.amount_paise).where(
            of.state == DownloadState.TAKEN.name
        )
    )
    return [((row.licence, row.number), int(row.amount_paise)) for row in rows]


def _balances(ours: Connection, theirs: Connection) -> Mapping[str, Balances]:
    rows = theirs.execute(select(schema.licence.c.identifier)).scalars()
    licences = [LicenceIdentifier(one) for one in rows]
    held = gateway_ledger.balances_of(ours, licences)
    names = (server_ledger.funds_of, server_ledger.reserved_of)
    found: dict[str, Balances] = {}
    for one in licences:
        gateway = held[one]
        funds, reserved = (
            server_ledger.balance_paise(theirs, name(one)) for name in names
        )
        total = server_ledger.balance_paise(theirs, server_ledger.machine_of(one))
        found[one] = Balances(
            gateway.deposited,
            gateway.remaining,
            gateway.machine,
            funds,
            reserved,
            total,
        )
    return found


def _standing(theirs: Connection) -> Mapping[str, str]:
    of = schema.licence.c
    rows = theirs.execute(select(of.identifier, of.state))
    return {row.identifier: row.state for row in rows}


def _files_of_gateway(ours: Connection, direction: Direction) -> list[SeenFile]:
    of = exchange_file.c
    rows = ours.execute(
        select(of.layout, of.sequence, of.sha256, of.state).where(
            of.direction == direction.name
        )
    )
    return _files(rows.all())


def _files_of_server(theirs: Connection, table: Any) -> list[SeenFile]:
    of = table.c
    rows = theirs.execute(select(of.layout, of.sequence, of.sha256, of.state))
    return _files(rows.all())


def _files(rows: Sequence[Any]) -> list[SeenFile]:
    return [
        SeenFile(row.layout, row.sequence or 0, row.sha256, row.state in _SETTLED)
        for row in rows
    ]


def _incidents(ours: Connection) -> list[str]:
    wanted = Wanted(kinds=[one for one in IncidentKind if one not in ORDINARY])
    return [
        f"incident {one.kind.name} of {one.subject}: {one.words}"
        for one in incidents.list_incidents(ours, wanted)
    ]


def _told(where: str, finding: Finding) -> str:
    return f"{where}: {finding.subject}: {finding.rule}: {finding.detail}"
