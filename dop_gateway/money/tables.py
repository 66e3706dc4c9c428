"""Tables: incidents, downloads, remaining funds, reconciliation."""

from typing import Final

from dop_gateway.downloads import tables as _downloads
from dop_gateway.incidents import tables as _incidents
from dop_gateway.money import report_tables as _reports
from dop_gateway.remaining import tables as _remaining

PARTS: Final = (_incidents, _downloads, _remaining, _reports)
"""Named so that whoever imports this has those tables too."""
