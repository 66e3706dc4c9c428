"""Routes: makers, applications, licences and their changes."""

from typing import Final

from fastapi import APIRouter

from dop_gateway.licences import applications_api, licences_api, makers_api

# The application looks at each route: a router within a router would hide its own.
ROUTES: Final = APIRouter(
    routes=[
        *makers_api.ROUTES.routes,
        *applications_api.ROUTES.routes,
        *licences_api.ROUTES.routes,
    ]
)

ACCESS: Final = (*makers_api.ACCESS, *applications_api.ACCESS, *licences_api.ACCESS)
