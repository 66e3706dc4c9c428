"""All SQL about makers of machines, their keys and their approved models."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, insert, or_, select, update

from dop_gateway.licences.tables import machine_model, maker, maker_key
from protocol.keys import MakerPublicKey, Point, Realm, VerifyingKey
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class Maker:
    """A maker of machines (OEM): a vendor whose machines are licensed."""

    letter: str
    name: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model of machines.

    Attributes:
        approved_on: First day on which it is approved.
        withdrawn_on: First day on which it is not any more; None while it is.
    """

    maker: str
    name: str
    approved_on: date
    withdrawn_on: date | None

    def is_approved(self, on: date) -> bool:
        """Whether it is approved on a day."""
        ended = self.withdrawn_on is not None and self.withdrawn_on <= on
        return self.approved_on <= on and not ended


@dataclass(frozen=True, slots=True)
class Key:
    """A public key that a maker signs files of its machines with.

    Attributes:
        ended_at: From then on nothing new is taken that it signed; None while it is.
    """

    maker: str
    public: MakerPublicKey
    added_at: EpochSeconds
    ended_at: EpochSeconds | None


def find(connection: Connection, letter: str, *, lock: bool = False) -> Maker | None:
    """Find a maker by its letter."""
    query = select(maker).where(maker.c.letter == letter)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Maker(row.letter, row.name)


def makers(connection: Connection) -> list[Maker]:
    """List the makers by their letters."""
    rows = connection.execute(select(maker).order_by(maker.c.letter))
    return [Maker(row.letter, row.name) for row in rows]


def add(connection: Connection, new: Maker, now: EpochSeconds) -> None:
    """Keep a new maker."""
    connection.execute(
        insert(maker).values(letter=new.letter, name=new.name, added_at=now)
    )


def rename(connection: Connection, letter: str, name: str) -> None:
    """Write another name of a maker."""
    connection.execute(update(maker).where(maker.c.letter == letter).values(name=name))


def model(connection: Connection, letter: str, name: str) -> Model | None:
    """Find a model of a maker by its name."""
    held = machine_model.c
    row = connection.execute(
        select(machine_model).where(held.maker == letter, held.name == name)
    ).one_or_none()
    if row is None:
        return None
    return Model(row.maker, row.name, row.approved_on, row.withdrawn_on)


def models(connection: Connection, letters: Iterable[str]) -> list[Model]:
    """List the models of makers, by letter and name."""
    held = machine_model.c
    rows = connection.execute(
        select(machine_model)
        .where(held.maker.in_(list(letters)))
        .order_by(held.maker, held.name)
    )
    return [
        Model(row.maker, row.name, row.approved_on, row.withdrawn_on) for row in rows
    ]


def put_model(connection: Connection, one: Model) -> None:
    """Keep a model as it is now."""
    held = machine_model.c
    days = {"approved_on": one.approved_on, "withdrawn_on": one.withdrawn_on}
    done = connection.execute(
        update(machine_model)
        .where(held.maker == one.maker, held.name == one.name)
        .values(**days)
    )
    if not done.rowcount:
        connection.execute(
            insert(machine_model).values(maker=one.maker, name=one.name, **days)
        )


def keys(connection: Connection, letter: str) -> list[Key]:
    """List the keys of a maker, those that ended too."""
    held = maker_key.c
    rows = connection.execute(
        select(maker_key)
        .where(held.maker == letter)
        .order_by(held.added_at, held.fingerprint)
    )
    return [
        Key(
            row.maker,
            MakerPublicKey(
                row.name, Realm[row.realm], VerifyingKey(Point(row.x, row.y))
            ),
            EpochSeconds(row.added_at),
            None if row.ended_at is None else EpochSeconds(row.ended_at),
        )
        for row in rows
    ]


def knows_key(connection: Connection, fingerprint: str) -> bool:
    """Say whether a key is some maker's, or was."""
    held = maker_key.c.fingerprint
    return (
        connection.execute(select(held).where(held == fingerprint)).one_or_none()
        is not None
    )


def keys_in_use(
    connection: Connection, letter: str, now: EpochSeconds
) -> list[MakerPublicKey]:
    """List the keys that a maker may sign with at a moment."""
    return [
        one.public
        for one in keys(connection, letter)
        if one.ended_at is None or one.ended_at > now
    ]


def add_key(
    connection: Connection, letter: str, key: MakerPublicKey, now: EpochSeconds
) -> None:
    """Keep a key of a maker."""
    connection.execute(
        insert(maker_key).values(
            fingerprint=key.fingerprint,
            maker=letter,
            name=key.name,
            realm=key.realm.name,
            x=key.verifying.point.x,
            y=key.verifying.point.y,
            added_at=now,
            ended_at=None,
        )
    )


def end_key(
    connection: Connection, letter: str, fingerprint: str, now: EpochSeconds
) -> bool:
    """End a key from now on; False if the maker has no such key in use."""
    held = maker_key.c
    done = connection.execute(
        update(maker_key)
        .where(
            held.maker == letter,
            held.fingerprint == fingerprint,
            or_(held.ended_at.is_(None), held.ended_at > now),
        )
        .values(ended_at=now)
    )
    return done.rowcount > 0
