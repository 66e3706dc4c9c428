"""The Department's drop over SFTP (SSH, version 3 of the file protocol).

- Its host key is pinned: one key is believed, whoever answers at the address.
- We log in with an Ed25519 key of our own; no password, no agent, no forwarding, and no
  configuration of the account that runs this.
- Every step has a time-out; names and octets are bounded.
- What is handed over grows under another name and is renamed when it is whole.

The session is plain code that waits: this runs a loop of its own for it.

Source: asyncssh's documentation; draft-ietf-secsh-filexfer-02, section 6.5 (rename).
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import asyncssh

from rmfs_server.exchange.remote import NAMES_MAX, PART, RemoteError

STEP_S_MAX: Final = 60.0
"""An answer of the server; a file of 128 MiB goes in steps."""
CONNECT_S_MAX: Final = 20.0
CHUNK_OCTETS: Final = 256 * 1024
WAITS_S: Final = (1.0, 5.0)
"""Before the second and the third attempt to connect."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Where the drop is, and who we are there.

    Attributes:
        host_key: Of the Department's server, as ``ssh-ed25519 AAAA...``.
        client_key: Our private key, as OpenSSH writes it.
        to_us: Folder of what the Department lays out.
        from_us: Folder of what is handed over.
    """

    host: str
    port: int
    user: str
    host_key: str
    client_key: bytes
    to_us: str = "/to-oem"
    from_us: str = "/from-oem"


class SftpRemote:
    """A `Remote`, connected within a `with` block."""

    def __init__(
        self,
        address: SftpAddress,
        *,
        waits_s: Sequence[float] = WAITS_S,
        step_s_max: float = STEP_S_MAX,
    ) -> None:
        """Prepare a connection.

        Args:
            address: Where.
            waits_s: Before each further attempt to connect.
            step_s_max: Longest time in which a step may not get on.
        """
        self._address = address
        self._waits_s = tuple(waits_s)
        self._step_s_max = step_s_max
        self._runner = asyncio.Runner()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._gets_on = False

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            RemoteError: The server cannot be reached, shows another host key, or does
                not let us in.
        """
        with ExitStack() as opened:
            opened.callback(self._runner.close)
            self._runner.run(self._connect())
            opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        try:
            self._runner.run(self._hang_up())
        finally:
            self._runner.close()

    def names(self) -> Sequence[str]:
        """Name the files that are laid out for us."""
        return self._do(self._names(), f"list {self._address.to_us}")

    def read(self, name: str, octets_max: int) -> bytes:
        """Read a file; of one that is larger, one octet more than may be."""
        return self._do(self._read(name, octets_max), f"read {name}")

    def write(self, name: str, octets: bytes) -> None:
        """Hand a file over."""
        self._do(self._write(name, octets), f"hand {name} over")

    def _do(self, step: Coroutine[Any, Any, T], words: str) -> T:
        try:
            return self._runner.run(self._watched(step))
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise RemoteError(f"could not {words}: {_said(error)}") from error

    async def _watched(self, step: Coroutine[Any, Any, T]) -> T:
        """Wait for a step as long as it gets on; one that stands is hung up on.

        Raises:
            TimeoutError: Nothing came for too long.
        """
        task = asyncio.create_task(step)
        while True:
            self._gets_on = False
            done, _ = await asyncio.wait({task}, timeout=self._step_s_max)
            if done:
                return task.result()
            if not self._gets_on:
                break
        # What is cancelled still asks the server to close its file: nobody answers.
        if self._connection is not None:
            self._connection.abort()
        task.cancel()
        await asyncio.wait({task}, timeout=self._step_s_max)
        raise TimeoutError

    async def _connect(self) -> None:
        address = self._address
        waits_s = iter(self._waits_s)
        while True:
            try:
                await self._try_to_connect()
            except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied) as error:
                # To try again helps nobody, and may lock us out.
                raise RemoteError(
                    f"{address.host} port {address.port}: {_said(error)}: look at "
                    "exchange.toml, and ask the Department which keys it knows"
                ) from error
            except (OSError, asyncssh.Error, TimeoutError) as error:
                wait_s = next(waits_s, None)
                if wait_s is None:
                    message = f"{address.host} port {address.port}: {_said(error)}"
                    raise RemoteError(message) from error
                await asyncio.sleep(wait_s)
            else:
                return

    async def _try_to_connect(self) -> None:
        address = self._address
        known = asyncssh.import_public_key(address.host_key)
        async with asyncio.timeout(2 * CONNECT_S_MAX):
            connection = await asyncssh.connect(
                address.host,
                address.port,
                username=address.user,
                client_keys=[asyncssh.import_private_key(address.client_key)],
                known_hosts=([known], [], []),
                config=None,
                agent_path=None,
                preferred_auth="publickey",
                gss_auth=False,
                gss_kex=False,
                connect_timeout=CONNECT_S_MAX,
                login_timeout=CONNECT_S_MAX,
            )
            self._connection = connection
            self._client = await connection.start_sftp_client()

    async def _hang_up(self) -> None:
        if self._client is not None:
            self._client.exit()
        if self._connection is not None:
            self._connection.close()
            with suppress(TimeoutError, OSError, asyncssh.Error):
                async with asyncio.timeout(self._step_s_max):
                    await self._connection.wait_closed()

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        if self._client is None:
            raise RemoteError("not connected to the Department's server")
        return self._client

    async def _names(self) -> list[str]:
        found: list[str] = []
        async for entry in self._sftp.scandir(self._address.to_us):
            self._gets_on = True
            kind = entry.attrs.type
            regular = kind in {
                asyncssh.FILEXFER_TYPE_REGULAR,
                asyncssh.FILEXFER_TYPE_UNKNOWN,
            }
            name = entry.filename
            if regular and isinstance(name, str) and "/" not in name:
                found.append(name)
            if len(found) >= NAMES_MAX:
                break
        return found

    async def _read(self, name: str, octets_max: int) -> bytes:
        path = f"{self._address.to_us}/{name}"
        octets = bytearray()
        opened: Any = self._sftp.open(path, "rb")
        async with opened as file:
            while len(octets) <= octets_max:
                wanted = min(CHUNK_OCTETS, octets_max + 1 - len(octets))
                piece = await file.read(wanted)
                self._gets_on = True
                if not piece:
                    break
                octets += piece
        return bytes(octets)

    async def _write(self, name: str, octets: bytes) -> None:
        path = f"{self._address.from_us}/{name}"
        part = f"{path}{PART}"
        async with self._sftp.open(part, "wb") as file:
            for start in range(0, len(octets), CHUNK_OCTETS):
                await file.write(octets[start : start + CHUNK_OCTETS])
                self._gets_on = True
        try:
            await self._sftp.rename(part, path)
        except asyncssh.SFTPError:
            # A server of version 3 renames over nothing. If the same file lies
            # there, an earlier session has handed it over and did not hear so.
            if not await self._lies_there(path, octets):
                raise
            await self._sftp.remove(part)

    async def _lies_there(self, path: str, octets: bytes) -> bool:
        try:
            opened: Any = self._sftp.open(path, "rb")
            async with opened as file:
                return bool(await file.read(len(octets) + 1) == octets)
        except asyncssh.SFTPError:
            return False


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
