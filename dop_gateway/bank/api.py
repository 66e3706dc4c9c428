"""Routes: banks, their files, and accounting."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["bank"])

ACCESS: Final[tuple[Access, ...]] = ()
