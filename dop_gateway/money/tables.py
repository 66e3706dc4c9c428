"""Tables: incidents, downloads, remaining funds, reconciliation."""

from typing import Final

from dop_gateway.incidents import tables as incidents

PARTS: Final = (incidents,)
"""The modules whose tables these are."""
