"""A refusal is what a hook says deliberately; whatever else goes wrong is the bench's.

A hook that crashes must not pass a case that wants the unit to refuse.
"""

import io
import json
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hw.lab.control_port import refusal_of
from hw.lab.declaration import Hook, template
from hw.lab.hooks import Answer, HookedOperator
from hw.lab.operator import OperatorError, UnitOffError, UnitRefusedError
from hw.lab.steps import Step, parse_step
from hw.lab.stopping import StepStoppedError, judge, stopping
from hw.lab.unit_steps import obeyed
from hw.lab.verdicts import Verdict
from hw.reactor import MonotonicReactor
from protocol.keys import MachineProvisioning
from protocol.link import Role
from tests.reactor import run_on_reactor

REFUSED = parse_step("! frank 500 3 refused")
FRANK = parse_step("frank 500 3")


class NoPerson:
    """Nobody is at the terminal."""

    async def ask(self, words: str, *, ends_with_call: bool = False) -> Answer:
        raise AssertionError(words)


def no_papers() -> MachineProvisioning:
    raise AssertionError


def operator(reactor: MonotonicReactor, hooks: dict[str, Hook]) -> HookedOperator:
    return HookedOperator(hooks, NoPerson(), reactor, folder=Path(), papers=no_papers)


def franked(hook: Hook) -> str:
    """Frank by a hook; nothing is said when it is done."""

    async def frank(reactor: MonotonicReactor) -> str:
        await operator(reactor, {"frank": hook}).frank(500, 3)
        return ""

    return run_on_reactor(frank)


def stopped(hook: Hook, step: Step) -> tuple[Verdict | None, str]:
    """How a step that franks by this hook ends; None: it came true."""

    async def play(reactor: MonotonicReactor) -> tuple[Verdict | None, str]:
        try:
            with stopping(step):
                deed = operator(reactor, {"frank": hook}).frank(500, 3)
                judge(step, await obeyed(step, deed))
        except StepStoppedError as stop:
            return stop.verdict, stop.reason
        return None, ""

    return run_on_reactor(play)


def alive(hook: Hook) -> bool:
    async def ask(reactor: MonotonicReactor) -> bool:
        return await operator(reactor, {"alive": hook}).is_alive()

    return run_on_reactor(ask)


def python(code: str) -> Hook:
    return Hook((sys.executable, "-c", code))


def ends_with(code: int, words: str = "") -> Hook:
    return python(f"import sys; print({words!r}, file=sys.stderr); sys.exit({code})")


def test_a_hook_that_ends_with_109_refuses_for_the_unit() -> None:
    hook = ends_with(109, "FUNDS SHORT")
    with pytest.raises(UnitRefusedError, match=r"\[hooks.frank\].*109: FUNDS SHORT"):
        franked(hook)
    assert stopped(hook, REFUSED) == (None, "")
    assert stopped(hook, FRANK)[0] is Verdict.INCONCLUSIVE


def test_a_traceback_is_no_refusal_and_its_last_line_is_told() -> None:
    hook = python("import nothing_of_this_name")
    verdict, reason = stopped(hook, REFUSED)
    assert verdict is Verdict.ERROR
    assert reason == (
        f"frank one item of Rs 5.00, class 3: [hooks.frank] {sys.executable} ended "
        "with exit code 1: ModuleNotFoundError: No module named 'nothing_of_this_name'"
    )


@pytest.mark.parametrize("code", [1, 2, 3, 77, 101, 120, 126, 127, 134, 139, 255])
def test_how_programs_crash_is_no_refusal(code: int) -> None:
    assert stopped(ends_with(code), REFUSED)[0] is Verdict.ERROR


def test_a_hook_that_is_killed_or_not_there_is_no_refusal() -> None:
    killed = python("import os; os.kill(os.getpid(), 9)")
    verdict, reason = stopped(killed, REFUSED)
    assert verdict is Verdict.ERROR
    assert reason.endswith(" ended with signal 9: it said nothing")
    verdict, reason = stopped(Hook(("./not-there",)), REFUSED)
    assert verdict is Verdict.ERROR
    assert "[hooks.frank] ./not-there: " in reason


@contextmanager
def answering(status: int, words: bytes = b"no") -> Iterator[Hook]:
    """A rig that answers each call so."""

    class Rig(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Rig) as rig:
        thread = Thread(target=rig.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Hook(url=f"http://127.0.0.1:{rig.server_port}/frank")
        finally:
            rig.shutdown()
            thread.join()


def test_a_call_refuses_with_409_alone() -> None:
    with answering(409, b"LOCKED") as hook:
        assert stopped(hook, REFUSED) == (None, "")
        assert "was answered with 409: LOCKED" in stopped(hook, FRANK)[1]
    for status in (400, 403, 404, 422, 500, 503):
        with answering(status) as hook:
            verdict, reason = stopped(hook, REFUSED)
        assert verdict is Verdict.ERROR
        assert f"was answered with {status}: no" in reason
    assert stopped(hook, REFUSED)[0] is Verdict.ERROR


def test_a_unit_is_dead_when_a_hook_says_so_and_not_when_it_crashes() -> None:
    assert alive(ends_with(0))
    assert not alive(ends_with(109))
    with pytest.raises(OperatorError, match=r"^\[hooks.alive\] .* exit code 1: gone$"):
        alive(ends_with(1, "gone"))


def problem(status: int, code: str) -> OperatorError:
    octets = json.dumps({"code": code, "detail": "words"}).encode()
    answer = urllib.error.HTTPError("", status, "no", Message(), io.BytesIO(octets))
    return refusal_of("/v1/franks", answer)


def test_at_a_control_port_only_a_code_of_the_machine_is_its_refusal() -> None:
    """A machine that has died does not refuse, nor one that was not asked."""
    assert type(problem(409, "PSD-01-001")) is UnitRefusedError
    assert type(problem(409, "CTL-03-001")) is UnitOffError
    assert type(problem(409, "CTL-03-002")) is UnitOffError
    assert type(problem(409, "CTL-05-001")) is OperatorError
    assert type(problem(500, "CTL-03-003")) is OperatorError


@pytest.mark.parametrize("role", list(Role))
def test_the_template_says_how_a_hook_refuses(role: Role) -> None:
    assert "# 200 to 299: it is done. 109 or 409: the unit itself refuses" in template(
        role
    )
