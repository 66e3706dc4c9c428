"""A dial-in as a program: a reactor, a line string, a capture, and a report."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.python.failure import Failure

from fm_device.dial_in import DialInReport, OnProgress
from fm_device.line import OnFrame, dial
from fm_device.psd.device import Psd
from hw.capture import CaptureDirection, create_capture
from hw.clock import WallClock
from hw.lines.build import build_dialler
from hw.lines.strings import LineAddress
from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import Request
from protocol.errors import LinkDownError, RmfsError
from protocol.link import Direction


def run_dial_in(
    psd: Psd,
    request: Request,
    line: LineAddress,
    *,
    clock: WallClock,
    capture: Path | None,
    on_progress: OnProgress,
) -> DialInReport:
    """Dial in once and wait for the end, in real time.

    Args:
        psd: The security device of the machine.
        request: What is wanted.
        line: Where to dial.
        clock: For the time stamps of the capture.
        capture: Where to write a capture, or None.
        on_progress: Told of everything that the operator may want to see.

    Raises:
        RmfsError: What stopped the machine itself.
        LinkDownError: The program was interrupted before the line had ended.
    """
    reactor = MonotonicReactor()
    reports: list[DialInReport] = []
    failures: list[Failure] = []
    with _capturing(capture, clock, line) as on_frame:
        ended = dial(
            psd,
            request,
            build_dialler(reactor, line),
            reactor,
            on_progress=on_progress,
            on_frame=on_frame,
        )
        ended.addCallbacks(reports.append, failures.append)
        ended.addBoth(lambda _: reactor.callLater(0, reactor.stop))
        reactor.run()
    if failures:
        failures[0].raiseException()
    if not reports:
        raise LinkDownError("interrupted: what is pending stays pending; dial again")
    return reports[0]


@contextmanager
def _capturing(
    path: Path | None, clock: WallClock, line: LineAddress
) -> Iterator[OnFrame | None]:
    if path is None:
        yield None
        return
    try:
        writer = create_capture(path, clock, str(line))
    except FileExistsError as error:
        message = f"{path} exists already: captures are evidence, choose another name"
        raise RmfsError(message) from error
    except OSError as error:
        raise RmfsError(f"{path} cannot be written: {error.strerror}") from error
    ways = {
        Direction.SENT: CaptureDirection.FROM_MACHINE,
        Direction.RECEIVED: CaptureDirection.TO_MACHINE,
    }
    with writer:
        yield lambda direction, octets: writer.write_frame(ways[direction], octets)
