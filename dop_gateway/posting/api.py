"""Routes: usage, statements of mailing, rebates, refunds, franks seen."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["posting"])

ACCESS: Final[tuple[Access, ...]] = ()
