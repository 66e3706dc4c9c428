"""Every source and every receiver of lines; each is written where its feature is."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.deposits import funds
from dop_gateway.downloads import service as downloads
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.exchange.sources import Answers, Source, Sources, WaitingLine
from dop_gateway.identity.model import By
from dop_gateway.incidents import discrepancies
from dop_gateway.licences import changes
from dop_gateway.remaining import service as remaining
from dop_gateway.usage import service as usage
from protocol.exchange import ExchangeFile, Line

_LICENCE_RECORDS: Final = {
    "license-issue": "licence",
    "license-modification": "change",
}


def _changes(layout: str, connection: Connection, maker: str) -> list[WaitingLine]:
    record = _LICENCE_RECORDS[layout]
    return [
        WaitingLine(one.id, Line(record, one.told))
        for one in changes.waiting(connection, maker, layout)
    ]


def _change_files(
    connection: Connection, ids: Sequence[Any], file_id: str, _by: By
) -> None:
    changes.put_in_file(connection, ids, file_id)


def _funds(connection: Connection, maker: str) -> list[WaitingLine]:
    return [WaitingLine(one.id, one.line) for one in funds.waiting(connection, maker)]


def _funds_answered(
    connection: Connection, file_id: str, refused: Answers, by: By
) -> None:
    """Take the answer; credits that came before it may be taken now."""
    funds.answered(connection, file_id, refused, by)
    downloads.resume(connection, None, by)


def _discrepancies(
    connection: Connection, file: ExchangeFile, _file_id: str, by: By
) -> list[RefusedLine]:
    """Take what was found and ended, and what people settled."""
    refused = discrepancies.apply(connection, file, by)
    return [*refused, *downloads.take_settled(connection, file, by)]


def _of_changes(layout: str) -> Source:
    waiting: Callable[[Connection, str], list[WaitingLine]] = partial(_changes, layout)
    return Source(waiting, _change_files, changes.answered)


SOURCES: Final = Sources(
    outgoing={
        **{layout: _of_changes(layout) for layout in _LICENCE_RECORDS},
        "fund": Source(_funds, funds.put_in_file, _funds_answered),
    },
    incoming={
        "credit-download": downloads.apply,
        "discrepancy": _discrepancies,
        "remaining-fund": remaining.apply,
        "usage": usage.apply,
    },
)
"""By the names of layouts; acknowledgements are applied by the exchange itself."""
