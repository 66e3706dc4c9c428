"""The SFTP server of the drop: who gets in, and what a connection may do.

One account for each party, by its public key alone. There is SFTP, and nothing else: no
shell, no command, no other subsystem, no forwarding, no terminal, no agent. A
connection that takes too much, or on which nothing happens, is ended.
"""

import asyncio
import socket
from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, cast

import asyncssh
from asyncssh import (
    DISC_TOO_MANY_CONNECTIONS,
    SSHAcceptor,
    SSHKey,
    SSHServer,
    SSHServerChannel,
    SSHServerConnection,
)
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from dop_gateway.exchange import party_store
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.sources import Sources
from dop_gateway.parts import Parts
from dop_gateway.sftp.limits import DropLimits
from dop_gateway.sftp.session import DropSession
from protocol.errors import RmfsError

_THREADS: Final = 8
_KEEPALIVE_S: Final = 30
_KEEPALIVES_MAX: Final = 4
_VERSION: Final = 3
_SESSIONS_MAX: Final = 2
"""SFTP sessions of one connection."""


@dataclass
class _Clients:
    """Who is connected."""

    limits: DropLimits
    connections: int = 0
    by_login: Counter[str] = field(default_factory=Counter)


class DropServer:
    """The drop, while it is served.

    Attributes:
        port: Where it listens.
    """

    def __init__(
        self, acceptor: SSHAcceptor, threads: ThreadPoolExecutor, port: int
    ) -> None:
        """Hold what `serve_drop` has begun."""
        self.port = port
        self._acceptor = acceptor
        self._threads = threads

    async def __aenter__(self) -> Self:
        """Serve within a block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End: connections are closed, and what runs in a thread is waited for."""
        self._acceptor.close()
        await self._acceptor.wait_closed()
        self._threads.shutdown(wait=True)


async def serve_drop(
    parts: Parts,
    sources: Sources,
    at: socket.socket,
    *,
    host_key: str,
    limits: DropLimits | None = None,
) -> DropServer:
    """Begin to serve the drop.

    Args:
        parts: The gateway.
        sources: Who applies what comes.
        at: A socket that listens; it belongs to the server from now on.
        host_key: Private key of the server, as OpenSSH writes it.
        limits: What clients may take up.

    Raises:
        RmfsError: The key is none.
    """
    limits = limits or DropLimits()
    threads = ThreadPoolExecutor(_THREADS, "drop")
    clients = _Clients(limits)
    try:
        key = asyncssh.import_private_key(host_key)
        acceptor = await asyncssh.listen(
            sock=at,
            server_factory=lambda: _Server(parts, sources, clients, threads),
            server_host_keys=[key],
            server_version="rmfs",
            config=None,
            encoding=None,
            allow_pty=False,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            public_key_auth=True,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_auth=False,
            gss_kex=False,
            compression_algs=["none"],
            login_timeout=limits.login_s,
            keepalive_interval=_KEEPALIVE_S,
            keepalive_count_max=_KEEPALIVES_MAX,
        )
    except asyncssh.KeyImportError as error:
        threads.shutdown()
        raise RmfsError(f"the host key of the drop is none: {error}") from error
    return DropServer(acceptor, threads, acceptor.get_port())


class _Server(SSHServer):
    """One connection, from its first octet on."""

    def __init__(
        self, parts: Parts, sources: Sources, clients: _Clients, threads: Executor
    ) -> None:
        self._parts = parts
        self._sources = sources
        self._clients = clients
        self._threads = threads
        self._connection: SSHServerConnection | None = None
        self._login = ""
        self._party = ""
        self._is_counted = False
        self._sessions = 0
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, conn: SSHServerConnection) -> None:
        """Count it, or end it at once."""
        self._connection = conn
        self._clients.connections += 1
        if self._clients.connections > self._clients.limits.connections_max:
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        _ = exc
        self._clients.connections -= 1
        if self._is_counted:
            self._clients.by_login[self._login] -= 1
        if self._idle is not None:
            self._idle.cancel()

    def begin_auth(self, username: str) -> bool:
        """Ask everybody for a key."""
        self._login = username
        return True

    def public_key_auth_supported(self) -> bool:
        """Take keys, and nothing else."""
        return True

    async def validate_public_key(self, username: str, key: SSHKey) -> bool:
        """Know the one key of an account."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._party_of, username, key)
        self._party = found or ""
        return found is not None

    def auth_completed(self) -> None:
        """Count the account's connections, and end one that is too many."""
        of_one = self._clients.by_login
        of_one[self._login] += 1
        self._is_counted = True
        limits = self._clients.limits
        if self._connection is not None:
            if of_one[self._login] > limits.connections_of_one_max:
                words = f"{limits.connections_of_one_max} connections are enough"
                self._connection.disconnect(DISC_TOO_MANY_CONNECTIONS, words)
            self.seen()

    def seen(self) -> None:
        """Begin to wait anew: something is asked for."""
        if self._idle is not None:
            self._idle.cancel()
        if self._connection is not None:
            loop = asyncio.get_running_loop()
            idle_s = self._clients.limits.idle_s
            self._idle = loop.call_later(idle_s, self._connection.close)

    def session_requested(self) -> "bool | _Session":
        """Open a channel for SFTP, unless the connection has enough of them."""
        if self._sessions >= _SESSIONS_MAX:
            return False
        self._sessions += 1
        return _Session(self)

    def session_ended(self) -> None:
        """Forget a channel."""
        self._sessions -= 1

    def serve_sftp(self, of: "SSHChannel[bytes]") -> DropSession:
        """Begin to serve SFTP in a channel."""
        channel = cast("SSHServerChannel[bytes]", of)
        session = f"sftp:{self._login}"
        drop = Drop(self._parts, self._sources, self._party, session)
        limits = self._clients.limits
        return DropSession(channel, drop, limits, self._threads, self.seen)

    def _party_of(self, login: str, key: SSHKey) -> str | None:
        with self._parts.store.reading() as connection:
            account = party_store.account_of(connection, login)
        if account is None:
            return None
        try:
            known = asyncssh.import_public_key(account.key)
        except asyncssh.KeyImportError:
            return None
        same = known.public_data == key.public_data
        return account.party if same else None


class _Session(SSHServerStreamSession[bytes]):
    """One channel: SFTP, and no shell or command."""

    def __init__(self, server: _Server) -> None:
        super().__init__(None, server.serve_sftp, _VERSION, allow_scp=False)
        self._server = server

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the channel."""
        self._server.session_ended()
        super().connection_lost(exc)
