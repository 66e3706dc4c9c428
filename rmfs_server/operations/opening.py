"""The places where a process answers its operators, opened and closed with it."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from twisted.internet.interfaces import IReactorSocket, IReactorUNIX

from hw.clock import SystemWallClock
from hw.database import Store
from hw.reactor import MonotonicReactor
from rmfs_server.operations.asking import RUNNING, Door, entered
from rmfs_server.operations.process import ServerProcess
from rmfs_server.operations.web import Operating

_OWNER_ONLY: Final = 0o600
_OWNERS_FOLDER: Final = 0o700


@contextmanager
def operated(
    reactor: MonotonicReactor,
    folder: Path,
    process: ServerProcess,
    store: Store,
    place: socket.socket | None,
) -> Iterator[None]:
    """Answer operators for the length of a `with` block, in which the reactor runs.

    Args:
        reactor: Runs in it.
        folder: The server's folder.
        process: Whose figures are told.
        store: The books.
        place: A TCP place that is open already, for metrics and health; or None.

    Raises:
        OSError: There is no place for a socket in the folder.
    """
    operating = Operating(reactor, folder, process, store, SystemWallClock())
    (folder / RUNNING).mkdir(_OWNERS_FOLDER, exist_ok=True)
    door = Door(process.worker or 0, process.name, os.getpid())
    with entered(folder) as short:
        listening = cast("IReactorUNIX", reactor).listenUNIX(
            f"{short}/{door.file}", operating.site(is_owner=True), mode=_OWNER_ONLY
        )
        if place is not None:
            cast("IReactorSocket", reactor).adoptStreamPort(
                place.fileno(), place.family, operating.site(is_owner=False)
            )
        try:
            yield
        finally:
            listening.stopListening()
            (folder / RUNNING / door.file).unlink(missing_ok=True)
