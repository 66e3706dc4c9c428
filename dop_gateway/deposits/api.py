"""Routes: the ledger, deposits, suspense and counters."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["deposits"])

ACCESS: Final[tuple[Access, ...]] = ()
