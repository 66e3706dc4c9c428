"""What makers are told of licences: lines of License Issue and Modification files.

Each issue and each modification writes its line in its own transaction; a window takes
the lines that wait into a file, and the maker's acknowledgement answers them. Upon
BLOCKED and WITHHELD a line tells identifier and status, and nothing else (SOP chapter
6); upon everything else it tells the licence whole.

Source: RMFS-34; docs/exchange-files.md.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.licences.changes_model import (
    Change,
    ChangeId,
    ChangeLayout,
    ChangeOutcome,
)
from dop_gateway.licences.model import Credential, Licence
from dop_gateway.licences.tables import licence_change
from dop_gateway.licences.texts import CHARACTERS_MAX
from dop_gateway.offices import store as offices
from protocol.errors import InvariantError
from protocol.exchange.rules import STANDING
from protocol.exchange.spelling import Value
from protocol.values import EpochSeconds, LicenceIdentifier

WAITING_MAX: Final = 100_000
"""No file has more lines; what is left goes into the next one."""
_DAYS: Final = frozenset({"issued_on", "expires_on"})
_OCTETS: Final = frozenset({"psd_serial", "credential"})
_AT_ONCE: Final = 500
_CODE_MAX: Final = 40
_WORDS_MAX: Final = 300


def tell_issue(
    connection: Connection, issued: Licence, credential: Credential, by: By
) -> None:
    """Tell the maker of a licence that is issued."""
    values = _whole(connection, issued, credential)
    _add(connection, ChangeLayout.ISSUE, issued, values, by)


def tell_change(
    connection: Connection, changed: Licence, credential: Credential, by: By
) -> None:
    """Tell the maker what a licence is from now on."""
    values: dict[str, Value] = {"status": changed.state.name}
    if changed.state.name in STANDING:
        values["licence"] = changed.identifier
    else:
        values |= _whole(connection, changed, credential)
        values["refund"] = "ALLOWED" if changed.refund_allowed else "FORBIDDEN"
    _add(connection, ChangeLayout.MODIFICATION, changed, values, by)


def waiting(connection: Connection, maker: str, layout: str) -> list[Change]:
    """List what a maker is to be told in its next file of a layout, in order.

    Args:
        connection: To the database.
        maker: Letter of the maker.
        layout: ``license-issue`` or ``license-modification``.
    """
    held = licence_change.c
    rows = connection.execute(
        select(licence_change)
        .where(
            held.maker == maker,
            held.layout == ChangeLayout(layout).name,
            held.file_id.is_(None),
        )
        .order_by(held.id)
        .limit(WAITING_MAX)
    )
    return [_change(row) for row in rows]


def put_in_file(connection: Connection, ids: Iterable[ChangeId], file_id: str) -> None:
    """Say that lines stand in a file; each stands in one.

    Raises:
        InvariantError: One stands in another file, which somebody else made meanwhile:
            nothing of this transaction may stay.
    """
    wanted = list(ids)
    held = licence_change.c
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        done = connection.execute(
            update(licence_change)
            .where(held.id.in_(part), held.file_id.is_(None))
            .values(file_id=file_id)
        )
        if done.rowcount != len(part):
            message = f"a line of {file_id} stands in another file already"
            raise InvariantError(message)


def answered(
    connection: Connection,
    file_id: str,
    refused: Mapping[str, tuple[str, str]],
    by: By,
) -> None:
    """Keep what the maker says of the lines of a file; the same again changes nothing.

    A line that is refused is an incident: a licence of which its maker knows nothing
    can neither be recharged nor blocked.

    Args:
        connection: To the database, writing.
        file_id: The file that it acknowledges.
        refused: Code and words, by line id; all others are taken.
        by: Who says so.
    """
    held = licence_change.c
    rows = connection.execute(
        select(licence_change)
        .where(held.file_id == file_id, held.outcome.is_(None))
        .order_by(held.id)
    ).all()
    for one in map(_change, rows):
        said = refused.get(one.line_id)
        if said is None:
            continue
        code, words = said[0][:_CODE_MAX], said[1][:_WORDS_MAX]
        connection.execute(
            update(licence_change)
            .where(held.id == one.id)
            .values(outcome=ChangeOutcome.REFUSED.name, code=code, words=words)
        )
        incidents.report(
            connection,
            IncidentKind.LINE_REFUSED,
            f"{file_id} {one.line_id}",
            f"{one.licence}: {one.maker} refuses line {one.line_id} of {file_id}: "
            f"{code} {words}; put it right, and have it told again",
            by,
            maker=one.maker,
            licence=one.licence,
        )
    connection.execute(
        update(licence_change)
        .where(held.file_id == file_id, held.outcome.is_(None))
        .values(outcome=ChangeOutcome.TAKEN.name)
    )


def of_licence(connection: Connection, identifier: str) -> list[Change]:
    """List what the maker was and is to be told of a licence, the first line first."""
    held = licence_change.c
    rows = connection.execute(
        select(licence_change).where(held.licence == identifier).order_by(held.id)
    )
    return [_change(row) for row in rows]


def refused_line(connection: Connection, identifier: str, of: int) -> Change:
    """Find a line of a licence that the maker refused.

    Raises:
        NotFoundError: The licence has no such line.
        ConflictError: It was not refused, or a later line tells more.
    """
    lines = of_licence(connection, identifier)
    found = next((one for one in lines if one.id == of), None)
    if found is None:
        raise NotFoundError(f"{identifier} has no line {of}")
    if found.outcome is not ChangeOutcome.REFUSED:
        raise ConflictError(f"line {of} was not refused")
    later = [one for one in lines if one.id > of and one.layout is found.layout]
    if later:
        raise ConflictError(f"line {later[-1].id} tells of {identifier} as it is now")
    return found


def tell_again(
    connection: Connection,
    line: Change,
    told: Licence,
    credential: Credential,
    by: By,
) -> None:
    """Tell what a refused line told, as the licence is now."""
    tell = tell_issue if line.layout is ChangeLayout.ISSUE else tell_change
    tell(connection, told, credential, by)
    trail.add(
        connection, by, "tell again", Subject("licence", told.identifier), line=line.id
    )


def _whole(
    connection: Connection, told: Licence, credential: Credential
) -> dict[str, Value]:
    holder = told.holder
    office = offices.get(connection, told.office)
    lines = (*holder.address, None, None)
    return {
        "licence": told.identifier,
        "licence_number": told.number,
        "kind": told.kind.name,
        "licensee": holder.name,
        "address_1": lines[0],
        "address_2": lines[1],
        "address_3": lines[2],
        "address_pin": holder.pin,
        "contact": holder.contact or None,
        "telephone": holder.telephone or None,
        "email": holder.email or None,
        "issued_on": told.issued_on,
        "expires_on": told.expires_on,
        "office": office.name[:CHARACTERS_MAX].strip(),
        "office_pin": office.pin,
        "circle": told.number[:2],
        "division": told.number[2:4],
        "psd_serial": credential.psd_serial.encode("ascii"),
        "credential": credential.octets,
    }


def _add(
    connection: Connection,
    layout: ChangeLayout,
    told: Licence,
    values: Mapping[str, Value],
    by: By,
) -> None:
    connection.execute(
        insert(licence_change).values(
            maker=told.maker,
            layout=layout.name,
            licence=told.identifier,
            content=json.dumps(
                {name: _kept(value) for name, value in values.items()},
                ensure_ascii=False,
            ),
            made_at=by.now,
            file_id=None,
            outcome=None,
            code="",
            words="",
        )
    )


def _kept(value: Value) -> Value:
    if isinstance(value, date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def _read(name: str, kept: Any) -> Value:
    if kept is not None and name in _DAYS:
        return date.fromisoformat(kept)
    if kept is not None and name in _OCTETS:
        return bytes.fromhex(kept)
    value: Value = kept
    return value


def _change(row: Row[Any]) -> Change:
    content = json.loads(row.content)
    return Change(
        id=ChangeId(row.id),
        maker=row.maker,
        layout=ChangeLayout[row.layout],
        licence=LicenceIdentifier(row.licence),
        values={name: _read(name, kept) for name, kept in content.items()},
        made_at=EpochSeconds(row.made_at),
        file_id=row.file_id,
        outcome=None if row.outcome is None else ChangeOutcome[row.outcome],
        code=row.code,
        words=row.words,
    )
