"""A relay puts a virtual line between a TCP client and a TCP server."""

from collections.abc import Awaitable, Callable

import pytest

from hw.lines.exchange import every_call
from hw.lines.port import Answer, LineLoss, LossCause
from hw.lines.relay import (
    PENDING_OCTETS_MAX,
    PacedDialler,
    PacedListener,
    Relay,
    Splice,
)
from hw.lines.tcp import TcpDialler, TcpListener
from hw.lines.virtual import VirtualLineParameters
from hw.reactor import MonotonicReactor
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_on_reactor

FAST = VirtualLineParameters(bit_s=1_000_000)

Story = Callable[[Relay, TcpDialler], Awaitable[None]]


def _relayed(
    parameters: VirtualLineParameters,
    server: Answer,
    story: Story,
    calls_max: int = 64,
) -> None:
    """Run a story with a relay between a server and the dialler of its clients."""

    async def scenario(reactor: MonotonicReactor) -> None:
        back = TcpListener(reactor, "127.0.0.1", 0)
        back.listen(server)
        to_server = TcpDialler(reactor, "127.0.0.1", _port(back.address))
        front = TcpListener(reactor, "127.0.0.1", 0)
        paced = PacedDialler(reactor, every_call(parameters), to_server)
        relay = Relay(front, paced, calls_max)
        relay.start()
        await story(relay, TcpDialler(reactor, "127.0.0.1", _port(relay.address)))
        relay.stop()
        back.close()

    run_on_reactor(scenario)


def _echo(_caller: str) -> EchoUser:
    return EchoUser()


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_octets_pass_both_ways_through_a_relay() -> None:
    async def story(relay: Relay, dialler: TcpDialler) -> None:
        client = RecordingUser()
        dialler.dial(client)
        await client.is_up()
        client.line.send(bytes(range(256)))
        await client.has(256)
        assert client.octets == bytes(range(256))
        assert relay.calls == 1
        client.line.drop()
        await client.is_lost()

    _relayed(FAST, _echo, story)


def test_noise_on_both_sides_of_a_call_strikes_twice_and_not_back() -> None:
    """The same string serves both roles, and the same bits twice would be whole."""

    async def scenario(reactor: MonotonicReactor) -> None:
        noisy = every_call(
            VirtualLineParameters(bit_s=1_000_000, bit_error_rate=0.01, seed=3)
        )
        tcp = TcpListener(reactor, "127.0.0.1", 0)
        listener = PacedListener(reactor, noisy, tcp)
        answering = RecordingUser()
        listener.listen(lambda _: answering)
        calling = RecordingUser()
        near = TcpDialler(reactor, "127.0.0.1", _port(tcp.address))
        PacedDialler(reactor, noisy, near).dial(calling)
        await calling.is_up()
        calling.line.send(bytes(2000))
        await answering.has(2000)
        struck = sum(octet.bit_count() for octet in answering.octets)
        assert 250 < struck < 390
        calling.line.drop()
        await calling.is_lost()
        listener.close()

    run_on_reactor(scenario)


def test_a_relayed_line_takes_the_time_of_its_octets() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        server = TcpListener(reactor, "127.0.0.1", 0)
        answering = RecordingUser()
        server.listen(lambda _caller: answering)
        paced = PacedDialler(
            reactor,
            every_call(VirtualLineParameters(bit_s=10_000, delay_s=0.05)),
            TcpDialler(reactor, "127.0.0.1", _port(server.address)),
        )
        calling = RecordingUser()
        paced.dial(calling)
        await calling.is_up()
        started_s = reactor.seconds()
        calling.line.send(bytes(100))
        await answering.has(100)
        assert reactor.seconds() - started_s >= 0.15
        server.close()

    run_on_reactor(scenario)


@pytest.mark.parametrize("count", [0, 1, 100, 255])
def test_a_relay_cuts_the_line_after_exactly_so_many_octets(count: int) -> None:
    answering = RecordingUser()

    async def story(_relay: Relay, dialler: TcpDialler) -> None:
        client = RecordingUser()
        dialler.dial(client)
        await client.is_up()
        client.line.send(bytes(256))
        await answering.is_lost()
        await client.is_lost()
        assert len(answering.octets) == count

    cut = VirtualLineParameters(bit_s=1_000_000, cut_after_octets_up=count)
    _relayed(cut, lambda _caller: answering, story)


def test_the_loss_of_either_side_drops_the_other() -> None:
    answering = RecordingUser()

    async def story(_relay: Relay, dialler: TcpDialler) -> None:
        client = RecordingUser()
        dialler.dial(client)
        await answering.is_up()
        answering.line.send(b"last words")
        answering.line.drop()
        await client.is_lost()
        assert client.octets == b"last words"
        assert client.loss.cause is LossCause.DROPPED_BY_PEER

    _relayed(FAST, lambda _caller: answering, story)


def test_a_server_that_does_not_answer_costs_the_client_its_line() -> None:
    async def story(_relay: Relay, dialler: TcpDialler) -> None:
        client = RecordingUser()
        dialler.dial(client)
        await client.is_lost()
        assert client.octets == b""

    _relayed(FAST, lambda _caller: None, story)


def test_a_relay_refuses_more_calls_than_it_may_carry() -> None:
    async def story(relay: Relay, dialler: TcpDialler) -> None:
        first, second = RecordingUser(), RecordingUser()
        dialler.dial(first)
        await first.is_up()
        first.line.send(b"x")
        await first.has(1)
        dialler.dial(second)
        await second.is_lost()
        assert relay.calls == 1
        first.line.send(b"y")
        await first.has(2)

    _relayed(FAST, _echo, story, calls_max=1)


def test_stopping_a_relay_drops_its_calls() -> None:
    async def story(relay: Relay, dialler: TcpDialler) -> None:
        client = RecordingUser()
        dialler.dial(client)
        await client.is_up()
        client.line.send(b"x")
        await client.has(1)
        relay.stop()
        await client.is_lost()
        assert client.loss.cause is LossCause.DROPPED_BY_PEER

    _relayed(FAST, _echo, story)


class _Wire:
    """A line that only remembers."""

    name = "wire"

    def __init__(self) -> None:
        self.sent = b""
        self.drops = 0

    def send(self, octets: bytes) -> None:
        self.sent += octets

    def drop(self) -> None:
        self.drops += 1


def test_a_splice_keeps_octets_for_a_side_that_is_not_up_yet() -> None:
    splice = Splice()
    left, right = _Wire(), _Wire()
    splice.left.line_up(left)
    splice.left.octets_received(b"early ")
    splice.right.line_up(right)
    splice.left.octets_received(b"late")
    assert right.sent == b"early late"


def test_a_splice_keeps_a_bounded_number_of_octets() -> None:
    splice = Splice()
    left = _Wire()
    splice.left.line_up(left)
    splice.left.octets_received(bytes(PENDING_OCTETS_MAX))
    assert left.drops == 0
    splice.left.octets_received(b"x")
    assert left.drops == 1
    right = _Wire()
    splice.right.line_up(right)
    assert right.drops == 1


def test_a_splice_is_over_when_both_lines_are_lost() -> None:
    splice = Splice()
    left, right = _Wire(), _Wire()
    splice.left.line_up(left)
    splice.right.line_up(right)
    splice.left.line_lost(LineLoss(LossCause.CARRIER_LOST))
    assert (left.drops, right.drops, splice.is_over) == (0, 1, False)
    splice.right.line_lost(LineLoss(LossCause.DROPPED_HERE))
    assert splice.is_over
