"""The drop over SFTP: what a maker's server does, and what an attacker tries."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from asyncssh import SFTPClient, SFTPError, SSHClientConnection, SSHKey

from dop_gateway.exchange import jobs, parties
from dop_gateway.exchange.model import PartyState
from dop_gateway.sftp.limits import DropLimits
from dop_gateway.sftp.server import DropServer, serve_drop
from protocol.keys import SigningKey
from tests.gateway_desk import Gateway, new_gateway
from tests.gateway_exchange import (
    SOURCES,
    Maker,
    add_tables,
    at,
    balance,
    by,
    let_wait,
    register,
    rows,
)

HOST = "127.0.0.1"
WITHIN_S = 120
ATTEMPTS = 10


@dataclass
class World:
    """A gateway with a drop, and makers with keys."""

    gateway: Gateway
    host_key: SSHKey
    limits: DropLimits
    keys: dict[str, SSHKey] = field(default_factory=dict)

    def add(self, maker: Maker) -> Maker:
        """Make a maker a party with an account."""
        login = f"maker-{maker.letter.lower()}"
        key = asyncssh.generate_private_key("ssh-ed25519")
        register(self.gateway, maker, login)
        with self.gateway.store.writing("test") as connection:
            line = key.export_public_key().decode("ascii").strip()
            who = by(self.gateway)
            parties.set_account(connection, maker.letter, login, line, who)
        self.keys[login] = key
        return maker

    @asynccontextmanager
    async def connect(self, server: DropServer, login: str = "maker-n") -> Any:
        """Sign in with the key of an account."""
        public = self.host_key.export_public_key().decode("ascii")
        known = asyncssh.import_known_hosts(f"[{HOST}]:{server.port} {public}")
        async with asyncssh.connect(
            HOST,
            server.port,
            username=login,
            client_keys=[self.keys[login]],
            known_hosts=known,
            config=None,
        ) as connection:
            yield connection


@pytest.fixture
def world(sqlite_url: str) -> World:
    gateway = new_gateway(sqlite_url)
    add_tables(gateway)
    found = World(gateway, asyncssh.generate_private_key("ssh-ed25519"), DropLimits())
    found.add(Maker())
    return found


@pytest.fixture
def maker() -> Maker:
    return Maker()


Act = Callable[[DropServer], Awaitable[None]]


def play(world: World, act: Act) -> None:
    """Serve the drop for as long as something is done with it."""

    async def run() -> None:
        private = world.host_key.export_private_key().decode("ascii")
        served = await serve_drop(
            world.gateway.parts,
            SOURCES,
            socket.create_server((HOST, 0)),
            host_key=private,
            limits=world.limits,
        )
        async with served, asyncio.timeout(WITHIN_S):
            await act(served)

    asyncio.run(run())


async def session(world: World, server: DropServer, stack: AsyncExitStack) -> Any:
    connection = await stack.enter_async_context(world.connect(server))
    return await stack.enter_async_context(connection.start_sftp_client())


def with_client(world: World, use: Callable[[SFTPClient], Awaitable[None]]) -> None:
    async def act(server: DropServer) -> None:
        async with AsyncExitStack() as stack:
            await use(await session(world, server, stack))

    play(world, act)


async def put(client: SFTPClient, name: str, octets: bytes) -> None:
    async with client.open(f"/from-oem/{name}.part", "wb") as file:
        await file.write(octets)
    await client.rename(f"/from-oem/{name}.part", f"/from-oem/{name}")


async def get(client: SFTPClient, name: str) -> bytes:
    async with client.open(f"/to-oem/{name}", "rb") as file:
        octets: bytes = await file.read()
    return octets


async def listed(client: SFTPClient, folder: str = "/to-oem") -> list[str]:
    return sorted(
        str(one) for one in await client.listdir(folder) if one not in {".", ".."}
    )


def open_window(world: World) -> None:
    moment = at(world.gateway, 16, 9, 30)
    jobs.make(world.gateway.parts, moment, SOURCES)


def test_a_whole_session_leaves_everything_answered(
    world: World, maker: Maker, tmp_path: Path
) -> None:
    let_wait(world.gateway, 1)
    open_window(world)

    async def use(client: SFTPClient) -> None:
        files = {}
        for name in await listed(client):
            await client.get(f"/to-oem/{name}", tmp_path / name)
            files[name] = (tmp_path / name).read_bytes()
        assert len(files) == 4
        await put(client, *maker.acknowledgement(files))
        for layout in ("credit-download", "usage"):
            await put(client, *maker.file(layout))
        name, octets = maker.file("remaining-fund", [balance("1")])
        (tmp_path / name).write_bytes(octets)
        await client.put(tmp_path / name, f"/from-oem/{name}.part")
        assert await listed(client, "/from-oem") == [f"{name}.part"]
        await client.posix_rename(f"/from-oem/{name}.part", f"/from-oem/{name}")
        assert await listed(client, "/from-oem") == []
        # The answers are there in the same session.
        answers = await listed(client)
        assert len(answers) == 3
        told = {one: await get(client, one) for one in answers}
        assert await listed(client) == answers
        await put(client, *maker.acknowledgement(told))
        assert await listed(client) == []

    with_client(world, use)
    assert rows(world.gateway, "SELECT answers FROM told") == [(1,)]
    assert rows(world.gateway, "SELECT line_id FROM applied") == [("1",)]


PATHS = [
    "/etc/passwd",
    "../../etc/passwd",
    "/to-oem/../../etc/passwd",
    "/to-oem/../../../../../../../../etc/passwd",
    "/to-oem/..%2f..%2fetc%2fpasswd",
    "/to-oem/%2e%2e/%2e%2e/etc/passwd",
    "/to-oem/fund-FND-N-000001.txt\x00/../../etc/passwd",
    "/to-oem/\u2025/etc/passwd",
    "/from-oem/../to-oem/../from-oem/../../etc/shadow",
    "/to-oem/" + "a" * 5_000,
    "/to-oem/fund-FND-N-000001.txt/x",
    "~/.ssh/authorized_keys",
    "\\..\\..\\etc\\passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out(world: World, path: str) -> None:
    open_window(world)

    async def use(client: SFTPClient) -> None:
        for attempt in (
            client.stat(path),
            client.lstat(path),
            client.open(path, "rb"),
            client.open(path, "wb"),
            client.open(f"{path}.part", "wb"),
            client.listdir(path),
            client.remove(path),
            client.rename(path, "/from-oem/usage-US-N-000001.txt"),
        ):
            with pytest.raises(SFTPError):
                await attempt
        assert await listed(client, "/") == ["from-oem", "to-oem"]

    with_client(world, use)


def test_a_path_is_put_in_order_within_the_two_folders(world: World) -> None:
    open_window(world)

    async def use(client: SFTPClient) -> None:
        assert await client.realpath("/to-oem/../from-oem/./x") == "/from-oem/x"
        assert await client.realpath("../../..") == "/"
        around = "/from-oem/../to-oem//fund-FND-N-000001.txt"
        assert (await client.stat(around)).size == (
            await client.stat("to-oem/fund-FND-N-000001.txt")
        ).size

    with_client(world, use)


def test_what_a_drop_does_not_know_is_refused(world: World) -> None:
    open_window(world)
    ours = "/to-oem/fund-FND-N-000001.txt"

    async def use(client: SFTPClient) -> None:
        await _part(client, "/from-oem/usage-US-N-000001.txt.part")
        part = "/from-oem/usage-US-N-000001.txt.part"
        for attempt in (
            client.symlink("/etc/passwd", "/from-oem/usage-US-N-000009.txt.part"),
            client.symlink("/", "/to-oem/root"),
            client.link(ours, "/from-oem/usage-US-N-000009.txt.part"),
            client.readlink(ours),
            client.mkdir("/from-oem/x"),
            client.mkdir("/x"),
            client.rmdir("/to-oem"),
            client.chmod(ours, 0o777),
            client.chown(part, 0, 0),
            client.utime(part, (0, 0)),
            client.truncate(part, 0),
            client.statvfs("/"),
            client.remove(ours),
            client.rename(ours, "/from-oem/usage-US-N-000001.txt"),
            client.rename(part, "/to-oem/usage-US-N-000001.txt"),
            client.rename(part, "/from-oem/usage-US-N-000002.txt"),
            client.posix_rename(part, ours),
            client.open(ours, "wb"),
            client.open(ours, "ab"),
            client.open(ours, "r+b"),
            client.open(part, "rb"),
            client.open(part, "ab"),
            client.open("/from-oem/usage-US-N-000001.txt", "wb"),
            client.open("/from-oem/notes.txt.part", "wb"),
            client.open("/from-oem", "wb"),
            client.open("/from-oem/.part", "wb"),
        ):
            with pytest.raises(SFTPError):
                await attempt
        await client.remove(part)
        assert await listed(client, "/from-oem") == []

    with_client(world, use)


async def _part(client: SFTPClient, path: str, octets: bytes = b"H|") -> None:
    async with client.open(path, "wb") as file:
        await file.write(octets)


def test_nobody_sees_what_is_another_makers(world: World, maker: Maker) -> None:
    world.add(Maker("P", SigningKey((12).to_bytes(32, "big")), "oem-p-1"))
    open_window(world)

    async def act(server: DropServer) -> None:
        async with (
            world.connect(server) as one,
            world.connect(server, "maker-p") as two,
            one.start_sftp_client() as ours,
            two.start_sftp_client() as theirs,
        ):
            await _part(theirs, "/from-oem/usage-US-P-000001.txt.part")
            assert not set(await listed(ours)) & set(await listed(theirs))
            assert await listed(ours, "/from-oem") == []
            for name in await listed(theirs):
                with pytest.raises(SFTPError):
                    await get(ours, name)
            with pytest.raises(SFTPError):
                await ours.rename(
                    "/from-oem/usage-US-P-000001.txt.part",
                    "/from-oem/usage-US-P-000001.txt",
                )
            # What a maker hands over under its own account is its own, whoever signed.
            await put(theirs, *maker.file("usage"))

    play(world, act)
    assert rows(
        world.gateway,
        "SELECT party, state, code FROM exchange_file WHERE direction = 'IN'",
    ) == [("P", "REFUSED", "EXC-01-003")]


def test_a_half_written_file_is_nothing(world: World, maker: Maker) -> None:
    name, octets = maker.file("usage")

    async def act(server: DropServer) -> None:
        async with AsyncExitStack() as stack:
            client = await session(world, server, stack)
            await _part(client, f"/from-oem/{name}.part", octets[:20])
        async with AsyncExitStack() as stack:
            client = await session(world, server, stack)
            assert await listed(client, "/from-oem") == []
            with pytest.raises(SFTPError):
                await client.rename(f"/from-oem/{name}.part", f"/from-oem/{name}")
            # Handed over in half it is refused, and the whole one is taken.
            await put(client, name, octets[: len(octets) // 4])
            await put(client, name, octets)

    play(world, act)
    assert rows(
        world.gateway, "SELECT state, code FROM exchange_file WHERE direction = 'IN'"
    ) == [("REFUSED", "EXC-01-001"), ("APPLIED", "")]


def test_a_file_is_not_replaced_over_sftp(world: World, maker: Maker) -> None:
    name, octets = maker.file("remaining-fund", [balance("1")])
    _, other = maker.file("remaining-fund", [balance("7")], sequence=1)

    async def use(client: SFTPClient) -> None:
        await put(client, name, octets)
        (answer,) = await listed(client)
        await get(client, answer)
        # It was acknowledged: other octets under its name are refused at once.
        for rename in (client.rename, client.posix_rename):
            await _part(client, f"/from-oem/{name}.part", other)
            with pytest.raises(SFTPError, match="EXC-02-007"):
                await rename(f"/from-oem/{name}.part", f"/from-oem/{name}")
        await put(client, name, octets)

    with_client(world, use)
    assert rows(world.gateway, "SELECT line_id FROM applied") == [("1",)]
    assert rows(world.gateway, "SELECT kind FROM incident") == [("FILE_REPLACED",)]


def test_a_file_that_is_too_large_is_stopped_while_it_is_written(
    world: World,
) -> None:
    octets_max = world.gateway.parts.exchange.layouts["remaining-fund"].octets_max
    path = "/from-oem/remaining-fund-RF-N-000001.txt.part"

    async def use(client: SFTPClient) -> None:
        async with client.open(path, "wb") as file:
            await file.write(b"x", octets_max - 1)
            with pytest.raises(SFTPError, match="may have"):
                await file.write(b"x", octets_max)
            with pytest.raises(SFTPError):
                await file.write(b"x", 2**62)
        assert (await client.stat(path)).size == octets_max

    with_client(world, use)


def test_handles_parts_and_octets_are_bounded(world: World) -> None:
    world.limits = DropLimits(handles_max=6, parts_max=4, octets_max=10_000)
    open_window(world)

    async def use(client: SFTPClient) -> None:
        opened = [
            await client.open("/to-oem/fund-FND-N-000001.txt", "rb") for _ in range(6)
        ]
        with pytest.raises(SFTPError, match="6 open"):
            await client.open("/to-oem/fund-FND-N-000001.txt", "rb")
        with pytest.raises(SFTPError, match="6 open"):
            await client.listdir("/to-oem")
        for file in opened:
            await file.close()
        for number in range(4):
            await _part(client, f"/from-oem/usage-US-N-{number}.txt.part", b"x" * 2_000)
        with pytest.raises(SFTPError, match="4 half-written"):
            await _part(client, "/from-oem/usage-US-N-9.txt.part")
        with pytest.raises(SFTPError, match="10,000 octets"):
            await _part(client, "/from-oem/usage-US-N-0.txt.part", b"x" * 5_000)
        # Closed listings count no more.
        for _ in range(20):
            assert len(await listed(client)) == 4

    with_client(world, use)


def test_a_file_that_was_not_read_whole_is_not_taken(world: World) -> None:
    open_window(world)
    path = "/to-oem/fund-FND-N-000001.txt"

    async def use(client: SFTPClient) -> None:
        async with client.open(path, "rb") as file:
            await file.read(10)
            await file.read(10, 60)
        assert rows(world.gateway, "SELECT DISTINCT state FROM exchange_file") == [
            ("OFFERED",)
        ]
        async with client.open(path, "rb", block_size=7) as file:
            await file.read()
        assert rows(
            world.gateway, "SELECT name FROM exchange_file WHERE state = 'TAKEN'"
        ) == [("fund-FND-N-000001.txt",)]

    with_client(world, use)


async def _refused(attempt: Awaitable[Any]) -> None:
    with pytest.raises((asyncssh.Error, asyncssh.ChannelListenError, OSError)):
        await attempt


def test_there_is_sftp_and_nothing_else(world: World) -> None:
    async def act(server: DropServer) -> None:
        async with world.connect(server) as client:
            connection: SSHClientConnection = client
            await _refused(connection.run("id", check=True))
            await _refused(connection.create_process())
            await _refused(connection.create_process(term_type="xterm"))
            await _refused(connection.open_connection(HOST, server.port))
            await _refused(connection.open_unix_connection("/run/x"))
            await _refused(connection.start_server(lambda *_: None, "", 0))
            await _refused(connection.create_process(subsystem="netconf"))
            await _refused(asyncssh.scp((connection, "/to-oem"), "/nowhere"))

    play(world, act)


def test_only_the_key_of_an_account_opens_it(world: World) -> None:
    world.add(Maker("P", SigningKey((12).to_bytes(32, "big")), "oem-p-1"))
    stranger = asyncssh.generate_private_key("ssh-ed25519")

    async def act(server: DropServer) -> None:
        async def sign_in(login: str, **how: Any) -> None:
            await asyncssh.connect(
                HOST, server.port, username=login, known_hosts=None, config=None, **how
            )

        await _refused(sign_in("maker-n", client_keys=[stranger]))
        await _refused(sign_in("maker-n", client_keys=[world.keys["maker-p"]]))
        await _refused(sign_in("root", client_keys=[world.keys["maker-n"]]))
        await _refused(sign_in("maker-n", client_keys=None, password=""))
        async with world.connect(server) as connection:
            assert connection is not None
        world_gateway = world.gateway
        with world_gateway.store.writing("test") as books:
            who = by(world_gateway)
            parties.set_state(books, "N", PartyState.CLOSED, who)
        await _refused(sign_in("maker-n", client_keys=[world.keys["maker-n"]]))

    play(world, act)


def test_connections_are_bounded(world: World) -> None:
    world.limits = DropLimits(connections_max=3, connections_of_one_max=2)

    async def act(server: DropServer) -> None:
        async with AsyncExitStack() as stack:
            await session(world, server, stack)
            await session(world, server, stack)
            await _refused(session(world, server, stack))

    play(world, act)


def test_an_idle_connection_is_ended_and_its_place_is_free(world: World) -> None:
    world.limits = DropLimits(connections_of_one_max=1, idle_s=1)

    async def act(server: DropServer) -> None:
        async with world.connect(server) as connection:
            # Nothing is asked for.
            await connection.wait_closed()
        for _ in range(ATTEMPTS):
            # On a busy computer a second may pass before anything is asked for.
            with suppress(asyncssh.Error, OSError):
                async with AsyncExitStack() as stack:
                    client = await session(world, server, stack)
                    assert await listed(client) == []
                    return
        raise AssertionError("there is no place")

    play(world, act)


def test_a_session_too_many_of_a_connection_is_refused(world: World) -> None:
    async def act(server: DropServer) -> None:
        async with world.connect(server) as connection:
            clients = [await connection.start_sftp_client() for _ in range(2)]
            await _refused(connection.start_sftp_client())
            assert await listed(clients[0]) == []
            # Another one's end makes room.
            clients[1].exit()
            await clients[1].wait_closed()
            assert await listed(await connection.start_sftp_client()) == []

    play(world, act)
