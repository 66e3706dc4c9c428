"""All SQL about credits that makers told of."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from dop_gateway.deposits.model import LineState
from dop_gateway.deposits.tables import deposit, fund_line
from dop_gateway.downloads.model import (
    HELD,
    Chain,
    Download,
    DownloadId,
    DownloadState,
    Kept,
    Objection,
)
from dop_gateway.downloads.tables import download_line
from dop_gateway.store.matching import Matching
from protocol.exchange import FileHeader
from protocol.registers import VoucherKind
from protocol.values import (
    EpochSeconds,
    LicenceIdentifier,
    LicenceNumber,
    Paise,
    RechargeNumber,
)

_of = download_line.c
_AT_A_TIME: Final = 500
_HELD: Final = [state.name for state in HELD]


def add_many(
    connection: Connection,
    lines: Iterable[tuple[Download, DownloadState, Objection | None]],
    header: FileHeader,
    now: EpochSeconds,
) -> None:
    """Keep lines of a file, with what is objected to them; none is taken yet."""
    rows = [
        {
            "maker": header.sender,
            "file_id": header.file_id,
            "day": header.business_date,
            "window_of_day": header.window,
            "made_at": header.made_at,
            **_columns(one),
            "state": state.name,
            "code": "" if objection is None else objection.fault.code,
            "detail": "" if objection is None else objection.detail,
            "came_at": now,
            "taken_at": None,
            "journal": None,
        }
        for one, state, objection in lines
    ]
    if rows:
        connection.execute(insert(download_line), rows)


def standing(
    connection: Connection,
    wanted: Sequence[tuple[LicenceIdentifier, RechargeNumber]],
) -> dict[tuple[LicenceIdentifier, RechargeNumber], Kept]:
    """Give lines that were not refused, by licence and number."""
    found = {}
    for start in range(0, len(wanted), _AT_A_TIME):
        some = wanted[start : start + _AT_A_TIME]
        rows = connection.execute(
            _select().where(
                _of.licence.in_({licence for licence, _ in some}),
                _of.number.in_({number for _, number in some}),
                _of.state != DownloadState.REFUSED.name,
            )
        )
        for row in rows:
            kept = kept_of(row)
            found[kept.download.licence, kept.download.number] = kept
    return found


def held(
    connection: Connection, licences: Sequence[LicenceIdentifier] | None = None
) -> list[Kept]:
    """List what is kept and not taken, by licence and number; None: of all licences."""
    asked = _select().where(_of.state.in_(_HELD)).order_by(_of.licence, _of.number)
    if licences is None:
        return [kept_of(row) for row in connection.execute(asked)]
    return [
        kept_of(row)
        for some in _portions(licences)
        for row in connection.execute(asked.where(_of.licence.in_(some)))
    ]


def chains(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Chain]:
    """Say how far the credits of licences are taken; those without one are left out."""
    return {
        licence: Chain(one.download.number, one.download.control_total_after_paise)
        for licence, one in last_taken(connection, licences).items()
    }


def last_taken(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Kept]:
    """Give the last line that was taken of each licence."""
    found = {}
    for some in _portions(licences):
        last = (
            select(_of.licence, func.max(_of.number).label("number"))
            .where(_of.licence.in_(some), _of.state == DownloadState.TAKEN.name)
            .group_by(_of.licence)
            .subquery()
        )
        rows = connection.execute(
            _select()
            .join(last, (last.c.licence == _of.licence) & (last.c.number == _of.number))
            .where(_of.state == DownloadState.TAKEN.name)
        )
        for row in rows:
            found[LicenceIdentifier(row.licence)] = kept_of(row)
    return found


def taken_sums(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[tuple[LicenceIdentifier, VoucherKind], int]:
    """Sum the amounts of the lines that were taken, by licence and kind."""
    found = {}
    for some in _portions(licences):
        rows = connection.execute(
            select(_of.licence, _of.kind, func.sum(_of.amount_paise).label("total"))
            .where(_of.licence.in_(some), _of.state == DownloadState.TAKEN.name)
            .group_by(_of.licence, _of.kind)
        )
        for row in rows:
            key = LicenceIdentifier(row.licence), VoucherKind[row.kind]
            found[key] = int(row.total)
    return found


def coming(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, int]:
    """Sum what makers were sent and have not answered: they may have it already."""
    found = {}
    for some in _portions(licences):
        rows = connection.execute(
            select(deposit.c.licence, func.sum(fund_line.c.amount_paise))
            .select_from(fund_line.join(deposit))
            .where(
                deposit.c.licence.in_(some),
                fund_line.c.state == LineState.SENT.name,
                fund_line.c.amount_paise > 0,
            )
            .group_by(deposit.c.licence)
        )
        found.update({LicenceIdentifier(of): int(total) for of, total in rows})
    return found


def taken_lately(
    connection: Connection,
    licences: Sequence[LicenceIdentifier],
    made_from: EpochSeconds,
) -> list[Kept]:
    """List what was taken out of files that were made from a moment on."""
    return [
        kept_of(row)
        for some in _portions(licences)
        for row in connection.execute(
            _select()
            .where(
                _of.licence.in_(some),
                _of.state == DownloadState.TAKEN.name,
                _of.made_at >= made_from,
            )
            .order_by(_of.licence, _of.number)
        )
    ]


def refused(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> list[Kept]:
    """List lines of licences that were refused, the latest last."""
    return [
        kept_of(row)
        for some in _portions(licences)
        for row in connection.execute(
            _select()
            .where(_of.licence.in_(some), _of.state == DownloadState.REFUSED.name)
            .order_by(_of.licence, _of.id)
        )
    ]


def change_states(
    connection: Connection,
    changes: Iterable[tuple[DownloadId, DownloadState, Objection | None]],
) -> None:
    """Say what became of lines that are not taken."""
    rows = [
        {
            "of_id": of,
            "to_state": state.name,
            "to_code": "" if objection is None else objection.fault.code,
            "to_detail": "" if objection is None else objection.detail,
        }
        for of, state, objection in changes
    ]
    if rows:
        connection.execute(
            update(download_line)
            .where(_of.id == bindparam("of_id"))
            .values(
                state=bindparam("to_state"),
                code=bindparam("to_code"),
                detail=bindparam("to_detail"),
            ),
            rows,
        )


def take(
    connection: Connection,
    taken: Iterable[tuple[DownloadId, int | None]],
    now: EpochSeconds,
) -> None:
    """Say that lines are taken, each with the journal that it was posted with."""
    rows = [{"of_id": of, "to_journal": journal, "now": now} for of, journal in taken]
    if rows:
        connection.execute(
            update(download_line)
            .where(_of.id == bindparam("of_id"))
            .values(
                state=DownloadState.TAKEN.name,
                code="",
                detail="",
                taken_at=bindparam("now"),
                journal=bindparam("to_journal"),
            ),
            rows,
        )


def prove(connection: Connection, of: DownloadId, by: Download) -> None:
    """Put the machine's own word to a line that a person had settled."""
    connection.execute(
        update(download_line)
        .where(_of.id == of)
        .values(
            **{
                name: value
                for name, value in _columns(by).items()
                if name not in {"licence", "number", "licence_number", "kind"}
            },
            state=DownloadState.WAITING.name,
            code="",
            detail="",
        )
    )


def downloads_matching(
    *,
    licences: Select[Any] | None = None,
    makers: Sequence[str] | None = None,
    licence: str = "",
    states: Sequence[DownloadState] = (),
    since: EpochSeconds | None = None,
    until: EpochSeconds | None = None,
) -> Matching[Kept]:
    """Give the lines that a filter lets through.

    Args:
        licences: Identifiers of those that may be seen; None: all.
        makers: Letters of those whose lines may be seen; None: all.
        licence: Only of this one.
        states: Only in one of these.
        since: Only those that came at this moment or later.
        until: Only those that came before this moment.
    """
    asked = _select()
    if licences is not None:
        asked = asked.where(_of.licence.in_(licences))
    if makers is not None:
        asked = asked.where(_of.maker.in_(makers))
    if licence:
        asked = asked.where(_of.licence == licence)
    if states:
        asked = asked.where(_of.state.in_([state.name for state in states]))
    if since is not None:
        asked = asked.where(_of.came_at >= since)
    if until is not None:
        asked = asked.where(_of.came_at < until)
    orders = {
        "came_at": (_of.came_at, _of.id),
        "licence": (_of.licence, _of.number, _of.id),
        "amount": (_of.amount_paise, _of.id),
    }
    return Matching(asked, orders, kept_of)


def kept_of(row: Row[Any]) -> Kept:
    """Make a line of its row."""
    return Kept(
        id=DownloadId(row.id),
        file_id=row.file_id,
        maker=row.maker,
        day=row.day,
        window=row.window_of_day,
        made_at=EpochSeconds(row.made_at),
        state=DownloadState[row.state],
        code=row.code,
        detail=row.detail,
        journal=row.journal,
        download=Download(
            line_id=row.line_id,
            licence=LicenceIdentifier(row.licence),
            licence_number=LicenceNumber(row.licence_number),
            number=RechargeNumber(row.number),
            kind=VoucherKind[row.kind],
            amount_paise=Paise(row.amount_paise),
            at=EpochSeconds(row.at),
            control_total_before_paise=Paise(row.control_total_before_paise),
            control_total_after_paise=Paise(row.control_total_after_paise),
            ascending_paise=Paise(row.ascending_paise),
            descending_paise=Paise(row.descending_paise),
            items=row.items,
            message=row.message,
            binding=row.binding,
            voucher=row.voucher,
        ),
    )


def _select() -> Select[Any]:
    return select(download_line)


def _columns(one: Download) -> dict[str, object]:
    return {
        "line_id": one.line_id,
        "licence": one.licence,
        "licence_number": one.licence_number,
        "number": one.number,
        "kind": one.kind.name,
        "amount_paise": one.amount_paise,
        "at": one.at,
        "control_total_before_paise": one.control_total_before_paise,
        "control_total_after_paise": one.control_total_after_paise,
        "ascending_paise": one.ascending_paise,
        "descending_paise": one.descending_paise,
        "items": one.items,
        "message": one.message,
        "binding": one.binding,
        "voucher": one.voucher,
    }


def _portions(
    licences: Sequence[LicenceIdentifier],
) -> Iterable[Sequence[LicenceIdentifier]]:
    for start in range(0, len(licences), _AT_A_TIME):
        yield licences[start : start + _AT_A_TIME]
