"""All tables of the gateway; each is explained where its feature keeps it."""

from typing import Final

from dop_gateway.audit import tables as _audit
from dop_gateway.calendars import tables as _calendars
from dop_gateway.identity import tables as _identity
from dop_gateway.jobs import tables as _jobs
from dop_gateway.offices import tables as _offices
from dop_gateway.outbox import tables as _outbox
from dop_gateway.parameters import tables as _parameters
from dop_gateway.store.building import metadata

PARTS: Final = (_offices, _calendars, _parameters, _identity, _audit, _outbox, _jobs)
"""The modules that add tables, so that whoever imports the schema has them all."""

__all__ = ["PARTS", "metadata"]
