"""From a request to a service: who asks, whether they may, and in which transaction.

A route declares `asking: Asked` and does its work in one transaction of it:
``asking.reading()`` or ``asking.writing("what it does")``. What it needs of whoever
asks stands in the table of `dop_gateway.access`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from sqlalchemy import Connection

from dop_gateway.access import Access, Permit, permit
from dop_gateway.errors import NotSignedInError
from dop_gateway.identity import store
from dop_gateway.identity.model import By
from dop_gateway.identity.signing_in import Known, who_has
from dop_gateway.identity.store import SEEN_EVERY_S
from dop_gateway.parts import Parts
from protocol.values import EpochSeconds

_SCHEME: Final = "bearer "
_REQUEST_ID_OCTETS: Final = 8
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody asks for a route, and may.

    Attributes:
        known: Who it is.
        permit: With which roles.
        now: The moment of the request, the same in all that it does.
    """

    parts: Parts
    known: Known
    permit: Permit
    now: EpochSeconds
    request_id: str

    def by(self, reason: str = "") -> By:
        """Say who acts, for what is kept of it."""
        return By(self.permit.actor, self.now, self.request_id, reason)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read from one snapshot."""
        with self.parts.store.reading() as connection:
            yield connection

    @contextmanager
    def writing(self, name: str) -> Iterator[Connection]:
        """Do one transaction; it commits when the block ends."""
        with self.parts.store.writing(name) as connection:
            yield connection


def parts_of(request: Request) -> Parts:
    """Give the parts of the gateway that serves a request."""
    parts: Parts = request.app.state.parts
    return parts


def name_request(request: Request) -> None:
    """Give a request the id that it came with, or one of ours."""
    given = request.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given) is None:
        given = parts_of(request).entropy.octets(_REQUEST_ID_OCTETS).hex()
    request.state.request_id = given


def asking(request: Request) -> Asking:
    """Find out who asks for a route, and whether they may.

    Raises:
        NotSignedInError: Nobody whom we know.
        NotAllowedError: Somebody who may not.
    """
    parts = parts_of(request)
    access = access_of(request)
    given = request.headers.getlist("authorization")
    if len(given) != 1 or not given[0].lower().startswith(_SCHEME):
        raise NotSignedInError("sign in first: Authorization: Bearer TOKEN")
    now = parts.clock.now()
    with parts.store.reading() as connection:
        known = who_has(connection, given[0][len(_SCHEME) :].strip(), now)
    permitted = permit(known.actor, known.owed, access)
    if now - known.seen_at >= SEEN_EVERY_S:
        with parts.store.writing("see a session") as connection:
            store.see_session(connection, known.token_hash, now)
    return Asking(parts, known, permitted, now, request.state.request_id)


def access_of(request: Request) -> Access:
    """Give the entry of the route that serves a request."""
    table: dict[tuple[str, str], Access] = request.app.state.access
    return table[request.method, request.scope["route"].path]


Asked = Annotated[Asking, Depends(asking)]
"""What a route that is not public declares."""
