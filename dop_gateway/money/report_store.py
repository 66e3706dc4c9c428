"""All SQL about reconciliations that were done."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update

from dop_gateway.money.model import Balance, Cause, Entry, LicenceReport
from dop_gateway.money.report_tables import reconciliation, reconciliation_part
from dop_gateway.store.matching import Matching
from protocol.values import EpochSeconds, LicenceIdentifier

_of = reconciliation.c
_part = reconciliation_part.c


@dataclass(frozen=True, slots=True)
class Done:
    """A reconciliation that was done.

    Attributes:
        licences: How many were looked at.
        unexplained_paise: What nothing explains; 0.
        whole: Where all money was.
    """

    day: date
    ran_at: EpochSeconds
    licences: int
    unexplained_paise: int
    whole: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a difference.

    Attributes:
        cause: None for what nothing explains.
    """

    id: int
    day: date
    licence: LicenceIdentifier
    maker: str
    balance: Balance
    cause: Cause | None
    words: str
    amount_paise: int
    since: EpochSeconds
    entries: tuple[Entry, ...]


def begin(connection: Connection, day: date, now: EpochSeconds) -> None:
    """Begin a reconciliation; one that was done for this day is gone."""
    connection.execute(delete(reconciliation_part).where(_part.day == day))
    connection.execute(delete(reconciliation).where(_of.day == day))
    connection.execute(
        insert(reconciliation).values(
            day=day, ran_at=now, licences=0, unexplained_paise=0, whole="{}"
        )
    )


def end(connection: Connection, done: Done) -> None:
    """Say what came out."""
    connection.execute(
        update(reconciliation)
        .where(_of.day == done.day)
        .values(
            licences=done.licences,
            unexplained_paise=done.unexplained_paise,
            whole=json.dumps(done.whole, sort_keys=True),
        )
    )


def add(
    connection: Connection,
    day: date,
    reports: Iterable[LicenceReport],
    now: EpochSeconds,
) -> None:
    """Keep what explains the differences of licences."""
    rows = [row for report in reports for row in _rows(day, report, now)]
    if rows:
        connection.execute(insert(reconciliation_part), rows)


def find(connection: Connection, day: date | None) -> Done | None:
    """Find the reconciliation of a day, or the last one."""
    asked = select(reconciliation)
    if day is None:
        asked = asked.where(_of.day == select(func.max(_of.day)).scalar_subquery())
    else:
        asked = asked.where(_of.day == day)
    row = connection.execute(asked).one_or_none()
    return None if row is None else _done(row)


def done_matching() -> Matching[Done]:
    """Give the reconciliations that were done."""
    return Matching(select(reconciliation), {"day": (_of.day,)}, _done)


def parts_matching(
    day: date,
    *,
    licences: Select[Any] | None = None,
    makers: Sequence[str] | None = None,
    licence: str = "",
    causes: Sequence[Cause] = (),
) -> Matching[Part]:
    """Give the parts of a reconciliation that a filter lets through.

    Args:
        day: Of that reconciliation.
        licences: Identifiers of those that may be seen; None: none by their office,
            but if nothing limits makers either: all.
        makers: Letters of those whose may be seen; likewise.
        licence: Only of this one.
        causes: Only with one of these.
    """
    asked = select(reconciliation_part).where(_part.day == day)
    reach = []
    if licences is not None:
        reach.append(_part.licence.in_(licences))
    if makers is not None:
        reach.append(_part.maker.in_(makers))
    if reach:
        asked = asked.where(or_(*reach))
    if licence:
        asked = asked.where(_part.licence == licence)
    if causes:
        asked = asked.where(_part.cause.in_([one.name for one in causes]))
    orders = {
        "licence": (_part.licence, _part.id),
        "amount": (_part.amount_paise, _part.id),
        "since": (_part.since, _part.id),
    }
    return Matching(asked, orders, _read)


def _rows(
    day: date, report: LicenceReport, now: EpochSeconds
) -> Iterable[dict[str, object]]:
    for found in report.differences:
        of = {
            "day": day,
            "licence": report.licence,
            "maker": report.maker,
            "balance": found.balance.name,
        }
        for one in found.explanations:
            yield {
                **of,
                "cause": one.cause.name,
                "words": one.words,
                "amount_paise": one.amount_paise,
                "since": one.since,
                "entries": json.dumps(
                    [[of.kind, of.id, of.amount_paise] for of in one.entries]
                ),
            }
        if found.unexplained_paise:
            yield {
                **of,
                "cause": None,
                "words": "nothing explains it",
                "amount_paise": found.unexplained_paise,
                "since": now,
                "entries": "[]",
            }


def _done(row: Any) -> Done:
    return Done(
        row.day,
        EpochSeconds(row.ran_at),
        row.licences,
        row.unexplained_paise,
        json.loads(row.whole),
    )


def _read(row: Any) -> Part:
    return Part(
        row.id,
        row.day,
        LicenceIdentifier(row.licence),
        row.maker,
        Balance[row.balance],
        None if row.cause is None else Cause[row.cause],
        row.words,
        row.amount_paise,
        EpochSeconds(row.since),
        tuple(Entry(*one) for one in json.loads(row.entries)),
    )
