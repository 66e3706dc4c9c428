"""An SFTP server on loopback over a plain folder: the Department's, for one maker.

It runs in a thread with a loop of its own, as another program would.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

USER = "oem-n"


@dataclass(frozen=True, slots=True)
class SftpFolder:
    """A server that runs.

    Attributes:
        folder: What a client sees as its root: to-oem and from-oem.
        host_key: Its public key.
    """

    folder: Path
    port: int
    host_key: str


class _Server(asyncssh.SSHServer):
    def __init__(self, allowed: bytes) -> None:
        self._allowed = asyncssh.import_public_key(allowed)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._allowed


@contextmanager
def sftp_folder(
    folder: Path,
    client_key: bytes,
    *,
    files: Callable[[Any], asyncssh.SFTPServer] | None = None,
) -> Iterator[SftpFolder]:
    """Serve a folder to whoever has the key.

    Args:
        folder: It gets to-oem and from-oem.
        client_key: Public key of the client, as OpenSSH writes it.
        files: Makes what stands between the client and the folder.
    """
    for name in ("to-oem", "from-oem"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    root = str(folder).encode()
    loop = asyncio.new_event_loop()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Server(client_key),
            server_host_keys=[host_key],
            sftp_factory=files
            or (lambda channel: asyncssh.SFTPServer(channel, chroot=root)),
        )

    async def close(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
        public = host_key.export_public_key().decode().strip()
        yield SftpFolder(folder, acceptor.get_port(), public)
        asyncio.run_coroutine_threadsafe(close(acceptor), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
