"""Routes of makers: master data that administrators keep."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path
from sqlalchemy import Connection

from dop_gateway.access import EVERYBODY, Access
from dop_gateway.errors import FieldFinding, InvalidError
from dop_gateway.identity.model import Role
from dop_gateway.licences import makers, makers_store
from dop_gateway.licences.application_schemas import (
    DecisionBody,
    KeyBody,
    MakerBody,
    MakerShown,
    ModelBody,
    WithdrawnBody,
)
from dop_gateway.licences.makers_store import Maker
from dop_gateway.parameters import store as parameters
from dop_gateway.web.asking import Asked, Asking
from protocol.errors import LocalProtocolError
from protocol.keys import (
    KeyMaterialError,
    MakerPublicKey,
    Realm,
    VerifyingKey,
    read_public_key,
)
from protocol.parameters import business_date

ROUTES: Final = APIRouter(tags=["licences"])
_ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
LetterPath = Annotated[str, Path(pattern=r"^[A-Z]$")]
ModelName = Annotated[str, Path(pattern=r"^[!-~]( ?[!-~]){0,15}$")]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]

ACCESS: Final = (
    Access("GET", "/makers", EVERYBODY),
    Access("POST", "/makers", _ADMINISTRATORS),
    Access("GET", "/makers/{letter}", EVERYBODY),
    Access("POST", "/makers/{letter}/rename", _ADMINISTRATORS),
    Access("POST", "/makers/{letter}/models", _ADMINISTRATORS),
    Access("POST", "/makers/{letter}/models/{model}/withdraw", _ADMINISTRATORS),
    Access("POST", "/makers/{letter}/keys", _ADMINISTRATORS),
    Access("POST", "/makers/{letter}/keys/{fingerprint}/end", _ADMINISTRATORS),
)


@ROUTES.get("/makers")
def list_makers(asking: Asked) -> list[MakerShown]:
    """List the makers, with their approved models and keys; there are few."""
    with asking.reading() as connection:
        return [
            _shown(connection, asking, one) for one in makers_store.makers(connection)
        ]


@ROUTES.post("/makers", status_code=HTTPStatus.CREATED)
def add_maker(asking: Asked, body: MakerBody) -> MakerShown:
    """Take a maker in; `oem.letters_open` says from when it gets licences."""
    with asking.writing("add a maker") as connection:
        by = asking.by(body.reason)
        new = makers.add(connection, body.letter, body.name, by)
        asking.made(f"/makers/{new.letter}")
        return _shown(connection, asking, new)


@ROUTES.get("/makers/{letter}")
def show_maker(asking: Asked, letter: LetterPath) -> MakerShown:
    """Show a maker."""
    with asking.reading() as connection:
        return _shown(connection, asking, makers.get(connection, letter))


@ROUTES.post("/makers/{letter}/rename")
def rename_maker(asking: Asked, letter: LetterPath, body: MakerBody) -> MakerShown:
    """Call a maker by another name; its letter stays."""
    if body.letter != letter:
        words = "a maker keeps its letter"
        raise InvalidError([FieldFinding("/letter", "differs", words)])
    with asking.writing("rename a maker") as connection:
        by = asking.by(body.reason)
        renamed = makers.rename(connection, letter, body.name, by)
        return _shown(connection, asking, renamed)


@ROUTES.post("/makers/{letter}/models", status_code=HTTPStatus.CREATED)
def approve_model(asking: Asked, letter: LetterPath, body: ModelBody) -> MakerShown:
    """Approve a model from some day on."""
    with asking.writing("approve a model") as connection:
        by = asking.by(body.reason)
        makers.approve_model(connection, letter, body.name, body.approved_on, by)
        asking.made(f"/makers/{letter}")
        return _shown(connection, asking, makers.get(connection, letter))


@ROUTES.post("/makers/{letter}/models/{model}/withdraw")
def withdraw_model(
    asking: Asked, letter: LetterPath, model: ModelName, body: WithdrawnBody
) -> MakerShown:
    """Approve a model no more from some day on; licences that there are stay."""
    with asking.writing("withdraw a model") as connection:
        by = asking.by(body.reason)
        makers.withdraw_model(connection, letter, model, body.withdrawn_on, by)
        return _shown(connection, asking, makers.get(connection, letter))


@ROUTES.post("/makers/{letter}/keys", status_code=HTTPStatus.CREATED)
def add_key(asking: Asked, letter: LetterPath, body: KeyBody) -> MakerShown:
    """Let a maker sign the files of its machines with a key."""
    key = _key(body)
    with asking.writing("add a key of a maker") as connection:
        makers.add_key(connection, letter, key, asking.by(body.reason))
        asking.made(f"/makers/{letter}")
        return _shown(connection, asking, makers.get(connection, letter))


@ROUTES.post("/makers/{letter}/keys/{fingerprint}/end")
def end_key(
    asking: Asked, letter: LetterPath, fingerprint: Fingerprint, body: DecisionBody
) -> MakerShown:
    """Take nothing new any more that a key signed."""
    with asking.writing("end a key of a maker") as connection:
        makers.end_key(connection, letter, fingerprint, asking.by(body.reason))
        return _shown(connection, asking, makers.get(connection, letter))


def _key(body: KeyBody) -> MakerPublicKey:
    try:
        point = read_public_key(body.public_key.encode())
    except KeyMaterialError as error:
        raise InvalidError([FieldFinding("/public_key", "form", str(error))]) from error
    try:
        return MakerPublicKey(body.name, Realm[body.realm], VerifyingKey(point))
    except LocalProtocolError as error:
        raise InvalidError([FieldFinding("/name", "form", str(error))]) from error


def _shown(connection: Connection, asking: Asking, one: Maker) -> MakerShown:
    today = business_date(asking.now)
    return MakerShown.of(
        one,
        makers_store.models(connection, [one.letter]),
        makers_store.keys(connection, one.letter),
        open_=makers.is_open(parameters.table(connection), one.letter, today),
    )
