"""Dialling: a `DialIn` on a line, with a reactor's time, real or virtual.

`dial` puts one dial-in on whatever line it is given; `run_dial_in` is the program
around it: a reactor of its own, a line string, a capture, and the report at the end.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from fm_device.dial_in import (
    DialIn,
    DialInReport,
    OnProgress,
    Redialling,
    busy_wait_s,
    keep_silent,
    next_request,
    redial_wait_s,
)
from fm_device.psd.device import Psd
from hw.capture import create_capture
from hw.clock import WallClock
from hw.lines.build import build_dialler
from hw.lines.port import Dialler, LineLoss
from hw.lines.strings import LineAddress
from hw.link_driver import LinkDriver
from hw.reactor import MonotonicReactor
from hw.seen.folder import BoundedSink
from hw.seen.lines import RecordedDialler
from hw.seen.tap import Tap
from protocol.dialogue.machine import Request
from protocol.errors import LinkDownError, LocalProtocolError, RmfsError
from protocol.link import BULK, DEFAULT, Direction, Link, LinkParameters, Role

OnFrame = Callable[[Direction, bytes], None]
Hold = Callable[[MonotonicReactor], AbstractContextManager[object]]


def dial(
    psd: Psd,
    request: Request,
    dialler: Dialler,
    reactor: IReactorTime,
    *,
    parameters: LinkParameters = DEFAULT,
    on_progress: OnProgress = keep_silent,
    on_frame: OnFrame | None = None,
) -> "Deferred[DialInReport]":
    """Dial in once.

    Args:
        psd: The security device of the machine.
        request: What is wanted; what is pending stands before it.
        dialler: Makes the line.
        reactor: The time, real or virtual.
        parameters: Of the link.
        on_progress: Told of everything that the operator may want to see.
        on_frame: Told of every frame.

    Returns:
        The report, when the line has ended. It fails only with what stopped the machine
        itself: a `StoreError`, or the `PowerCutError` of a memory under test.
    """
    ended: Deferred[DialInReport] = Deferred()
    before = psd.record.registers
    began = float(reactor.seconds())

    def report(dial_in: DialIn, loss: LineLoss, now: float) -> None:
        if dial_in.error is not None:
            ended.errback(dial_in.error)
            return
        dialogue = dial_in.dialogue
        ended.callback(
            DialInReport(
                outcome=dialogue.outcome,
                before=before,
                after=psd.record.registers,
                pending=psd.record.pending,
                voucher=dialogue.voucher,
                refusal=dialogue.refusal,
                receipt=dialogue.receipt,
                orders=tuple(dial_in.orders),
                failure=dialogue.failure,
                loss=loss,
                octets_up=driver.octets_out,
                octets_down=driver.octets_in,
                duration_s=now - began,
                line_is_noisy=link.counters.line_is_noisy,
                lost=dial_in.lost,
                refused_link=dial_in.refused,
            )
        )

    dial_in = DialIn(psd, request, on_progress=on_progress, on_end=report)
    link = Link(Role.MACHINE, parameters, on_frame=on_frame)
    driver = LinkDriver(link, reactor, dial_in, connect=True)
    dial_in.begin(driver)
    dialler.dial(driver)
    return ended


@inlineCallbacks
def dial_repeatedly(
    psd: Psd,
    request: Request,
    dialler: Dialler,
    reactor: IReactorTime,
    *,
    attempts: int,
    on_progress: OnProgress = keep_silent,
    on_frame: OnFrame | None = None,
) -> "Generator[Deferred[Any], Any, DialInReport]":
    """Dial in until it is done, or refused, or the attempts are used up (DLG-14.3).

    XID costs some 100 octets, so that it is sent where it pays: when the attempt before
    met a noisy line.

    Arguments are those of `dial`; the report is that of the last attempt, together with
    what earlier ones have applied.
    """
    parameters = DEFAULT
    earlier: DialInReport | None = None
    for attempt in range(1, attempts + 1):
        report: DialInReport = yield dial(
            psd,
            request,
            dialler,
            reactor,
            parameters=parameters,
            on_progress=on_progress,
            on_frame=on_frame,
        )
        if earlier is not None:
            report = report.after_attempt(earlier)
        earlier = report
        if attempt == attempts or not report.may_dial_again:
            return report
        request = next_request(request, report)
        if report.line_is_noisy:
            parameters = BULK
        wait_s = redial_wait_s(attempt)
        if report.server_is_busy:
            wait_s = busy_wait_s(attempt, psd.record.life.licence)
        on_progress(Redialling(attempt + 1, wait_s))
        yield deferLater(reactor, wait_s)
    raise LocalProtocolError(f"{attempts} attempts to dial")


def run_dial_in(
    psd: Psd,
    request: Request,
    line: LineAddress,
    *,
    attempts: int,
    clock: WallClock,
    capture: Path | None,
    on_progress: OnProgress,
    on_frame: OnFrame | None = None,
    signals: bool = True,
    hold: Hold = nullcontext,
) -> DialInReport:
    """Dial in once and wait for the end, in real time.

    Args:
        psd: The security device of the machine.
        request: What is wanted.
        line: Where to dial.
        attempts: How often, when the line fails.
        clock: For the time stamps of the capture.
        capture: Where to write a capture, or None.
        on_progress: Told of everything that the operator may want to see.
        on_frame: Told of every frame.
        signals: Whether Ctrl-C ends it; only the main thread of a program can say so.
        hold: Has the reactor while it runs: another thread may give it calls, or stop
            it.

    Raises:
        RmfsError: What stopped the machine itself.
        LinkDownError: The program was interrupted before the line had ended.
    """
    reactor = MonotonicReactor()
    reports: list[DialInReport] = []
    failures: list[Failure] = []
    with _capturing(capture, clock, line) as tap:
        dialler = build_dialler(reactor, line, tap)
        if tap is not None:
            dialler = RecordedDialler(dialler, tap, str(line))
        ended = dial_repeatedly(
            psd,
            request,
            dialler,
            reactor,
            attempts=attempts,
            on_progress=on_progress,
            on_frame=on_frame,
        )
        ended.addCallbacks(reports.append, failures.append)
        ended.addBoth(lambda _: reactor.callLater(0, reactor.stop))
        with hold(reactor):
            reactor.run(installSignalHandlers=signals)
        reactor.close()
    if failures:
        failures[0].raiseException()
    if not reports:
        raise LinkDownError("interrupted: what is pending stays pending; dial again")
    return reports[0]


@contextmanager
def _capturing(
    path: Path | None, clock: WallClock, line: LineAddress
) -> Iterator[Tap | None]:
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
    with writer:
        yield Tap(BoundedSink(writer))
