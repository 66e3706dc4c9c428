"""The line of a panel, in the test's hands."""

from fm_device.dial_in import DialInReport, LinkIsUp, OnProgress
from fm_device.program import OnFrame
from hw.lines.port import LineLoss, LossCause
from protocol.dialogue.machine import Outcome, Request
from protocol.errors import StoreError
from protocol.link import Direction
from protocol.registers import RequestKind
from tests.machines import Bench


class HandLine:
    """A line that the bench itself answers; it keeps what was asked for."""

    def __init__(self, bench: Bench) -> None:
        self.asked: list[Request] = []
        self.error: StoreError | None = None
        self._bench = bench

    def __call__(
        self, request: Request, on_progress: OnProgress, on_frame: OnFrame
    ) -> DialInReport:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        before = self._bench.machine.record.registers
        on_progress(LinkIsUp())
        on_frame(Direction.SENT, bytes.fromhex("013f"))
        if request.kind is RequestKind.RECHARGE:
            self._bench.recharge(request.amount_paise)
        else:
            self._bench.inspect()
        return DialInReport(
            outcome=Outcome.INSPECTED,
            before=before,
            after=self._bench.machine.record.registers,
            pending=None,
            voucher=None,
            refusal=None,
            receipt=None,
            orders=(),
            failure=None,
            loss=LineLoss(LossCause.DROPPED_HERE),
            octets_up=1,
            octets_down=1,
            duration_s=0.0,
        )
