"""Dialling: a `DialIn` on a line, real or virtual, with one timer of a reactor."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from fm_device.dial_in import DialIn, DialInReport, OnProgress, keep_silent
from fm_device.psd.device import Psd
from hw.lines.port import Dialler, LineLoss
from hw.link_driver import LinkDriver
from protocol.dialogue.machine import Request
from protocol.link import DEFAULT, Direction, Link, LinkParameters, Role

OnFrame = Callable[[Direction, bytes], None]


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
        on_frame: Told of every frame, for captures.

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
            )
        )

    dial_in = DialIn(psd, request, on_progress=on_progress, on_end=report)
    link = Link(Role.MACHINE, parameters, on_frame=on_frame)
    driver = LinkDriver(link, reactor, dial_in, connect=True)
    dialler.dial(driver)
    return ended
