"""The SFTP server of a simulated bank: one account, one folder, nothing but reading."""

import asyncio
import signal
from collections.abc import Callable
from functools import partial
from typing import Final, NoReturn

import asyncssh

from dop_gateway.simulators.bank_folder import (
    GATEWAY_PUBLIC,
    HOST_KEY,
    BankFolder,
)
from protocol.errors import RmfsError

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_bank(
    bank: BankFolder, host: str, port: int, listening: Callable[[str], None]
) -> None:
    """Serve until a signal ends it.

    Args:
        bank: Whose files may be fetched.
        host: Where it listens.
        port: 0 for one that is free.
        listening: Told host and port, once it is listening.

    Raises:
        RmfsError: The port cannot be opened.
    """
    try:
        asyncio.run(_serve(bank, host, port, listening))
    except OSError as error:
        raise RmfsError(
            f"port {port} of {host} cannot be opened ({error.strerror}): choose "
            "another, or 0 for one that is free"
        ) from error


async def listen(bank: BankFolder, host: str, port: int) -> asyncssh.SSHAcceptor:
    """Begin to serve in a loop that runs."""
    return await asyncssh.listen(
        host,
        port,
        config=None,
        server_factory=partial(_Door, bank),
        server_host_keys=[str(bank.folder / HOST_KEY)],
        sftp_factory=partial(_ReadOnly, chroot=bytes(bank.out)),
        allow_scp=False,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=30,
    )


async def _serve(
    bank: BankFolder, host: str, port: int, listening: Callable[[str], None]
) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in _SIGNALS:
        loop.add_signal_handler(one, over.set)
    async with await listen(bank, host, port) as acceptor:
        listening(f"{host}:{acceptor.get_port()}")
        await over.wait()


class _Door(asyncssh.SSHServer):
    """Lets the gateway in, by its key; it may be registered while the server runs."""

    def __init__(self, bank: BankFolder) -> None:
        self._bank = bank

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        if username != self._bank.settings.login:
            return False
        try:
            known = asyncssh.read_public_key(self._bank.folder / GATEWAY_PUBLIC)
        except (OSError, asyncssh.KeyImportError):
            return False
        return known.public_data == key.public_data


class _ReadOnly(asyncssh.SFTPServer):
    """The folder `out`, from which is read only."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            _refuse()
        return super().open(path, pflags, attrs)

    def open56(
        self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs
    ) -> object:
        _refuse()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refuse()

    def rmdir(self, path: bytes) -> None:
        _refuse()

    def remove(self, path: bytes) -> None:
        _refuse()

    def rename(self, oldpath: bytes, newpath: bytes, flags: int = 0) -> None:
        _refuse()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        _refuse()

    def setstat(
        self, path: bytes, attrs: asyncssh.SFTPAttrs, *, follow_symlinks: bool = True
    ) -> None:
        _refuse()

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        _refuse()

    def link(
        self, oldpath: bytes, newpath: bytes, *, follow_symlinks: bool = True
    ) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("this bank's folder is read only")
