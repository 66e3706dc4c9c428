"""All tables of the gateway; each is explained where its feature keeps it."""

from typing import Final

from dop_gateway.asked import tables as _asked
from dop_gateway.audit import tables as _audit
from dop_gateway.bank import tables as _bank
from dop_gateway.calendars import tables as _calendars
from dop_gateway.deposits import tables as _deposits
from dop_gateway.exchange import tables as _exchange
from dop_gateway.identity import tables as _identity
from dop_gateway.jobs import tables as _jobs
from dop_gateway.licences import tables as _licences
from dop_gateway.money import tables as _money
from dop_gateway.offices import tables as _offices
from dop_gateway.outbox import tables as _outbox
from dop_gateway.parameters import tables as _parameters
from dop_gateway.posting import tables as _posting
from dop_gateway.store.building import metadata

PARTS: Final = (
    _offices,
    _calendars,
    _parameters,
    _identity,
    _audit,
    _outbox,
    _jobs,
    _asked,
    _licences,
    _deposits,
    _bank,
    _exchange,
    _money,
    _posting,
)
"""The modules that add tables, so that whoever imports the schema has them all."""

__all__ = ["PARTS", "metadata"]
