"""Text messages to an operator over HTTP: a form of OURS, for what DLT asks for.

Each operator and each who stands before one has a form of its own; what all need is the
same: principal entity, header, number of the template, text, and whether it is Unicode.
A deployment writes an adapter of this size for its own, or lets a gateway translate.

    POST /v1/messages, Authorization: Bearer KEY
    {"reference": "42-1790000000", "entity": "1101...", "header": "INPOST",
     "template": "1107...", "to": "919876543210", "text": "...", "unicode": false}
    -> 202 {"id": "7"}                                it answers for the message
    -> 422 {"code": 630, "name": "TEMPLATE_NOT_FOUND"}    it will never take it

The numbers 600 to 632 are those of the operators' common platform.

Source: requirements, section 11 no. 13; operators' published lists of DLT errors.
"""

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from dop_gateway.outbox.model import Delivered, Outcome, PutOff, Refused
from dop_gateway.outbox.templates import Text
from protocol.errors import LocalProtocolError

PATH: Final = "/v1/messages"
ATTEMPT_S_MAX: Final = 60
STEP_S_MAX: Final = 20
ANSWER_OCTETS_MAX: Final = 16_384
_INDIA: Final = "91"
_HEADER: Final = re.compile(r"[A-Za-z]{6}", re.ASCII)
_ENTITY: Final = re.compile(r"[0-9]{19}", re.ASCII)
_MOBILE: Final = re.compile(r"[6-9][0-9]{9}", re.ASCII)
_PROVIDER_ID: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_ERRORS: Final = range(600, 700)


@dataclass(frozen=True, slots=True)
class DltSettings:
    """An operator, and who we are there.

    Attributes:
        address: As in ``https://sms.example.org``.
        key: That the operator knows us by.
        entity: The Department's number as a principal entity, 19 digits.
        header: Six letters that a message comes from.
    """

    address: str
    key: str
    entity: str
    header: str


class DltTextMessages:
    """`TextMessages` over HTTP."""

    def __init__(
        self, settings: DltSettings, attempt_s_max: float = ATTEMPT_S_MAX
    ) -> None:
        """Write as these settings say.

        Args:
            settings: The operator, and who we are there.
            attempt_s_max: An attempt is over after so long, whatever it does.

        Raises:
            LocalProtocolError: Entity, header or address have another form.
        """
        if _ENTITY.fullmatch(settings.entity) is None:
            raise LocalProtocolError("a principal entity's number has 19 digits")
        if _HEADER.fullmatch(settings.header) is None:
            raise LocalProtocolError("a header has six letters")
        parts = urlsplit(settings.address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise LocalProtocolError("an operator's address begins http:// or https://")
        self._settings = settings
        self._attempt_s_max = attempt_s_max
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._port = parts.port
        self._path = parts.path.rstrip("/") + PATH

    def send(self, reference: str, text: Text, to: str) -> Outcome:
        """Try once."""
        if _MOBILE.fullmatch(to) is None:
            return Refused("MSG-02-001", "the number is no mobile one: correct it")
        settings = self._settings
        asked = {
            "reference": reference,
            "entity": settings.entity,
            "header": settings.header,
            "template": text.dlt_template,
            "to": _INDIA + to,
            "text": text.body,
            "unicode": text.is_unicode,
        }
        try:
            status, octets = self._ask(json.dumps(asked).encode())
        except (OSError, http.client.HTTPException) as error:
            words = f"the operator does not answer ({type(error).__name__})"
            return PutOff("MSG-02-002", f"{words}: is the line there?")
        return _outcome(status, octets)

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._settings.key}",
            "Connection": "close",
        }
        try:
            connection.connect()
            with _bounded(connection.sock, self._attempt_s_max):
                connection.request("POST", self._path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(ANSWER_OCTETS_MAX)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._scheme == "http":
            return http.client.HTTPConnection(
                self._host, self._port, timeout=STEP_S_MAX
            )
        return http.client.HTTPSConnection(
            self._host,
            self._port,
            timeout=STEP_S_MAX,
            context=ssl.create_default_context(),
        )


@contextmanager
def _bounded(line: socket.socket, seconds: float) -> Iterator[None]:
    """End an attempt that takes too long: an operator that drips would hold it."""
    timer = threading.Timer(seconds, _hang_up, (line,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already.
        return


def _outcome(status: int, octets: bytes) -> Outcome:
    answer = _parse(octets)
    if status == HTTPStatus.ACCEPTED:
        given = answer.get("id")
        known = isinstance(given, str) and _PROVIDER_ID.fullmatch(given)
        return Delivered(given if known and isinstance(given, str) else "")
    code = answer.get("code")
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        number = code if type(code) is int and code in _ERRORS else "without a number"
        words = f"the operator refused it ({number}): compare what is registered there"
        return Refused("MSG-02-003", words)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return PutOff("MSG-02-004", f"the operator refused our key ({status})")
    return PutOff("MSG-02-005", f"the operator answered {status}: ask it why")


def _parse(octets: bytes) -> dict[str, Any]:
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
