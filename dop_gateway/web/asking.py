"""From a request to a service: who asks, whether they may, and in which transaction.

A route declares `asking: Asked` and does its work in one transaction of it:
``asking.reading()`` or ``asking.writing("what it does")``. What it needs of whoever
asks stands in the table of `dop_gateway.access`.

A route that moves money or makes an id declares `asking: AskedOnce` instead, and does
all that it does in ``asking.once("what it does", body, Answer, task)``: made again with
the same `Idempotency-Key`, it does nothing and answers the same (GW-05).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Connection
from starlette.datastructures import URL

from dop_gateway.access import Access, Permit, permit
from dop_gateway.asked import store as answers
from dop_gateway.asked.store import Marked
from dop_gateway.errors import GatewayError, KeyUsedError, NotSignedInError
from dop_gateway.identity import store
from dop_gateway.identity.model import By
from dop_gateway.identity.signing_in import Known, who_has
from dop_gateway.identity.store import SEEN_EVERY_S
from dop_gateway.parts import Parts
from dop_gateway.web.log import note_who_asks
from dop_gateway.web.rates import Gates
from protocol.values import EpochSeconds

PREFIX: Final = "/api/v1"
"""What the path of every route begins with."""
_SCHEME: Final = "bearer "
_REQUEST_ID_OCTETS: Final = 8
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
KEY_FORM: Final = r'^"?[A-Za-z0-9._:-]{8,64}"?$'
_KEY: Final = re.compile(r'"?([A-Za-z0-9._:-]{8,64})"?', re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody asks for a route, and may.

    Attributes:
        known: Who it is.
        permit: With which roles.
        now: The moment of the request, the same in all that it does.
        url: What was asked for, path and query.
        response: What goes into the headers of the answer.
    """

    parts: Parts
    known: Known
    permit: Permit
    now: EpochSeconds
    request_id: str
    url: URL
    response: Response

    def by(self, reason: str = "") -> By:
        """Say who acts, for what is kept of it."""
        return By(self.permit.actor, self.now, self.request_id, reason)

    def with_query(self, **values: object) -> str:
        """Give the address of this request with other values in its query."""
        changed = self.url.include_query_params(**values)
        return f"{changed.path}?{changed.query}"

    def made(self, path: str) -> None:
        """Say where it is shown what this request has made, as in ``/makers/N``."""
        self.response.headers["Location"] = PREFIX + path

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


@dataclass(frozen=True, slots=True)
class AskingOnce(Asking):
    """Somebody asks for a route that does the same request only once.

    Attributes:
        route: Method and path, as the table of access has them.
        key: That the request came with.
    """

    route: str
    key: str

    def once(
        self,
        name: str,
        body: BaseModel | bytes | None,
        answer_type: type[T],
        task: Callable[[Connection], T],
    ) -> T:
        """Do a request in one transaction, or answer what was answered to it.

        The answer is stored by the transaction of what was done: whoever crashes in
        between leaves both or none. A refusal changes nothing, and so is not stored:
        the same request is judged again.

        Args:
            name: What it does.
            body: Of the request: the same key with another body is refused.
            answer_type: Of the answer; written as JSON and read again.
            task: Does it, and gives the answer.

        Raises:
            KeyUsedError: Another request came with this key.
        """
        asked = self._marked(body)
        adapter: TypeAdapter[T] = TypeAdapter(answer_type)
        with self.writing(name) as connection:
            before = answers.begin(connection, asked, self.now)
            if before is None:
                answer = task(connection)
                kept = adapter.dump_json(answer).decode()
                answers.keep(connection, asked, kept)
                return answer
        if before.fingerprint != asked.fingerprint:
            words = "another request came with this key: draw a new one for each"
            raise KeyUsedError(words)
        self.response.headers[REPLAYED_HEADER] = "true"
        return adapter.validate_json(before.answer)

    def _marked(self, body: BaseModel | bytes | None) -> Marked:
        octets = (
            body.model_dump_json().encode() if isinstance(body, BaseModel) else body
        )
        address = f"{self.url.path}?{self.url.query}\n"
        print_of = sha256(address.encode() + (octets or b"")).digest()
        person = self.permit.actor.person
        return Marked(person, self.route, self.key, print_of)


def parts_of(request: Request) -> Parts:
    """Give the parts of the gateway that serves a request."""
    parts: Parts = request.app.state.parts
    return parts


def gates_of(request: Request) -> Gates:
    """Give what counts how often somebody asks."""
    gates: Gates = request.app.state.gates
    return gates


def name_request(request: Request) -> None:
    """Give a request the id that it came with, or one of ours.

    Raises:
        GatewayError: Its address has U+0000, which PostgreSQL does not store.
    """
    given = request.headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(given) is None:
        given = parts_of(request).entropy.octets(_REQUEST_ID_OCTETS).hex()
    request.state.request_id = given
    asked = (*request.path_params.values(), *request.query_params.values())
    if any("\0" in str(one) for one in asked):
        raise GatewayError("an address with %00 is not taken")


def asking(request: Request, response: Response) -> Asking:
    """Find out who asks for a route, and whether they may.

    Raises:
        NotSignedInError: Nobody whom we know.
        NotAllowedError: Somebody who may not.
        TooManyError: Somebody who asks too often.
    """
    parts = parts_of(request)
    access = access_of(request)
    given = request.headers.getlist("authorization")
    if len(given) != 1 or not given[0].lower().startswith(_SCHEME):
        raise NotSignedInError("sign in first: Authorization: Bearer TOKEN")
    now = parts.clock.now()
    with parts.store.reading() as connection:
        known = who_has(connection, given[0][len(_SCHEME) :].strip(), now)
    note_who_asks(request, known.person.login)
    gates_of(request).requests.pass_through(str(known.person.id), now)
    permitted = permit(known.actor, known.owed, access)
    if now - known.seen_at >= SEEN_EVERY_S:
        with parts.store.writing("see a session") as connection:
            store.see_session(connection, known.token_hash, now)
    url = request.url
    request_id = request.state.request_id
    return Asking(parts, known, permitted, now, request_id, url, response)


def access_of(request: Request) -> Access:
    """Give the entry of the route that serves a request."""
    table: dict[tuple[str, str], Access] = request.app.state.access
    return table[request.method, request.scope["route"].path]


Asked = Annotated[Asking, Depends(asking)]
"""What a route that is not public declares."""


def asking_once(
    request: Request,
    asking: Asked,
    key: Annotated[
        str | None,
        Header(
            alias=KEY_HEADER,
            description="Drawn anew for each request, the same when it is made "
            "again: 8 to 64 letters, digits, or any of . : - _ The answer is kept for "
            "a day.",
        ),
    ] = None,
) -> AskingOnce:
    """Find the key of a request that is done only once.

    Raises:
        GatewayError: It came without one.

    Source: draft-ietf-httpapi-idempotency-key-header-07; GW-05.
    """
    found = None if key is None else _KEY.fullmatch(key)
    if found is None:
        message = f"{KEY_HEADER} is needed: 8 to 64 letters, digits or any of . : - _"
        raise GatewayError(message)
    access = access_of(request)
    return AskingOnce(
        asking.parts,
        asking.known,
        asking.permit,
        asking.now,
        asking.request_id,
        asking.url,
        asking.response,
        route=f"{access.method} {access.path}",
        key=found[1],
    )


AskedOnce = Annotated[AskingOnce, Depends(asking_once)]
"""What a route declares that moves money or makes an id."""
