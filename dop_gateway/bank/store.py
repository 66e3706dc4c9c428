"""All SQL about banks, and the files that they handed over."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    false,
    func,
    insert,
    select,
    true,
    update,
)

from dop_gateway.bank.model import (
    Address,
    Bank,
    BankCode,
    BankFile,
    BankKind,
    FileFault,
    FileId,
    FileState,
)
from dop_gateway.bank.tables import bank, bank_file
from dop_gateway.errors import NotFoundError
from dop_gateway.store.matching import Matching
from protocol.keys import Point
from protocol.values import EpochSeconds

_FILE = [one for one in bank_file.c if one.name != "octets"]
"""Whoever lists files does not read them."""


def banks(connection: Connection) -> list[Bank]:
    """List all, by code."""
    rows = connection.execute(select(bank).order_by(bank.c.code))
    return [_bank(row) for row in rows]


def find(connection: Connection, code: str) -> Bank | None:
    """Find a bank."""
    row = connection.execute(select(bank).where(bank.c.code == code)).one_or_none()
    return None if row is None else _bank(row)


def get(connection: Connection, code: str) -> Bank:
    """Find a bank that must be there.

    Raises:
        NotFoundError: There is none.
    """
    found = find(connection, code)
    if found is None:
        raise NotFoundError(f"there is no bank {code}")
    return found


def lock(connection: Connection, code: BankCode) -> None:
    """Let one transaction at a time judge what a bank handed over."""
    connection.execute(
        select(bank.c.code).where(bank.c.code == code).with_for_update()
    ).one()


def put(connection: Connection, one: Bank, now: EpochSeconds) -> None:
    """Write what is known of a bank."""
    at = one.address
    values = {
        "kind": one.kind.name,
        "name": one.name,
        "account": one.account,
        "host": at.host,
        "port": at.port,
        "login": at.user,
        "host_key": at.host_key,
        "folder": at.folder,
        "key_id": one.key_id,
        "key_x": one.key.x,
        "key_y": one.key.y,
        "in_use": one.in_use,
    }
    done = connection.execute(
        update(bank).where(bank.c.code == one.code).values(**values)
    )
    if not done.rowcount:
        connection.execute(
            insert(bank).values(code=one.code, known_since=now, **values)
        )


def known_since(connection: Connection, code: BankCode) -> EpochSeconds:
    """Say since when a bank is known."""
    return EpochSeconds(
        connection.execute(
            select(bank.c.known_since).where(bank.c.code == code)
        ).scalar_one()
    )


def add_file(
    connection: Connection, octets: bytes, values: Mapping[str, Any]
) -> FileId:
    """Keep a file that was handed over."""
    return FileId(
        connection.execute(
            insert(bank_file)
            .values(octets=octets, octet_count=len(octets), **values)
            .returning(bank_file.c.id)
        ).scalar_one()
    )


def set_state(
    connection: Connection, file: FileId, state: FileState, fault: FileFault | None
) -> None:
    """Say what became of a file that was held."""
    told = ("", "") if fault is None else (fault.code, fault.words)
    connection.execute(
        update(bank_file)
        .where(bank_file.c.id == file)
        .values(state=state.name, code=told[0], words=told[1])
    )


def octets_of(connection: Connection, file: FileId) -> bytes:
    """Give a file as it was handed over.

    Raises:
        NotFoundError: There is none.
    """
    found: bytes | None = connection.execute(
        select(bank_file.c.octets).where(bank_file.c.id == file)
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError(f"no bank handed over a file {file}")
    return found


def get_file(connection: Connection, file: FileId) -> BankFile:
    """Find a file.

    Raises:
        NotFoundError: There is none.
    """
    row = connection.execute(select(*_FILE).where(bank_file.c.id == file)).one_or_none()
    if row is None:
        raise NotFoundError(f"no bank handed over a file {file}")
    return _file(row)


def files_of(connection: Connection, code: BankCode) -> list[BankFile]:
    """List all files of a bank."""
    return _files(connection, bank_file.c.bank == code)


def latest(connection: Connection, limit: int) -> list[BankFile]:
    """List the files that came last, the latest first."""
    rows = connection.execute(
        select(*_FILE).order_by(bank_file.c.id.desc()).limit(limit)
    )
    return [_file(row) for row in rows]


def files_matching(
    *,
    bank_code: str,
    state: FileState | None,
    layout: str,
    day: date | None,
    everything: bool,
) -> Matching[BankFile]:
    """Give the files that a filter lets through; none without `everything`."""
    wanted: list[ColumnElement[bool]] = [true() if everything else false()]
    if bank_code:
        wanted.append(bank_file.c.bank == bank_code)
    if state is not None:
        wanted.append(bank_file.c.state == state.name)
    if layout:
        wanted.append(bank_file.c.layout == layout)
    if day is not None:
        wanted.append(bank_file.c.business_date == day)
    orders = {
        "number": (bank_file.c.id,),
        "business_date": (bank_file.c.business_date, bank_file.c.id),
    }
    return Matching(select(*_FILE).where(*wanted), orders, _file)


def of_name(connection: Connection, code: BankCode, name: str) -> list[BankFile]:
    """List the files that had a name, the first one first."""
    return _files(connection, bank_file.c.bank == code, bank_file.c.name == name)


def of_content(connection: Connection, code: BankCode, sha256: str) -> list[BankFile]:
    """List the files that had these octets."""
    return _files(connection, bank_file.c.bank == code, bank_file.c.sha256 == sha256)


def of_id(connection: Connection, code: BankCode, file_id: str) -> list[BankFile]:
    """List the files with a file id that were not refused."""
    return _files(
        connection,
        bank_file.c.bank == code,
        bank_file.c.file_id == file_id,
        bank_file.c.state != FileState.REFUSED.name,
    )


def held(connection: Connection, code: BankCode) -> list[BankFile]:
    """List the files that wait, in the order of their numbers."""
    return sorted(
        _files(
            connection,
            bank_file.c.bank == code,
            bank_file.c.state == FileState.HELD.name,
        ),
        key=lambda one: (one.sequence or 0, one.id),
    )


def taken_of_day(
    connection: Connection, code: BankCode, layout: str, day: date
) -> BankFile | None:
    """Find the file of a day that counts."""
    found = _files(
        connection,
        bank_file.c.bank == code,
        bank_file.c.layout == layout,
        bank_file.c.business_date == day,
        bank_file.c.state == FileState.TAKEN.name,
    )
    return found[0] if found else None


def taken_with_number(
    connection: Connection, code: BankCode, layout: str, sequence: int
) -> BankFile | None:
    """Find the file with a sequence number that counts."""
    found = _files(
        connection,
        bank_file.c.bank == code,
        bank_file.c.layout == layout,
        bank_file.c.sequence == sequence,
        bank_file.c.state == FileState.TAKEN.name,
    )
    return found[0] if found else None


def nearest_taken(
    connection: Connection, code: BankCode, layout: str, day: date, *, before: bool
) -> BankFile | None:
    """Find the file that counts of the nearest day before or after a day."""
    of = bank_file.c.business_date
    row = connection.execute(
        select(*_FILE)
        .where(
            bank_file.c.bank == code,
            bank_file.c.layout == layout,
            bank_file.c.state == FileState.TAKEN.name,
            of < day if before else of > day,
        )
        .order_by(of.desc() if before else of)
        .limit(1)
    ).one_or_none()
    return None if row is None else _file(row)


def highest_number(
    connection: Connection, code: BankCode, layout: str, but: FileId | None = None
) -> int | None:
    """Give the highest sequence number of the other files that count; None of none."""
    found: int | None = connection.execute(
        select(func.max(bank_file.c.sequence)).where(
            bank_file.c.bank == code,
            bank_file.c.layout == layout,
            bank_file.c.state == FileState.TAKEN.name,
            bank_file.c.id != (0 if but is None else but),
        )
    ).scalar_one()
    return found


def days_taken(
    connection: Connection, code: BankCode, layout: str, days: Iterable[date]
) -> set[date]:
    """Say of which of some days a file was taken."""
    rows = connection.execute(
        select(bank_file.c.business_date).where(
            bank_file.c.bank == code,
            bank_file.c.layout == layout,
            bank_file.c.state == FileState.TAKEN.name,
            bank_file.c.business_date.in_(sorted(set(days))),
        )
    )
    return set(rows.scalars())


def _files(connection: Connection, *conditions: Any) -> list[BankFile]:
    rows = connection.execute(
        select(*_FILE).where(*conditions).order_by(bank_file.c.id)
    )
    return [_file(row) for row in rows]


def _bank(row: Row[Any]) -> Bank:
    return Bank(
        code=row.code,
        kind=BankKind[row.kind],
        name=row.name,
        account=row.account,
        address=Address(row.host, row.port, row.login, row.host_key, row.folder),
        key_id=row.key_id,
        key=Point(row.key_x, row.key_y),
        in_use=row.in_use,
    )


def _file(row: Row[Any]) -> BankFile:
    values = dict(row._mapping)  # noqa: SLF001
    values["state"] = FileState[values["state"]]
    return BankFile(**values)
