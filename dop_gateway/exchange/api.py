"""Routes: parties, and the files that went and came."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["exchange"])

ACCESS: Final[tuple[Access, ...]] = ()
