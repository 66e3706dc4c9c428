"""What people do to parameters: each act is done, and told to the audit."""

from datetime import date

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.identity.model import By
from dop_gateway.parameters import store


def set_value(
    connection: Connection,
    key: str,
    written: object,
    valid_from: date,
    by: By,
    *,
    valid_to: date | None = None,
) -> None:
    """Set a parameter for some days; see `store.set_value`.

    Raises:
        InvalidError: It cannot be set so; every reason is told.
    """
    store.set_value(connection, key, written, valid_from, by, valid_to=valid_to)
    trail.add(
        connection,
        by,
        "set" if written is not None else "give back",
        Subject("parameter", key),
        value=written,
        valid_from=valid_from.isoformat(),
        valid_to="" if valid_to is None else valid_to.isoformat(),
    )
