"""Routes: makers, applications, licences and their changes."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.access import Access

ROUTES: Final = APIRouter(tags=["licences"])

ACCESS: Final[tuple[Access, ...]] = ()
