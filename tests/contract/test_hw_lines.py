"""Every line keeps the five rules of hw/lines/port.py."""

from collections.abc import Callable, Coroutine
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hw.capture import LineEvent
from hw.lines.direct import DirectDialler, DirectListener
from hw.lines.direct_end import Carrier, DirectParameters
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.port import Dialler, LineError, LineUser, Listener, LossCause
from hw.lines.pty import PtyListener
from hw.lines.relay import PacedDialler, PacedListener
from hw.lines.tcp import TcpDialler, TcpListener, TcpParameters
from hw.lines.virtual import VirtualLineParameters
from hw.modem.dialler import ModemDialler
from hw.modem.listener import ModemListener
from hw.modem.network import PhoneNetwork
from hw.modem.settings import ModemSettings
from hw.ports.descriptor_port import PortTiming
from hw.ports.null_modem import NullModem
from hw.ports.pty import PtyOpener
from hw.ports.rfc2217.client import Rfc2217Opener
from hw.ports.rfc2217.client_port import Rfc2217Parameters
from hw.ports.rfc2217.listener import Rfc2217Listener
from hw.ports.rfc2217.server_port import AccessParameters
from hw.ports.settings import PortSettings
from hw.ports.tty import TtyOpener
from hw.reactor import MonotonicReactor
from hw.seen.lines import RecordedDialler, RecordedListener
from hw.seen.tap import Tap
from hw.usb.bridge import SimulatedUsbDialler, SimulatedUsbListener
from hw.usb.opener import UsbTiming
from tests.line_user import EchoUser, RecordingUser
from tests.modem_desk import ModemDesk
from tests.reactor import run_in_virtual_time, run_on_reactor
from tests.seen import SeenSink

MakeDialler = Callable[[], Dialler]
Story = Callable[[Listener, MakeDialler], Coroutine[Deferred[Any], Any, None]]
World = Callable[[Story], None]

PENDING_OCTETS_MAX = 4096
PATIENCE_S = 60.0
"""A peer that is this very process, and may be stopped for a while, gets so long."""

TCP = TcpParameters(drop_timeout_s=PATIENCE_S, pending_octets_max=PENDING_OCTETS_MAX)
PTY = PortTiming(drain_s=PATIENCE_S, pending_octets_max=PENDING_OCTETS_MAX)
USB = UsbTiming(
    transfer_s=0.01,
    drain_s=PATIENCE_S,
    stuck_s=PATIENCE_S,
    pending_octets_max=PENDING_OCTETS_MAX,
)
ACCESS = AccessParameters(
    agree_timeout_s=PATIENCE_S,
    drain_timeout_s=PATIENCE_S,
    hang_up_s=0.01,
    pending_octets_max=PENDING_OCTETS_MAX,
)
REMOTE = Rfc2217Parameters(answer_timeout_s=PATIENCE_S, drain_timeout_s=PATIENCE_S)
FAST = every_call(
    VirtualLineParameters(
        bit_s=1_000_000, delay_s=0.001, pending_octets_max=PENDING_OCTETS_MAX
    )
)


def _exchange_world(story: Story) -> None:
    clock = Clock()
    exchange = VirtualExchange(clock, FAST)
    run_in_virtual_time(clock, lambda: story(exchange, lambda: exchange))


def _tcp_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0, TCP)
        await story(listener, lambda: _tcp_dialler(reactor, listener))

    run_on_reactor(on_reactor)


def _paced_dialler_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0, TCP)

        def make_dialler() -> Dialler:
            return PacedDialler(reactor, FAST, _tcp_dialler(reactor, listener))

        await story(listener, make_dialler)

    run_on_reactor(on_reactor)


def _paced_listener_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0, TCP)
        paced = PacedListener(reactor, FAST, listener)
        await story(paced, lambda: _tcp_dialler(reactor, listener))

    run_on_reactor(on_reactor)


def _recorded_world(story: Story) -> None:
    clock = Clock()
    exchange = VirtualExchange(clock, FAST)
    dialled, answered = SeenSink(), SeenSink()
    listener = RecordedListener(exchange, lambda _caller: Tap(answered))
    run_in_virtual_time(
        clock,
        lambda: story(
            listener, lambda: RecordedDialler(exchange, Tap(dialled), "virtual")
        ),
    )
    assert dialled.events[:1] in ([], [LineEvent.DIALLED])


def _pty_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor, folder: str) -> None:
        path = f"{folder}/line"
        listener = PtyListener(reactor, PtyOpener(reactor, path, PTY), f"pty:{path}")
        settings = PortSettings()

        def make_dialler() -> Dialler:
            return DirectDialler(reactor, TtyOpener(reactor, path, settings, PTY))

        await story(listener, make_dialler)

    with TemporaryDirectory() as folder:
        run_on_reactor(lambda reactor: on_reactor(reactor, folder))


def _direct_world(story: Story) -> None:
    clock = Clock()
    cable = NullModem(clock, pending_octets_max=PENDING_OCTETS_MAX)
    parameters = DirectParameters(Carrier.DCD)
    listener = DirectListener(clock, cable.right, "null modem", parameters)
    dialler = DirectDialler(clock, cable.left, parameters)
    run_in_virtual_time(clock, lambda: story(listener, lambda: dialler))


def _remote_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        tcp = TcpListener(reactor, "127.0.0.1", 0, TCP)
        listener = Rfc2217Listener(reactor, "127.0.0.1", 0, ACCESS, through=tcp)
        settings = PortSettings(921_600)

        def make_dialler() -> Dialler:
            through = _tcp_dialler(reactor, tcp)
            opener = Rfc2217Opener(
                reactor, "there", 1, settings, REMOTE, through=through
            )
            return DirectDialler(reactor, opener)

        await story(listener, make_dialler)

    run_on_reactor(on_reactor)


def _modem_world(story: Story) -> None:
    clock = Clock()
    network = PhoneNetwork(clock)
    machine, server = (
        ModemDesk(clock, network, number, pending_octets_max=PENDING_OCTETS_MAX)
        for number in ("111", "222")
    )
    listener = ModemListener(clock, server.pair.opener, ModemSettings())
    dialler = ModemDialler(clock, machine.pair.opener, ModemSettings("222"))
    run_in_virtual_time(clock, lambda: story(listener, lambda: dialler))


def _usb_dialler_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0, TCP)

        def make_dialler() -> Dialler:
            through = _tcp_dialler(reactor, listener)
            return SimulatedUsbDialler(reactor, through, USB)

        await story(listener, make_dialler)

    run_on_reactor(on_reactor)


def _usb_listener_world(story: Story) -> None:
    async def on_reactor(reactor: MonotonicReactor) -> None:
        tcp = TcpListener(reactor, "127.0.0.1", 0, TCP)
        listener = SimulatedUsbListener(reactor, tcp, USB)
        await story(listener, lambda: _tcp_dialler(reactor, tcp))

    run_on_reactor(on_reactor)


def _tcp_dialler(reactor: MonotonicReactor, listener: TcpListener) -> TcpDialler:
    port = int(listener.address.rpartition(":")[2])
    return TcpDialler(reactor, "127.0.0.1", port, TCP)


@pytest.fixture(
    params=[
        _exchange_world,
        _tcp_world,
        _paced_dialler_world,
        _paced_listener_world,
        _recorded_world,
        _pty_world,
        _direct_world,
        _modem_world,
        _remote_world,
        _usb_dialler_world,
        _usb_listener_world,
    ],
    ids=[
        *("exchange", "tcp", "paced dialler", "paced listener", "recorded"),
        *("pty", "direct", "modem", "RFC 2217", "USB dialler", "USB listener"),
    ],
)
def world(request: pytest.FixtureRequest) -> World:
    chosen: World = request.param
    return chosen


def _answer_with(user: LineUser) -> Callable[[str], LineUser]:
    return lambda _caller: user


async def _connect(
    listener: Listener, make_dialler: MakeDialler, answering: RecordingUser
) -> RecordingUser:
    listener.listen(_answer_with(answering))
    calling = RecordingUser()
    make_dialler().dial(calling)
    await calling.is_up()
    await answering.is_up()
    return calling


def test_octets_arrive_in_order_both_ways(world: World) -> None:
    octets = bytes(range(256)) * 8

    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        calling = await _connect(listener, make_dialler, EchoUser())
        calling.line.send(octets[:1000])
        calling.line.send(octets[1000:])
        await calling.has(len(octets))
        assert calling.octets == octets
        calling.line.drop()
        await calling.is_lost()
        listener.close()

    world(story)


def test_no_callback_runs_inside_a_call(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = RecordingUser()
        listener.listen(_answer_with(answering))
        make_dialler().dial(calling)
        assert calling.story == answering.story == []
        await calling.is_up()
        await answering.is_up()
        calling.line.send(b"hello")
        assert answering.story == ["up"]
        calling.line.drop()
        assert calling.story == ["up"]
        await calling.is_lost()
        await answering.is_lost()
        listener.close()

    world(story)


def test_what_was_sent_before_a_drop_arrives_before_the_loss(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        calling.line.send(b"x" * 3000)
        calling.line.drop()
        calling.line.drop()
        await answering.is_lost()
        await calling.is_lost()
        assert answering.octets == b"x" * 3000
        assert answering.story == ["up", "octets", "lost"]
        assert answering.loss.cause is LossCause.DROPPED_BY_PEER
        assert calling.story == ["up", "lost"]
        assert calling.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    world(story)


def test_the_answering_end_can_drop_too(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        answering.line.drop()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause is LossCause.DROPPED_BY_PEER
        assert answering.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    world(story)


def test_nothing_is_received_after_a_drop(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        answering.line.send(b"too late")
        calling.line.drop()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.octets == b""
        listener.close()

    world(story)


def test_both_ends_may_drop_at_once(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        answering.line.drop()
        calling.line.drop()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause is LossCause.DROPPED_HERE
        assert answering.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    world(story)


def test_sending_after_the_loss_does_nothing(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        answering.line.drop()
        await calling.is_lost()
        await answering.is_lost()
        for user in (calling, answering):
            user.line.send(b"nobody hears")
            user.line.drop()
        assert calling.story == answering.story == ["up", "lost"]
        listener.close()

    world(story)


def test_a_peer_that_does_not_keep_up_costs_the_line_and_not_the_memory(
    world: World,
) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        # Beside ours there are the buffers of the kernel, several MB at both ends.
        for _ in range(5_000):
            calling.line.send(bytes(PENDING_OCTETS_MAX))
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause is LossCause.OVERFLOW
        assert "octets were waiting" in str(calling.loss)
        listener.close()

    world(story)


def test_a_call_that_nobody_answers_is_told_so_once(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        listener.listen(_answer_with(RecordingUser()))
        dialler = make_dialler()
        listener.close()
        # The port of a TCP listener is given back in the next turn of the reactor.
        waiting = RecordingUser()
        dialler.dial(waiting)
        await waiting.is_lost()
        calling = RecordingUser()
        dialler.dial(calling)
        assert calling.story == []
        await calling.is_lost()
        assert calling.story == ["lost"]
        assert calling.loss.cause is LossCause.NO_ANSWER

    world(story)


def test_a_call_can_be_given_up_before_it_is_answered(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        listener.listen(_answer_with(answering))
        calling = RecordingUser()
        call = make_dialler().dial(calling)
        call.drop()
        call.drop()
        assert calling.story == []
        await calling.is_lost()
        assert calling.story == ["lost"]
        assert calling.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    world(story)


def test_a_call_that_is_refused_is_lost_at_once(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        listener.listen(lambda _caller: None)
        calling = RecordingUser()
        make_dialler().dial(calling)
        await calling.is_lost()
        assert calling.loss.cause in {LossCause.NO_ANSWER, LossCause.DROPPED_BY_PEER}
        listener.close()

    world(story)


def test_lines_that_are_up_survive_the_end_of_listening(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        calling = await _connect(listener, make_dialler, EchoUser())
        listener.close()
        calling.line.send(b"still there")
        await calling.has(11)
        calling.line.drop()
        await calling.is_lost()

    world(story)


def test_a_call_hangs_up_the_line_that_came_of_it(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        listener.listen(_answer_with(answering))
        calling = RecordingUser()
        call = make_dialler().dial(calling)
        await calling.is_up()
        await answering.is_up()
        call.drop()
        await calling.is_lost()
        await answering.is_lost()
        assert calling.loss.cause is LossCause.DROPPED_HERE
        listener.close()

    world(story)


def test_nobody_can_listen_where_somebody_does(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        listener.listen(_answer_with(RecordingUser()))
        make_dialler()
        with pytest.raises(LineError, match="listen"):
            listener.listen(_answer_with(RecordingUser()))
        listener.close()

    world(story)


def test_an_end_knows_a_name_for_the_other(world: World) -> None:
    async def story(listener: Listener, make_dialler: MakeDialler) -> None:
        answering = RecordingUser()
        calling = await _connect(listener, make_dialler, answering)
        kinds = (
            *("tcp:127.0.0.1:", "virtual line", "/", "left port", "right port"),
            *("rfc2217:", "modem ", "usb:"),
        )
        assert calling.line.name.startswith(kinds)
        assert answering.line.name.startswith(kinds)
        calling.line.drop()
        await calling.is_lost()
        listener.close()

    world(story)
