"""`rmfs bench overload`: what a server does for machines when it has too much to do.

A server runs as in service, in a process of its own on real files; honest machines call
it from another process, and strangers from a third. First it is given twice the load
that it can bear: calls come at that rate whatever becomes of them. For this it is held
to a part of a core (stopped and continued every few milliseconds, as `cpulimit` does),
since callers in one process could not overload a server that has a core of its own.
Then it has its core, and machines call at a steady rate while strangers hold lines that
say an octet now and then, and while others begin handshakes that fail, as many as a
core can send.
"""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any, Final

from protocol.errors import InvariantError
from rmfs_tools.bench.overload_callers import Posting, Served, Shift
from rmfs_tools.bench.overload_strangers import Done, Mischief
from rmfs_tools.bench.recharge_office import make_server
from rmfs_tools.bench.serving import HOST, Process, serving, started

KEPT_MIN: Final = 0.8
"""Of the best rate, and of the rate without strangers."""
_OVER: Final = 2.0
_RUN_S: Final = 0.004
_STOP_S: Final = 0.012
_CALLS: Final = 100
_AT_ONCE: Final = 96
_CALM: Final = 0.5
_ATTEMPTS: Final = 10
_SHARE_MAX: Final = 0.99


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        machines: More than the server lets call at once.
        seconds: How long each part takes.
        drips: Lines that strangers hold.
    """

    machines: int
    seconds: float
    drips: int


WHOLE: Final = Size(250, 15.0, 1_000)
QUICK: Final = Size(140, 2.0, 200)


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured; each part of it is told by who did it.

    Attributes:
        best: Machines that call again as soon as they are done.
        overload: Twice as many calls as that, each made once.
        recovery: Half as many right behind it; who is told "busy" dials again.
        knocked: Machines at a steady rate, on a whole core, while strangers begin
            handshakes.
        calm: The same, while a process uses as much of a core as those strangers, and
            calls nobody.
        dripped: The same as `calm`, while strangers hold lines.
        drippers: What those strangers did.
        knockers: Likewise.
    """

    best: Served
    overload: Served
    recovery: Served
    calm: Served
    dripped: Served
    knocked: Served
    drippers: Done
    knockers: Done

    @property
    def kept(self) -> dict[str, float]:
        """Say what was kept of the rate: of the best one, or of the calm one."""
        return {
            "overload": self.overload.per_s / self.best.per_s,
            "drips": self.dripped.per_s / self.calm.per_s,
            "strangers": self.knocked.per_s / self.calm.per_s,
        }

    @property
    def recovered(self) -> bool:
        """Whether all machines were served behind the overload."""
        found = self.recovery
        return found.recharges == found.begun and not found.short

    @property
    def good(self) -> bool:
        """Whether it is as it has to be."""
        return self.recovered and min(self.kept.values()) >= KEPT_MIN

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            **asdict(self),
            "kept": {name: round(share, 3) for name, share in self.kept.items()},
            "kept_min": KEPT_MIN,
            "recovered": self.recovered,
        }


def run(
    say: Callable[[str], None],
    progress: Callable[[str], None],
    *,
    as_json: bool,
    quick: bool,
) -> int:
    """Measure, and print; see `rmfs bench overload`.

    Args:
        say: Prints a line.
        progress: Tells what goes on.
        as_json: End with one line of JSON.
        quick: A few seconds of each, and nothing is judged.

    Returns:
        1 when less was kept than has to be, or somebody was not served, else 0.
    """
    found = measure(progress, QUICK if quick else WHOLE)
    _show(say, found)
    if as_json:
        say(json.dumps(found.as_json()))
    return 0 if quick or found.good else 1


def measure(progress: Callable[[str], None], size: Size) -> Found:
    """Measure all parts, one after the other."""
    with TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        make_server(folder / "server")
        best, overload, recovery = _overload(progress, size, folder)
        with ExitStack() as stack:
            server = stack.enter_context(serving(folder))
            posting = Posting(
                str(folder / "server"), HOST, server.port, size.machines, size.machines
            )
            callers = stack.enter_context(_callers(posting, folder))
            steady = Shift(size.seconds, per_s=best.per_s, attempts=_ATTEMPTS)

            def beside(words: str, mischief: Mischief) -> tuple[Served, Done]:
                progress(f"{steady.per_s:.0f} calls in a second, and {words}")
                with _strangers(mischief, folder) as strangers:
                    served = _ask(callers, steady)
                    return served, Done(**json.loads(strangers.ask("stop")))

            knocked, knockers = beside(
                "strangers begin handshakes", Mischief(HOST, server.port)
            )
            share = min(_SHARE_MAX, knockers.share)
            calm, _ = beside(
                f"a process that uses {share:.0%} of a core",
                Mischief(HOST, server.port, burn=share),
            )
            dripped, drippers = beside(
                "strangers hold lines", Mischief(HOST, server.port, size.drips)
            )
        return Found(
            best,
            overload,
            recovery,
            calm,
            dripped,
            knocked,
            drippers,
            knockers,
        )


def _overload(
    progress: Callable[[str], None], size: Size, folder: Path
) -> tuple[Served, Served, Served]:
    """Give a server that is held back as much as it can do, twice that, and half."""
    with ExitStack() as stack:
        calls = ("--calls", str(_CALLS))
        server = stack.enter_context(serving(folder, calls))
        posting = Posting(str(folder / "server"), HOST, server.port, size.machines)
        callers = stack.enter_context(_callers(posting, folder))
        stack.enter_context(_held_back(server.process))
        progress(f"as fast as it can, on {_part():.0%} of a core")
        best = _ask(callers, Shift(size.seconds, at_once=_AT_ONCE))
        over = Shift(size.seconds, per_s=_OVER * best.per_s)
        progress(f"{over.per_s:.0f} calls in a second")
        overload = _ask(callers, over)
        half = Shift(size.seconds, per_s=_CALM * best.per_s, attempts=_ATTEMPTS)
        progress(f"{half.per_s:.0f} calls in a second")
        return best, overload, _ask(callers, half)


def _ask(callers: Process, shift: Shift) -> Served:
    served = Served(**json.loads(callers.ask(json.dumps(asdict(shift)))))
    if not served.recharges:
        raise InvariantError(f"no recharge was complete: {served}")
    return served


def _part() -> float:
    return _RUN_S / (_RUN_S + _STOP_S)


@contextmanager
def _held_back(process: Process) -> Iterator[None]:
    """Let a process run for a part of the time only."""
    enough = Event()

    def hold_back() -> None:
        while not enough.wait(_RUN_S):
            process.send_signal(signal.SIGSTOP)
            enough.wait(_STOP_S)
            process.send_signal(signal.SIGCONT)

    thread = Thread(target=hold_back, name="held back")
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


@contextmanager
def _callers(posting: Posting, folder: Path) -> Iterator[Process]:
    program = (
        "from rmfs_tools.bench.overload_callers import Posting, main; "
        f"main({posting!r})"
    )
    with started(["-c", program], folder / "callers.log") as process:
        _ready(process)
        yield process


@contextmanager
def _strangers(mischief: Mischief, folder: Path) -> Iterator[Process]:
    program = (
        "from rmfs_tools.bench.overload_strangers import Mischief, main; "
        f"main({mischief!r})"
    )
    with started(["-c", program], folder / "strangers.log") as process:
        _ready(process)
        yield process


def _ready(process: Process) -> None:
    if process.line() != "ready\n":
        raise InvariantError(process.log.read_text("utf-8"))


def _show(say: Callable[[str], None], found: Found) -> None:
    say("                        calls  served   busy  other  per second   kept")
    kept = found.kept
    for name, served, share in (
        (f"best, {_part():.0%} of a core", found.best, None),
        ("twice that", found.overload, kept["overload"]),
        ("half of it, behind that", found.recovery, None),
        ("steady, a whole core", found.calm, None),
        ("lines held by strangers", found.dripped, kept["drips"]),
        ("handshakes of strangers", found.knocked, kept["strangers"]),
    ):
        told = "" if share is None else f"{share:6.0%}"
        say(
            f"{name:23} {served.begun:6,} {served.recharges:7,} "
            f"{served.busy:5,} {sum(served.other.values()):6,} "
            f"{served.per_s:11.1f} {told}"
        )
    say(
        f"behind the overload the last 'busy' was said after "
        f"{found.recovery.told_until_s:.1f} s; all served: {found.recovered}"
    )
    say(
        f"strangers: {found.drippers.held:,} lines held of {found.drippers.calls:,} "
        f"calls; {found.knockers.calls:,} handshakes begun in "
        f"{found.knockers.wall_s:.0f} s on {found.knockers.share:.0%} of a core, "
        f"{found.knockers.greeted:,} answered"
    )
