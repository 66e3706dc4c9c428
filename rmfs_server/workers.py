"""Workers: processes that answer at the same lines, and the one that keeps them.

The parent opens the TCP places, forks a worker for each number, and does nothing else:
it opens no database and reads no key. A worker that ends is started again; one whose
reactor has not turned for `silent_s` is killed first. When the parent is told to end,
or is killed, the workers see their lifeline end and drain.

Whatever happens in a dialogue is stored before it is said, and so it does not matter
which worker answers the next dial-in of a machine. What each of them keeps to itself
are the bounds of `limits`: lines, handshakes and wrong authentications are counted by
each worker for itself.

TCP places are shared. Any other line, a modem or a serial port, belongs to the worker
to which it falls: the first line to worker 1, the second to worker 2, and so on.

Source: docs/many-hosts.md.
"""

import logging
import os
import selectors
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

from hw.clock import MonotonicClock
from hw.lines.places import open_place, place_address
from hw.lines.port import LineError
from hw.lines.strings import LineAddress, TcpAddress

_log = logging.getLogger(__name__)

_OCTETS: Final = 4096
_FAILED: Final = 1


@dataclass(frozen=True, slots=True)
class Supervision:
    """How workers are kept running.

    Attributes:
        again_s: From one start of a worker to its next, if it was ready meanwhile.
        wait_s: Before a worker is started again that was never ready; it doubles.
        wait_s_max: Longest such wait: the database may be away for a while.
        ready_s: How long a worker may take until it is ready.
        silent_s: How long its reactor may stand still; it says a word each second.
        end_s: How long all may take to end, beside the time to drain.
    """

    again_s: float = 1.0
    wait_s: float = 0.5
    wait_s_max: float = 10.0
    ready_s: float = 60.0
    silent_s: float = 30.0
    end_s: float = 15.0


@dataclass(slots=True)
class Restarts:
    """When a worker is to be started, as it has fared so far.

    Attributes:
        due: The earliest moment of its next start.
        failures: How often in a row it ended before it was ready.
    """

    due: float = 0.0
    failures: int = 0

    def ended(
        self, rules: Supervision, *, started: float, now: float, was_ready: bool
    ) -> None:
        """Take note of an end."""
        if was_ready:
            self.failures = 0
            self.due = max(now, started + rules.again_s)
            return
        wait_s = rules.wait_s * 2.0 ** min(self.failures, 16)
        self.failures += 1
        self.due = now + min(rules.wait_s_max, wait_s)


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker has to serve.

    Attributes:
        number: From 1.
        lines: Where it listens, each with its place if that is shared.
        lifeline: Its end of the line to its parent.
        is_first: Whether no worker of this number was ready before.
    """

    number: int
    lines: tuple[tuple[LineAddress, socket.socket | None], ...]
    lifeline: socket.socket
    is_first: bool


@dataclass(slots=True)
class _Slot:
    """A worker, or the place of one."""

    number: int
    restarts: Restarts = field(default_factory=Restarts)
    pid: int | None = None
    end: socket.socket | None = None
    started: float = 0.0
    heard: float = 0.0
    is_ready: bool = False
    was_ready: bool = False


def supervise(
    workers: int,
    lines: Sequence[LineAddress],
    *,
    clock: MonotonicClock,
    on_ready: Callable[[str], None],
    drain_s: float,
    rules: Supervision | None = None,
) -> Share | int:
    """Keep workers running until SIGTERM or SIGINT; then let them drain.

    The process must have no thread, no reactor and no connection yet: it forks, and
    this function returns in every worker, too.

    Args:
        workers: How many.
        lines: Where they listen together.
        clock: For the waits.
        on_ready: Told each shared line once all workers have been ready.
        drain_s: How long calls may go on in the end.
        rules: How they are kept.

    Returns:
        In a worker its share; in the parent, when all have ended, the exit code: not 0
        when the first worker could not begin at all.

    Raises:
        LineError: A place is taken, or a worker would have no line.
    """
    shared = [line for line in lines if isinstance(line, TcpAddress)]
    if not shared and workers > len(lines):
        raise LineError(
            f"{workers} workers cannot share {len(lines)} lines: only tcp lines are "
            "shared, and any other belongs to one worker"
        )
    places: list[tuple[LineAddress, socket.socket | None]] = []
    try:
        for line in lines:
            place = None
            if isinstance(line, TcpAddress):
                place = open_place(line.host, line.port)
            places.append((line, place))
    except LineError:
        for _, place in places:
            if place is not None:
                place.close()
        raise
    parent = _Parent(places, clock, on_ready, drain_s, rules or Supervision())
    return parent.run(workers)


def lines_of(
    number: int,
    workers: int,
    places: Sequence[tuple[LineAddress, socket.socket | None]],
) -> tuple[tuple[LineAddress, socket.socket | None], ...]:
    """Say which lines a worker has: all that are shared, and its own.

    Args:
        number: Of the worker, from 1.
        workers: How many there are.
        places: All lines, each with its place if that is shared.
    """
    own = [one for one in places if one[1] is None]
    mine = own[number - 1 :: workers]
    return tuple(one for one in places if one[1] is not None or one in mine)


class _Parent:
    """The process that starts workers and waits for them."""

    def __init__(
        self,
        places: Sequence[tuple[LineAddress, socket.socket | None]],
        clock: MonotonicClock,
        on_ready: Callable[[str], None],
        drain_s: float,
        rules: Supervision,
    ) -> None:
        self._places = tuple(places)
        self._clock = clock
        self._on_ready = on_ready
        self._drain_s = drain_s
        self._rules = rules
        self._slots: list[_Slot] = []
        # poll, and no epoll: a fork would share that one with its parent.
        self._selector = selectors.PollSelector()
        self._has_told = False
        self._is_asked = False
        self._end_by: float | None = None
        self._code = 0

    def run(self, workers: int) -> Share | int:
        self._slots = [_Slot(number) for number in range(1, workers + 1)]
        waking, woken = socket.socketpair()
        waking.settimeout(0)
        woken.settimeout(0)
        kept = {
            number: signal.signal(number, self._hear_signal)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        }
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        self._selector.register(woken, selectors.EVENT_READ, None)
        share: Share | None = None
        try:
            while share is None and not self._is_over:
                share = self._start_due()
                if share is None:
                    self._wait(woken)
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in kept.items():
                signal.signal(number, handler)
            self._selector.close()
            waking.close()
            woken.close()
        return self._code if share is None else share

    @property
    def _is_over(self) -> bool:
        return self._end_by is not None and not any(one.pid for one in self._slots)

    def _start_due(self) -> Share | None:
        """Fork whoever is due; a share in the new process, None in this one."""
        now = self._clock.now()
        if self._is_asked and self._end_by is None:
            self._end(now)
        if self._end_by is not None:
            return None
        # The first finds out alone whether a worker can begin at all.
        proved = any(one.was_ready for one in self._slots)
        for slot in self._slots if proved else self._slots[:1]:
            if slot.pid is None and now >= slot.restarts.due:
                share = self._start(slot, now)
                if share is not None:
                    return share
        return None

    def _start(self, slot: _Slot, now: float) -> Share | None:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            return self._become(slot, theirs)
        theirs.close()
        ours.settimeout(0)
        slot.pid, slot.end, slot.is_ready = pid, ours, False
        slot.started = slot.heard = now
        self._selector.register(ours, selectors.EVENT_READ, slot)
        _log.info("worker %d begins: process %d", slot.number, pid)
        return None

    def _become(self, slot: _Slot, lifeline: socket.socket) -> Share:
        """Keep nothing of the parent's but this worker's lines."""
        for one in self._slots:
            if one.end is not None:
                # Whoever held these open would keep others from seeing the parent end.
                one.end.close()
        mine = lines_of(slot.number, len(self._slots), self._places)
        return Share(slot.number, mine, lifeline, not slot.was_ready)

    def _wait(self, woken: socket.socket) -> None:
        for key, _ in self._selector.select(self._wait_s()):
            if key.data is None:
                with suppress(BlockingIOError):
                    woken.recv(_OCTETS)
            else:
                self._hear(key.data)
        self._bury()
        self._kill_silent()

    def _wait_s(self) -> float:
        """Give the time to the next thing that is due, at most a second."""
        now = self._clock.now()
        due = [one.restarts.due for one in self._slots if one.pid is None]
        if self._end_by is not None:
            due = [self._end_by]
        return max(0.0, min(1.0, *(moment - now for moment in due), 1.0))

    def _hear(self, slot: _Slot) -> None:
        if slot.end is None:
            return
        try:
            said = slot.end.recv(_OCTETS)
        except OSError:
            said = b""
        if not said:
            self._let_go(slot)
            return
        slot.heard = self._clock.now()
        if not slot.is_ready:
            slot.is_ready = slot.was_ready = True
            _log.info("worker %d is ready", slot.number)
            if not self._has_told and all(one.was_ready for one in self._slots):
                self._has_told = True
                for _, place in self._places:
                    if place is not None:
                        self._on_ready(place_address(place))

    def _let_go(self, slot: _Slot) -> None:
        if slot.end is not None:
            self._selector.unregister(slot.end)
            slot.end.close()
            slot.end = None

    def _bury(self) -> None:
        """See who has ended; only processes that were started here."""
        now = self._clock.now()
        for slot in self._slots:
            if slot.pid is None:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if not pid:
                continue
            self._let_go(slot)
            code = os.waitstatus_to_exitcode(status)
            slot.pid = None
            slot.restarts.ended(
                self._rules, started=slot.started, now=now, was_ready=slot.is_ready
            )
            if self._end_by is not None:
                _log.info("worker %d has ended: %d", slot.number, code)
            elif not any(one.was_ready for one in self._slots):
                self._code = code if code > 0 else _FAILED
                self._end(now)
            else:
                wait_s = max(0.0, slot.restarts.due - now)
                words = "worker %d ended with %d, and is started again in %.1f s"
                _log.warning(words, slot.number, code, wait_s)

    def _kill_silent(self) -> None:
        now = self._clock.now()
        late = self._end_by is not None and now >= self._end_by
        for slot in self._slots:
            if slot.pid is None:
                continue
            bound_s = self._rules.silent_s if slot.is_ready else self._rules.ready_s
            silent = self._end_by is None and now - slot.heard > bound_s
            if late or silent:
                _log.error("worker %d does not answer, and is killed", slot.number)
                os.kill(slot.pid, signal.SIGKILL)
                slot.heard = now
        if late:
            self._end_by = now + self._rules.end_s

    def _hear_signal(self, number: int, _frame: FrameType | None) -> None:
        # It may come in the middle of anything: the loop sees to it.
        self._is_asked = self._is_asked or number != signal.SIGCHLD

    def _end(self, now: float) -> None:
        """Answer no more, and let all drain."""
        self._end_by = now + self._drain_s + self._rules.end_s
        for _, place in self._places:
            if place is not None:
                place.close()
        for slot in self._slots:
            self._let_go(slot)
