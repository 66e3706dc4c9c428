"""The places where a process answers its operators, opened and closed with it."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, cast

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorSocket, IReactorUNIX

from hw.clock import SystemWallClock
from hw.database import Store
from hw.reactor import MonotonicReactor
from rmfs_server.operations.asking import RUNNING, Door, entered
from rmfs_server.operations.process import ServerProcess
from rmfs_server.operations.web import Operating

_log = logging.getLogger(__name__)

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

    A folder that cannot be written, as in a container, keeps nobody from answering
    machines: the log says that status and drain will not find this process.

    Args:
        reactor: Runs in it.
        folder: The server's folder.
        process: Whose figures are told.
        store: The books.
        place: A TCP place that is open already, for metrics and health; or None.
    """
    operating = Operating(reactor, folder, process, store, SystemWallClock())
    if place is not None:
        cast("IReactorSocket", reactor).adoptStreamPort(
            place.fileno(), place.family, operating.site(is_owner=False)
        )
    with ExitStack() as opened:
        try:
            opened.enter_context(_door(reactor, folder, process, operating))
        except (OSError, CannotListenError) as error:
            _log.warning("status and drain will not find this process: %s", error)
        yield


@contextmanager
def _door(
    reactor: MonotonicReactor,
    folder: Path,
    process: ServerProcess,
    operating: Operating,
) -> Iterator[None]:
    (folder / RUNNING).mkdir(_OWNERS_FOLDER, exist_ok=True)
    door = Door(process.worker or 0, process.name, os.getpid())
    with entered(folder) as short:
        listening = cast("IReactorUNIX", reactor).listenUNIX(
            f"{short}/{door.file}", operating.site(is_owner=True), mode=_OWNER_ONLY
        )
        try:
            yield
        finally:
            listening.stopListening()
            (folder / RUNNING / door.file).unlink(missing_ok=True)
