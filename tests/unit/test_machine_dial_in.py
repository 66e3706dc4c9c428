"""A machine dials over a virtual line, in virtual time."""

from dataclasses import dataclass

import pytest
from twisted.internet.task import Clock

from fm_device.dial_in import (
    DialInReport,
    LinkIsUp,
    Progress,
    Redialling,
    ServerIsBusy,
    busy_wait_s,
    redial_wait_s,
)
from fm_device.program import dial, dial_repeatedly
from fm_device.psd.device import Psd
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lines.exchange import CallPlan, VirtualExchange, every_call
from hw.lines.port import Answer, LineUser, LossCause
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram, Nvram, PowerCutError, PowerCutNvram, every_power_cut
from protocol.dialogue.machine import (
    INSPECTION,
    Greeted,
    Outcome,
    Receipted,
    Request,
    VoucherApplied,
)
from protocol.errors import ErrorCode
from protocol.keys import Realm, ServerIdentity
from protocol.link import Direction
from protocol.messages import Order, OrderKind
from protocol.registers import MachineState, RequestKind
from protocol.values import OrderSerial, Paise
from rmfs_server.busy import BusyLine
from tests.franking import frank
from tests.witness.small_books import SmallBooks, answering
from tests.witness.small_server import (
    RUPEES_2000,
    Channels,
    a_clock,
    a_new_memory,
    switch_on,
)

LINE = VirtualLineParameters(bit_s=33_600, delay_s=0.05)


@dataclass
class World:
    """A machine, a server, an exchange between them, and the time."""

    nvram: MemoryNvram
    wall: MemoryWallClock
    books: SmallBooks
    reactor: Clock

    def dial(
        self,
        request: Request,
        plan: CallPlan | None = None,
        *,
        nvram: Nvram | None = None,
        answer: Answer | None = None,
        attempts: int = 1,
        progress: list[Progress] | None = None,
        frames: list[tuple[Direction, bytes]] | None = None,
    ) -> DialInReport:
        """Dial once; time runs until the line has ended."""
        exchange = VirtualExchange(self.reactor, plan or every_call(LINE))
        exchange.listen(answer or self.answering)
        psd = Psd(nvram or self.nvram, self.wall, self.books.channels.machine)
        reports: list[DialInReport] = []
        failures: list[BaseException] = []
        seen = [] if progress is None else progress
        log = [] if frames is None else frames
        dial_repeatedly(
            psd,
            request,
            exchange,
            self.reactor,
            attempts=attempts,
            on_progress=seen.append,
            on_frame=lambda direction, octets: log.append((direction, octets)),
        ).addCallbacks(reports.append, lambda failure: failures.append(failure.value))
        for _ in range(100_000):
            if reports or failures:
                break
            calls = self.reactor.getDelayedCalls()
            assert calls, "nothing will ever happen"
            due = min(call.getTime() for call in calls)
            self.reactor.advance(max(0.0, due - self.reactor.seconds()))
        if failures:
            raise failures[0]
        return reports[0]

    def answering(self, _caller: str) -> LineUser:
        """Answer as the server."""
        return answering(self.books, self.reactor)

    @property
    def psd(self) -> Psd:
        """The machine, switched on anew."""
        return switch_on(self.nvram, self.wall)

    def check_money(self) -> None:
        """No paisa is lost or doubled, as far as machine and server can know."""
        record = self.psd.record
        assert record.balanced
        assert record.registers.control_total_paise == 200_000 * record.recharge_number
        assert self.books.number <= record.recharge_number <= self.books.number + 1
        assert self.books.granted <= 1


@pytest.fixture
def world() -> World:
    wall = a_clock()
    nvram = a_new_memory(wall)
    return World(nvram, wall, SmallBooks(switch_on(nvram, wall).credential), Clock())


def test_a_recharge_is_confirmed_and_reported(world: World) -> None:
    progress: list[Progress] = []
    report = world.dial(RUPEES_2000, progress=progress)
    assert report.outcome is Outcome.CONFIRMED
    assert report.before.descending_paise == 0
    assert report.after.descending_paise == 200_000
    assert report.pending is None
    assert report.loss.cause in (LossCause.DROPPED_HERE, LossCause.DROPPED_BY_PEER)
    assert [type(event) for event in progress] == [
        LinkIsUp,
        Greeted,
        VoucherApplied,
        Receipted,
    ]
    assert (world.books.number, world.books.control_total) == (1, 200_000)


def test_a_recharge_over_the_real_channel_fits_its_budget_of_octets(
    world: World,
) -> None:
    world.books.channels = Channels(real=True)
    report = world.dial(RUPEES_2000)
    assert report.outcome is Outcome.CONFIRMED
    assert report.octets_up + report.octets_down <= 800


def test_a_dial_in_ends_with_the_link_closed_by_the_machine(world: World) -> None:
    frames: list[tuple[Direction, bytes]] = []
    world.dial(RUPEES_2000, frames=frames)
    sent = [octets for direction, octets in frames if direction is Direction.SENT]
    received = [o for direction, o in frames if direction is Direction.RECEIVED]
    without_poll = 0xEF
    assert (sent[0][0], sent[0][1] & without_poll) == (1, 0x2F), "SABM"
    assert (sent[-1][0], sent[-1][1] & without_poll) == (1, 0x43), "DISC"
    assert (received[-1][0], received[-1][1] & without_poll) == (1, 0x63), "UA"


def test_usage_is_reported_once_and_summed_at_the_server(world: World) -> None:
    world.dial(RUPEES_2000)
    psd = world.psd
    for product_class in (1, 2, 3, 4, 5, 1):
        frank(psd, Paise(100), product_class)
    assert world.dial(INSPECTION).outcome is Outcome.INSPECTED
    assert world.books.usage == {
        1: (2, 200),
        2: (1, 100),
        3: (1, 100),
        4: (1, 100),
        5: (1, 100),
    }
    assert all(row.reported for row in world.psd.record.usage)


def test_orders_are_applied_and_reported(world: World) -> None:
    world.books.orders = (
        Order(OrderSerial(1), OrderKind.LOCK, 5),
        Order(OrderSerial(2), OrderKind.TARIFF, 0),
    )
    report = world.dial(INSPECTION)
    assert [applied for _, applied in report.orders] == [True, False]
    assert world.psd.state is MachineState.LOCKED


def test_a_call_that_nobody_answers_leaves_no_request(world: World) -> None:
    exchange = VirtualExchange(world.reactor, every_call(LINE))
    reports: list[DialInReport] = []
    dial(world.psd, RUPEES_2000, exchange, world.reactor).addCallback(reports.append)
    world.reactor.advance(0)
    (report,) = reports
    assert report.outcome is Outcome.IN_DOUBT
    assert report.may_dial_again
    assert report.loss.cause is LossCause.NO_ANSWER
    assert (report.pending, report.octets_up) == (None, 0)


@pytest.mark.parametrize("real", [False, True], ids=["double", "real"])
def test_a_server_with_other_keys_is_told_nothing(world: World, real: bool) -> None:
    impostor = ServerIdentity.generate(
        "RMFS-TEST", Realm.TEST, 1, SeededEntropy(b"impostor")
    )
    world.books.channels = Channels(real=real, answering=impostor)
    frames: list[tuple[Direction, bytes]] = []
    report = world.dial(RUPEES_2000, frames=frames)
    assert report.failure is not None
    assert report.failure.code is ErrorCode.HANDSHAKE
    assert not report.may_dial_again
    assert report.pending == RUPEES_2000
    assert max(len(octets) for _, octets in frames) < 60, "no STATEMENT left"


def test_a_line_cut_at_any_octet_loses_and_doubles_nothing(world: World) -> None:
    """Cut the first call after n octets, then let the second through."""
    image = world.nvram.image()
    whole = world.dial(RUPEES_2000)
    total = whole.octets_up + whole.octets_down
    outcomes = set()
    for octets in range(0, total, 3):
        wall = a_clock()
        nvram = MemoryNvram(image)
        cut = World(nvram, wall, SmallBooks(switch_on(nvram, wall).credential), Clock())
        parameters = VirtualLineParameters(
            bit_s=33_600, delay_s=0.05, cut_after_octets=octets
        )
        first = cut.dial(RUPEES_2000, every_call(parameters))
        outcomes.add(first.outcome)
        cut.check_money()
        for _ in range(2):
            cut.dial(INSPECTION)
            cut.check_money()
        record = cut.psd.record
        assert record.pending is None
        assert cut.books.number == record.recharge_number
        assert cut.books.control_total == record.registers.control_total_paise
        assert cut.books.outstanding is None
        assert cut.psd.record.mark == cut.books.marks[-1]
    assert outcomes == {Outcome.IN_DOUBT, Outcome.CONFIRMED}


def test_a_power_cut_at_any_write_of_a_dial_in_loses_and_doubles_nothing(
    world: World,
) -> None:
    image = world.nvram.image()
    counted = PowerCutNvram(MemoryNvram(image))
    world.dial(RUPEES_2000, nvram=counted)
    assert counted.writes == 9, "dial, voucher and receipt, three copies each"
    for power_cut in every_power_cut(counted.write_lengths):
        if power_cut.torn_octets not in (0, 1, 100, None):
            continue
        wall = a_clock()
        nvram = MemoryNvram(image)
        cut = World(nvram, wall, SmallBooks(switch_on(nvram, wall).credential), Clock())
        with pytest.raises(PowerCutError):
            cut.dial(
                RUPEES_2000,
                nvram=PowerCutNvram(nvram, power_cut.at_write, power_cut.torn_octets),
            )
        cut.check_money()
        for _ in range(2):
            cut.dial(INSPECTION)
            cut.check_money()
        record = cut.psd.record
        assert record.pending is None
        assert cut.books.number == record.recharge_number
        assert cut.books.outstanding is None


def test_dialling_again_after_any_cut_recharges_once(world: World) -> None:
    """The operator typed Rs 2,000 once: the machine redials, and adds it once."""
    image = world.nvram.image()
    whole = world.dial(RUPEES_2000)
    progress: list[Progress] = []
    for octets in range(0, whole.octets_up + whole.octets_down, 7):
        wall = a_clock()
        nvram = MemoryNvram(image)
        cut = World(nvram, wall, SmallBooks(switch_on(nvram, wall).credential), Clock())

        def plan(call: int, octets: int = octets) -> VirtualLineParameters:
            return VirtualLineParameters(
                bit_s=33_600, delay_s=0.05, cut_after_octets=None if call else octets
            )

        report = cut.dial(RUPEES_2000, plan, attempts=2, progress=progress)
        assert report.outcome in (Outcome.CONFIRMED, Outcome.INSPECTED)
        cut.check_money()
        assert cut.psd.record.registers.descending_paise == 200_000
        assert cut.books.control_total == 200_000
    assert Redialling(2, 2.0) in progress


def test_the_waits_between_attempts_double_up_to_five_minutes() -> None:
    waits = [redial_wait_s(failed) for failed in range(1, 11)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_machines_that_were_told_busy_at_one_moment_come_back_apart() -> None:
    """DLG-14.6: each wait is 0.5 to 1.5 times that of DLG-14.3, evenly spread."""
    for failed in (1, 2, 3, 10):
        ordinary = redial_wait_s(failed)
        waits = [busy_wait_s(failed, f"N{n:06d}") for n in range(1_000)]
        assert 0.5 * ordinary <= min(waits) < 0.55 * ordinary
        assert 1.45 * ordinary < max(waits) < 1.5 * ordinary
        assert abs(sum(waits) / 1_000 - ordinary) < 0.05 * ordinary
        quarters = [0] * 4
        for wait in waits:
            quarters[int((wait / ordinary - 0.5) * 4)] += 1
        assert min(quarters) > 200
    factors = {busy_wait_s(n, "N000001") / redial_wait_s(n) for n in range(1, 11)}
    assert len(factors) == 10, "nor do two machines meet again and again"


def test_a_busy_server_is_dialled_again_and_nothing_was_stored(world: World) -> None:
    """DLG-14.6: DM upon SABM, twice; the third call is answered."""
    before = world.nvram.image()
    seen: list[bytes] = []

    def answer(caller: str) -> LineUser:
        seen.append(world.nvram.image())
        if len(seen) <= 2:
            return BusyLine(world.reactor, 10.0, lambda: None)
        return world.answering(caller)

    progress: list[Progress] = []
    report = world.dial(RUPEES_2000, answer=answer, attempts=3, progress=progress)
    assert report.outcome is Outcome.CONFIRMED
    assert [event for event in progress if isinstance(event, ServerIsBusy)] == [
        ServerIsBusy(),
        ServerIsBusy(),
    ]
    assert seen == [before] * 3, "nothing was stored"
    waits = [event.wait_s for event in progress if isinstance(event, Redialling)]
    licence = world.psd.record.life.licence
    assert waits == [busy_wait_s(1, licence), busy_wait_s(2, licence)]
    world.check_money()


@pytest.mark.parametrize("rate", [0.0, 1e-3])
def test_only_behind_a_noisy_line_arrival_reports_are_asked_for(
    world: World, rate: float
) -> None:
    """XID costs 100 octets: LINK-10.1, LINK-17."""

    def plan(call: int) -> VirtualLineParameters:
        return VirtualLineParameters(
            bit_s=33_600,
            delay_s=0.05,
            bit_error_rate=rate,
            cut_after_octets=None if call else 400,
            seed=call,
        )

    frames: list[tuple[Direction, bytes]] = []
    report = world.dial(RUPEES_2000, plan, attempts=9, frames=frames)
    assert report.outcome is Outcome.CONFIRMED
    world.check_money()
    sent = [octets[1] for direction, octets in frames if direction is Direction.SENT]
    xid, sabme, sabm = 0xBF, 0x7F, 0x3F
    assert sent[0] == sabm
    assert (xid in sent) is (sabme in sent) is (rate > 0)


def test_a_noisy_line_only_costs_time(world: World) -> None:
    noisy = VirtualLineParameters(
        bit_s=33_600, delay_s=0.05, bit_error_rate=3e-4, seed=7
    )
    report = world.dial(RUPEES_2000, every_call(noisy))
    assert report.outcome is Outcome.CONFIRMED
    world.check_money()


def test_a_withdrawal_takes_the_whole_of_dr(world: World) -> None:
    world.dial(RUPEES_2000)
    psd = world.psd
    frank(psd, Paise(500), 1)
    report = world.dial(Request(RequestKind.WITHDRAWAL, Paise(199_500)))
    assert report.outcome is Outcome.CONFIRMED
    assert report.after.descending_paise == 0
    assert world.psd.state is MachineState.WITHDRAWN
    assert world.books.control_total == 500


def test_an_answer_that_never_comes_is_a_time_out(world: World) -> None:
    class Silent(SmallBooks):
        def answer_to(self, statement: object) -> bytes | None:
            self.outstanding = bytes(114)
            return None

        def receipt(self, time: object) -> object:  # type: ignore[override]
            class Nothing:
                def encode(self) -> bytes:
                    return b"\x40"

            return Nothing()

    world.books = Silent(world.books.credential)
    report = world.dial(RUPEES_2000)
    assert report.failure is not None
    assert report.failure.code is ErrorCode.TIMEOUT
    assert report.may_dial_again
    assert report.pending == RUPEES_2000
