"""Routes: usage, statements of mailing, rebates, refunds, franks seen."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.posting import claims_api, mailings_api

# The application looks at each route: a router within a router would hide its own.
ROUTES: Final = APIRouter(
    routes=[*mailings_api.ROUTES.routes, *claims_api.ROUTES.routes]
)

ACCESS: Final = (*mailings_api.ACCESS, *claims_api.ACCESS)
