"""All tables of the gateway; each is explained where its feature keeps it."""

from typing import Final

from dop_gateway.calendars import tables as _calendars
from dop_gateway.offices import tables as _offices
from dop_gateway.parameters import tables as _parameters
from dop_gateway.store.building import metadata

PARTS: Final = (_offices, _calendars, _parameters)
"""The modules that add tables, so that whoever imports the schema has them all."""

__all__ = ["PARTS", "metadata"]
