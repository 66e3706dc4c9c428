"""Fetch what stands at a bank, over SFTP: nothing there is changed.

- The server is known by its one host key, we by ours; nothing else is tried.
- What is half written is left alone: a bank writes ``NAME.part`` and renames it, which
  no layout names; a file that grew while it was read is left for the next time.
- A file that was fetched is remembered by name, size and time, and not read again. One
  of these changed: it is read again, and its content tells.
- Everything is bounded: names in the folder, files of a run, octets of each and of all,
  the time of each step and of the whole.

Source: RMFS-14; draft-ietf-secsh-filexfer-02 (SFTP 3), as OpenSSH speaks it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncssh

from dop_gateway.bank.model import Address
from dop_gateway.bank.taking import Delivered
from dop_gateway.errors import GatewayError
from protocol.values import EpochSeconds

STEP_S_MAX: Final = 30
"""Until the line is there; until somebody is signed in."""
RUN_S_MAX: Final = 600
NAMES_MAX: Final = 20_000
FILES_MAX: Final = 100
"""More are fetched at the next run."""
OCTETS_MAX: Final = 256 * 1024 * 1024
_PIECE_OCTETS: Final = 256 * 1024


class BankUnreachableError(GatewayError):
    """A bank's server does not do as it should; nothing was taken in this run."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A file as a listing of the folder has it."""

    name: str
    octet_count: int
    modified_at: EpochSeconds


Wanted = Callable[[Standing], int | None]
"""Says how many octets of a file are read at most; None: it is not read."""


def fetch(address: Address, ssh_key: str, wanted: Wanted) -> list[Delivered]:
    """Fetch the files that are wanted, in the order of their names.

    Args:
        address: Of the bank.
        ssh_key: Our private key, as OpenSSH writes it.
        wanted: Asked for every file of the folder.

    Raises:
        BankUnreachableError: It says what failed, and what to do.
    """
    try:
        return asyncio.run(_in_time(address, ssh_key, wanted))
    except asyncssh.HostKeyNotVerifiable as error:
        words = "has another host key than is registered: ask the bank why"
        raise _unreachable(address, words) from error
    except asyncssh.PermissionDenied as error:
        words = f"does not let {address.user} in with our key: register it there"
        raise _unreachable(address, words) from error
    except asyncssh.KeyImportError as error:
        raise _unreachable(address, f"cannot be asked: {error}") from error
    except asyncssh.SFTPError as error:
        words = f"has no folder {address.folder} for us, or does not show it"
        raise _unreachable(address, f"{words} ({error.reason})") from error
    except (asyncssh.Error, OSError, TimeoutError) as error:
        words = f"does not answer as it should ({type(error).__name__})"
        raise _unreachable(address, f"{words}: is it up?") from error


async def _in_time(address: Address, ssh_key: str, wanted: Wanted) -> list[Delivered]:
    async with asyncio.timeout(RUN_S_MAX):
        return await _fetch(address, ssh_key, wanted)


async def _fetch(address: Address, ssh_key: str, wanted: Wanted) -> list[Delivered]:
    async with (
        asyncssh.connect(
            address.host,
            address.port,
            # Nothing of the computer that this runs on: no agent, no settings.
            config=None,
            agent_path=None,
            username=address.user,
            client_keys=[asyncssh.import_private_key(ssh_key)],
            known_hosts=([asyncssh.import_public_key(address.host_key)], [], []),
            preferred_auth="publickey",
            connect_timeout=STEP_S_MAX,
            login_timeout=STEP_S_MAX,
        ) as line,
        line.start_sftp_client() as sftp,
    ):
        found = await _list(sftp, address.folder)
        fetched: list[Delivered] = []
        room = OCTETS_MAX
        for one in sorted(found, key=lambda one: one.name):
            most = wanted(one)
            if most is None:
                continue
            if len(fetched) == FILES_MAX or room < min(most, one.octet_count):
                break
            octets = await _read(sftp, address.folder, one, most)
            if octets is not None:
                fetched.append(Delivered(one.name, octets, one.modified_at))
                room -= len(octets)
        return fetched


async def _list(sftp: asyncssh.SFTPClient, folder: str) -> list[Standing]:
    found = []
    seen = 0
    async for entry in sftp.scandir(folder):
        seen += 1
        if seen > NAMES_MAX:
            words = f"{folder} holds more than {NAMES_MAX} names: have it cleared"
            raise BankUnreachableError(words)
        attrs = entry.attrs
        if attrs.type != asyncssh.FILEXFER_TYPE_REGULAR:
            continue
        name = entry.filename
        text = name if isinstance(name, str) else name.decode("utf-8", "replace")
        standing = Standing(text, attrs.size or 0, EpochSeconds(attrs.mtime or 0))
        found.append(standing)
    return found


async def _read(
    sftp: asyncssh.SFTPClient, folder: str, one: Standing, most: int
) -> bytes | None:
    """Read a file; what is longer than it may be is read one octet too far.

    Returns:
        None if it changed meanwhile.
    """
    pieces: list[bytes] = []
    count = 0
    async with sftp.open(f"{folder.rstrip('/') or ''}/{one.name}", "rb") as file:
        while count <= most:
            piece = await file.read(min(_PIECE_OCTETS, most + 1 - count))
            if not piece:
                break
            octets = piece.encode() if isinstance(piece, str) else piece
            pieces.append(octets)
            count += len(octets)
        after = await file.stat()
    grown = after.size != one.octet_count or after.mtime != one.modified_at
    return None if grown else b"".join(pieces)


def _unreachable(address: Address, words: str) -> BankUnreachableError:
    return BankUnreachableError(f"{address.host}:{address.port} {words}")
