"""What only TCP lines do: real ports, back-pressure, peers that will not close."""

import socket

import pytest
from twisted.internet import defer

from hw.lines.port import LineError, LineLoss, LossCause
from hw.lines.tcp import TcpDialler, TcpListener, TcpParameters
from hw.reactor import MonotonicReactor
from tests.line_user import EchoUser, RecordingUser
from tests.reactor import run_on_reactor


def _port(listener: TcpListener) -> int:
    return int(listener.address.rpartition(":")[2])


def test_calls_of_some_seconds_wait_to_be_answered_and_none_is_lost() -> None:
    """A server that is busy with something else for a moment loses no SYN."""

    async def scenario(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0)
        listener.listen(lambda _caller: None)
        callers = []
        # The reactor stands still in here, and answers nobody.
        for _ in range(200):
            place = ("127.0.0.1", _port(listener))
            callers.append(socket.create_connection(place, timeout=0.5))
        for caller in callers:
            caller.close()
        listener.close()

    run_on_reactor(scenario)


def test_a_flood_of_callers_does_not_hold_up_a_line_that_is_up() -> None:
    """Its octets are taken after some calls more, not after all of them."""

    async def scenario(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0)
        answered: list[int] = []
        heard_after: list[int] = []

        class Hearing(RecordingUser):
            def octets_received(self, octets: bytes) -> None:
                heard_after.append(len(answered))
                super().octets_received(octets)

        user = Hearing()

        def answer(_caller: str) -> RecordingUser | None:
            if not user.lines:
                return user
            answered.append(1)
            if len(answered) == 5:
                up.sendall(b"x")
            return None

        listener.listen(answer)
        place = ("127.0.0.1", _port(listener))
        with socket.create_connection(place, timeout=5) as up:
            await user.is_up()
            # The reactor stands still while they call.
            flood = [socket.create_connection(place, timeout=5) for _ in range(400)]
            await user.has(1)
            for caller in flood:
                caller.close()
        assert heard_after[0] < 80
        listener.close()

    run_on_reactor(scenario)


def test_a_port_that_is_taken_is_said_plainly() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            listener = TcpListener(reactor, "127.0.0.1", port)
            with pytest.raises(
                LineError,
                match=f"cannot listen at tcp:127.0.0.1:{port}: another program listens",
            ):
                listener.listen(lambda _caller: None)

    run_on_reactor(scenario)


def test_an_address_of_another_computer_is_said_plainly() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        # 192.0.2.0/24 is kept for documents (RFC 5737).
        listener = TcpListener(reactor, "192.0.2.1", 0)
        with pytest.raises(LineError, match="this computer has no such address"):
            listener.listen(lambda _caller: None)

    run_on_reactor(scenario)


def test_a_refused_call_names_the_place_and_asks_for_the_server() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.socket() as bound_but_deaf:
            bound_but_deaf.bind(("127.0.0.1", 0))
            port = bound_but_deaf.getsockname()[1]
            calling = RecordingUser()
            TcpDialler(reactor, "127.0.0.1", port).dial(calling)
            await calling.is_lost()
            assert calling.loss.cause is LossCause.NO_ANSWER
            assert calling.loss.detail == (
                f"tcp:127.0.0.1:{port}: nothing listens there: is the server running, "
                "and at this port?"
            )

    run_on_reactor(scenario)


def test_a_place_that_does_not_answer_is_given_up_in_time() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        # A listener whose queue of one is full answers no SYN.
        with (
            socket.socket() as full,
            socket.socket() as first,
            socket.socket() as next_,
        ):
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for filler in (first, next_):
                filler.setblocking(False)  # noqa: FBT003
                filler.connect_ex(full.getsockname())
            parameters = TcpParameters(connect_timeout_s=0.2)
            calling = RecordingUser()
            dialler = TcpDialler(
                reactor, "127.0.0.1", full.getsockname()[1], parameters
            )
            dialler.dial(calling)
            await calling.is_lost()
            assert calling.story == ["lost"]
            assert calling.loss.cause is LossCause.NO_ANSWER

    run_on_reactor(scenario)


def test_a_large_send_passes_through_the_bounded_buffer() -> None:
    octets = bytes(range(256)) * 4096

    async def scenario(reactor: MonotonicReactor) -> None:
        parameters = TcpParameters(pending_octets_max=2**20)
        listener = TcpListener(reactor, "127.0.0.1", 0, parameters)
        answering = RecordingUser()
        listener.listen(lambda _caller: answering)
        calling = RecordingUser()
        TcpDialler(reactor, "127.0.0.1", _port(listener), parameters).dial(calling)
        await calling.is_up()
        for start in range(0, len(octets), 2**16):
            calling.line.send(octets[start : start + 2**16])
        calling.line.drop()
        await answering.is_lost()
        await calling.is_lost()
        assert answering.octets == octets
        listener.close()

    run_on_reactor(scenario)


def test_what_is_sent_leaves_without_a_turn_of_the_reactor() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            calling = RecordingUser()
            TcpDialler(reactor, "127.0.0.1", server.getsockname()[1]).dial(calling)
            await calling.is_up()
            accepted, _ = server.accept()
            with accepted:
                accepted.settimeout(5)
                calling.line.send(b"one")
                assert accepted.recv(3) == b"one"
            await calling.is_lost()

    run_on_reactor(scenario)


def test_a_broken_connection_is_heard_of_in_a_later_turn() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            calling = RecordingUser()
            TcpDialler(reactor, "127.0.0.1", server.getsockname()[1]).dial(calling)
            await calling.is_up()
            accepted, _ = server.accept()
            accepted.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
            )
            accepted.close()
            calling.line.send(b"one")
            calling.line.send(b"two")
            assert calling.story == ["up"]
            await calling.is_lost()
            assert calling.loss.cause is LossCause.CARRIER_LOST

    run_on_reactor(scenario)


def test_a_peer_that_never_closes_is_cut_off() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            parameters = TcpParameters(drop_timeout_s=0.1)
            calling = RecordingUser()
            port = silent.getsockname()[1]
            TcpDialler(reactor, "127.0.0.1", port, parameters).dial(calling)
            await calling.is_up()
            calling.line.drop()
            await calling.is_lost()
            assert calling.loss.cause is LossCause.DROPPED_HERE

    run_on_reactor(scenario)


def test_a_reset_is_a_lost_carrier_and_not_a_hang_up() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            calling = RecordingUser()
            TcpDialler(reactor, "127.0.0.1", server.getsockname()[1]).dial(calling)
            await calling.is_up()
            accepted, _ = server.accept()
            # SO_LINGER with no time: closing sends RST.
            accepted.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
            )
            accepted.close()
            await calling.is_lost()
            assert calling.loss.cause is LossCause.CARRIER_LOST

    run_on_reactor(scenario)


def test_an_error_in_a_user_ends_its_line_and_fails_the_test() -> None:
    class Clumsy(RecordingUser):
        def octets_received(self, octets: bytes) -> None:
            raise ZeroDivisionError

    async def scenario(reactor: MonotonicReactor) -> None:
        listener = TcpListener(reactor, "127.0.0.1", 0)
        listener.listen(lambda _caller: Clumsy())
        calling = RecordingUser()
        TcpDialler(reactor, "127.0.0.1", _port(listener)).dial(calling)
        await calling.is_up()
        calling.line.send(b"x")
        await calling.is_lost()
        listener.close()

    with pytest.raises(ZeroDivisionError):
        run_on_reactor(scenario)


def test_an_error_at_the_end_of_a_line_is_logged_and_others_go_on() -> None:
    heard: list[str] = []

    class Clumsy(RecordingUser):
        def line_lost(self, loss: LineLoss) -> None:
            super().line_lost(loss)
            raise ZeroDivisionError

    async def scenario(reactor: MonotonicReactor) -> None:
        users = iter((Clumsy(), EchoUser()))
        listener = TcpListener(reactor, "127.0.0.1", 0)
        listener.listen(lambda _caller: next(users))
        dialler = TcpDialler(reactor, "127.0.0.1", _port(listener))
        first, second = RecordingUser(), RecordingUser()
        dialler.dial(first)
        await first.is_up()
        first.line.drop()
        await first.is_lost()
        dialler.dial(second)
        await second.is_up()
        second.line.send(b"x")
        await second.has(1)
        heard.append(second.octets.decode())
        listener.close()

    with pytest.raises(ZeroDivisionError):
        run_on_reactor(scenario)
    assert heard == ["x"]


def test_a_scenario_that_waits_for_ever_fails() -> None:
    async def scenario(_reactor: MonotonicReactor) -> None:
        never: defer.Deferred[None] = defer.Deferred()
        await never

    with pytest.raises(defer.TimeoutError):
        run_on_reactor(scenario, timeout_s=0.05)


def test_a_caller_has_a_name_before_it_is_answered() -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        callers: list[str] = []
        listener = TcpListener(reactor, "127.0.0.1", 0)

        def answer(caller: str) -> EchoUser:
            callers.append(caller)
            return EchoUser()

        listener.listen(answer)
        calling = RecordingUser()
        TcpDialler(reactor, "127.0.0.1", _port(listener)).dial(calling)
        await calling.is_up()
        calling.line.send(b"x")
        await calling.has(1)
        assert callers[0].startswith("tcp:127.0.0.1:")
        calling.line.drop()
        await calling.is_lost()
        listener.close()

    run_on_reactor(scenario)
