"""Somebody at a real unit: commands, HTTP calls, or the person at the terminal.

Each is waited for. A command is done when it ends with exit code 0; a call when it is
answered with a status from 200 to 299; a person says so. Exit code 109, status 409 and
a person's `r` say that the unit itself has refused, and that nothing was done. That is
said deliberately or not at all: however else a command or a call fails, it failed, and
nothing is known of the unit.
"""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from hw.lab.declaration import Hook
from hw.lab.machine_memory import Asked
from hw.lab.operator import OperatorError, UnitRefusedError
from hw.lab.verbs import NEW_LIFE
from hw.reactor import MonotonicReactor
from protocol.keys import MachineProvisioning
from protocol.values import Paise, show_rupees

HOOK_S: Final = 120.0
"""No command and no call may take longer."""
REFUSED_CODE: Final = 109
"""No crash ends so: an interpreter that dies has 1, 2, 101, 120, 134 or 255, a shell
126, 127, or 128 and a signal, and ``set -e`` behind curl or grep what is below 100."""
REFUSED_STATUS: Final = 409
_WORDS_MAX: Final = 500
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Answer(Enum):
    """What a person says who was asked to do something at the unit."""

    DONE = "done"
    NOT_DONE = "not done"
    REFUSED = "refused"


class Person(Protocol):
    """Somebody at the unit, who may take their time."""

    async def ask(self, words: str, *, ends_with_call: bool = False) -> Answer:
        """Ask for something, and wait for the answer.

        Args:
            words: What is to be done.
            ends_with_call: The unit dials in when it is done: that is an answer too.
        """
        ...


ReadPapers = Callable[[], MachineProvisioning]
"""Reads the provisioning file of the machine under test, as it is now."""


class HookedOperator:
    """An `Operator` that does what a declaration says."""

    def __init__(
        self,
        hooks: Mapping[str, Hook],
        person: Person,
        reactor: MonotonicReactor,
        *,
        folder: Path,
        papers: ReadPapers,
    ) -> None:
        """Know how everything is done.

        Args:
            hooks: By name: dial, frank, power, ask, alive, memory.
            person: Is asked for everything that has no hook.
            reactor: Runs what waits in threads, beside the line.
            folder: Where commands run, and from which token files are seen.
            papers: Reads the papers of a new life, once it has begun.
        """
        self._hooks = hooks
        self._person = person
        self._reactor = reactor
        self._folder = folder
        self._papers = papers

    async def dial(self, asked: Asked) -> None:
        """Have the machine dial in.

        Raises:
            OperatorError: It was not done.
        """
        kind, amount = asked.request.name, asked.amount_paise
        rupees = f" of {show_rupees(Paise(amount))}" if amount else ""
        again = ", again until it is done" if asked.repeatedly else ""
        await self._do(
            "dial",
            f"have the machine dial in: {kind}{rupees}{again}",
            {
                "request": kind,
                "amount_paise": amount,
                "repeatedly": "true" if asked.repeatedly else "false",
            },
            ends_with_call=True,
        )

    async def frank(self, paise: int, product_class: int) -> None:
        """Have the machine frank one item.

        Raises:
            OperatorError: It was not done.
        """
        await self._do(
            "frank",
            f"frank one item of {show_rupees(Paise(paise))}, class {product_class}",
            {"paise": paise, "product_class": product_class},
        )

    async def power(self, what: str) -> None:
        """Switch the power.

        Raises:
            OperatorError: It was not done.
        """
        words = {
            "cut": "pull the plug",
            "off": "switch the unit off",
            "on": "switch the unit on, and wait until it is ready",
        }[what]
        await self._do("power", words, {"what": what})

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Do an errand.

        Raises:
            OperatorError: It was not done.
        """
        words = " ".join(what)
        values = {"what": what[0], "value": " ".join(what[1:]), "licence": licence}
        await self._do("ask", f"{words}, for licence {licence}", values)

    async def new_life(self) -> MachineProvisioning:
        """Have the machine begin a new life; its papers are where the old ones were.

        Raises:
            OperatorError: It was not done.
        """
        words = "begin a new life of the machine, and replace its provisioning file"
        await self._do("ask", words, {"what": NEW_LIFE, "value": "", "licence": ""})
        return self._papers()

    async def is_alive(self) -> bool:
        """Ask a hook, which refuses to say no; without one, the next case will tell.

        Raises:
            OperatorError: It gave no answer.
        """
        if "alive" not in self._hooks:
            return True
        try:
            await self._do("alive", "", {})
        except UnitRefusedError:
            return False
        return True

    async def memory_octets(self) -> int | None:
        """Ask a hook; without one nobody can tell.

        Raises:
            OperatorError: It gave no number.
        """
        if "memory" not in self._hooks:
            return None
        said = await self._do("memory", "", {})
        if not _NUMBER.fullmatch(said.strip()):
            raise OperatorError(
                f"[hooks.memory] {said[:_WORDS_MAX]!r} is no number of octets"
            )
        return int(said)

    async def _do(
        self,
        name: str,
        words: str,
        values: Mapping[str, object],
        *,
        ends_with_call: bool = False,
    ) -> str:
        """Have something done; what was printed or answered."""
        hook = self._hooks.get(name)
        if hook is None:
            answer = await self._person.ask(words, ends_with_call=ends_with_call)
            fault, said = _SAID[answer], ""
        elif hook.command:
            command = [_filled(word, values) for word in hook.command]
            fault, said = await self._in_thread(lambda: self._command(command))
        else:
            fault, said = await self._in_thread(lambda: self._call(hook, values))
        if fault:
            error = UnitRefusedError if isinstance(fault, _Refused) else OperatorError
            by = "" if hook is None else f"[hooks.{name}] "
            raise error(f"{words}: {by}{fault}" if words else f"{by}{fault}")
        return said

    def _in_thread(self, work: Callable[[], "_Done"]) -> "Deferred[_Done]":
        reactor = self._reactor
        return deferToThreadPool(reactor, reactor.getThreadPool(), work)

    def _command(self, command: list[str]) -> "_Done":
        try:
            done = subprocess.run(  # noqa: S603  the declaration's own command
                command,
                cwd=self._folder,
                timeout=HOOK_S,
                capture_output=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{command[0]}: {error}", ""
        if done.returncode == 0:
            return "", done.stdout.decode("utf-8", "replace")
        how = (
            f"exit code {done.returncode}"
            if done.returncode > 0
            else f"signal {-done.returncode}"
        )
        told = f"{command[0]} ended with {how}: {_last_line(done.stderr)}"
        return _Refused(told) if done.returncode == REFUSED_CODE else told, ""

    def _call(self, hook: Hook, values: Mapping[str, object]) -> "_Done":
        headers = {"Content-Type": "application/json"}
        if hook.token_file:
            try:
                token = (self._folder / hook.token_file).read_text("utf-8").strip()
            except OSError as error:
                return f"{hook.token_file}: {error.strerror}", ""
            headers["Authorization"] = f"Bearer {token}"
        url = _filled(hook.url, values)
        if not url.startswith(("http://", "https://")):
            return f"{url} is no address of a call", ""
        request = urllib.request.Request(  # noqa: S310  http and https alone
            url,
            json.dumps(_filled_body(hook.body, values)).encode(),
            headers,
            method=hook.method,
        )
        try:
            with urllib.request.urlopen(request, timeout=HOOK_S) as answer:  # noqa: S310
                return "", answer.read(_WORDS_MAX).decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            said = error.read(_WORDS_MAX).decode("utf-8", "replace")
            told = f"{url} was answered with {error.code}: {said}"
            return _Refused(told) if error.code == REFUSED_STATUS else told, ""
        except OSError as error:
            return f"{url}: {error}", ""


_Done = tuple[str, str]
"""Why something was not done, or empty; and what was said."""


class _Refused(str):
    """Why something was not done: the unit itself has refused it."""

    __slots__ = ()


_SAID: Final = {
    Answer.DONE: "",
    Answer.NOT_DONE: "the person said that it cannot be done",
    Answer.REFUSED: _Refused("the person said that the unit refuses"),
}


def _last_line(stderr: bytes) -> str:
    """Give what a command said last: of a traceback the line that says what it is."""
    lines = stderr.decode("utf-8", "replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][-_WORDS_MAX:] if said else "it said nothing"


def _filled(text: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _filled_body(body: Mapping[str, Any], values: Mapping[str, object]) -> Any:
    """Fill a body in; a text that is one ``{name}`` becomes the value itself."""
    filled: dict[str, Any] = {}
    for name, text in body.items():
        if isinstance(text, str) and text[1:-1] in values and text[0] == "{":
            filled[name] = values[text[1:-1]]
        else:
            filled[name] = _filled(text, values) if isinstance(text, str) else text
    return filled
