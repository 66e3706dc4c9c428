"""All SQL about franks that were seen."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select

from dop_gateway.franks.model import Purpose, Seen
from dop_gateway.franks.tables import seen_frank
from dop_gateway.identity.model import By
from dop_gateway.licences import store as licences
from dop_gateway.offices.model import OfficeId
from dop_gateway.posting.tables import spoiled_frank
from protocol.indicium import Indicium, SeenFrank, Sightings, decode_unsigned
from protocol.values import EpochSeconds

_seen = seen_frank.c


class StoredFranks:
    """A register of seen franks within one transaction.

    Attributes:
        first: The row of the frank asked for last, as it was before; None if it is new.
        number: Of its row now; None where nothing is remembered.
    """

    def __init__(
        self, connection: Connection, office: OfficeId, purpose: Purpose, by: By
    ) -> None:
        """Ask, and remember unless somebody only looks."""
        self._connection = connection
        self._office = office
        self._purpose = purpose
        self._by = by
        self.first: Seen | None = None
        self.number: int | None = None

    def see(self, unsigned: bytes, seen_on: date) -> Sightings:
        """Say what is known, and know this frank from now on.

        Raises:
            IndiciumError: The octets are none of a frank.
        """
        indicium = decode_unsigned(unsigned)
        if self._purpose is not Purpose.CHECK:
            # Of two who scan two copies the second waits, and finds the first.
            licences.find(self._connection, indicium.licence, lock=True)
        self.first = find(self._connection, unsigned)
        same = None if self.first is None else SeenFrank(unsigned, self.first.seen_on)
        sightings = Sightings(
            same,
            self._one(indicium, _of_item(indicium) & (_seen.unsigned != unsigned)),
            self._one(indicium, _seen.item < indicium.item, _seen.item.desc()),
            self._one(indicium, _seen.item > indicium.item, _seen.item),
        )
        if self.first is not None:
            self.number = self.first.number
        elif self._purpose is not Purpose.CHECK:
            self.number = self._remember(indicium, unsigned, seen_on)
        return sightings

    def _one(
        self,
        indicium: Indicium,
        where: ColumnElement[bool],
        order: ColumnElement[Any] | None = None,
    ) -> SeenFrank | None:
        orders: Iterable[ColumnElement[Any]] = () if order is None else (order,)
        row = self._connection.execute(
            select(_seen.unsigned, _seen.seen_on)
            .where(_of_machine(indicium), where)
            .order_by(*orders, _seen.id)
            .limit(1)
        ).one_or_none()
        return None if row is None else SeenFrank(row.unsigned, row.seen_on)

    def _remember(self, indicium: Indicium, unsigned: bytes, seen_on: date) -> int:
        made = self._connection.execute(
            insert(seen_frank).values(
                realm=indicium.realm.name,
                licence=indicium.licence,
                item=indicium.item,
                unsigned=unsigned,
                purpose=self._purpose.name,
                office=self._office,
                seen_on=seen_on,
                seen_at=self._by.now,
                seen_by=self._by.actor.person,
            )
        )
        key: Any = made.inserted_primary_key
        return int(key[0])


def find(connection: Connection, unsigned: bytes) -> Seen | None:
    """Find a frank by its 45 octets.

    Raises:
        IndiciumError: The octets are none of a frank.
    """
    indicium = decode_unsigned(unsigned)
    row = connection.execute(
        select(seen_frank, spoiled_frank.c.claim)
        .select_from(seen_frank.outerjoin(spoiled_frank))
        .where(_of_machine(indicium), _of_item(indicium), _seen.unsigned == unsigned)
    ).one_or_none()
    return None if row is None else _read(row)


def _of_machine(indicium: Indicium) -> ColumnElement[bool]:
    return (_seen.licence == indicium.licence) & (_seen.realm == indicium.realm.name)


def _of_item(indicium: Indicium) -> ColumnElement[bool]:
    return _seen.item == indicium.item


def _read(row: Row[Any]) -> Seen:
    return Seen(
        row.id,
        Purpose[row.purpose],
        OfficeId(row.office),
        row.seen_on,
        EpochSeconds(row.seen_at),
        row.claim,
    )
