"""All SQL about parties, their keys, accounts and numbers."""

from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from dop_gateway.exchange.model import (
    Direction,
    Party,
    PartyAccount,
    PartyKey,
    PartyKind,
    PartyState,
)
from dop_gateway.exchange.tables import (
    exchange_sequence,
    party,
    party_account,
    party_key,
)
from protocol.keys import Point, VerifyingKey
from protocol.values import EpochSeconds

_numbered = exchange_sequence.c


def find(connection: Connection, code: str, *, lock: bool = False) -> Party | None:
    """Find a party.

    Args:
        connection: To the database.
        code: As headers of files name it.
        lock: Let no other transaction exchange files with it meanwhile.
    """
    query = select(party).where(party.c.code == code)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _party(row)


def all_parties(connection: Connection, kind: PartyKind | None = None) -> list[Party]:
    """List parties by their codes."""
    query = select(party).order_by(party.c.code)
    if kind is not None:
        query = query.where(party.c.kind == kind.name)
    return [_party(row) for row in connection.execute(query)]


def add(connection: Connection, new: Party) -> None:
    """Add a party."""
    connection.execute(
        insert(party).values(
            code=new.code,
            kind=new.kind.name,
            name=new.name,
            state=new.state.name,
            since=new.since,
        )
    )


def set_state(connection: Connection, code: str, state: PartyState) -> None:
    """Open or close a party."""
    connection.execute(
        update(party).where(party.c.code == code).values(state=state.name)
    )


def keys(connection: Connection, code: str) -> list[PartyKey]:
    """List the keys of a party by their ids, also those that sign no more."""
    rows = connection.execute(
        select(party_key).where(party_key.c.party == code).order_by(party_key.c.key_id)
    )
    return [PartyKey(**row._mapping) for row in rows]  # noqa: SLF001


def keys_on(connection: Connection, code: str, day: date) -> dict[str, VerifyingKey]:
    """Give the keys that sign files of a party on a day, by their ids."""
    rows = connection.execute(
        select(party_key).where(
            party_key.c.party == code,
            party_key.c.valid_from <= day,
            or_(party_key.c.valid_to.is_(None), party_key.c.valid_to >= day),
        )
    )
    return {row.key_id: VerifyingKey(Point(row.x, row.y)) for row in rows}


def add_key(connection: Connection, key: PartyKey) -> None:
    """Add a key of a party."""
    connection.execute(
        insert(party_key).values(
            party=key.party,
            key_id=key.key_id,
            x=key.x,
            y=key.y,
            valid_from=key.valid_from,
            valid_to=key.valid_to,
        )
    )


def end_key(connection: Connection, code: str, key_id: str, last: date) -> bool:
    """Say on which day a key signs for the last time; False if there is none."""
    done = connection.execute(
        update(party_key)
        .where(party_key.c.party == code, party_key.c.key_id == key_id)
        .values(valid_to=last)
    )
    return done.rowcount > 0


def account(connection: Connection, code: str) -> PartyAccount | None:
    """Find the account of a party."""
    row = connection.execute(
        select(party_account).where(party_account.c.party == code)
    ).one_or_none()
    return None if row is None else PartyAccount(row.party, row.login, row.key)


def account_of(connection: Connection, login: str) -> PartyAccount | None:
    """Find who signs in with a login; nobody whose party is closed."""
    row = connection.execute(
        select(party_account)
        .join(party, party.c.code == party_account.c.party)
        .where(party_account.c.login == login, party.c.state == PartyState.OPEN.name)
    ).one_or_none()
    return None if row is None else PartyAccount(row.party, row.login, row.key)


def who_has(connection: Connection, login: str) -> str | None:
    """Say which party has a login, open or closed."""
    return connection.execute(
        select(party_account.c.party).where(party_account.c.login == login)
    ).scalar_one_or_none()


def set_account(connection: Connection, new: PartyAccount, now: EpochSeconds) -> None:
    """Give a party its account, or another key to it."""
    values = {"login": new.login, "key": new.key, "changed_at": now}
    done = connection.execute(
        update(party_account).where(party_account.c.party == new.party).values(**values)
    )
    if done.rowcount == 0:
        connection.execute(insert(party_account).values(party=new.party, **values))


def last_number(
    connection: Connection, code: str, direction: Direction, layout: str
) -> int:
    """Say which number was the last; 0 before the first. The party is locked."""
    found = connection.execute(
        select(_numbered.last).where(*_of(code, direction, layout))
    ).scalar_one_or_none()
    return 0 if found is None else found


def set_last_number(
    connection: Connection, code: str, direction: Direction, layout: str, last: int
) -> None:
    """Say which number is the last now. The party is locked."""
    done = connection.execute(
        update(exchange_sequence).where(*_of(code, direction, layout)).values(last=last)
    )
    if done.rowcount == 0:
        connection.execute(
            insert(exchange_sequence).values(
                party=code, direction=direction.name, layout=layout, last=last
            )
        )


def _of(code: str, direction: Direction, layout: str) -> tuple[Any, ...]:
    return (
        _numbered.party == code,
        _numbered.direction == direction.name,
        _numbered.layout == layout,
    )


def _party(row: Row[Any]) -> Party:
    return Party(
        row.code,
        PartyKind[row.kind],
        row.name,
        PartyState[row.state],
        EpochSeconds(row.since),
    )
