"""What licensees are told of their licences, by mail and SMS: issued, about to end.

A message is put in by the transaction of what it tells; who gave neither an address nor
a mobile number is told nothing.
"""

import re
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from dop_gateway.identity.model import By
from dop_gateway.licences import store
from dop_gateway.licences.model import Licence
from dop_gateway.offices import store as offices
from dop_gateway.outbox.model import Language, ways_to
from dop_gateway.outbox.service import Outbox
from dop_gateway.parameters import store as parameters

_MOBILE: Final = re.compile(r"[6-9][0-9]{9}", re.ASCII)


def tell_issued(
    connection: Connection, outbox: Outbox, issued: Licence, by: By
) -> None:
    """Tell a licensee of a licence that was issued or renewed."""
    office = offices.get(connection, issued.office).name
    _put(connection, outbox, "licence-issued", issued, by, office=office)


def remind_due(
    connection: Connection, outbox: Outbox, on: date, by: By, rows_max: int
) -> int:
    """Tell licensees whose licences end soon; of each last day once.

    Returns:
        How many; as many as `rows_max` if there may be more.
    """
    days = parameters.table(connection).days("licence.remind_days", on)
    due = store.ending(connection, on, on + timedelta(days=days), rows_max)
    for one in due:
        _put(connection, outbox, "licence-expiring", one, by)
        store.remind(connection, one)
    return len(due)


def _put(
    connection: Connection,
    outbox: Outbox,
    template: str,
    one: Licence,
    by: By,
    **more: str,
) -> None:
    variables = {
        "licence": one.number,
        "valid_until": f"{one.expires_on:%d-%m-%Y}",
        **more,
    }
    told = one.holder.telephone
    mobile = told if _MOBILE.fullmatch(told) is not None else ""
    for to in ways_to(one.holder.email, mobile):
        outbox.put(connection, template, Language.EN, variables, to=to, by=by)
