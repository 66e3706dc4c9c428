"""What people do to parameters: each act is done, and told to the audit."""

from datetime import date

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.parameters import store
from protocol.parameters import business_date


def set_value(
    connection: Connection,
    key: str,
    written: object,
    valid_from: date,
    by: By,
    *,
    valid_to: date | None = None,
    although_past: bool = True,
) -> None:
    """Set a parameter for some days; see `store.set_value`.

    What was decided on a day that is over stands as it was decided.

    Args:
        connection: To the database, writing.
        key: A parameter that is shipped.
        written: The value, as TOML and JSON write it; None for what is shipped.
        valid_from: The first day.
        by: Who sets it; a reason is needed.
        valid_to: The last day; None if it has no end.
        although_past: Days that are over may be among them.

    Raises:
        InvalidError: It cannot be set so; every reason is told.
    """
    today = business_date(by.now)
    if valid_from < today and not although_past:
        words = (
            f"days before {today} were judged by what held then, and are not judged "
            "again: set it from today on, or say although_past"
        )
        raise InvalidError([FieldFinding("/valid_from", "past", words)])
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
