"""One dial-in of a machine: its dialogue on one side, a link on the other.

`DialIn` is what `hw.link_driver.LinkDriver` drives: it gives what happens on the link
to a `MachineDialogue` and carries the effects out, in order. It knows no reactor and no
clock of its own; `fm_device.program` puts it on a real or a virtual line.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from fm_device.psd.device import Psd
from hw.lines.port import LineLoss
from hw.link_driver import LinkDriver
from protocol.dialogue.machine import (
    INSPECTION,
    ContentTaken,
    Greeted,
    MachineDialogue,
    MachineEffect,
    OrderTaken,
    Outcome,
    PsdAnswer,
    Request,
    State,
)
from protocol.dialogue.shared import (
    EndLink,
    Failed,
    LineLost,
    SendPacket,
)
from protocol.errors import ErrorCode, RmfsError
from protocol.link import DownReason
from protocol.messages import Order, Receipt, Refusal, Voucher
from protocol.registers import Registers


@dataclass(frozen=True, slots=True)
class LinkIsUp:
    """The link is set up: the two ends can hear each other."""


@dataclass(frozen=True, slots=True)
class Redialling:
    """A dial-in failed for the line's sake: the next attempt begins after a wait."""

    attempt: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class ServerIsBusy:
    """The server has refused the link: it has too much to do (DLG-14.6)."""


Progress = (
    LinkIsUp | Redialling | ServerIsBusy | Greeted | PsdAnswer | Failed | LineLost
)
OnProgress = Callable[[Progress], None]


def keep_silent(_event: Progress) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class DialInReport:
    """How a dial-in ended.

    Attributes:
        outcome: For the operator.
        before: The registers when it began.
        after: The registers when it ended.
        pending: What is pending now: it must be dialled for again.
        voucher: The voucher that was applied, or None.
        refusal: The refusal that was taken, or None.
        receipt: The receipt that was stored, or None.
        orders: The orders that came, and whether each was applied.
        failure: The clause that was broken or the time-out that struck, or None.
        loss: How the line ended.
        lost: Why link or line were lost before the dialogue had ended, or empty.
        refused_link: The server took no call: nothing was asked of it.
        octets_up: Octets given to the line.
        octets_down: Octets that the line brought.
        duration_s: From dialling to the end of the line.
        line_is_noisy: Frames came damaged, or had to be sent again.
    """

    outcome: Outcome
    before: Registers
    after: Registers
    pending: Request | None
    voucher: Voucher | None
    refusal: Refusal | None
    receipt: Receipt | None
    orders: tuple[tuple[Order, bool], ...]
    failure: Failed | None
    loss: LineLoss
    octets_up: int
    octets_down: int
    duration_s: float
    line_is_noisy: bool = False
    lost: str = ""
    refused_link: bool = False

    @property
    def server_is_busy(self) -> bool:
        """Whether the server has said that it has too much to do (DLG-14.6)."""
        failure = self.failure
        told = failure is not None and failure.by_peer
        return self.refused_link or (
            told and failure is not None and failure.code is ErrorCode.UNAVAILABLE
        )

    @property
    def may_dial_again(self) -> bool:
        """Whether the line or the server's load is to blame: dialling again may do."""
        if self.failure is None:
            return self.outcome is Outcome.IN_DOUBT
        return self.failure.code in (ErrorCode.TIMEOUT, ErrorCode.UNAVAILABLE)

    def after_attempt(self, earlier: "DialInReport") -> "DialInReport":
        """Tell of this attempt and an earlier one together.

        What the earlier one has applied is not lost with its line: the operator asked
        once, and reads once what became of it. Octets and time are this attempt's.
        """
        outcome = self.outcome
        voucher = self.voucher or earlier.voucher
        if outcome is Outcome.INSPECTED and voucher is not None:
            outcome = Outcome.CONFIRMED
        serials = {order.order_serial for order, _ in self.orders}
        orders = [
            noted for noted in earlier.orders if noted[0].order_serial not in serials
        ]
        return replace(
            self,
            outcome=outcome,
            before=earlier.before,
            voucher=voucher,
            orders=(*orders, *self.orders),
        )


REDIAL_WAIT_MAX_S: Final = 300.0
ATTEMPTS_MAX: Final = 10
"""After so many failed dial-ins the operator decides (DLG-14.3)."""


def redial_wait_s(failed: int) -> float:
    """Say how long to wait after so many failed dial-ins: 2, 4, 8 ... 300 s."""
    return min(2.0**failed, REDIAL_WAIT_MAX_S)


def busy_wait_s(failed: int, machine: str) -> float:
    """Say how long this machine waits when the server was busy (DLG-14.6).

    Many are told at one moment, and must not come back at one. What spreads them is
    made of the machine's name, so that a PSD spends no random octets on it.

    Args:
        failed: Dial-ins that failed, this one with them.
        machine: Who waits: its licence identifier.

    Returns:
        Seconds: 0.5 to 1.5 times the wait after a lost line.
    """
    digest = sha256(f"{machine} {failed}".encode("ascii")).digest()
    share = int.from_bytes(digest[:_SPREAD_OCTETS], "big") / 256**_SPREAD_OCTETS
    return redial_wait_s(failed) * (0.5 + share)


_SPREAD_OCTETS: Final = 4


def next_request(request: Request, report: DialInReport) -> Request:
    """Say what the next attempt asks for.

    A voucher that was applied has answered the request, though the line was lost before
    the RECEIPT: asking again would add the amount a second time.
    """
    return request if report.voucher is None else INSPECTION


OnEnd = Callable[["DialIn", LineLoss, float], None]


class DialIn:
    """Drives one dialogue over one link; a `hw.link_driver.LinkUser`.

    Attributes:
        dialogue: The dialogue, for its outcome.
        orders: The orders that came, and whether each was applied.
        error: What stopped the machine itself, such as a failed memory, or None.
        lost: Why link or line were lost before the dialogue had ended, or empty.
        refused: The server took no call.
    """

    def __init__(
        self, psd: Psd, request: Request, *, on_progress: OnProgress, on_end: OnEnd
    ) -> None:
        """Prepare a dial-in.

        Args:
            psd: The security device; it must not be dialling.
            request: What is wanted; what is pending stands before it.
            on_progress: Told of everything that the operator may want to see.
            on_end: Told once, when the line has ended.
        """
        self.dialogue = MachineDialogue(psd, request)
        self.orders: list[tuple[Order, bool]] = []
        self.error: RmfsError | None = None
        self.lost = ""
        self.refused = False
        self._psd = psd
        self._on_progress = on_progress
        self._on_end = on_end
        self._driver: LinkDriver | None = None

    @property
    def deadline(self) -> float | None:
        """When `handle_timer` is due; never, once the machine itself has failed."""
        return self.dialogue.deadline if self.error is None else None

    def begin(self, driver: LinkDriver) -> None:
        """Know what to hang up, also if the link never comes up."""
        self._driver = driver

    def link_up(self, driver: LinkDriver, now: float) -> None:
        """Begin; a link that comes up a second time has nothing to carry."""
        self._driver = driver
        if self.dialogue.state is not State.READY:
            driver.disconnect()
            return
        self._on_progress(LinkIsUp())
        self._carry_out(lambda: self.dialogue.link_up(now))

    def message_received(self, message: bytes, now: float) -> None:
        """Take a packet of the server."""
        self._carry_out(lambda: self.dialogue.receive_packet(message, now))

    def link_down(self, reason: str, now: float) -> None:
        """End the dialogue, and hang up."""
        if reason == DownReason.LINE_LOST.value:
            # `line_lost` follows at once, and knows why.
            return
        if reason == DownReason.REFUSED.value:
            self.refused = True
            self._on_progress(ServerIsBusy())
        self._carry_out(lambda: self.dialogue.line_lost(f"link ended: {reason}", now))
        self._hang_up()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """End."""
        self._carry_out(lambda: self.dialogue.line_lost(str(loss), now))
        self._on_end(self, loss, now)

    def handle_timer(self, now: float) -> None:
        """Look at the time."""
        self._carry_out(lambda: self.dialogue.handle_timer(now))

    def _carry_out(self, step: Callable[[], list[MachineEffect]]) -> None:
        if self.error is not None:
            return
        try:
            for effect in step():
                self._carry_out_one(effect)
        except RmfsError as error:
            # Only the machine itself can fail here: the dialogue turns whatever the
            # peer does into an end of its own.
            self.error = error
            self._stop()

    def _carry_out_one(self, effect: MachineEffect) -> None:
        if isinstance(effect, SendPacket):
            self._sender().send_message(effect.packet)
        elif isinstance(effect, EndLink):
            self._sender().disconnect()
        else:
            if isinstance(effect.event, OrderTaken):
                self._note_order(effect.event)
            elif isinstance(effect.event, ContentTaken):
                for taken in effect.event.orders:
                    self._note_order(taken)
            elif isinstance(effect.event, LineLost):
                self.lost = effect.event.reason
            self._on_progress(effect.event)

    def _note_order(self, taken: OrderTaken) -> None:
        """Note an order, or anew one that its content had held back."""
        serial = taken.order.order_serial
        self.orders[:] = [
            noted for noted in self.orders if noted[0].order_serial != serial
        ]
        self.orders.append((taken.order, taken.applied))

    def _sender(self) -> LinkDriver:
        if self._driver is None:
            raise RmfsError("a dialogue wants to send before its link is up")
        return self._driver

    def _stop(self) -> None:
        self._psd.hang_up()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._driver is not None:
            self._driver.drop()
