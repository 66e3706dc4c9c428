"""What a role can be given for: offices, makers and licences that there are."""

import re
from typing import Final

from sqlalchemy import Connection

from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import ScopeKind
from dop_gateway.licences import makers_store
from dop_gateway.licences import store as licences
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId

_NUMBER: Final = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)


def scope_exists(connection: Connection, kind: ScopeKind, scope: str) -> bool:
    """Whether there is such an office, maker or licence."""
    if kind is ScopeKind.MAKER:
        return makers_store.find(connection, scope) is not None
    if kind is ScopeKind.LICENCE:
        return licences.find(connection, scope) is not None
    if kind is not ScopeKind.OFFICE or _NUMBER.fullmatch(scope) is None:
        return False
    try:
        offices.get(connection, OfficeId(int(scope)))
    except NotFoundError:
        return False
    return True
