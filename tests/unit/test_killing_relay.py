"""The wire that is looked at passes octets on, and knows when a call is at work."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from rmfs_tools.killing.relay import Relay

HOST = "127.0.0.1"
SAID, ANSWERED = b"SSH-2.0-machine\r\n", b"SSH-2.0-drop\r\n"

Scenario = Callable[[Relay, int], Awaitable[None]]


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one line, and go on until the other end is gone."""
    await reader.readline()
    writer.write(ANSWERED)
    await writer.drain()
    await reader.read()
    writer.close()


def played(scenario: Scenario) -> None:
    async def play() -> None:
        async with AsyncExitStack() as stack:
            there = await asyncio.start_server(answering, HOST, 0)
            await stack.enter_async_context(there)
            relay = await stack.enter_async_context(Relay())
            await scenario(relay, there.sockets[0].getsockname()[1])

    asyncio.run(asyncio.wait_for(play(), 30))


def test_octets_pass_both_ways_and_the_length_of_a_call_is_known() -> None:
    async def scenario(relay: Relay, port: int) -> None:
        relay.lead_to(port)
        call = relay.expect()
        assert not call.is_open
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        assert not call.is_open, "nothing has passed yet"
        writer.write(SAID)
        assert await reader.readline() == ANSWERED
        assert call.is_open
        writer.close()
        await call.ended.wait()
        assert call.seconds is not None

    played(scenario)


def test_a_call_waits_for_a_gateway_that_is_being_started() -> None:
    async def scenario(relay: Relay, port: int) -> None:
        relay.lead_nowhere()
        call = relay.expect()
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(SAID)
        await writer.drain()
        assert not call.is_open
        relay.lead_to(port)
        assert await reader.readline() == ANSWERED
        assert call.is_open
        writer.close()
        await call.ended.wait()

    played(scenario)


def test_a_call_to_a_gateway_that_is_gone_ends_before_it_has_begun() -> None:
    async def scenario(relay: Relay, _port: int) -> None:
        # Bound and deaf: nobody else is given the port meanwhile.
        with socket.socket() as gone:
            gone.bind((HOST, 0))
            relay.lead_to(gone.getsockname()[1])
            call = relay.expect()
            reader, writer = await asyncio.open_connection(HOST, relay.port)
            assert await reader.read() == b""
        assert not call.began.is_set()
        assert call.seconds is None
        writer.close()

    played(scenario)


def test_it_leads_to_where_the_gateway_listens_now() -> None:
    async def scenario(relay: Relay, port: int) -> None:
        relay.lead_to(1)
        relay.lead_to(port)
        relay.expect()
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(SAID)
        assert await reader.readline() == ANSWERED
        writer.close()

    played(scenario)
