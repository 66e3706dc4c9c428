"""A dial-in ends at its deadline, and has none once the machine itself has failed."""

import math

import pytest

from fm_device.dial_in import DialIn, DialInReport, keep_silent
from fm_device.program import dial
from fm_device.psd.device import Psd
from hw.clock import MemoryWallClock
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import Line, LineLoss, LineUser
from hw.lines.virtual import VirtualLineParameters
from hw.link_driver import LinkDriver
from hw.nvram import MemoryNvram, Nvram, PowerCutError, PowerCutNvram
from protocol.dialogue.machine import ANSWER_TIMEOUT_S, Outcome, State
from protocol.errors import ErrorCode
from protocol.link import BULK, DEFAULT, Link, Role
from rmfs_tools.simulation.clock import SimulatedClock
from tests.witness.small_books import SmallBooks, SmallCall, answering
from tests.witness.small_server import (
    RUPEES_2000,
    a_clock,
    a_new_memory,
    switch_on,
)

LINE = VirtualLineParameters(bit_s=33_600, delay_s=0.05)
STEPS_MAX = 1_000
"""Timers of a dial-in; an ordinary one has 60."""
UNDER_WAY_S = 2.0
"""Set-up and the messages that are answered."""


class Desk:
    """A machine, an exchange, and time that runs until nothing is due any more."""

    def __init__(self) -> None:
        self.wall: MemoryWallClock = a_clock()
        self.nvram = a_new_memory(self.wall)
        self.books = SmallBooks(switch_on(self.nvram, self.wall).credential)
        self.clock = SimulatedClock()
        self.exchange = VirtualExchange(self.clock, every_call(LINE))

    def psd(self, nvram: Nvram | None = None) -> Psd:
        return Psd(nvram or self.nvram, self.wall, self.books.channels.machine)

    def wait(self) -> None:
        for _ in range(STEPS_MAX):
            if not self.clock.step(math.inf):
                return
        pytest.fail(f"something is still due at {self.clock.seconds()} s")


class HungCall(SmallCall):
    """A server whose link is alive, and whose dialogue answers a few messages only."""

    def __init__(self, books: SmallBooks, answers: int) -> None:
        super().__init__(books)
        self._answers = answers

    def message_received(self, message: bytes, now: float) -> None:
        self._answers -= 1
        if self._answers >= 0:
            super().message_received(message, now)


class NeverTold:
    """Keeps it from the machine that its line is lost: a hung modem."""

    def __init__(self, user: LineUser) -> None:
        self._user = user

    def line_up(self, line: Line) -> None:
        self._user.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        self._user.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Say nothing."""


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_a_dial_in_whose_peer_hangs_ends_at_its_deadline(answers: int) -> None:
    desk = Desk()

    def hung(_caller: str) -> LineUser:
        user = HungCall(desk.books, answers)
        return LinkDriver(Link(Role.SERVER, BULK), desk.clock, user, connect=False)

    desk.exchange.listen(hung)
    reports: list[DialInReport] = []
    dial(desk.psd(), RUPEES_2000, desk.exchange, desk.clock).addCallback(reports.append)
    desk.wait()
    (report,) = reports
    assert report.outcome is Outcome.IN_DOUBT
    assert report.failure is not None
    assert report.failure.code is ErrorCode.TIMEOUT
    assert ANSWER_TIMEOUT_S < report.duration_s < ANSWER_TIMEOUT_S + UNDER_WAY_S
    assert report.may_dial_again
    is_applied = answers == 2
    assert (report.voucher is not None) == is_applied
    assert report.pending == (None if is_applied else RUPEES_2000)


def struck(at_write: int) -> tuple[DialIn, list[LineLoss]]:
    """Dial with a machine whose power fails at a write, and which is never told more.

    Returns:
        The dial-in once nothing is due any more, and the losses of line it was told.
    """
    desk = Desk()
    desk.exchange.listen(lambda _: answering(desk.books, desk.clock))
    losses: list[LineLoss] = []
    dial_in = DialIn(
        desk.psd(PowerCutNvram(MemoryNvram(desk.nvram.image()), at_write)),
        RUPEES_2000,
        on_progress=keep_silent,
        on_end=lambda _dial_in, loss, _now: losses.append(loss),
    )
    driver = LinkDriver(Link(Role.MACHINE, DEFAULT), desk.clock, dial_in, connect=True)
    dial_in.begin(driver)
    desk.exchange.dial(NeverTold(driver))
    desk.wait()
    return dial_in, losses


@pytest.mark.parametrize("at_write", range(1, 10))
def test_a_machine_that_has_failed_has_no_deadline(at_write: int) -> None:
    dial_in, losses = struck(at_write)
    assert isinstance(dial_in.error, PowerCutError)
    assert dial_in.dialogue.state is not State.ENDED, "its dialogue knows nothing of it"
    assert dial_in.deadline is None
    assert losses == []
