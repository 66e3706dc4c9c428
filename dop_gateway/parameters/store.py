"""All SQL about parameters: a deployment's own rows win over the shipped ones.

Rows are only added. The newest that holds on a day wins; a row without a value gives
its days back to what is shipped. So what held when, and who said so, stays written.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import By
from dop_gateway.parameters.shipped import shipped_parameters
from dop_gateway.parameters.tables import parameter
from protocol.errors import LocalProtocolError
from protocol.parameter_values import ParameterType, Value, read_value, write_value
from protocol.parameters import Parameter, ParameterTable
from protocol.values import EpochSeconds

OWN_TAG: Final = "deployment"


@dataclass(frozen=True, slots=True)
class OwnRow:
    """What a deployment has said of a parameter.

    Attributes:
        value: None where what is shipped holds again.
        valid_to: The last day; the last of all days if it has no end.
    """

    key: str
    value: Value | None
    valid_from: date
    valid_to: date
    person: str
    reason: str
    at: EpochSeconds


def table(connection: Connection) -> ParameterTable:
    """Give all parameters: the deployment's rows, newest first, then the shipped."""
    shipped = shipped_parameters()
    rows = connection.execute(select(parameter).order_by(parameter.c.id.desc())).all()
    return ParameterTable((*_own_rows(rows, shipped), *shipped.rows))


def history(connection: Connection, key: str) -> list[OwnRow]:
    """List what the deployment has said of a parameter, newest first."""
    of_type = _type(key)
    rows = connection.execute(
        select(parameter).where(parameter.c.key == key).order_by(parameter.c.id.desc())
    )
    return [_own(row, of_type) for row in rows]


def set_value(
    connection: Connection,
    key: str,
    written: object,
    valid_from: date,
    by: By,
    *,
    valid_to: date | None = None,
) -> None:
    """Set a parameter for some days.

    Args:
        connection: To the database, writing.
        key: A parameter that is shipped.
        written: The value, as TOML and JSON write it; None for what is shipped.
        valid_from: The first day.
        by: Who sets it; a reason is needed.
        valid_to: The last day; None if it has no end.

    Raises:
        InvalidError: There is no such parameter, it cannot have this value, it would
            hold on no day, or no reason is given.
    """
    findings = list(_findings(key, written, valid_from, valid_to))
    if not by.reason.strip():
        words = "say why it is set: others will ask"
        findings.append(FieldFinding("/reason", "missing", words))
    if findings:
        raise InvalidError(findings)
    value = None if written is None else _json(read_value(_type(key), written))
    connection.execute(
        insert(parameter).values(
            key=key,
            value=value,
            valid_from=valid_from,
            valid_to=valid_to,
            person=by.actor.login,
            reason=by.reason,
            at=by.now,
        )
    )


def _findings(
    key: str, written: object, valid_from: date, valid_to: date | None
) -> Iterator[FieldFinding]:
    try:
        of_type = _type(key)
    except LocalProtocolError as error:
        yield FieldFinding("/key", "unknown", str(error))
        return
    if written is not None:
        try:
            read_value(of_type, written)
        except LocalProtocolError as error:
            yield FieldFinding("/value", "wrong_type", str(error))
    if valid_to is not None and valid_to < valid_from:
        yield FieldFinding("/valid_to", "too_early", "it would hold on no day")


def _own_rows(rows: Iterable[Row[Any]], shipped: ParameterTable) -> Iterator[Parameter]:
    """Give the rows as parameters; days that are given back are the shipped rows'."""
    for row in rows:
        of_type = shipped.type_of(row.key)
        own = _own(row, of_type)
        if own.value is not None:
            yield _parameter(own, of_type, own.value)
            continue
        for one in shipped.rows:
            first = max(one.valid_from, own.valid_from)
            last = min(one.valid_to, own.valid_to)
            if one.key == own.key and first <= last:
                yield replace(one, valid_from=first, valid_to=last)


def _parameter(own: OwnRow, of_type: ParameterType, value: Value) -> Parameter:
    return Parameter(
        key=own.key,
        type=of_type,
        value=value,
        valid_from=own.valid_from,
        valid_to=own.valid_to,
        tag=OWN_TAG,
        source=f"{own.person}: {own.reason}",
    )


def _own(row: Row[Any], of_type: ParameterType) -> OwnRow:
    return OwnRow(
        key=row.key,
        value=None if row.value is None else read_value(of_type, json.loads(row.value)),
        valid_from=row.valid_from,
        valid_to=date.max if row.valid_to is None else row.valid_to,
        person=row.person,
        reason=row.reason,
        at=EpochSeconds(row.at),
    )


def _json(value: Value) -> str:
    return json.dumps(write_value(value))


def _type(key: str) -> ParameterType:
    return shipped_parameters().type_of(key)
