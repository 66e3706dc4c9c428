"""Routes: incidents, downloads, remaining funds, reconciliation."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["money"])

ACCESS: Final[tuple[Access, ...]] = ()
