"""A unit that stands at a control port: the one of `rmfs machine control`, or alike.

What a case asks for becomes requests as docs/control.md describes them, so that a
certification of such a machine needs nobody. A machine that is still busy with its last
dial-in is asked again until it is done.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from hw.lab.machine_memory import Asked
from hw.lab.operator import OperatorError, UnitOffError, UnitRefusedError
from hw.reactor import MonotonicReactor
from protocol.keys import MachineProvisioning

REQUEST_S: Final = 60.0
BUSY_S: Final = 60.0
"""How long a machine may still be busy with its last dial-in."""
_SOON_S: Final = 1.0
_AGAIN_S: Final = 0.01
_BUSY: Final = "FMW-36-006"
_REFUSED: Final = 409
_OFF: Final = frozenset({"CTL-03-001", "CTL-03-002"})
"""The machine is off, or its power has failed in the request."""
_OF_THE_PORT: Final = "CTL-"
"""Codes of the port itself begin so: what it refuses, the machine does not."""
_ATTEMPTS: Final = 10
"""How often a machine dials that is to dial until it is done (DLG-14.3)."""
_GRAMS: Final = "5"


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """Where a control port is.

    Attributes:
        url: Its beginning, such as ``http://127.0.0.1:40123``.
        token_file: A file that holds the token.
    """

    url: str
    token_file: Path


class BusyError(OperatorError):
    """The machine is busy; it may be asked again."""


class ControlPortOperator:
    """An `Operator` at a control port."""

    def __init__(self, address: ControlAddress, reactor: MonotonicReactor) -> None:
        """Know where it is.

        Args:
            address: The control port.
            reactor: Runs requests in threads, beside the line.
        """
        self._address = address
        self._reactor = reactor

    async def dial(self, asked: Asked) -> None:
        """Have the machine dial in: once, or until it is done.

        Raises:
            OperatorError: It could not be asked, or refuses.
        """
        body = {"kind": asked.request.name, "amount_paise": asked.amount_paise}
        attempts = _ATTEMPTS if asked.repeatedly else 1
        await self._when_free("POST", "/v1/dial-ins", {**body, "attempts": attempts})

    async def frank(self, paise: int, product_class: int) -> None:
        """Frank a letter.

        Raises:
            OperatorError: It could not be asked, or refuses.
        """
        del paise  # The tariff says what a letter costs.
        selection = {"product_class": product_class}
        try:
            # A machine does not frank in a dialogue: it is asked for a while only.
            await self._when_free("PUT", "/v1/scale/load", {"grams": _GRAMS}, _SOON_S)
            await self._ask("PATCH", "/v1/selection", selection)
            await self._ask("POST", "/v1/franks", {"confirmed": True})
        except BusyError as error:
            raise UnitRefusedError(str(error)) from error

    async def power(self, what: str) -> None:
        """Cut the power, switch it off, or on.

        Raises:
            OperatorError: It could not be asked.
        """
        await self._ask("POST", "/v1/power", {"action": what})

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Refuse: no errand is done at a control port.

        Raises:
            OperatorError: Always.
        """
        del licence
        raise OperatorError(f"a control port cannot do that: {' '.join(what)}")

    async def new_life(self) -> MachineProvisioning:
        """Refuse: a new life begins at the maker's desk.

        Raises:
            OperatorError: Always.
        """
        raise OperatorError("a control port begins no new life")

    async def memory_octets(self) -> int | None:
        """Know nothing of it: a control port does not tell."""
        return None

    async def is_alive(self) -> bool:
        """Ask whether the machine is on."""
        try:
            await self._ask("GET", "/v1/power", None)
        except OperatorError:
            return False
        return True

    async def _when_free(
        self, method: str, path: str, body: dict[str, Any], within_s: float = BUSY_S
    ) -> None:
        """Ask again for as long as the machine is busy with its last dial-in."""
        began_s = self._reactor.seconds()
        while True:
            try:
                await self._ask(method, path, body)
            except BusyError:
                if self._reactor.seconds() - began_s > within_s:
                    raise
            else:
                return
            waited: Deferred[None] = Deferred()
            self._reactor.callLater(_AGAIN_S, waited.callback, None)
            await waited

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> "Deferred[None]":
        request: Callable[[], None] = lambda: self._request(method, path, body)  # noqa: E731
        reactor = self._reactor
        return deferToThreadPool(reactor, reactor.getThreadPool(), request)

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        address = self._address
        try:
            token = address.token_file.read_text("utf-8").strip()
        except OSError as error:
            message = f"{address.token_file} cannot be read: {error.strerror}"
            raise OperatorError(f"{message}; is the control port open?") from error
        request = urllib.request.Request(  # noqa: S310  checked in the declaration
            address.url.rstrip("/") + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_S):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            raise refusal_of(path, error) from error
        except OSError as error:
            raise OperatorError(f"{address.url}{path}: {error}") from error


def refusal_of(path: str, error: urllib.error.HTTPError) -> OperatorError:
    """Say what an answer that is no success means."""
    try:
        problem = json.loads(error.read())
    except ValueError:
        problem = {}
    code = str(problem.get("code", ""))
    words = f"{path}: {problem.get('detail', error.reason)} ({code})"
    if code == _BUSY:
        return BusyError(words)
    if code in _OFF:
        return UnitOffError(words)
    if error.code == _REFUSED and not code.startswith(_OF_THE_PORT):
        return UnitRefusedError(words)
    return OperatorError(words)
