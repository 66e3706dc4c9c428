"""An operator of text messages over HTTP: the form of `dop_gateway.outbox.dlt_http`.

    POST /v1/messages    take a message, or refuse it with a number of DLT
    GET  /messages       what was taken, as JSON
    GET  /               the same, for people

It keeps what it takes in memory, for as long as it runs, and delivers to nobody.
"""

from dataclasses import asdict
from hmac import compare_digest
from html import escape
from http import HTTPStatus
from threading import Lock
from typing import Annotated, Any, Final

from fastapi import FastAPI, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import HTMLResponse, JSONResponse

from dop_gateway.outbox.dlt_http import PATH
from dop_gateway.simulators.operator import (
    DltError,
    Operator,
    Submitted,
    Taken,
    WrongFormError,
)

_SHORT: Final = 64
_TEXT_CHARACTERS_MAX: Final = 1_000
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>SMS operator (simulated)</title>
<h1>Text messages taken by the simulated operator</h1>
<table><tr><th>Id<th>Reference<th>From<th>To<th>Text</tr>
{rows}</table></html>
"""


class _Asked(BaseModel):
    """A message as it comes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reference: Annotated[str, Field(min_length=1, max_length=_SHORT)]
    entity: Annotated[str, Field(max_length=_SHORT)]
    header: Annotated[str, Field(max_length=_SHORT)]
    template: Annotated[str, Field(max_length=_SHORT)]
    to: Annotated[str, Field(max_length=_SHORT)]
    text: Annotated[str, Field(min_length=1, max_length=_TEXT_CHARACTERS_MAX)]
    unicode: bool


def build_operator(operator: Operator, key: str) -> FastAPI:
    """Put an operator behind HTTP.

    Args:
        operator: What it knows and takes.
        key: That senders are known by.
    """
    app = FastAPI(title="SMS operator (simulated)", docs_url=None, redoc_url=None)
    lock = Lock()
    wanted = f"Bearer {key}".encode()

    @app.post(PATH)
    def submit(asked: _Asked, authorization: Annotated[str, Header()] = "") -> Response:
        if not compare_digest(authorization.encode(), wanted):
            return JSONResponse({"words": "no such key"}, HTTPStatus.UNAUTHORIZED)
        try:
            with lock:
                found = operator.submit(Submitted(**asked.model_dump()))
        except WrongFormError as error:
            return JSONResponse({"words": str(error)}, HTTPStatus.BAD_REQUEST)
        if isinstance(found, DltError):
            refused = {"code": found.value, "name": found.name}
            return JSONResponse(refused, HTTPStatus.UNPROCESSABLE_ENTITY)
        return JSONResponse({"id": str(found.id)}, HTTPStatus.ACCEPTED)

    @app.get("/messages")
    def list_taken() -> list[dict[str, Any]]:
        with lock:
            return [asdict(one) for one in operator.taken]

    @app.get("/")
    def show() -> HTMLResponse:
        with lock:
            taken = operator.taken
        return HTMLResponse(_PAGE.format(rows="".join(map(_row, reversed(taken)))))

    return app


def _row(taken: Taken) -> str:
    message = taken.message
    reference = message.reference + (" (again)" if taken.is_again else "")
    cells = (str(taken.id), reference, message.header, message.to, message.text)
    return "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells) + "</tr>\n"
